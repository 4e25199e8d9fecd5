//! Finding what was there before: literals and matches, in blocks.

const SHORTEST: usize = 4;
const LONGEST: usize = 258;
const WINDOW: usize = 1 << 15;
/// A match of the shortest length counts only when it is so near.
const NEAR: usize = 4096;
/// How many places are tried for one match.
const TRIES: usize = 4096;
const BLOCK: usize = 1 << 14;
const HASH_BITS: u32 = 17;
/// So much is looked ahead; when less is there, the packer waits for more.
const AHEAD: usize = SHORTEST + LONGEST;

/// One step of the packed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Literal(u8),
    Match { length: usize, distance: usize },
}

/// Tokens that share a code.
#[derive(Debug)]
pub(super) struct Block<'i> {
    pub(super) tokens: Vec<Token>,
    /// What they stand for, if it is still at hand when they are written.
    pub(super) bytes: Option<&'i [u8]>,
}

/// Splits `input` into blocks.
pub(super) fn blocks<'i>(input: &'i [u8], write: impl FnMut(Block<'i>)) {
    let heads = vec![0; 1 << HASH_BITS];
    let before = vec![0; WINDOW];
    let mut packer = Packer { input, heads, before, tokens: Vec::new(), start: 0, base: 0, write };
    packer.run();
}

struct Packer<'i, W> {
    input: &'i [u8],
    /// The last place of each hash, and for each place the one before with the same hash; each counted from 1,
    /// and 0 for none.
    heads: Vec<usize>,
    before: Vec<usize>,
    tokens: Vec<Token>,
    /// Where the block began.
    start: usize,
    /// Where the window of two times [`WINDOW`] begins.
    base: usize,
    write: W,
}

impl<'i, W: FnMut(Block<'i>)> Packer<'i, W> {
    fn run(&mut self) {
        let (mut at, mut is_pending) = (0, false);
        // Length and distance of the match that began one byte before; length 0: none.
        let (mut length, mut distance) = (0, 0);
        while at < self.input.len() {
            self.slide(at);
            let head = self.insert(at);
            let last = (length, distance);
            (length, distance) = (0, 0);
            let ahead = self.input.len() - at;
            if ahead > last.0.max(SHORTEST - 1) && last.0 < LONGEST {
                (length, distance) = self.find(at, head, ahead.min(LONGEST));
            }
            if last.0 > 0 && length <= last.0 {
                self.tokens.push(Token::Match { length: last.0, distance: last.1 });
                let end = at + last.0 - 1;
                (at + 1..end).for_each(|at| {
                    self.insert(at);
                });
                at = end;
                (is_pending, length) = (false, 0);
                self.flush(at, false);
                continue;
            }
            if is_pending {
                self.literal(at - 1);
                self.flush(at, false);
            }
            at += 1;
            is_pending = true;
        }
        if is_pending {
            self.literal(at - 1);
        }
        self.flush(at, true);
    }

    fn literal(&mut self, at: usize) {
        self.tokens.extend(self.input.get(at).map(|byte| Token::Literal(*byte)));
    }

    /// Writes a block that is full, or the last one.
    fn flush(&mut self, at: usize, is_last: bool) {
        let is_full = self.tokens.len() == BLOCK;
        if is_full || (is_last && !self.tokens.is_empty()) {
            let tokens = std::mem::take(&mut self.tokens);
            let bytes = self.input.get(self.start..at).filter(|_| self.start >= self.base);
            (self.write)(Block { tokens, bytes });
            self.start = at;
        }
    }

    /// Moves the window when its end is near and more text comes.
    fn slide(&mut self, at: usize) {
        let end = self.base + 2 * WINDOW;
        if end < self.input.len() && end - at < AHEAD {
            self.base += WINDOW;
        }
    }

    /// Remembers a place; gives the last one with the same hash, counted from 1.
    fn insert(&mut self, at: usize) -> usize {
        let Some([a, b, c, d]) =
            self.input.get(at..at + SHORTEST).and_then(|four| four.first_chunk())
        else {
            return 0;
        };
        let hash = u32::from_be_bytes([*a, *b, *c, *d]).wrapping_mul(0x1e35_a7bd);
        let hash = usize::try_from(hash >> (u32::BITS - HASH_BITS)).unwrap_or(0);
        let Some(head) = self.heads.get_mut(hash) else {
            return 0;
        };
        let last = std::mem::replace(head, at + 1);
        self.before.get_mut(at % WINDOW).into_iter().for_each(|place| *place = last);
        last
    }

    /// The longest match at `at` of at most `most` bytes, the nearest of equals; length 0: none.
    fn find(&self, at: usize, head: usize, most: usize) -> (usize, usize) {
        let mut best = (0, 0);
        let first = at.saturating_sub(WINDOW).max(self.base);
        let mut next = head;
        for _ in 0..TRIES {
            let Some(place) = next.checked_sub(1).filter(|place| *place >= first) else {
                break;
            };
            // Only a longer one counts: it goes on where the best one ended.
            let reach = best.0.max(SHORTEST - 1);
            let is_longer = self.input.get(place + reach) == self.input.get(at + reach);
            let length = if is_longer { self.common(place, at, most) } else { 0 };
            let distance = at - place;
            let counts = length > SHORTEST || (length == SHORTEST && distance <= NEAR);
            if counts && length > best.0 {
                best = (length, distance);
                if length == most {
                    break;
                }
            }
            if place + WINDOW == at {
                break;
            }
            next = self.before.get(place % WINDOW).copied().unwrap_or(0);
        }
        best
    }

    fn common(&self, a: usize, b: usize, most: usize) -> usize {
        let a = self.input.get(a..).unwrap_or_default();
        let b = self.input.get(b..).unwrap_or_default();
        a.iter().zip(b).take(most).take_while(|(a, b)| a == b).count()
    }
}
