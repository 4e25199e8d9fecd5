use super::*;
use crate::Family;
use crate::tests::{capture, request};

fn recorded(name: &str) -> Request {
    Request::parse(&capture(name)).unwrap()
}

fn made(options: &[&[u8]]) -> Request {
    Request::parse(&request(&[&options.concat()[..], &[255]].concat())).unwrap()
}

#[test]
fn the_discover_of_ovmf_http_boot_is_recognised() {
    let request = recorded("ovmf-http-discover");
    assert_eq!(request.kind, Kind::Discover);
    assert_eq!(request.stage(), Stage::HttpBoot);
    assert_eq!(request.arch, Some(Arch::HttpX64));
    assert_eq!(request.vendor_class.as_deref(), Some("HTTPClient:Arch:00016:UNDI:003000"));
    assert!(request.broadcast());
    assert!(request.wants(code::BOOT_FILE_NAME));
    assert_eq!(request.max_message_size, Some(1472));
}

#[test]
fn the_discover_of_ovmf_pxe_is_recognised() {
    let request = recorded("ovmf-pxe-discover");
    assert_eq!(request.stage(), Stage::Pxe);
    assert_eq!(request.arch, Some(Arch::UefiX64));
    assert_eq!(request.vendor_class.as_deref(), Some("PXEClient:Arch:00007:UNDI:003000"));
    assert_eq!(request.client_id, None);
    assert!(request.broadcast());
}

#[test]
fn the_network_card_of_qemu_is_an_ipxe_from_its_first_packet() {
    let request = recorded("ipxe-bios-discover");
    assert_eq!(request.stage(), Stage::Ipxe { http: true });
    assert_eq!(request.arch.map(Arch::family), Some(Family::BiosX86));
    assert_eq!(request.user_class, ["iPXE"]);
    assert_eq!(request.vendor_class.as_deref(), Some("PXEClient:Arch:00000:UNDI:002001"));
    let features = request.ipxe.unwrap();
    assert!(features.http && features.tftp && features.bzimage && !features.efi, "{features:?}");
    assert_eq!(features.version, Some([1, 0, 0]));
    assert!(!request.broadcast());
}

#[test]
fn snponly_on_uefi_is_an_ipxe_that_keeps_the_architecture_of_its_firmware() {
    let request = recorded("ipxe-uefi-discover");
    assert_eq!(request.stage(), Stage::Ipxe { http: true });
    assert_eq!(request.arch, Some(Arch::UefiX64));
    assert!(request.ipxe.unwrap().efi);
}

#[test]
fn the_clients_of_operating_systems_ask_for_no_boot() {
    for name in ["udhcpc-discover", "dhclient-discover", "dhcpcd-discover"] {
        let request = recorded(name);
        assert_eq!(request.kind, Kind::Discover, "{name}");
        assert_eq!(request.stage(), Stage::Os, "{name}");
        assert_eq!((request.arch, request.uuid), (None, None), "{name}");
        assert_eq!(request.chaddr.to_string(), "52:54:00:00:00:03", "{name}");
    }
    assert_eq!(recorded("dhcpcd-discover").client_id.unwrap().len(), 19);
}

#[test]
fn the_requests_of_real_clients_are_selecting() {
    for name in ["udhcpc", "dhclient", "dhcpcd", "ipxe-bios", "ovmf-pxe", "ipxe-uefi"] {
        let state = recorded(&format!("{name}-request")).client_state();
        let server = Ipv4Addr::new(10, 77, 0, 1);
        assert!(
            matches!(state, Some(ClientState::Selecting { server: s, .. }) if s == server),
            "{name}: {state:?}"
        );
    }
}

#[test]
fn real_clients_release_decline_and_remember() {
    let release = recorded("dhclient-release");
    assert_eq!((release.kind, release.ciaddr), (Kind::Release, Ipv4Addr::new(10, 77, 0, 131)));
    let decline = recorded("dhcpcd-decline");
    assert_eq!(decline.kind, Kind::Decline);
    assert_eq!(decline.requested, Some(Ipv4Addr::new(10, 77, 0, 131)));
    let state = recorded("dhcpcd-init-reboot").client_state();
    let former = Ipv4Addr::new(10, 77, 0, 3);
    assert_eq!(state, Some(ClientState::InitReboot { requested: former }));
}

/// All machines were started with uuid=00112233-4455-6677-8899-aabbccddeeff.
#[test]
fn firmware_and_ipxe_send_the_bytes_of_smbios_and_people_read_the_same_uuid() {
    for name in
        ["ipxe-bios-discover", "ipxe-uefi-discover", "ovmf-pxe-discover", "ovmf-http-discover"]
    {
        let request = recorded(name);
        assert_eq!(request.uuid.map(|uuid| uuid[0]), Some(0x33), "{name}");
        let text = request.uuid_text();
        assert_eq!(text.as_deref(), Some("00112233-4455-6677-8899-aabbccddeeff"), "{name}");
    }
}

#[test]
fn each_state_of_a_client_is_told_by_table_4_of_rfc_2131() {
    let (server, address) = (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 9));
    let (sid, wanted): (&[u8], &[u8]) = (&[54, 4, 10, 77, 0, 1], &[50, 4, 10, 77, 0, 9]);
    let ask: &[u8] = &[53, 1, 3];
    let with_ciaddr = |options: &[&[u8]]| {
        let mut request = made(options);
        request.ciaddr = address;
        request.client_state()
    };
    let state = |options: &[&[u8]]| made(options).client_state();
    let selecting = ClientState::Selecting { server, requested: address };
    assert_eq!(state(&[ask, sid, wanted]), Some(selecting));
    assert_eq!(state(&[ask, wanted]), Some(ClientState::InitReboot { requested: address }));
    assert_eq!(with_ciaddr(&[ask]), Some(ClientState::Extending { address }));
    assert_eq!(with_ciaddr(&[ask, wanted]), Some(ClientState::Contradictory));
    assert_eq!(state(&[ask]), Some(ClientState::Contradictory));
    assert_eq!(state(&[&[53, 1, 1], wanted]), None);
}

#[test]
fn kinds_are_told_by_option_53_and_bootp_by_its_absence() {
    let kinds = [(1, Kind::Discover), (3, Kind::Request), (4, Kind::Decline), (7, Kind::Release)];
    for (number, kind) in kinds {
        assert_eq!(made(&[&[53, 1, number]]).kind, kind);
    }
    assert_eq!(made(&[&[53, 1, 8]]).kind, Kind::Inform);
    assert_eq!(made(&[]).kind, Kind::Bootp);
}

#[test]
fn user_classes_come_with_lengths_or_as_bare_text() {
    assert_eq!(made(&[&[77, 5, 4], b"iPXE"]).user_class, ["iPXE"]);
    assert_eq!(made(&[&[77, 4], b"iPXE"]).user_class, ["iPXE"]);
    assert_eq!(made(&[&[77, 5, 1], b"a", &[2], b"bc"]).user_class, ["a", "bc"]);
    assert_eq!(made(&[&[77, 0]]).user_class, [""; 0]);
}

#[test]
fn an_ipxe_that_does_not_say_http_is_not_believed_to_have_it() {
    assert_eq!(made(&[&[77, 4], b"iPXE"]).stage(), Stage::Ipxe { http: false });
    assert_eq!(made(&[&[77, 4], b"gPXE"]).stage(), Stage::Ipxe { http: false });
    assert_eq!(made(&[&[175, 3, 19, 1, 0]]).stage(), Stage::Ipxe { http: false });
    assert_eq!(made(&[&[175, 3, 19, 1, 1]]).stage(), Stage::Ipxe { http: true });
}

#[test]
fn a_raspberry_pi_is_told_from_the_bios_it_claims_to_be() {
    let mut request = made(&[&[60, 9], b"PXEClient", &[93, 2, 0, 0]]);
    assert_eq!(request.stage(), Stage::Pxe);
    request.chaddr = Mac([0xdc, 0xa6, 0x32, 1, 2, 3]);
    assert_eq!(request.stage(), Stage::RaspberryPi);
    request.arch = Some(Arch::UefiArm64);
    assert_eq!(request.stage(), Stage::Pxe, "with UEFI firmware it is what it says");
}

#[test]
fn u_boot_is_told_by_its_vendor_class() {
    assert_eq!(made(&[&[60, 12], b"U-Boot.armv8"]).stage(), Stage::UBoot);
}

#[test]
fn what_describes_the_machine_badly_is_left_out_and_named() {
    let request = made(&[&[93, 1, 7], &[97, 16], &[1; 16], &[175, 3, 19, 200, 1]]);
    assert_eq!((request.arch, request.uuid, request.ipxe), (None, None, None));
    assert_eq!(request.not_understood, [93, 97, 175]);
    assert_eq!(made(&[&[97, 17, 1], &[1; 16]]).not_understood, [97], "a type other than 0");
    assert_eq!(made(&[]).not_understood, [0_u8; 0]);
}

#[test]
fn the_first_of_several_architectures_counts() {
    assert_eq!(made(&[&[93, 4, 0, 7, 0, 16]]).arch, Some(Arch::UefiX64));
}

#[test]
fn text_for_logs_has_no_control_characters() {
    let request = made(&[&[12, 6], b"\x1b[2Ja\0", &[60, 2, 0xff, b'x']]);
    assert_eq!(request.host_name.as_deref(), Some("\u{fffd}[2Ja"));
    assert_eq!(request.vendor_class.as_deref(), Some("\u{fffd}x"));
}

#[test]
fn sub_options_of_a_relay_are_found_and_lies_in_them_are_not_believed() {
    let request = made(&[&[82, 11, 1, 3], b"p12", &[5, 4, 10, 99, 0, 0]]);
    assert_eq!(request.relay_sub_option(1), Some(&b"p12"[..]));
    assert_eq!(request.relay_sub_option(5), Some(&[10, 99, 0, 0][..]));
    assert_eq!(request.relay_sub_option(2), None);
    assert_eq!(made(&[&[82, 3, 1, 200, 1]]).relay_sub_option(1), None);
    assert_eq!(made(&[]).relay_sub_option(1), None);
}
