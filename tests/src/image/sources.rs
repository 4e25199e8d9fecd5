//! Where packages come from: the sources of the machine that builds, so that no mirror is named here.

use std::path::Path;

use anyhow::{Context, ensure};

/// Release that the image is made of.
pub(super) const SUITE: &str = "bookworm";

/// One-line entries (`deb [signed-by=…] URI SUITE main`, see sources.list(5)) for the release and its updates,
/// taken from below `/etc/apt`.
///
/// # Errors
/// When nothing there offers the release.
pub(super) fn of_this_machine(etc_apt: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = vec![etc_apt.join("sources.list")];
    let parts = etc_apt.join("sources.list.d");
    let parts = parts.read_dir().with_context(|| format!("cannot list {}", parts.display()))?;
    files.extend(parts.filter_map(|entry| Some(entry.ok()?.path())));
    files.sort();
    let mut entries = Vec::new();
    for file in files {
        let extension = file.extension().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        match extension.as_str() {
            "list" => entries.extend(text.lines().filter_map(one_line)),
            "sources" => entries.extend(stanzas(&text).iter().flat_map(|stanza| deb822(stanza))),
            _ => {}
        }
    }
    let release = entries.iter().any(|entry| entry.ends_with(&format!(" {SUITE} main")));
    ensure!(release, "no source of Debian {SUITE} (main) in {}: add one", etc_apt.display());
    Ok(entries)
}

/// The lines of `apt-config dump` that decide how packages are fetched (proxies, clocks that are off).
pub(super) fn fetch_options(dump: &str) -> String {
    let ours = [
        "Acquire::Check-",
        "Acquire::http::",
        "Acquire::https::",
        "Acquire::Retries",
        "Acquire::ForceIPv",
    ];
    let lines = dump.lines().filter(|line| ours.iter().any(|start| line.starts_with(start)));
    lines.fold(String::new(), |text, line| text + line + "\n")
}

/// An entry of this release, `None` for any other and for what is no entry.
fn entry(uri: &str, suite: &str, components: &[&str], key: Option<&str>) -> Option<String> {
    let flavour = suite.strip_prefix(SUITE)?;
    let ours = ["", "-updates", "-security"].contains(&flavour) && components.contains(&"main");
    let option = key.map(|key| format!("[signed-by={key}] ")).unwrap_or_default();
    ours.then(|| format!("deb {option}{uri} {suite} main"))
}

/// Reads a line of the old format.
fn one_line(line: &str) -> Option<String> {
    let line = line.split('#').next()?.trim().strip_prefix("deb ")?.trim();
    let (options, rest) = match line.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", line),
    };
    let key = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?, words.next()?);
    entry(uri, suite, &words.collect::<Vec<_>>(), key)
}

/// Fields of each stanza of a deb822 file; continued lines joined by blanks, comments left out.
fn stanzas(text: &str) -> Vec<Vec<(String, String)>> {
    let mut all: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields = all.last_mut();
        if line.trim().is_empty() {
            all.push(Vec::new());
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.and_then(|fields| fields.last_mut()) {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let (Some(fields), Some((name, value))) = (fields, line.split_once(':')) {
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    all
}

/// Reads a stanza of the new format: every URI with every suite.
fn deb822(fields: &[(String, String)]) -> Vec<String> {
    let field =
        |name: &str| fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
    let words = |name: &str| field(name).split_whitespace().collect::<Vec<_>>();
    if field("enabled").eq_ignore_ascii_case("no") || !words("types").contains(&"deb") {
        return Vec::new();
    }
    // A key that is written out in the stanza has no place in one line: apt's own keys must do.
    let key = Some(field("signed-by")).filter(|key| key.starts_with('/') && !key.contains(' '));
    let (suites, components) = (words("suites"), words("components"));
    let pairs =
        words("uris").into_iter().flat_map(|uri| suites.iter().map(move |suite| (uri, *suite)));
    pairs.filter_map(|(uri, suite)| entry(uri, suite, &components, key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODERN: &str = "Types: deb\n# old\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n\
        Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
        Types: deb\nURIs: http://other.example/\nSuites: nodistro bookworm-pgdg\nComponents: main\n\n\
        Enabled: no\nTypes: deb\nURIs: http://off.example/\nSuites: bookworm\nComponents: main\n";

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("sources.list.d")).unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    #[test]
    fn only_the_release_is_taken_from_the_new_format() {
        let machine = machine(&[("sources.list.d/debian.sources", MODERN)]);
        let key = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
        let expected = [
            format!("deb {key} http://mirror.example/debian bookworm main"),
            format!("deb {key} http://mirror.example/debian bookworm-updates main"),
        ];
        assert_eq!(of_this_machine(machine.path()).unwrap(), expected);
    }

    #[test]
    fn the_old_format_is_understood_with_options_and_comments() {
        let list = "# deb http://a/ bookworm main\ndeb-src http://b/ bookworm main\n\
            deb [arch=amd64 signed-by=/k.gpg] http://c/ bookworm main contrib # ours\n\
            deb http://d/ bookworm-security main\ndeb http://e/ bookworm stable\n";
        let machine = machine(&[("sources.list", list)]);
        let expected = [
            "deb [signed-by=/k.gpg] http://c/ bookworm main",
            "deb http://d/ bookworm-security main",
        ];
        assert_eq!(of_this_machine(machine.path()).unwrap(), expected);
    }

    #[test]
    fn a_key_inside_the_stanza_is_left_to_apt() {
        let text = "Types: deb\nURIs: http://a/\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN\n .\n x\n";
        let machine = machine(&[("sources.list.d/a.sources", text)]);
        assert_eq!(of_this_machine(machine.path()).unwrap(), ["deb http://a/ bookworm main"]);
    }

    #[test]
    fn a_machine_without_the_release_is_told_so() {
        let machine = machine(&[("sources.list", "deb http://d/ bookworm-security main\n")]);
        let error = of_this_machine(machine.path()).unwrap_err().to_string();
        assert!(error.contains("no source of Debian bookworm"), "{error}");
    }

    #[test]
    fn only_fetching_is_taken_over_from_the_configuration() {
        let dump = "APT::Foo \"1\";\nAcquire::Check-Date \"false\";\nAcquire::http::Proxy \"http://p:1/\";\n\
            DPkg::Post-Invoke:: \"rm\";\nAcquire::Languages \"none\";\n";
        assert_eq!(
            fetch_options(dump),
            "Acquire::Check-Date \"false\";\nAcquire::http::Proxy \"http://p:1/\";\n"
        );
    }
}
