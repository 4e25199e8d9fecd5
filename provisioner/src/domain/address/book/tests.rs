use super::*;
use crate::domain::address::subnet::Reservation;

const LINK: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const NOW: Millis = Millis(1_000_000);

fn subnet(first: u8, last: u8) -> Subnet {
    Subnet {
        cidr: "10.77.0.0/24".parse().unwrap(),
        router: Some(LINK),
        dns: vec![],
        ntp: vec![],
        domain: None,
        pools: vec![at(first)..=at(last)],
        lease_seconds: 3600,
        reservations: vec![Reservation { mac: mac(9), address: at(100), hostname: None }],
        relays: vec![],
    }
}

fn book(first: u8, last: u8) -> AddressBook {
    AddressBook::new(vec![subnet(first, last)], [])
}

fn at(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, last)
}

fn mac(n: u8) -> Mac {
    Mac::new([0x52, 0x54, 0, 0, 0, n])
}

fn offer(book: &mut AddressBook, n: u8, now: Millis) -> Ipv4Addr {
    book.offer(mac(n), None, LINK, now).unwrap().unwrap()
}

fn take(book: &mut AddressBook, n: u8, address: Ipv4Addr, now: Millis) {
    match book.request(mac(n), Ask::Selecting(address), LINK, now, true) {
        Answer::Ack(lease) => book.put(lease),
        other => panic!("{other:?}"),
    };
}

#[test]
fn a_client_keeps_its_address_through_firmware_loader_and_system() {
    let mut book = book(100, 120);
    let first = offer(&mut book, 1, NOW);
    take(&mut book, 1, first, NOW);
    assert_eq!(offer(&mut book, 1, NOW.plus_seconds(10)), first);
    assert_eq!(offer(&mut book, 1, NOW.plus_seconds(100_000)), first, "even after it expired");
}

#[test]
fn a_forgotten_lease_points_to_the_same_address_again() {
    assert_eq!(offer(&mut book(100, 200), 7, NOW), offer(&mut book(100, 200), 7, NOW));
}

#[test]
fn no_address_is_given_twice_and_exhaustion_is_said() {
    let mut book = book(101, 110);
    let mut given = std::collections::BTreeSet::new();
    for n in 20..30 {
        let address = offer(&mut book, n, NOW);
        take(&mut book, n, address, NOW);
        assert!(given.insert(address));
    }
    let error = book.offer(mac(50), None, LINK, NOW).unwrap().unwrap_err();
    assert!(error.to_string().contains("every address of 10.77.0.0/24"), "{error}");
    assert!(
        book.offer(mac(50), None, LINK, NOW.plus_seconds(3601)).unwrap().is_ok(),
        "expired ones come back"
    );
}

#[test]
fn a_reserved_address_goes_to_its_owner_only() {
    let mut book = book(100, 100);
    assert_eq!(offer(&mut book, 9, NOW), at(100));
    assert!(book.offer(mac(1), None, LINK, NOW).unwrap().is_err());
    let answer = book.request(mac(1), Ask::InitReboot(at(100)), LINK, NOW, true);
    assert!(matches!(answer, Answer::Nak(_)), "{answer:?}");
}

#[test]
fn an_address_of_another_network_is_refused() {
    let answer = book(100, 120).request(
        mac(1),
        Ask::InitReboot(Ipv4Addr::new(192, 168, 1, 5)),
        LINK,
        NOW,
        false,
    );
    assert!(matches!(answer, Answer::Nak(_)), "{answer:?}");
}

#[test]
fn who_does_not_speak_for_the_network_keeps_silent_about_what_it_does_not_know() {
    let answer = book(100, 120).request(mac(1), Ask::Renewing(at(105)), LINK, NOW, false);
    assert!(matches!(answer, Answer::Silent(_)), "{answer:?}");
}

#[test]
fn a_declined_address_rests_for_a_day() {
    let mut book = book(101, 101);
    let address = offer(&mut book, 1, NOW);
    take(&mut book, 1, address, NOW);
    let lease = book.declined(mac(1), address, NOW).unwrap();
    book.put(lease);
    assert!(book.offer(mac(1), None, LINK, NOW.plus_seconds(23 * 3600)).unwrap().is_err());
    assert!(book.offer(mac(1), None, LINK, NOW.plus_seconds(25 * 3600)).unwrap().is_ok());
    assert_eq!(book.declined(mac(2), address, NOW), None, "only who has it may decline it");
}

#[test]
fn an_offer_stands_a_minute_and_only_for_its_client() {
    let mut book = book(101, 101);
    offer(&mut book, 1, NOW);
    assert!(book.offer(mac(2), None, LINK, NOW).unwrap().is_err());
    assert!(book.offer(mac(2), None, LINK, NOW.plus_seconds(61)).unwrap().is_ok());
}

#[test]
fn a_client_on_no_known_network_gets_nothing() {
    assert!(book(100, 120).offer(mac(1), None, Ipv4Addr::new(192, 168, 1, 1), NOW).is_none());
}

#[test]
fn released_leases_leave_no_trace() {
    let mut book = book(100, 120);
    let address = offer(&mut book, 1, NOW);
    take(&mut book, 1, address, NOW);
    assert_eq!(book.remove(address).unwrap().mac, mac(1));
    assert!(book.by_mac.is_empty() && book.leases.is_empty());
}

#[test]
fn a_reserved_address_that_is_in_use_is_not_offered_to_be_refused() {
    let mut unreserved = subnet(100, 120);
    unreserved.reservations.clear();
    let mut old = AddressBook::new(vec![unreserved], []);
    take_offer(&mut old, 1, at(100));
    let leases: Vec<Lease> = old.leases().cloned().collect();
    let mut book = AddressBook::new(vec![subnet(100, 120)], leases);
    let offered = offer(&mut book, 9, NOW);
    assert_ne!(offered, at(100), "somebody else still has it");
    take(&mut book, 9, offered, NOW);
    assert_eq!(
        offer(&mut book, 9, NOW.plus_seconds(3601)),
        at(100),
        "free again, it goes to its owner"
    );
}

fn take_offer(book: &mut AddressBook, n: u8, wish: Ipv4Addr) {
    let address = book.offer(mac(n), Some(wish), LINK, NOW).unwrap().unwrap();
    assert_eq!(address, wish);
    take(book, n, address, NOW);
}
