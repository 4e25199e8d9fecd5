//! Huffman codes of limited length.

use std::cmp::Reverse;

use super::bits::Bits;

/// A code: the lengths say all (RFC 1951, 3.2.2).
#[derive(Debug)]
pub(super) struct Code {
    lengths: Vec<usize>,
    /// Mirrored, as they are written from the highest bit on.
    words: Vec<usize>,
}

impl Code {
    /// The best code for symbols that are so frequent, of at most `limit` bits each.
    pub(super) fn of(counts: &[usize], limit: usize) -> Self {
        let mut leaves: Vec<(usize, usize)> =
            counts.iter().copied().zip(0..).filter(|(count, _)| *count > 0).collect();
        leaves.sort_unstable();
        let weights: Vec<usize> = leaves.iter().map(|(count, _)| *count).collect();
        let mut lengths = vec![0; counts.len()];
        for ((_, symbol), length) in leaves.iter().zip(package_merge(&weights, limit)) {
            lengths.get_mut(*symbol).into_iter().for_each(|place| *place = length);
        }
        // Of symbols that are equally frequent, which one gets the shorter code is free: the later one.
        Self::with_lengths(lengths)
    }

    pub(super) fn with_lengths(lengths: Vec<usize>) -> Self {
        let mut order: Vec<(usize, usize)> =
            lengths.iter().copied().zip(0..).filter(|(length, _)| *length > 0).collect();
        order.sort_unstable();
        let mut words = vec![0; lengths.len()];
        let (mut next, mut before) = (0usize, 0);
        for (length, symbol) in order {
            next <<= length - before;
            before = length;
            let mirrored = next.reverse_bits() >> (word_bits() - length);
            words.get_mut(symbol).into_iter().for_each(|word| *word = mirrored);
            next += 1;
        }
        Self { lengths, words }
    }

    pub(super) fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Bits of symbols that are there so often.
    pub(super) fn size(&self, counts: &[usize]) -> usize {
        counts.iter().zip(&self.lengths).map(|(count, length)| count * length).sum()
    }

    pub(super) fn write(&self, out: &mut Bits, symbol: usize) {
        if let (Some(word), Some(length)) = (self.words.get(symbol), self.lengths.get(symbol)) {
            out.push(*word, *length);
        }
    }
}

fn word_bits() -> usize {
    usize::try_from(usize::BITS).unwrap_or(64)
}

/// Lengths of codes for weights in rising order, by the package-merge algorithm (Larmore and Hirschberg,
/// 1990). Of a package and a leaf of one weight, the package is first.
fn package_merge(weights: &[usize], limit: usize) -> Vec<usize> {
    let count = weights.len();
    if count <= 2 {
        return vec![1; count];
    }
    let limit = limit.min(count - 1);
    // Per level, from the deepest: weight, and whether it is a leaf.
    let mut levels: Vec<Vec<(usize, bool)>> = Vec::new();
    for _ in 0..limit {
        let below = levels.last().map_or(&[][..], Vec::as_slice);
        let packages = below.chunks_exact(2).map(|pair| (pair.iter().map(|(w, _)| w).sum(), false));
        let mut level: Vec<(usize, bool)> = packages.collect();
        level.extend(weights.iter().map(|weight| (*weight, true)));
        level.sort_by_key(|(weight, is_leaf)| (*weight, *is_leaf));
        levels.push(level);
    }
    let mut taken = 2 * count - 2;
    let mut lengths = vec![0; count];
    for level in levels.iter().rev() {
        let leaves = level.iter().take(taken).filter(|(_, is_leaf)| *is_leaf).count();
        lengths.iter_mut().take(leaves).for_each(|length| *length += 1);
        taken = 2 * (taken - leaves);
    }
    lengths.sort_by_key(|length| Reverse(*length));
    lengths
}
