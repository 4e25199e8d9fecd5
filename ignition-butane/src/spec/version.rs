//! Which specification a configuration says it follows.

use serde_json::Value;

/// The newest `x` of `3.x.0` that is understood.
pub(super) const NEWEST: u8 = 5;

const UNDERSTOOD: &str = "understood are 3.0.0, 3.1.0, 3.2.0, 3.3.0, 3.4.0 and 3.5.0";

/// Why the version cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) message: String,
    /// Whether the rest can be judged all the same, as what the newest version would be.
    pub(super) go_on: bool,
}

/// The `x` of `3.x.0`.
pub(super) fn of(config: &Value) -> Result<u8, Refused> {
    if config.get("ignitionVersion").is_some() {
        let message = format!("this is Ignition's specification 1; {}", convert());
        return Err(Refused { message, go_on: false });
    }
    match config.get("ignition").and_then(|ignition| ignition.get("version")) {
        Some(Value::String(version)) => parse(version),
        Some(Value::Null) | None => {
            let message = format!("the version of the specification is missing; {UNDERSTOOD}");
            Err(Refused { message, go_on: true })
        }
        Some(_) => {
            let message = format!("the version is text such as \"3.5.0\"; {UNDERSTOOD}");
            Err(Refused { message, go_on: true })
        }
    }
}

fn convert() -> String {
    format!(
        "convert it once with `ign-converter` (github.com/coreos/ign-converter), or write it anew as Butane; \
         {UNDERSTOOD}"
    )
}

fn parse(version: &str) -> Result<u8, Refused> {
    let refuse = |message: String, go_on| Err(Refused { message, go_on });
    let (numbers, suffix) =
        version.find(['-', '+']).map_or((version, ""), |at| version.split_at(at));
    let parts: Option<Vec<u64>> = numbers
        .split('.')
        .map(|part| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?)
        .collect();
    let Some(parts) = parts else {
        return refuse(format!("{version:?} is not a version; {UNDERSTOOD}"), true);
    };
    match *parts {
        [3, minor] if minor <= NEWEST.into() => {
            refuse(format!("the version has three parts: write \"3.{minor}.0\""), true)
        }
        [1 | 2, ..] => refuse(
            format!(
                "version {version} of Ignition's specification is not understood; {}",
                convert()
            ),
            false,
        ),
        [3, _, _] if !suffix.is_empty() => refuse(
            format!("{version} is no released version, and what it means may change; {UNDERSTOOD}"),
            false,
        ),
        [3, minor, 0] => match u8::try_from(minor) {
            Ok(minor) if minor <= NEWEST => Ok(minor),
            _ => refuse(newer(version), false),
        },
        [3, minor, _] if minor <= NEWEST.into() => {
            refuse(format!("there is no version {version}; {UNDERSTOOD}"), true)
        }
        [major, ..] if major >= 3 => refuse(newer(version), false),
        _ => refuse(format!("there is no version {version:?}; {UNDERSTOOD}"), true),
    }
}

fn newer(version: &str) -> String {
    format!(
        "version {version} of Ignition's specification is newer than this program, which cannot check it; \
         {UNDERSTOOD}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_from_3_0_to_3_5_are_understood() {
        for minor in 0..=5 {
            assert_eq!(parse(&format!("3.{minor}.0")), Ok(minor));
        }
    }

    #[test]
    fn any_other_version_is_refused_with_a_sentence_of_its_own() {
        let said = |version| parse(version).unwrap_err().message;
        assert!(said("2.3.0").contains("ign-converter"));
        assert!(said("2.4.0-experimental").contains("ign-converter"));
        assert!(said("3.6.0").contains("newer than this program"));
        assert!(said("4.0.0").contains("newer than this program"));
        assert!(said("3.5.0-experimental").contains("no released version"));
        assert!(said("3.3").contains("write \"3.3.0\""));
        assert!(said("3.3.1").contains("there is no version 3.3.1"));
        for nonsense in
            ["", "x", "3", "3.", "3.-1.0", "+3.0.0", " 3.0.0", "3.99999999999999999999.0"]
        {
            assert!(said(nonsense).contains("understood are"), "{nonsense:?}");
        }
    }
}
