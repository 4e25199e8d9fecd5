//! Packets with the headers of the old format (RFC 9580, 4.2.2), as gpg writes them.
//!
//! GRUB reads a length of two bytes of the new format as 192 too small (`read_packet_header` of its
//! pgp.c): to Debian's 2.06 a public key of RSA in the new format is a "bad signature".

/// The same packets in the old format; `None` if there are some that it cannot say.
pub(super) fn old(mut packets: &[u8]) -> Option<Vec<u8>> {
    let mut framed = Vec::with_capacity(packets.len());
    while let Some((first, rest)) = packets.split_first() {
        let (tag, length, rest) =
            if first & 0x40 == 0 { old_header(*first, rest)? } else { new_header(*first, rest)? };
        let (body, rest) = rest.split_at_checked(length)?;
        // Bits 2 to 5 are the tag: the new format has more of them.
        let tag = (tag < 16).then_some(0x80 | tag << 2)?;
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(length), _) => framed.extend([tag, length]),
            (_, Ok(length)) => {
                framed.push(tag | 1);
                framed.extend(length.to_be_bytes());
            }
            _ => {
                framed.push(tag | 2);
                framed.extend(u32::try_from(length).ok()?.to_be_bytes());
            }
        }
        framed.extend(body);
        packets = rest;
    }
    Some(framed)
}

fn old_header(first: u8, rest: &[u8]) -> Option<(u8, usize, &[u8])> {
    let (length, rest) = number(rest, [1, 2, 4, 0].get(usize::from(first & 3)).copied()?)?;
    Some(((first >> 2) & 0xf, length, rest))
}

fn new_header(first: u8, rest: &[u8]) -> Option<(u8, usize, &[u8])> {
    let (one, more) = rest.split_first()?;
    let (length, rest) = match *one {
        0..192 => (usize::from(*one), more),
        192..224 => {
            let (low, rest) = number(more, 1)?;
            ((usize::from(*one) - 192) * 256 + low + 192, rest)
        }
        255 => number(more, 4)?,
        // Of unknown length: not for keys and signatures (RFC 9580, 4.2.1.4).
        _ => return None,
    };
    Some((first & 0x3f, length, rest))
}

/// A number of so many bytes, and what follows.
fn number(bytes: &[u8], size: usize) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_at_checked(size)?;
    let value = number.iter().fold(0, |value, byte| value << 8 | usize::from(*byte));
    (size > 0).then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_said_in_the_old_format() {
        for length in [0_usize, 1, 191, 192, 255, 256, 8383, 8384, 65_535, 65_536] {
            let body = vec![7; length];
            let mut new = vec![0xc6, 0xff];
            new.extend(u32::try_from(length).unwrap().to_be_bytes());
            new.extend(&body);
            let made = old(&new).unwrap();
            let header = made.len() - length;
            assert_eq!((made[0] & 0xfc, &made[header..]), (0x98, body.as_slice()));
            assert_eq!(
                header,
                if length < 256 {
                    2
                } else if length < 65_536 {
                    3
                } else {
                    5
                }
            );
            assert_eq!(old(&made), Some(made));
        }
        // The two-byte length that GRUB gets wrong: 0xc0 0x01 is 193.
        let new = [&[0xc2, 0xc0, 1][..], &[9; 193]].concat();
        assert_eq!(old(&new), Some([&[0x88, 193][..], &[9; 193]].concat()));
    }

    #[test]
    fn what_the_old_format_cannot_say_is_left() {
        for bytes in [&[0xd1, 0][..], &[0xc2, 0xe1], &[0xc2, 5, 0], &[0x8b, 1], &[0xc2]] {
            assert_eq!(old(bytes), None, "{bytes:?}");
        }
    }
}
