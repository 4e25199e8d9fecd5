//! File names as clients spell them.

/// One spelling for a name: firmware and GRUB write `/grub//x.cfg` and `./x` for `grub/x.cfg` and
/// `x`. `None` if it is no name at all or tries to climb.
pub(crate) fn normalise(name: &str) -> Option<String> {
    if name.contains(|c: char| c == '\\' || c.is_control()) {
        return None;
    }
    let components = || name.split('/').filter(|part| !matches!(*part, "" | "."));
    if components().any(|part| part == "..") {
        return None;
    }
    let joined = components().collect::<Vec<_>>().join("/");
    (!joined.is_empty()).then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn spellings_of_one_name_become_one() {
        for spelling in ["grub/x.cfg", "/grub/x.cfg", "//grub//x.cfg", "./grub/./x.cfg"] {
            assert_eq!(normalise(spelling).as_deref(), Some("grub/x.cfg"), "{spelling}");
        }
        assert_eq!(normalise("Grub/X.CFG").as_deref(), Some("Grub/X.CFG"), "case is kept");
        assert_eq!(normalise("a..b/..c").as_deref(), Some("a..b/..c"), "dots in names are names");
    }

    #[test]
    fn what_climbs_or_names_nothing_is_no_name() {
        for bad in ["", "/", ".", "..", "../etc/passwd", "a/../../b", "a\\..\\b", "a\nb", "a\u{7f}"]
        {
            assert_eq!(normalise(bad), None, "{bad:?}");
        }
    }
}
