use proptest::prelude::*;

use super::*;

/// What git does with a delta, after `gitformat-pack(5)`.
fn patched(base: &[u8], delta: &[u8]) -> Vec<u8> {
    let mut at = 0;
    let mut byte = || {
        at += 1;
        usize::from(delta[at - 1])
    };
    let mut number = || {
        let (mut value, mut shift) = (0, 0);
        loop {
            let next = byte();
            value |= (next & 0x7f) << shift;
            shift += 7;
            if next < 0x80 {
                return value;
            }
        }
    };
    assert_eq!(number(), base.len());
    let wanted = number();
    let mut out = Vec::new();
    while at < delta.len() {
        let op = delta[at];
        at += 1;
        if op < 0x80 {
            out.extend(&delta[at..at + usize::from(op)]);
            at += usize::from(op);
            continue;
        }
        let mut field = |bits: &[u8]| {
            let mut value = 0;
            for (shift, bit) in bits.iter().enumerate() {
                if op & bit != 0 {
                    value |= usize::from(delta[at]) << (8 * shift);
                    at += 1;
                }
            }
            value
        };
        let from = field(&[1, 2, 4, 8]);
        let len = match field(&[16, 32, 64]) {
            0 => 0x10000,
            len => len,
        };
        out.extend(&base[from..from + len]);
    }
    assert_eq!(out.len(), wanted);
    out
}

fn spliced(base: &[u8], splice: &Splice) -> Vec<u8> {
    let mut out = base.to_vec();
    let range = splice.at..splice.at + splice.removed;
    out.splice(range, splice.inserted.iter().copied());
    out
}

fn is_patched_right(base: &[u8], splice: &Splice) {
    let made = patched(base, &delta(base.len(), splice));
    assert!(made == spliced(base, splice), "{splice:?}");
}

proptest! {
    #[test]
    fn a_delta_makes_of_its_base_what_the_splice_does(
        base in prop::collection::vec(any::<u8>(), 0..400),
        (from, to) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        inserted in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let ends = [from.index(base.len() + 1), to.index(base.len() + 1)];
        let at = ends[0].min(ends[1]);
        let removed = ends[0].max(ends[1]) - at;
        is_patched_right(&base, &Splice { at, removed, inserted });
    }

    #[test]
    fn a_distance_reads_back(distance in 1_usize..0x7fff_ffff) {
        let bytes = backwards(distance);
        let mut read = usize::from(bytes[0] & 0x7f);
        for byte in &bytes[1..] {
            read = ((read + 1) << 7) | usize::from(byte & 0x7f);
        }
        prop_assert_eq!(read, distance);
        let more = bytes[..bytes.len() - 1].iter().all(|byte| byte & 0x80 != 0);
        prop_assert!(more && bytes[bytes.len() - 1] < 0x80);
    }
}

#[test]
fn a_delta_of_a_very_long_list_copies_in_parts() {
    let base = vec![7; 0x0200_0010];
    for at in [0, 0x10000, 0x00ff_ffff, 0x0100_0000, 0x0200_0000] {
        let inserted = vec![9; 20];
        let splice = Splice { at, removed: 5, inserted };
        is_patched_right(&base, &splice);
    }
}

#[test]
fn an_object_goes_in_once_and_a_delta_wants_its_base() {
    let mut pack = Pack::new();
    let blob = pack.add(Kind::Blob, b"hello\n");
    assert_eq!(hex::encode(blob), "ce013625030ba8dba906f756967f9e9ca394464a");
    pack.add(Kind::Blob, b"hello\n");
    assert_eq!(pack.entries.len(), 1);
    let splice = Splice { at: 0, removed: 0, inserted: Vec::new() };
    assert!(!pack.add_delta([1; 20], (&[2; 20], 6), &splice));
    assert_eq!(pack.entries.len(), 1);
}
