//! Modes that were meant to be octal.

pub(super) const DECIMAL: &str =
    "unreasonable mode would be reasonable if specified in octal; remember to add a leading zero";

/// Whether a mode makes no sense, but would if its decimal digits were octal ones.
pub(super) fn is_decimal(mode: i64, is_directory: bool) -> bool {
    let octal = (0..=7777).contains(&mode).then(|| i64::from_str_radix(&mode.to_string(), 8));
    match octal {
        Some(Ok(octal)) => !is_typical(mode, is_directory) && is_typical(octal, is_directory),
        _ => false,
    }
}

fn is_typical(mode: i64, is_directory: bool) -> bool {
    // Root needs no permissions at all.
    if mode == 0 {
        return true;
    }
    let (mut read, mut write, mut execute) = (false, false, false);
    for shift in [0, 3, 6] {
        let bits = (mode >> shift) & 7;
        let (r, w, x) = (bits & 4 != 0, bits & 2 != 0, bits & 1 != 0);
        let others_may_more = (read && !r) || (write && !w) || (execute && !x);
        let others_may_only_read = x && read && !execute;
        if others_may_more || others_may_only_read || ((w || x) && !r) {
            return false;
        }
        (read, write, execute) = (read || r, write || w, execute || x);
    }
    let has = |bits: i64| mode & bits != 0;
    read && if is_directory {
        execute && !has(0o4000) && (!has(0o3000) || write)
    } else {
        (!has(0o6000) || (execute && !has(0o2))) && !has(0o1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_without_its_leading_zero_is_noticed() {
        for mode in [644, 755, 600, 700, 4755] {
            assert!(is_decimal(mode, false), "{mode}");
        }
        assert!(is_decimal(755, true) && is_decimal(1777, true));
        for mode in [0o644, 0o755, 0, 0o4755, 888, -1, 99999, 0o600] {
            assert!(!is_decimal(mode, false), "{mode:o}");
        }
    }
}
