use super::*;

fn claims(uuid: &str, serial: &str, mac: &str) -> Claims {
    Claims::new().with_uuid(uuid.parse().ok()).with_serial(Some(serial)).with_mac(mac.parse().ok())
}

fn id(uuid: &str, serial: &str, mac: &str) -> Option<String> {
    NodeId::choose(&claims(uuid, serial, mac)).map(|id| id.to_string())
}

const UUID: &str = "4c4c4544-0051-3610-8052-b4c04f4a3132";
const MAC: &str = "52:54:00:12:34:56";

#[test]
fn the_id_is_the_uuid_else_the_serial_else_the_mac() {
    assert_eq!(id(UUID, "SN1", MAC).unwrap(), UUID);
    assert_eq!(id("", "SN1", MAC).unwrap(), "sn-sn1");
    assert_eq!(id("", "", MAC).unwrap(), "mac-52-54-00-12-34-56");
    assert_eq!(id("", "", ""), None);
}

#[test]
fn liars_are_not_believed() {
    assert_eq!(id("00000000-0000-0000-0000-000000000000", "SN1", MAC).unwrap(), "sn-sn1");
    assert_eq!(id("ffffffff-ffff-ffff-ffff-ffffffffffff", "SN1", MAC).unwrap(), "sn-sn1");
    assert_eq!(id("03000200-0400-0500-0006-000700080009", "SN1", MAC).unwrap(), "sn-sn1");
    for serial in
        ["0123456789", "Default string", "To be filled by O.E.M.", "VMware-56 4d", "   ", "0000"]
    {
        assert_eq!(id("", serial, MAC).unwrap(), "mac-52-54-00-12-34-56", "{serial}");
    }
}

#[test]
fn two_serials_never_become_one_id() {
    assert_ne!(id("", "A/B", ""), id("", "A B", ""));
    assert_eq!(id("", "../../x", "").unwrap(), "sn--2e-2e-2f-2e-2e-2fx");
}

#[test]
fn option_97_and_the_text_of_smbios_are_the_same_uuid() {
    let wire = [
        0x44, 0x45, 0x4c, 0x4c, 0x51, 0x00, 0x10, 0x36, 0x80, 0x52, 0xb4, 0xc0, 0x4f, 0x4a, 0x31,
        0x32,
    ];
    assert_eq!(Uuid::from_smbios(wire), UUID.parse().unwrap());
}

#[test]
fn macs_are_read_in_every_common_spelling() {
    for text in [
        "52:54:00:12:34:56",
        "52-54-00-12-34-56",
        "5254.0012.3456",
        "525400123456",
        "52:54:00:12:34:56",
    ] {
        assert_eq!(text.parse::<Mac>().unwrap().to_string(), MAC, "{text}");
    }
    for text in
        ["", "52:54", "52:54-00:12:34:56", "52:54:00:12:34:5g", "5:254:00:12:34:56", "+25400123456"]
    {
        assert!(text.parse::<Mac>().is_err(), "{text}");
    }
}

#[test]
fn a_group_address_is_no_machines_name() {
    assert_eq!(claims("", "", "01:00:5e:00:00:01").mac(), None);
}
