//! Medians, percentiles, and how they are written.

/// A value of several runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs(Vec<f64>);

impl Runs {
    pub(super) fn push(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    pub(super) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// `12,345 (12,001–13,000)`, with so many digits behind the point.
    pub(super) fn text(&self, digits: usize) -> String {
        let (first, last) = (self.0.first(), self.0.last());
        let (Some(first), Some(last)) = (first, last) else { return "–".to_owned() };
        format!(
            "{} ({}–{})",
            number(self.median(), digits),
            number(*first, digits),
            number(*last, digits)
        )
    }
}

/// The value below which so many of a hundred lie.
pub(super) fn percentile(sorted: &[u32], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(f64::NAN, |micros| f64::from(*micros))
}

/// A number with commas.
pub(super) fn number(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if rest.is_empty() { out } else { format!("{out}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(number(1_234_567.0, 0), "1,234,567");
        assert_eq!(number(123.456, 2), "123.46");
        assert_eq!(number(f64::NAN, 2), "–");
        let mut runs = Runs::default();
        assert_eq!(runs.text(0), "–");
        for value in [3.0, 1.0, 2000.0] {
            runs.push(value);
        }
        assert_eq!(runs.text(0), "3 (1–2,000)");
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let sorted: Vec<u32> = (1..=200).collect();
        assert!((percentile(&sorted, 50) - 101.0).abs() < 0.1);
        assert!((percentile(&sorted, 99) - 199.0).abs() < 0.1);
        assert!(percentile(&[], 50).is_nan());
    }
}
