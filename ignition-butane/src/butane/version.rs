//! Which configs are understood, and what each version becomes.

use yaml::Finding;

use super::path::Path;
use super::report::Report;

/// A version of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    /// `fcos` or `flatcar`.
    variant: &'static str,
    pub(super) major: u64,
    pub(super) minor: u64,
    /// The base that variants share: 3 is Butane's `base/v0_3`.
    pub(super) base: u8,
    /// The version of Ignition that it becomes.
    pub(super) ignition: &'static str,
}

/// From docs/specs.md of Butane.
const KNOWN: [Version; 9] = [
    Version::new("fcos", 0, 1, "3.0.0"),
    Version::new("fcos", 1, 2, "3.1.0"),
    Version::new("fcos", 2, 3, "3.2.0"),
    Version::new("fcos", 3, 3, "3.2.0"),
    Version::new("fcos", 4, 4, "3.3.0"),
    Version::new("fcos", 5, 5, "3.4.0"),
    Version::new("fcos", 6, 6, "3.5.0"),
    Version::new("flatcar", 0, 4, "3.3.0"),
    Version::new("flatcar", 1, 5, "3.4.0"),
];

impl Version {
    const fn new(variant: &'static str, minor: u64, base: u8, ignition: &'static str) -> Self {
        Self { variant, major: 1, minor, base, ignition }
    }

    /// Whether it is fcos 1.`minor` or later.
    pub(super) fn is_fcos_from(&self, minor: u64) -> bool {
        self.variant == "fcos" && self.minor >= minor
    }

    /// Whether it is of the variant fcos.
    pub(super) fn is_fcos(&self) -> bool {
        self.variant == "fcos"
    }

    /// What `variant` and `version` at the top of a config mean.
    pub(super) fn find(
        variant: &str,
        version: &str,
        report: &mut Report<'_>,
    ) -> Result<&'static Self, Vec<Finding>> {
        if variant.is_empty() {
            let message = format!("error parsing variant; must be specified; {}", known());
            return Err(report.fail(&Path::of(["variant"]), message));
        }
        let numbers = numbers(version);
        if numbers.is_none() && !is_semver(version) {
            let message = format!("error parsing version; must be a valid semver; {}", known());
            return Err(report.fail(&Path::of(["version"]), message));
        }
        let found = KNOWN.iter().find(|known| {
            known.variant == variant && numbers == Some([known.major, known.minor, 0])
        });
        found.ok_or_else(|| {
            let is_variant = KNOWN.iter().any(|known| known.variant == variant);
            let key = if is_variant { "version" } else { "variant" };
            let message = format!(
                "No translator exists for variant {variant} with version {version}; {}",
                known()
            );
            report.fail(&Path::of([key]), message)
        })
    }
}

/// What can be written instead.
fn known() -> String {
    let versions = |variant: &str| {
        let of_it = KNOWN.iter().filter(|known| known.variant == variant);
        let names: Vec<_> =
            of_it.map(|known| format!("{}.{}.0", known.major, known.minor)).collect();
        names.join(", ")
    };
    format!("understood are fcos {} and flatcar {}", versions("fcos"), versions("flatcar"))
}

/// `1.4.0`.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let parts: Vec<u64> = version.split('.').map(number).collect::<Option<_>>()?;
    parts.try_into().ok()
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// With a pre-release or build metadata it is a version too, but none that is known.
fn is_semver(version: &str) -> bool {
    let (version, metadata) = version.split_once('+').unwrap_or((version, ""));
    let (version, release) = version.split_once('-').unwrap_or((version, ""));
    let identifier = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
    };
    numbers(version).is_some() && identifier(metadata) && identifier(release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_three_numbers_with_what_semver_allows_behind_them() {
        assert_eq!(numbers("1.4.0"), Some([1, 4, 0]));
        for wrong in ["", "1.4", "1.4.0.0", "1.x.0", "-1.4.0", "1.4.99999999999999999999"] {
            assert!(!is_semver(wrong), "{wrong}");
        }
        for right in ["1.7.0-experimental", "1.4.0+x"] {
            assert!(is_semver(right) && numbers(right).is_none(), "{right}");
        }
    }

    #[test]
    fn every_version_that_is_understood_is_named() {
        assert_eq!(
            known(),
            "understood are fcos 1.0.0, 1.1.0, 1.2.0, 1.3.0, 1.4.0, 1.5.0, 1.6.0 and flatcar 1.0.0, 1.1.0"
        );
    }
}
