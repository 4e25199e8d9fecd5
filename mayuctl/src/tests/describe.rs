use super::fake::{Fake, State};
use super::get::{DISK, rack};
use super::*;

#[tokio::test]
async fn a_node_is_described_in_sections() {
    let full = Node {
        inventory_json: DISK.into(),
        hold: "disk swap".into(),
        reason: "the installer is writing the image".into(),
        uuid: "00000000-0000-4000-8000-000000000001".into(),
        tags: [("rack".into(), "r1".into())].into(),
        versions: [("kernel".into(), "6.1.0".into())].into(),
        ..installing("node1")
    };
    let fake = Fake::serve(State { nodes: vec![full], boots: inform::boots(), ..State::default() });
    let described = mayuctl(&fake, "describe node node1").await;
    insta::assert_snapshot!(described, @r"
    Name:        node1
    Id:          00000000-0000-4000-8000-000000000001
    MACs:        52:54:00:00:00:01
    UUID:        00000000-0000-4000-8000-000000000001
    Serial:      -
    Address:     10.77.0.11
    Machine:     x86_64, uefi
    Group:       default
    Profile:     debian
    First seen:  2026-01-02T02:59:05Z
    Last seen:   2026-01-02T03:04:03Z
    Revision:    0

    State
      Now:         installing for 60s, since 2026-01-02T03:03:05Z
      Why:         the installer is writing the image
      Held:        disk swap
      Generation:  1 wanted, 0 installed
      Tries:       1 of this generation, 1 installation in all
      Progress:    write, 42.0 MiB of 100.0 MiB (42%)
      Last step:   claim

    Labels
      KEY   VALUE     TRUST
      mac   52:54:00  observed
      rack  r1        operator

    Tags
      rack=r1

    Versions
      kernel=6.1.0

    Hardware
      Model:   QEMU Q35
      CPUs:    2
      Memory:  2.0 GiB
      DISK  SIZE      TRANSPORT  SERIAL  WWN  PATH              MODEL
      vda   10.0 GiB  virtio     S1      -    pci-0000:00:04.0  -
      NIC   MAC                DRIVER      CARRIER
      eth0  52:54:00:00:00:01  virtio_net  up

    Last boot (2 known)
      boot b2, 2026-01-02T03:02:25Z, 3 steps
         +0.000s  dhcp    10.77.0.11, UEFI x86-64
         +1.250s  loader  snponly.efi, 287 kB
        +12.003s  claim
    exit 0
    ");
    assert_eq!(mayuctl(&fake, "status node1").await, described);
}

#[tokio::test]
async fn a_node_seen_for_the_first_time_is_described_without_empty_sections() {
    let fake = Fake::with(rack());
    insta::assert_snapshot!(mayuctl(&fake, "status 525400000004").await, @r"
    Name:        525400000004
    Id:          525400000004
    MACs:        -
    UUID:        -
    Serial:      -
    Address:     -
    Machine:     -
    Group:       -
    Profile:     -
    First seen:  never
    Last seen:   never
    Revision:    0

    State
      Now:         unknown
      Why:         -
      Generation:  0 wanted, 0 installed
      Tries:       0 of this generation, 0 installations in all
    exit 0
    ");
}
