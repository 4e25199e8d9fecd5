//! Deflate (RFC 1951) as Butane's packer chooses among its many forms: the sizes decide what is packed at all,
//! and so what machines are served, byte for byte.

mod bits;
mod code;
mod matches;

use bits::Bits;
use code::Code;
use matches::{Block, Token};

/// Most bytes of a block that is not packed.
const MOST_STORED: usize = 65_535;

const LITERALS: usize = 286;
const DISTANCES: usize = 30;
const END_OF_BLOCK: usize = 256;
const FIRST_LENGTH: usize = 257;

/// The order in which the lengths of the lengths' codes are written (RFC 1951, 3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Packs as hard as it can.
pub(super) fn deflate(input: &[u8]) -> Vec<u8> {
    let mut out = Bits::default();
    matches::blocks(input, |block| write_block(&mut out, &block));
    // The end is told by a block of its own, which is empty.
    stored(&mut out, &[], true);
    out.finish()
}

fn stored(out: &mut Bits, bytes: &[u8], is_last: bool) {
    out.push(usize::from(is_last), 3);
    out.align();
    out.push(bytes.len(), 16);
    out.push(!bytes.len() & 0xffff, 16);
    for byte in bytes {
        out.push(usize::from(*byte), 8);
    }
}

/// A symbol of one of the two alphabets, and what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Symbol {
    number: usize,
    extra: usize,
    extra_bits: usize,
}

/// RFC 1951, 3.2.5: each run of `1 << low` codes has one more bit behind it than the run before.
fn symbol(value: usize, low: u32) -> Symbol {
    let bits = (usize::BITS - value.leading_zeros()).saturating_sub(low + 1);
    let extra_bits = usize::try_from(bits).unwrap_or(0);
    let number = (value >> extra_bits) + (extra_bits << low);
    Symbol { number, extra: value & ((1 << extra_bits) - 1), extra_bits }
}

fn length_symbol(length: usize) -> Symbol {
    if length == 258 {
        return Symbol { number: FIRST_LENGTH + 28, extra: 0, extra_bits: 0 };
    }
    let symbol = symbol(length - 3, 2);
    Symbol { number: FIRST_LENGTH + symbol.number, ..symbol }
}

fn distance_symbol(distance: usize) -> Symbol {
    symbol(distance - 1, 1)
}

fn write_block(out: &mut Bits, block: &Block<'_>) {
    let mut literals = vec![0; LITERALS];
    let mut distances = vec![0; DISTANCES];
    let mut extra = 0;
    let count = |list: &mut Vec<usize>, number: usize| {
        list.get_mut(number).into_iter().for_each(|count| *count += 1);
    };
    for token in &block.tokens {
        match token {
            Token::Literal(byte) => count(&mut literals, usize::from(*byte)),
            Token::Match { length, distance } => {
                let (length, distance) = (length_symbol(*length), distance_symbol(*distance));
                count(&mut literals, length.number);
                count(&mut distances, distance.number);
                extra += length.extra_bits + distance.extra_bits;
            }
        }
    }
    count(&mut literals, END_OF_BLOCK);
    if distances.iter().all(|count| *count == 0) {
        // A table cannot be empty.
        count(&mut distances, 0);
    }
    let table = Table::of(&literals, &distances);
    let (fixed_literals, fixed_distances) = fixed();
    let fixed_size = 3 + fixed_literals.size(&literals) + fixed_distances.size(&distances) + extra;
    let dynamic_size = table.size(&literals, &distances) + extra;
    let size = fixed_size.min(dynamic_size);
    let bytes = block.bytes.filter(|bytes| bytes.len() <= MOST_STORED);
    if let Some(bytes) = bytes.filter(|bytes| (bytes.len() + 5) * 8 < size) {
        return stored(out, bytes, false);
    }
    if dynamic_size < fixed_size {
        table.write(out);
        write_tokens(out, &block.tokens, &table.literals, &table.distances);
    } else {
        out.push(2, 3);
        write_tokens(out, &block.tokens, &fixed_literals, &fixed_distances);
    }
}

fn write_tokens(out: &mut Bits, tokens: &[Token], literals: &Code, distances: &Code) {
    for token in tokens {
        match token {
            Token::Literal(byte) => literals.write(out, usize::from(*byte)),
            Token::Match { length, distance } => {
                let parts =
                    [(literals, length_symbol(*length)), (distances, distance_symbol(*distance))];
                for (code, symbol) in parts {
                    code.write(out, symbol.number);
                    out.push(symbol.extra, symbol.extra_bits);
                }
            }
        }
    }
    literals.write(out, END_OF_BLOCK);
}

/// RFC 1951, 3.2.6.
fn fixed() -> (Code, Code) {
    let runs = [(144, 8), (112, 9), (24, 7), (8, 8)];
    let lengths = runs.into_iter().flat_map(|(count, bits)| std::iter::repeat_n(bits, count));
    (Code::with_lengths(lengths.collect()), Code::with_lengths(vec![5; DISTANCES]))
}

/// The codes of one block, and how they are written in front of it (RFC 1951, 3.2.7).
#[derive(Debug)]
struct Table {
    literals: Code,
    distances: Code,
    /// How many of each are written.
    used: [usize; 2],
    /// The lengths of both codes, runs of them packed: symbol, extra bits, how many.
    runs: Vec<Symbol>,
    lengths: Code,
    /// How often each length or run is there.
    counts: Vec<usize>,
    /// How many lengths of [`Self::lengths`] are written.
    written: usize,
}

impl Table {
    fn of(literal_counts: &[usize], distance_counts: &[usize]) -> Self {
        let used = [literal_counts, distance_counts]
            .map(|counts| counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1));
        let literals = Code::of(literal_counts, 15);
        let distances = Code::of(distance_counts, 15);
        let [of_literals, of_distances] = used;
        let all = literals.lengths().iter().take(of_literals);
        let all: Vec<usize> =
            all.chain(distances.lengths().iter().take(of_distances)).copied().collect();
        let runs: Vec<_> = all.chunk_by(|a, b| a == b).flat_map(run).collect();
        let mut counts = vec![0; ORDER.len()];
        for run in &runs {
            counts.get_mut(run.number).into_iter().for_each(|count| *count += 1);
        }
        let lengths = Code::of(&counts, 7);
        let is_used = |at: &usize| counts.get(*at).is_some_and(|count| *count > 0);
        let written = ORDER.iter().rposition(is_used).map_or(0, |last| last + 1).max(4);
        Self { literals, distances, used, runs, lengths, counts, written }
    }

    fn size(&self, literals: &[usize], distances: &[usize]) -> usize {
        let extra: usize = self.runs.iter().map(|run| run.extra_bits).sum();
        let head = 3 + 5 + 5 + 4 + 3 * self.written + self.lengths.size(&self.counts) + extra;
        head + self.literals.size(literals) + self.distances.size(distances)
    }

    fn write(&self, out: &mut Bits) {
        let [literals, distances] = self.used;
        out.push(4, 3);
        out.push(literals - FIRST_LENGTH, 5);
        out.push(distances - 1, 5);
        out.push(self.written - 4, 4);
        for at in ORDER.iter().take(self.written) {
            out.push(self.lengths.lengths().get(*at).copied().unwrap_or(0), 3);
        }
        for run in &self.runs {
            self.lengths.write(out, run.number);
            out.push(run.extra, run.extra_bits);
        }
    }
}

/// One length, so many times.
fn run(same: &[usize]) -> Vec<Symbol> {
    let Some(length) = same.first().copied() else {
        return Vec::new();
    };
    let one = Symbol { number: length, extra: 0, extra_bits: 0 };
    let mut left = same.len();
    let mut runs = Vec::new();
    if length == 0 {
        while left >= 11 {
            let count = left.min(138);
            runs.push(Symbol { number: 18, extra: count - 11, extra_bits: 7 });
            left -= count;
        }
        if left >= 3 {
            runs.push(Symbol { number: 17, extra: left - 3, extra_bits: 3 });
            left = 0;
        }
    } else {
        runs.push(one);
        left -= 1;
        while left >= 3 {
            let count = left.min(6);
            runs.push(Symbol { number: 16, extra: count - 3, extra_bits: 2 });
            left -= count;
        }
    }
    runs.extend(std::iter::repeat_n(one, left));
    runs
}

#[cfg(test)]
mod tests;
