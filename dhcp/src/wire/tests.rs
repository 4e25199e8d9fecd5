use dhcproto::v4::{Message, OptionCode};
use dhcproto::{Decodable, Decoder};
use proptest::prelude::*;

use super::*;
use crate::tests::{all, request};
use crate::{Kind, Request};

#[test]
fn trap_1_an_hlen_of_17_is_refused_and_panics_nobody() {
    let mut bytes = request(&[53, 1, 1, 255]);
    bytes[2] = 17;
    assert_eq!(Request::parse(&bytes), Err(Malformed::HardwareLength(17)));
    // Why `dhcproto` may not be asked: it decodes the packet, and its accessor panics.
    let message = Message::decode(&mut Decoder::new(&bytes)).unwrap();
    assert!(std::panic::catch_unwind(|| message.chaddr().len()).is_err());
}

#[test]
fn an_ethernet_address_of_another_length_than_six_is_refused() {
    for hlen in (0..=255).filter(|&hlen| hlen != 6) {
        let mut bytes = request(&[53, 1, 1, 255]);
        bytes[2] = hlen;
        assert_eq!(Request::parse(&bytes), Err(Malformed::HardwareLength(hlen)));
    }
}

#[test]
fn trap_2_option_37_stays_option_37() {
    let packet = Packet::parse(&request(&[37, 1, 64, 255])).unwrap();
    assert_eq!(packet.options.iter().collect::<Vec<_>>(), [(37, &[64][..])]);
}

#[test]
fn every_option_number_comes_back_under_its_own_number() {
    for code in 1..255 {
        let packet = Packet::parse(&request(&[code, 2, 0xab, 0xcd, 255]));
        if code == code::OVERLOAD {
            assert_eq!(packet, Err(Malformed::Overload(vec![0xab, 0xcd])));
        } else {
            let options = packet.unwrap().options;
            assert_eq!(options.iter().collect::<Vec<_>>(), [(code, &[0xab, 0xcd][..])]);
        }
    }
}

#[test]
fn trap_3_a_wrong_magic_cookie_is_refused() {
    let mut bytes = request(&[53, 1, 1, 255]);
    bytes[236] = 98;
    assert_eq!(Request::parse(&bytes), Err(Malformed::Cookie([98, 130, 83, 99])));
}

#[test]
fn trap_3_a_packet_cut_anywhere_before_its_end_is_refused() {
    for (name, bytes) in all("captures") {
        assert!(Request::parse(&bytes).is_ok(), "{name}");
        let end = end_of_options(&bytes);
        for length in 0..end {
            assert!(Request::parse(&bytes[..length]).is_err(), "{name} cut to {length}");
        }
        assert_eq!(Request::parse(&bytes[..=end]), Request::parse(&bytes), "{name} unpadded");
    }
}

#[test]
fn an_option_that_reaches_over_the_end_is_named_with_its_place() {
    let error = Packet::parse(&request(&[53, 1, 1, 12, 9, b'a'])).unwrap_err();
    assert_eq!(error, Malformed::OptionPastEnd { code: 12, offset: 3 });
    assert_eq!(error.to_string(), "option 12 at byte 3 of its field reaches over the end");
    let error = Packet::parse(&request(&[53])).unwrap_err();
    assert_eq!(error, Malformed::OptionPastEnd { code: 53, offset: 0 });
}

#[test]
fn fragments_of_an_option_are_joined_as_rfc_3396_wants() {
    let packet = Packet::parse(&request(&[12, 2, b'a', b'b', 0, 53, 1, 1, 12, 1, b'c', 255]));
    assert_eq!(packet.unwrap().options.bytes(12), Some(&b"abc"[..]));
}

#[test]
fn overloaded_fields_hold_options_file_before_sname() {
    let mut bytes = request(&[53, 1, 1, 52, 1, 3, 12, 1, b'a', 255]);
    bytes[44..48].copy_from_slice(&[12, 1, b'c', 255]);
    bytes[108..112].copy_from_slice(&[12, 1, b'b', 255]);
    let packet = Packet::parse(&bytes).unwrap();
    assert_eq!(packet.options.bytes(12), Some(&b"abc"[..]));
    assert_eq!((packet.sname, packet.file), (vec![], vec![]));
}

#[test]
fn an_overloaded_field_that_lies_about_a_length_is_refused() {
    let mut bytes = request(&[53, 1, 1, 52, 1, 1, 255]);
    bytes[108..110].copy_from_slice(&[12, 127]);
    let expected = Malformed::OptionPastEnd { code: 12, offset: 0 };
    assert_eq!(Packet::parse(&bytes), Err(expected));
    bytes[108..236].fill(0);
    assert_eq!(Packet::parse(&bytes), Err(Malformed::NoEnd));
}

#[test]
fn an_overload_of_none_of_the_three_kinds_is_refused() {
    for value in [&[0][..], &[4], &[255], &[], &[1, 2]] {
        let length = u8::try_from(value.len()).unwrap();
        let options = [&[52, length], value, &[255]].concat();
        let parsed = Packet::parse(&request(&options));
        assert_eq!(parsed, Err(Malformed::Overload(value.to_vec())));
    }
}

#[test]
fn options_that_the_protocol_hangs_on_have_their_length() {
    for (code, good) in [(50, 4), (53, 1), (54, 4), (57, 2)] {
        for length in (0..=6).filter(|&length| length != good) {
            let mut options = vec![code, length];
            options.extend(std::iter::repeat_n(1, usize::from(length)));
            options.push(255);
            let expected = Malformed::OptionLength { code, length: usize::from(length) };
            assert_eq!(Request::parse(&request(&options)), Err(expected));
        }
    }
}

#[test]
fn replies_other_hardware_and_server_messages_are_no_requests() {
    let good = request(&[53, 1, 1, 255]);
    let changed = |at: usize, value| {
        let mut bytes = good.clone();
        bytes[at] = value;
        Request::parse(&bytes).map(|request| request.kind)
    };
    assert_eq!(changed(0, 1), Ok(Kind::Discover));
    assert_eq!(changed(0, 2), Err(Malformed::NotARequest(2)));
    assert_eq!(changed(1, 6), Ok(Kind::Discover));
    assert_eq!(changed(1, 32), Err(Malformed::HardwareType(32)));
    for number in [0, 2, 5, 6, 9, 13, 255] {
        assert_eq!(changed(242, number), Err(Malformed::MessageType(number)));
    }
}

#[test]
fn hostile_seeds_panic_nobody_and_are_refused_for_the_reason_in_their_name() {
    for (name, bytes) in all("seeds") {
        let reason = Request::parse(&bytes).map_or_else(|malformed| malformed.reason(), |_| "ok");
        let expected = name.split_once('.').map_or(name.as_str(), |(reason, _)| reason);
        assert_eq!(reason, expected, "{name}");
    }
}

#[test]
fn every_reason_is_listed_for_its_counter() {
    let seen: Vec<String> = all("seeds").into_iter().map(|(name, _)| name).collect();
    for reason in Malformed::REASONS {
        assert!(seen.iter().any(|name| name.starts_with(reason)), "no seed for {reason}");
    }
}

/// A second opinion: on real packets an independent decoder finds the same options.
#[test]
fn dhcproto_finds_the_same_options_in_real_packets() {
    for (name, bytes) in all("captures") {
        let ours = Packet::parse(&bytes).unwrap();
        let theirs = Message::decode(&mut Decoder::new(&bytes)).unwrap();
        assert_eq!(theirs.chaddr(), &ours.chaddr[..6], "{name}");
        assert_eq!(theirs.xid(), ours.xid, "{name}");
        let codes: Vec<u8> = theirs.opts().iter().map(|(code, _)| u8::from(*code)).collect();
        assert_eq!(codes, ours.options.iter().map(|(code, _)| code).collect::<Vec<_>>(), "{name}");
        let vendor = match theirs.opts().get(OptionCode::ClassIdentifier) {
            Some(dhcproto::v4::DhcpOption::ClassIdentifier(bytes)) => Some(bytes.as_slice()),
            _ => None,
        };
        assert_eq!(vendor, ours.options.bytes(code::VENDOR_CLASS), "{name}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
        exercise(&bytes);
    }

    #[test]
    fn no_options_panic(options in proptest::collection::vec(any::<u8>(), 0..400)) {
        exercise(&request(&options));
    }

    #[test]
    fn no_mutation_of_a_real_packet_panics(
        which in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec((0..420_usize, any::<u8>()), 1..8),
        length in 200..420_usize,
    ) {
        let captures = all("captures");
        let (_, mut bytes) = which.get(&captures).clone();
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(length);
        exercise(&bytes);
    }

    #[test]
    fn what_is_well_formed_is_understood(
        options in proptest::collection::btree_map(
            prop_oneof![1..52_u8, 60..97_u8, 100..255_u8],
            proptest::collection::vec(any::<u8>(), 0..255),
            0..8,
        ),
    ) {
        let mut bytes = Vec::new();
        for (code, value) in options.iter().filter(|(code, _)| **code != code::REQUESTED_ADDRESS) {
            bytes.extend([*code, u8::try_from(value.len()).unwrap()]);
            bytes.extend(value);
        }
        bytes.push(code::END);
        let parsed = Request::parse(&request(&bytes)).unwrap();
        for (code, value) in options.iter().filter(|(code, _)| **code != code::REQUESTED_ADDRESS) {
            prop_assert_eq!(parsed.options.bytes(*code), Some(value.as_slice()));
        }
    }
}

/// Everything that can be asked of a packet.
fn exercise(bytes: &[u8]) {
    use crate::{Answer, Lease, Reply, destination};
    let Ok(request) = Request::parse(bytes) else {
        return;
    };
    let (stage, state, uuid) = (request.stage(), request.client_state(), request.uuid_text());
    drop((stage, state, uuid));
    let server = Ipv4Addr::new(10, 77, 0, 1);
    let lease = Lease::lasting(Ipv4Addr::new(10, 77, 0, 9), Ipv4Addr::new(255, 255, 255, 0), 600);
    for answer in [Answer::Offer, Answer::Ack, Answer::Nak] {
        let boot = crate::Boot { next_server: server, file: "http://10.77.0.1/x".into() };
        let reply = Reply { answer, ..Reply::offer(server, lease).with_boot(boot) };
        let to = destination(&request, &reply).socket_address();
        assert!(to.port() == 67 || to.port() == 68);
        if let Ok(encoded) = reply.encode(&request) {
            assert!(Packet::parse(&encoded.bytes).is_ok(), "a reply of ours does not parse");
            assert!(encoded.bytes.len() <= 1472);
        }
    }
}

/// Where END stands.
fn end_of_options(bytes: &[u8]) -> usize {
    let mut at = HEADER_LENGTH;
    while bytes[at] != code::END {
        at += if bytes[at] == code::PAD { 1 } else { 2 + usize::from(bytes[at + 1]) };
    }
    at
}
