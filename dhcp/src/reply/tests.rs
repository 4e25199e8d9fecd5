use dhcproto::v4::{DhcpOption, Message, MessageType, OptionCode};
use dhcproto::{Decodable, Decoder};

use super::*;
use crate::tests::{capture, request};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 9);
const MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);

fn recorded(name: &str) -> Request {
    Request::parse(&capture(name)).unwrap()
}

fn made(options: &[&[u8]]) -> Request {
    Request::parse(&request(&[&options.concat()[..], &[255]].concat())).unwrap()
}

fn lease() -> Lease {
    Lease::lasting(ADDRESS, MASK, 3600)
}

fn booting(file: &str) -> Reply {
    Reply::offer(SERVER, lease()).with_boot(Boot { next_server: SERVER, file: file.into() })
}

/// The reply as the client reads it.
fn sent(reply: &Reply, request: &Request) -> Packet {
    Packet::parse(&reply.encode(request).unwrap().bytes).unwrap()
}

/// Option numbers in the order of the wire.
fn order(bytes: &[u8]) -> Vec<u8> {
    let (mut at, mut codes) = (240, Vec::new());
    while bytes[at] != 255 {
        codes.push(bytes[at]);
        at += 2 + usize::from(bytes[at + 1]);
    }
    codes
}

#[test]
fn the_fixed_fields_are_those_of_table_3_of_rfc_2131() {
    let mut request = made(&[&[53, 1, 3]]);
    request.flags = 0x8000;
    (request.secs, request.hops) = (7, 2);
    (request.giaddr, request.ciaddr) = (Ipv4Addr::new(10, 99, 0, 1), ADDRESS);
    let offer = sent(&Reply::offer(SERVER, lease()), &request);
    assert_eq!((offer.op, offer.htype, offer.hlen, offer.hops), (2, 1, 6, 0));
    assert_eq!((offer.xid, offer.secs, offer.flags), (0xdead_beef, 0, 0x8000));
    assert_eq!((offer.ciaddr, offer.yiaddr), (Ipv4Addr::UNSPECIFIED, ADDRESS));
    assert_eq!(offer.giaddr, request.giaddr);
    assert_eq!(&offer.chaddr[..7], [0x52, 0x54, 0, 0, 0, 9, 0]);
    let ack = sent(&Reply::ack(SERVER, lease()), &request);
    assert_eq!((ack.ciaddr, ack.yiaddr), (ADDRESS, ADDRESS));
    let nak = sent(&Reply::nak(SERVER, "no"), &request);
    assert_eq!((nak.ciaddr, nak.yiaddr), (Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED));
}

#[test]
fn an_independent_decoder_reads_what_was_meant() {
    let request = recorded("udhcpc-discover");
    let reply = Reply {
        routers: vec![SERVER],
        dns: vec![SERVER, ADDRESS],
        domain: Some("lab.internal".into()),
        host_name: Some("node1".into()),
        ..Reply::offer(SERVER, lease())
    };
    let bytes = reply.encode(&request).unwrap().bytes;
    let message = Message::decode(&mut Decoder::new(&bytes)).unwrap();
    let option = |code| message.opts().get(code).cloned();
    assert_eq!(message.opts().msg_type(), Some(MessageType::Offer));
    assert_eq!(option(OptionCode::AddressLeaseTime), Some(DhcpOption::AddressLeaseTime(3600)));
    assert_eq!(option(OptionCode::Renewal), Some(DhcpOption::Renewal(1800)));
    assert_eq!(option(OptionCode::Rebinding), Some(DhcpOption::Rebinding(3150)));
    assert_eq!(option(OptionCode::SubnetMask), Some(DhcpOption::SubnetMask(MASK)));
    assert_eq!(option(OptionCode::ServerIdentifier), Some(DhcpOption::ServerIdentifier(SERVER)));
    assert_eq!(option(OptionCode::Router), Some(DhcpOption::Router(vec![SERVER])));
    let dns = DhcpOption::DomainNameServer(vec![SERVER, ADDRESS]);
    assert_eq!(option(OptionCode::DomainNameServer), Some(dns));
    assert_eq!(option(OptionCode::DomainName), Some(DhcpOption::DomainName("lab.internal".into())));
    assert_eq!(option(OptionCode::Hostname), Some(DhcpOption::Hostname("node1".into())));
    let broadcast = DhcpOption::BroadcastAddr(Ipv4Addr::new(10, 77, 0, 255));
    assert_eq!(option(OptionCode::BroadcastAddr), Some(broadcast));
}

#[test]
fn options_come_in_the_order_the_client_asked_and_no_others() {
    let reply =
        Reply { routers: vec![SERVER], dns: vec![SERVER], ntp: vec![SERVER], ..booting("x") };
    let request = made(&[&[53, 1, 1, 55, 3, 6, 43, 3]]);
    let bytes = reply.encode(&request).unwrap().bytes;
    assert_eq!(order(&bytes), [53, 54, 51, 58, 59, 1, 6, 3]);
}

#[test]
fn a_client_without_a_list_gets_everything() {
    let reply = Reply { routers: vec![SERVER], extra: vec![(26, vec![5, 220])], ..booting("x") };
    let packet = sent(&reply, &made(&[&[53, 1, 1]]));
    for code in [3, 26, 28, 66, 67] {
        assert!(packet.options.bytes(code).is_some(), "{code}");
    }
}

#[test]
fn an_extra_option_replaces_the_usual_one_of_its_number() {
    let reply = Reply { routers: vec![SERVER], extra: vec![(3, vec![1, 2, 3, 4])], ..booting("x") };
    let packet = sent(&reply, &made(&[&[53, 1, 1]]));
    assert_eq!(packet.options.bytes(3), Some(&[1, 2, 3, 4][..]));
}

#[test]
fn uefi_http_boot_gets_its_vendor_class_back_and_a_url_in_option_67() {
    let url = "http://10.77.0.1:8080/loaders/ipxe.efi";
    let packet = sent(&booting(url), &recorded("ovmf-http-discover"));
    assert_eq!(packet.options.bytes(60), Some(&b"HTTPClient"[..]));
    assert_eq!(packet.options.bytes(67), Some(url.as_bytes()));
    assert_eq!(packet.options.bytes(43), None);
    assert_eq!(packet.file, b"");
}

#[test]
fn pxe_firmware_gets_its_file_name_twice_and_is_told_to_skip_discovery() {
    let packet = sent(&booting("snponly.efi"), &recorded("ovmf-pxe-discover"));
    assert_eq!(packet.options.bytes(60), Some(&b"PXEClient"[..]));
    assert_eq!(packet.options.bytes(43), Some(&[6, 1, 8, 255][..]));
    assert_eq!(packet.options.bytes(66), Some(&b"10.77.0.1"[..]));
    assert_eq!(packet.options.bytes(67), Some(&b"snponly.efi"[..]));
    assert_eq!(packet.options.bytes(97).map(<[u8]>::len), Some(17));
    assert_eq!((packet.file, packet.siaddr), (b"snponly.efi".to_vec(), SERVER));
}

#[test]
fn ipxe_is_told_not_to_wait_for_a_proxy_and_gets_no_pxe_options() {
    let packet = sent(&booting("http://10.77.0.1:8080/boot.ipxe"), &recorded("ipxe-bios-discover"));
    assert_eq!(packet.options.bytes(175), Some(&[176, 1, 1, 255][..]));
    assert_eq!((packet.options.bytes(60), packet.options.bytes(43)), (None, None));
    assert_eq!(packet.file, b"http://10.77.0.1:8080/boot.ipxe");
}

#[test]
fn the_client_of_a_running_system_is_told_nothing_of_pxe() {
    let packet = sent(&Reply::offer(SERVER, lease()), &recorded("dhclient-discover"));
    for code in [43, 60, 66, 67, 97, 175] {
        assert_eq!(packet.options.bytes(code), None, "{code}");
    }
    assert_eq!(packet.siaddr, Ipv4Addr::UNSPECIFIED);
}

#[test]
fn a_name_too_long_for_the_file_field_goes_into_option_67_alone() {
    let fits = "x".repeat(127);
    let request = made(&[&[53, 1, 1, 55, 1, 1]]);
    let packet = sent(&booting(&fits), &request);
    assert_eq!((packet.file.len(), packet.options.bytes(67)), (127, None));
    let long = "x".repeat(128);
    let packet = sent(&booting(&long), &request);
    assert_eq!((packet.file.len(), packet.options.bytes(67)), (0, Some(long.as_bytes())));
}

#[test]
fn client_identifier_and_relay_agent_are_echoed_the_latter_last() {
    let request = made(&[&[53, 1, 1], &[82, 4, 1, 2, 0, 7], &[61, 3, 1, 2, 3]]);
    for reply in [Reply::offer(SERVER, lease()), Reply::nak(SERVER, "no")] {
        let encoded = reply.encode(&request).unwrap().bytes;
        let packet = Packet::parse(&encoded).unwrap();
        assert_eq!(packet.options.bytes(61), Some(&[1, 2, 3][..]));
        assert_eq!(packet.options.bytes(82), Some(&[1, 2, 0, 7][..]));
        assert_eq!(order(&encoded).last(), Some(&82));
    }
}

#[test]
fn a_nak_says_why_and_nothing_else() {
    let mut request = made(&[&[53, 1, 3]]);
    let reply =
        Reply { lease: Some(lease()), routers: vec![SERVER], ..Reply::nak(SERVER, "moved") };
    let encoded = reply.encode(&request).unwrap().bytes;
    assert_eq!(order(&encoded), [53, 54, 56]);
    assert_eq!(Packet::parse(&encoded).unwrap().yiaddr, Ipv4Addr::UNSPECIFIED);
    request.giaddr = Ipv4Addr::new(10, 99, 0, 1);
    assert_eq!(sent(&reply, &request).flags, 0x8000, "RFC 2131 4.3.2: the relay must broadcast it");
}

#[test]
fn inform_gets_parameters_and_no_lease() {
    let mut request = made(&[&[53, 1, 8]]);
    request.ciaddr = ADDRESS;
    let reply = Reply { dns: vec![SERVER], ..Reply::inform_ack(SERVER) };
    let encoded = reply.encode(&request).unwrap().bytes;
    let packet = Packet::parse(&encoded).unwrap();
    assert_eq!((packet.ciaddr, packet.yiaddr), (ADDRESS, Ipv4Addr::UNSPECIFIED));
    assert_eq!(order(&encoded), [53, 54, 6]);
}

#[test]
fn bootp_gets_no_option_of_dhcp() {
    let encoded = Reply::offer(SERVER, lease()).encode(&made(&[])).unwrap().bytes;
    assert_eq!(order(&encoded), [1, 28]);
}

#[test]
fn no_reply_is_shorter_than_relays_forward() {
    let encoded = Reply::nak(SERVER, "").encode(&made(&[&[53, 1, 3]])).unwrap();
    assert_eq!(encoded.bytes.len(), 300);
}

#[test]
fn what_does_not_fit_overloads_sname_and_file() {
    let extra = (224..230).map(|code| (code, vec![code; 50])).collect();
    let reply = Reply { extra, ..Reply::offer(SERVER, lease()) };
    let request = made(&[&[53, 1, 1]]);
    let encoded = reply.encode(&request).unwrap();
    assert_eq!(encoded.left_out, [0_u8; 0]);
    assert!(encoded.bytes.len() <= 548, "{}", encoded.bytes.len());
    assert_eq!(order(&encoded.bytes)[0], 52);
    let packet = Packet::parse(&encoded.bytes).unwrap();
    for code in 224..230 {
        assert_eq!(packet.options.bytes(code), Some(&vec![code; 50][..]), "{code}");
    }
}

#[test]
fn a_boot_file_name_keeps_its_field_and_the_last_wishes_are_left_out() {
    let extra = (224..234).map(|code| (code, vec![code; 50])).collect();
    let reply = Reply { extra, ..booting("snponly.efi") };
    let encoded = reply.encode(&made(&[&[53, 1, 1]])).unwrap();
    let packet = Packet::parse(&encoded.bytes).unwrap();
    assert_eq!(packet.file, b"snponly.efi");
    assert_eq!(packet.options.bytes(53), Some(&[2][..]));
    assert!(!encoded.left_out.is_empty());
    for code in 224..234 {
        assert_eq!(
            packet.options.bytes(code).is_none(),
            encoded.left_out.contains(&code),
            "{code}"
        );
    }
    assert!(encoded.bytes.len() <= 548);
}

#[test]
fn option_57_gives_more_room_up_to_an_ethernet_frame_and_never_less_than_576() {
    let extra: Vec<(u8, Vec<u8>)> = (224..244).map(|code| (code, vec![code; 60])).collect();
    let reply = Reply { extra, ..booting("x") };
    let length = |maximum: u16| {
        let [high, low] = maximum.to_be_bytes();
        reply.encode(&made(&[&[53, 1, 1], &[57, 2, high, low]])).unwrap().bytes.len()
    };
    assert!(length(1000) <= 972 && length(1000) > 548);
    assert!(length(65280) <= 1472);
    assert!(length(0) <= 548 && length(0) > 480);
}

#[test]
fn an_option_over_255_bytes_goes_in_fragments() {
    let reply = Reply { extra: vec![(224, vec![7; 600])], ..Reply::offer(SERVER, lease()) };
    let request = made(&[&[53, 1, 1], &[57, 2, 5, 220]]);
    let encoded = reply.encode(&request).unwrap().bytes;
    let mut codes = order(&encoded);
    codes.retain(|&code| code == 224);
    assert_eq!(codes, [224; 3]);
    assert_eq!(Packet::parse(&encoded).unwrap().options.bytes(224), Some(&[7; 600][..]));
}

#[test]
fn a_reply_whose_essentials_do_not_fit_is_an_error_and_not_a_cut_packet() {
    let relay: Vec<u8> = [&[82, 255][..], &[1; 255]].concat();
    let request = made(&[&[53, 1, 1], &relay, &[61, 200], &[1; 200]]);
    let error = booting(&"x".repeat(250)).encode(&request).unwrap_err();
    assert_eq!(error.room, 307);
    assert!(error.needed > error.room, "{error}");
}
