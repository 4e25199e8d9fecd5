//! Durations and sizes as people write them.

/// Seconds of `90s`, `15m`, `2h`, `1d`; `None` of anything else.
pub fn seconds(text: &str) -> Option<u32> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u32>().ok()?.checked_mul(factor)
}

/// Bytes of `512MiB`, `8GiB`, `1TB`: binary units with an i, decimal ones without.
pub fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size; write 512MiB, 8GiB or 500GB");
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let factor: u64 = match unit.trim_start() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        assert_eq!(seconds("60s"), Some(60));
        assert_eq!(seconds("15m"), Some(900));
        assert_eq!(seconds("2h"), Some(7200));
        assert_eq!(seconds("0s"), Some(0));
        for wrong in ["", "15", "m", "1.5h", "-1s", "15 min", "99999999d"] {
            assert!(seconds(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        assert_eq!(bytes("8GiB"), Ok(8 << 30));
        assert_eq!(bytes("8 GiB"), Ok(8 << 30));
        assert_eq!(bytes("500GB"), Ok(500_000_000_000));
        for wrong in ["", "8", "GiB", "8gib", "99999999TiB", "-1B"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
