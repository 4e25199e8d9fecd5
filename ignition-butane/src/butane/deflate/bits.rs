//! Bits, from the lowest of each byte on.

/// A row of bits that grows.
#[derive(Debug, Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    pending: usize,
    count: usize,
}

impl Bits {
    /// Puts the lowest `count` bits of `value` behind; at most 16.
    pub(super) fn push(&mut self, value: usize, count: usize) {
        self.pending |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.byte();
            self.count -= 8;
        }
    }

    /// Fills up to a whole byte.
    pub(super) fn align(&mut self) {
        if self.count > 0 {
            self.byte();
            self.count = 0;
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.align();
        self.bytes
    }

    fn byte(&mut self) {
        let [low, ..] = self.pending.to_le_bytes();
        self.bytes.push(low);
        self.pending >>= 8;
    }
}
