use proptest::prelude::*;

use super::*;

const ALIAS: &str = "# Aliases extracted from modules themselves.
alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci
alias virtio:d00000002v* virtio_blk
alias virtio:d00000001v* virtio_net
alias crypto-crc32c crc32c_generic
alias dmi*:svnLENOVO:* odd-one
";
const DEP: &str = "kernel/drivers/virtio/virtio.ko:
kernel/drivers/virtio/virtio_ring.ko: kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko
kernel/drivers/net/virtio_net.ko: kernel/net/core/failover.ko
kernel/net/core/failover.ko:
kernel/crypto/crc32c_generic.ko:
kernel/fs/ext4/ext4.ko:
kernel/drivers/block/virtio_blk.ko.xz:
kernel/drivers/odd-one.ko:
";
const SOFTDEP: &str = "softdep ext4 pre: crypto-crc32c
softdep virtio-net pre: virtio_pci not_there post: virtio_blk
";

fn tables() -> Tables {
    Tables::read(ALIAS, DEP, SOFTDEP)
}

fn names(modalias: &str) -> Vec<String> {
    tables().wanted(modalias).into_iter().map(|step| step.name).collect()
}

#[test]
fn a_device_gets_its_driver_after_everything_that_the_driver_needs() {
    assert_eq!(
        names("pci:v00001AF4d00001001sv00001AF4sd00000002bc01sc00i00"),
        ["virtio", "virtio_ring", "virtio_pci"]
    );
}

#[test]
fn soft_dependencies_go_before_and_after_and_may_be_missing() {
    assert_eq!(
        names("virtio:d00000001v00001AF4"),
        ["virtio", "virtio_ring", "virtio_pci", "failover", "virtio_net", "virtio_blk"]
    );
}

#[test]
fn a_soft_dependency_may_be_an_alias() {
    let alias = format!("{ALIAS}alias fs-ext4 ext4\n");
    let tables = Tables::read(&alias, DEP, SOFTDEP);
    let names: Vec<_> = tables.wanted("fs-ext4").into_iter().map(|step| step.name).collect();
    assert_eq!(names, ["crc32c_generic", "ext4"]);
}

#[test]
fn the_kernel_may_ask_by_name_or_by_alias() {
    let of = |name| tables().named(name).into_iter().map(|step| step.name).collect::<Vec<_>>();
    assert_eq!(of("virtio-ring"), ["virtio", "virtio_ring"]);
    assert_eq!(of("crypto-crc32c"), ["crc32c_generic"]);
    assert!(of("net-pf-10").is_empty());
}

#[test]
fn a_pattern_whose_bus_is_a_wildcard_is_still_found() {
    assert_eq!(names("dmi:bvn:svnLENOVO:pn"), ["odd_one"]);
}

#[test]
fn a_device_without_a_driver_gets_nothing() {
    assert!(names("pci:v0000DEADd0000BEEF").is_empty());
    assert!(names("").is_empty());
}

#[test]
fn a_circle_of_dependencies_ends() {
    let tables = Tables::read("alias x:y a", "a.ko: b.ko\nb.ko: a.ko\n", "softdep a pre: b");
    assert_eq!(tables.wanted("x:y").len(), 2);
}

#[test]
fn patterns_match_as_the_shell_does() {
    for (pattern, text, fits) in [
        ("usb:v*p*d*dc*", "usb:v1p2d3dc09", true),
        ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXbYbZ", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("cpu:type:*:feature:*00[0-3A]*", "cpu:type:x86:feature:,0002,", true),
        ("[!a]b", "cb", true),
        ("[!a]b", "ab", false),
        ("[a", "a", false),
        ("", "", true),
        ("*", "", true),
    ] {
        assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), fits, "{pattern} on {text}");
    }
}

proptest! {
    #[test]
    fn a_text_matches_itself_with_any_part_replaced_by_a_star(
        text in "[a-z:]{0,20}", from in 0usize..20, to in 0usize..20,
    ) {
        let (from, to) = (from.min(text.len()), to.min(text.len()));
        let (from, to) = (from.min(to), from.max(to));
        let pattern = format!("{}*{}", &text[..from], &text[to..]);
        prop_assert!(matches(pattern.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn no_pattern_makes_the_matcher_panic_or_hang(
        pattern in "[*?\\[\\]!a-c-]{0,30}", text in "[a-c]{0,60}",
    ) {
        let _ = matches(pattern.as_bytes(), text.as_bytes());
    }
}
