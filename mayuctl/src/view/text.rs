//! Words and numbers for people.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::{Duration, UNIX_EPOCH};

/// Text from a machine or the server, for one line of a terminal. Control characters are shown, not
/// obeyed: a serial or a label is whatever a machine claims it is.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    escape(text, char::is_control)
}

/// The same for text of several lines.
pub(crate) fn clean_lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| c.is_control() && c != '\n' && c != '\t')
}

/// What stands where there is nothing.
pub(crate) fn or_dash(text: &str) -> Cow<'_, str> {
    if text.is_empty() { Cow::Borrowed("-") } else { clean(text) }
}

/// A span of time in its largest unit: `42s`, `7m`, `3h`, `12d`. Clocks that disagree make it `0s`.
pub(crate) fn span(from_ms: i64, to_ms: i64) -> String {
    let seconds = to_ms.saturating_sub(from_ms).max(0) / 1000;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A point in time in UTC (RFC 3339), or `never`.
pub(crate) fn time(ms: i64) -> String {
    match u64::try_from(ms) {
        Ok(ms) if ms > 0 => match UNIX_EPOCH.checked_add(Duration::from_millis(ms)) {
            // Years past 9999 cannot be written in RFC 3339.
            Some(at) if ms < 253_402_300_800_000 => {
                humantime::format_rfc3339_seconds(at).to_string()
            }
            _ => format!("{ms} ms after 1970"),
        },
        _ => "never".into(),
    }
}

/// A size in binary units with one decimal: `1.5 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = "KiB";
    for larger in UNITS.into_iter().skip(1) {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        unit = larger;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// Whole percent done; `None` when it is not known of how much.
pub(crate) fn percent(done: u64, total: u64) -> Option<u128> {
    (u128::from(done) * 100).checked_div(u128::from(total)).map(|percent| percent.min(100))
}

/// `1 node`, `2 nodes`.
pub(crate) fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

fn escape(text: &str, bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&bad) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if bad(c) {
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_machine_claims_never_reaches_the_terminal_as_a_command() {
        assert_eq!(clean("a\x1b[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(clean_lines("a\nb\x07"), "a\nb\\u{7}");
    }

    #[test]
    fn times_and_sizes_are_shown_in_units_that_people_use() {
        assert_eq!(span(0, 119_999), "119s");
        assert_eq!(span(0, 7_199_000), "119m");
        assert_eq!(span(0, 172_800_000), "2d");
        assert_eq!(span(5_000, 0), "0s");
        assert_eq!(time(0), "never");
        assert_eq!(time(1_700_000_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(time(i64::MAX), "9223372036854775807 ms after 1970");
        assert_eq!([size(1023), size(1536), size(1 << 30)], ["1023 B", "1.5 KiB", "1.0 GiB"]);
        assert_eq!(size(u64::MAX), "16383.9 PiB");
        assert_eq!((percent(1, 3), percent(1, 0)), (Some(33), None));
    }
}
