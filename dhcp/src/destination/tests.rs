use super::*;
use crate::Lease;
use crate::tests;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const OFFERED: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 9);
const USED: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 50);
const RELAY: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
const NONE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

fn check(giaddr: Ipv4Addr, answer: Answer, ciaddr: Ipv4Addr, flags: u16) -> Destination {
    let mut request = Request::parse(&tests::request(&[53, 1, 3, 255])).unwrap();
    (request.giaddr, request.ciaddr, request.flags) = (giaddr, ciaddr, flags);
    let lease = Lease::lasting(OFFERED, Ipv4Addr::new(255, 255, 255, 0), 600);
    destination(&request, &Reply { answer, ..Reply::offer(SERVER, lease) })
}

#[test]
fn with_a_giaddr_every_reply_goes_to_the_relay_at_port_67() {
    for answer in [Answer::Offer, Answer::Ack, Answer::Nak] {
        for (ciaddr, flags) in [(NONE, 0), (NONE, 0x8000), (USED, 0), (USED, 0x8000)] {
            let to = check(RELAY, answer, ciaddr, flags);
            assert_eq!(to, Destination::Relay(SocketAddrV4::new(RELAY, 67)));
        }
    }
}

#[test]
fn without_a_giaddr_a_nak_is_broadcast_even_to_a_client_with_an_address() {
    assert_eq!(check(NONE, Answer::Nak, NONE, 0), Destination::Broadcast);
    assert_eq!(check(NONE, Answer::Nak, USED, 0), Destination::Broadcast);
}

#[test]
fn a_client_with_an_address_gets_its_reply_there_at_port_68() {
    for (answer, flags) in [(Answer::Offer, 0), (Answer::Ack, 0), (Answer::Ack, 0x8000)] {
        let to = check(NONE, answer, USED, flags);
        assert_eq!(to, Destination::Client(SocketAddrV4::new(USED, 68)));
    }
}

#[test]
fn a_client_that_wants_broadcasts_gets_one() {
    assert_eq!(check(NONE, Answer::Offer, NONE, 0x8000), Destination::Broadcast);
    assert_eq!(check(NONE, Answer::Ack, NONE, 0x8000), Destination::Broadcast);
}

#[test]
fn any_other_client_gets_a_unicast_at_its_hardware_address() {
    let expected = Destination::Link { address: OFFERED, hardware: Mac([0x52, 0x54, 0, 0, 0, 9]) };
    assert_eq!(check(NONE, Answer::Offer, NONE, 0), expected);
    assert_eq!(check(NONE, Answer::Ack, NONE, 0x7fff), expected, "only the top bit is the flag");
}

#[test]
fn where_unicast_without_arp_cannot_be_sent_it_is_broadcast() {
    let to = check(NONE, Answer::Offer, NONE, 0).socket_address();
    assert_eq!(to, SocketAddrV4::new(Ipv4Addr::BROADCAST, 68));
}

#[test]
fn without_any_address_a_reply_can_only_be_broadcast() {
    let request = Request::parse(&tests::request(&[53, 1, 8, 255])).unwrap();
    assert_eq!(destination(&request, &Reply::inform_ack(SERVER)), Destination::Broadcast);
}
