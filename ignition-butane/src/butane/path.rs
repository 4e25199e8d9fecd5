//! Where something is in a config, as Butane writes it: `$.storage.files.0.path`.

use std::borrow::Cow;
use std::fmt;

/// A way down from the top of a config.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path(Vec<Segment>);

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Segment {
    /// Into a map.
    Key(Cow<'static, str>),
    /// Into a list.
    Index(usize),
}

impl Path {
    /// From keys of maps.
    pub(super) fn of<const N: usize>(keys: [&'static str; N]) -> Self {
        Self(keys.into_iter().map(Segment::from).collect())
    }

    /// One step further.
    pub(super) fn to(&self, segment: impl Into<Segment>) -> Self {
        let mut path = self.clone();
        path.0.push(segment.into());
        path
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.0
    }
}

impl From<&'static str> for Segment {
    fn from(key: &'static str) -> Self {
        Self::Key(Cow::Borrowed(key))
    }
}

impl From<String> for Segment {
    fn from(key: String) -> Self {
        Self::Key(Cow::Owned(key))
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|segment| write!(f, ".{segment}"))
    }
}

/// A key of Ignition as Butane spells it: `sizeMiB` is `size_mib`.
pub(super) fn snake(key: &str) -> String {
    let key = key.replace("MiB", "_mib");
    let mut snake = String::with_capacity(key.len() + 4);
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_butane_writes_it() {
        let path = Path::of(["storage", "files"]).to(0).to("path");
        assert_eq!(path.to_string(), "$.storage.files.0.path");
        assert_eq!(Path::default().to_string(), "$");
    }

    #[test]
    fn keys_of_ignition_are_spelled_as_in_butane() {
        assert_eq!(snake("sizeMiB"), "size_mib");
        assert_eq!(snake("typeGuid"), "type_guid");
        assert_eq!(snake("sshAuthorizedKeys"), "ssh_authorized_keys");
    }
}
