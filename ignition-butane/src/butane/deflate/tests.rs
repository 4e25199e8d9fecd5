use std::io::Read;

use flate2::read::DeflateDecoder;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    DeflateDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn symbols_are_those_of_the_rfc() {
    let of = |symbol: Symbol| (symbol.number, symbol.extra, symbol.extra_bits);
    assert_eq!(of(length_symbol(3)), (257, 0, 0));
    assert_eq!(of(length_symbol(10)), (264, 0, 0));
    assert_eq!(of(length_symbol(12)), (265, 1, 1));
    assert_eq!(of(length_symbol(257)), (284, 30, 5));
    assert_eq!(of(length_symbol(258)), (285, 0, 0));
    assert_eq!(of(distance_symbol(1)), (0, 0, 0));
    assert_eq!(of(distance_symbol(4)), (3, 0, 0));
    assert_eq!(of(distance_symbol(6)), (4, 1, 1));
    assert_eq!(of(distance_symbol(32768)), (29, 8191, 13));
}

/// Sizes and hashes of what compress/flate of go 1.26 makes of these texts at level 9: they are longer than its
/// window and its blocks.
#[test]
fn long_texts_are_packed_as_the_real_program_packs_them() {
    let mut seed = 1u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    let noise: Vec<u8> = (0..200_000).map(|_| random()).collect();
    let words: Vec<u8> = (0..200_000).map(|_| b"abcdefgh \n"[usize::from(random()) % 10]).collect();
    let texts = [
        (noise, 200_070, "cfd97b4cd80a2fd4b8bbfe375f5a5b464ef1251397bd2da91d2f95a913c343ff"),
        (words, 93_652, "bf10a07398111055f063b4dac072a2cb497c12da8aba493ec319290982de693c"),
        (vec![0; 300_000], 311, "8204d14ba6e847ebff9928b616f47d1f7dd670b1cc4eb09d8b18f991e3d8805c"),
        (Vec::new(), 5, "f067985d352d2da6dfaef4844a66d06c5371ecbd9530a4d195ac599fef8b3427"),
    ];
    for (text, size, hash) in texts {
        let packed = deflate(&text);
        assert!(unpacked(&packed) == text);
        assert_eq!((packed.len(), hex::encode(Sha256::digest(&packed)).as_str()), (size, hash));
    }
}

proptest! {
    #[test]
    fn whatever_is_packed_comes_out_again(input in prop::collection::vec(0u8..6, 0..2000)) {
        prop_assert_eq!(unpacked(&deflate(&input)), input);
    }
}
