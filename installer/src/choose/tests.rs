use proptest::prelude::*;

use super::*;

const GIB: u64 = 1 << 30;

fn disk(name: &str, gib: u64) -> Candidate {
    Candidate {
        disk: Disk {
            name: name.into(),
            size_bytes: gib * GIB,
            serial: format!("S-{name}"),
            path: format!("pci-{name}"),
            transport: "virtio".into(),
            ..Disk::default()
        },
        used_by: String::new(),
    }
}

fn rule(choose: Choose) -> DiskChoice {
    DiskChoice { choose, min_bytes: None, rotational: None, transport: None }
}

fn chosen(rule: DiskChoice, found: &[Candidate]) -> Result<String, String> {
    choose(&DiskRule::Choose(rule), found)
        .map(|disk| disk.name.clone())
        .map_err(|refused| refused.to_string())
}

#[test]
fn a_serial_names_one_disk() {
    let found = [disk("vda", 4), disk("vdb", 8)];
    let rule = DiskRule::Serial("S-vdb".into());
    assert_eq!(choose(&rule, &found).unwrap().name, "vdb");
}

#[test]
fn a_serial_that_two_disks_carry_is_ambiguous() {
    let mut found = [disk("vda", 4), disk("vdb", 8)];
    found[1].disk.serial = found[0].disk.serial.clone();
    let message = choose(&DiskRule::Serial("S-vda".into()), &found).unwrap_err().to_string();
    assert!(message.contains("more than one"), "{message}");
    assert!(message.contains("vda") && message.contains("vdb"), "{message}");
}

#[test]
fn an_empty_serial_matches_no_disk_without_serial() {
    let mut found = [disk("vda", 4)];
    found[0].disk.serial.clear();
    assert!(choose(&DiskRule::Serial(String::new()), &found).is_err());
    assert!(choose(&DiskRule::Wwn(String::new()), &found).is_err());
}

#[test]
fn a_wwn_is_the_same_in_every_spelling() {
    let mut found = [disk("sda", 4), disk("sdb", 4)];
    found[1].disk.wwn = "0x5000c500a1b2c3d4".into();
    for wwn in ["naa.5000C500A1B2C3D4", "wwn-0x5000c500a1b2c3d4", "5000c500a1b2c3d4"] {
        assert_eq!(choose(&DiskRule::Wwn(wwn.into()), &found).unwrap().name, "sdb");
    }
}

#[test]
fn device_and_hardware_paths_name_one_disk() {
    let found = [disk("vda", 4), disk("vdb", 8)];
    assert_eq!(choose(&DiskRule::Path("/dev/vda".into()), &found).unwrap().name, "vda");
    let by = DiskRule::By("/dev/disk/by-path/pci-vdb".into());
    assert_eq!(choose(&by, &found).unwrap().name, "vdb");
}

#[test]
fn the_ends_of_the_order_are_found() {
    let found = [disk("vda", 8), disk("vdb", 4), disk("vdc", 16)];
    assert_eq!(chosen(rule(Choose::Smallest), &found).unwrap(), "vdb");
    assert_eq!(chosen(rule(Choose::Largest), &found).unwrap(), "vdc");
    assert!(chosen(rule(Choose::Only), &found).is_err());
    assert_eq!(chosen(rule(Choose::Only), &found[..1]).unwrap(), "vda");
}

#[test]
fn disks_that_tie_are_refused_never_guessed() {
    let found = [disk("vda", 4), disk("vdb", 4), disk("vdc", 8)];
    assert!(chosen(rule(Choose::Smallest), &found).unwrap_err().contains("more than one"));
    assert_eq!(chosen(rule(Choose::Largest), &found).unwrap(), "vdc");
}

#[test]
fn filters_leave_out_small_rotating_and_foreign_disks_and_say_so() {
    let mut found = [disk("vda", 4), disk("sda", 8), disk("nvme0n1", 8)];
    found[1].disk.rotational = true;
    found[2].disk.transport = "nvme".into();
    let choice = DiskChoice {
        choose: Choose::Smallest,
        min_bytes: Some(5 * GIB),
        rotational: Some(false),
        transport: Some("nvme".into()),
    };
    assert_eq!(chosen(choice.clone(), &found).unwrap(), "nvme0n1");
    let message = chosen(choice, &found[..2]).unwrap_err();
    assert!(
        message.contains("vda (4294967296 bytes, serial S-vda): it has fewer than"),
        "{message}"
    );
    assert!(message.contains("sda") && message.contains("it rotates"), "{message}");
}

#[test]
fn a_removable_disk_counts_only_when_it_is_named() {
    let mut found = [disk("sda", 4)];
    found[0].disk.removable = true;
    assert!(chosen(rule(Choose::Only), &found).unwrap_err().contains("removable"));
    assert!(choose(&DiskRule::Serial("S-sda".into()), &found).is_ok());
}

#[test]
fn a_disk_that_is_read_only_or_in_use_never_counts() {
    let named = DiskRule::Path("/dev/vda".into());
    let mut found = [disk("vda", 4)];
    found[0].disk.read_only = true;
    assert!(choose(&named, &found).unwrap_err().to_string().contains("read-only"));
    found[0].disk.read_only = false;
    found[0].used_by = "dm-0".into();
    assert!(choose(&named, &found).unwrap_err().to_string().contains("in use by dm-0"));
}

#[test]
fn a_machine_without_disks_is_told_about_drivers() {
    assert!(chosen(rule(Choose::Only), &[]).unwrap_err().contains("driver"));
}

proptest! {
    #[test]
    fn the_order_in_which_disks_are_found_changes_nothing(
        sizes in proptest::collection::vec(1u64..6, 0..6),
        largest in any::<bool>(),
    ) {
        let end = if largest { Choose::Largest } else { Choose::Smallest };
        let mut found: Vec<_> = sizes.iter().enumerate()
            .map(|(n, gib)| disk(&format!("vd{n}"), *gib)).collect();
        let one = chosen(rule(end), &found).ok();
        found.reverse();
        prop_assert_eq!(one, chosen(rule(end), &found).ok());
    }
}
