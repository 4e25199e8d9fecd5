use std::time::Duration;

use super::*;

const EXAMPLE: &str = include_str!("../../../docs/provisioner.example.yaml");

fn parse(text: &str) -> Result<Settings, ConfigFaults> {
    Settings::parse(text, "p.yaml", &Overrides::default())
}

/// The faults of a text, one a line.
fn faults(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// The faults of one subnet: its keys, indented by two, after its cidr in line 3.
fn subnet_faults(keys: &str) -> String {
    faults(&format!(
        "dhcp:\n subnets:\n - cidr: 10.77.0.0/24\n{}",
        keys.lines().map(|line| format!("   {line}\n")).collect::<Vec<_>>().concat()
    ))
}

#[test]
fn an_empty_file_gives_the_defaults() {
    let settings = parse("").unwrap();
    assert_eq!(settings, parse("# nothing\n").unwrap());
    assert_eq!(settings, Settings::load(None, &Overrides::default()).unwrap());
    insta::assert_debug_snapshot!(settings);
}

#[test]
fn the_example_file_loads_and_says_the_defaults() {
    let settings = parse(EXAMPLE).unwrap();
    insta::assert_debug_snapshot!(settings);
    let default = parse("").unwrap();
    let as_default = Settings {
        advertise: None,
        interfaces: Vec::new(),
        catalog: CatalogSettings::default(),
        dhcp: default.dhcp.clone(),
        ..settings
    };
    assert_eq!(as_default, default);
}

#[test]
fn every_fault_is_told_at_once_in_the_order_of_lines() {
    let text = "
data_dri: /x
interfaces: eth0
enrolment: aut
advertise: 10.77.0
dhcp:
  subnets:
    - cidr: 10.77.0.1/24
    - cidr: 10.78.0.0/24
      rooter: 10.78.0.1
log: {format: yaml, level: 3}
";
    insta::assert_snapshot!(faults(text));
}

#[test]
fn a_key_given_twice_names_its_first_line() {
    assert_eq!(
        faults("assets: /a\nassets: /b\n"),
        "p.yaml:2:1: assets: given twice, first in line 1; only one can count"
    );
}

#[test]
fn a_file_that_is_no_yaml_says_where() {
    let text = faults("dhcp: [\nlog: {\n");
    assert!(text.starts_with("p.yaml:3:1: "), "{text}");
    assert_eq!(text.lines().count(), 1);
    assert_eq!(faults("- a\n"), "p.yaml:1:1: a map of keys is wanted here, not a list");
    let tagged = faults("assets: !secret x\n");
    assert_eq!(tagged, "p.yaml:1:9: assets: tags such as `!x` mean nothing here");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let path = Path::new("/nonexistent/p.yaml");
    let error = Settings::load(Some(path), &Overrides::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/nonexistent/p.yaml: cannot be read: No such file or directory (os error 2)"
    );
}

#[test]
fn what_this_version_cannot_do_is_refused_by_name() {
    let text = "catalog: {path: c}
history: {remote: git@example.org, push: true}
dhcp: {mode: proxy}
store: {etcd: {endpoints: [e]}}
loaders: {secure_boot: {shim: s, grub: g}}
enrolment: known-only
operator: {listen: \"0.0.0.0:8443\"}
";
    insta::assert_snapshot!(faults(text));
}

#[test]
fn what_is_refused_is_harmless_when_it_says_the_default() {
    let text = "history: {push: false}\nstore: {redb: {}}\ncatalog: {git: null}\noperator: {}\n";
    assert_eq!(parse(text), parse(""));
}

#[test]
fn the_command_line_wins_over_the_file() {
    let overrides = Overrides {
        interface: Some("lab0".to_owned()),
        data_dir: Some("/tmp/d".into()),
        catalog: Some("/tmp/c".into()),
    };
    let settings = Settings::parse(EXAMPLE, "p.yaml", &overrides).unwrap();
    assert_eq!(settings.interfaces, ["lab0"]);
    assert_eq!(settings.data_dir, Path::new("/tmp/d"));
    assert_eq!(settings.catalog.path.as_deref(), Some(Path::new("/tmp/c")));
    let settings = Settings::parse("", "p.yaml", &overrides).unwrap();
    assert_eq!(settings.assets, Path::new("/tmp/d/assets"));
    let wrong = Overrides { interface: Some("eth 0".to_owned()), ..Overrides::default() };
    let error = Settings::parse("", "p.yaml", &wrong).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--interface: \"eth 0\" is no interface name; `ip link` lists them"
    );
}

#[test]
fn relative_paths_are_taken_from_the_files_directory() {
    let text = "catalog: {path: catalog}\nassets: /a\n";
    let settings = Settings::parse(text, "/etc/p/p.yaml", &Overrides::default()).unwrap();
    assert_eq!(settings.catalog.path.as_deref(), Some(Path::new("/etc/p/catalog")));
    assert_eq!(settings.assets, Path::new("/a"));
}

#[test]
fn a_mode_without_subnets_is_off_and_server_demands_some() {
    assert_eq!(parse("dhcp: {}").unwrap().dhcp.mode, DhcpMode::Off);
    let one = "dhcp:\n subnets:\n - cidr: 10.77.0.0/24\n";
    assert_eq!(parse(one).unwrap().dhcp.mode, DhcpMode::Server);
    let off = "dhcp:\n mode: off\n subnets:\n - cidr: 10.77.0.0/24\n";
    assert_eq!(parse(off).unwrap().dhcp.mode, DhcpMode::Off);
    assert_eq!(
        faults("dhcp:\n  mode: server\n"),
        "p.yaml:2:9: dhcp.mode: server needs `subnets` to give addresses in"
    );
}

#[test]
fn pools_lie_in_their_subnet_and_beside_each_other() {
    let cases = [
        ("10.77.0.9-10.77.1.9", "10.77.1.9 is not in 10.77.0.0/24"),
        ("10.77.0.0-10.77.0.9", "10.77.0.0 is the network address of 10.77.0.0/24"),
        ("10.77.0.9-10.77.0.255", "10.77.0.255 is the broadcast address of 10.77.0.0/24"),
        ("10.77.0.9-10.77.0.8", "10.77.0.9 is behind 10.77.0.8; write the lower address first"),
        ("10.77.0.9", "\"10.77.0.9\" is no pool; write it as 10.77.0.100-10.77.0.200"),
    ];
    for (pool, message) in cases {
        assert_eq!(
            subnet_faults(&format!("pools: [{pool}]")),
            format!("p.yaml:4:12: dhcp.subnets[0].pools[0]: {message}")
        );
    }
    assert_eq!(
        subnet_faults("pools:\n- 10.77.0.10-10.77.0.20\n- 10.77.0.20-10.77.0.30"),
        "p.yaml:6:6: dhcp.subnets[0].pools[1]: overlaps the pool in line 5"
    );
    assert_eq!(
        subnet_faults("router: 10.77.0.15\npools: [10.77.0.10-10.77.0.20]"),
        "p.yaml:5:12: dhcp.subnets[0].pools[0]: the router 10.77.0.15 is in this pool"
    );
}

#[test]
fn reservations_are_complete_unique_and_inside() {
    let text = "router: 10.77.0.1
reservations:
- {mac: \"52:54:00:00:00:01\", address: 10.77.0.11, hostname: node1}
- {mac: \"52-54-00-00-00-01\", address: 10.77.0.11, hostname: NODE1}
- {mac: \"52:54:00:00:00\", address: 10.78.0.11, hostname: a.b}
- {mac: \"52:54:00:00:00:02\", address: 10.77.0.1}
- {hostname: node2}
- {mac: 525400123456, address: 10.77.0.12}";
    insta::assert_snapshot!(subnet_faults(text));
}

#[test]
fn the_rest_of_a_subnet_is_checked_too() {
    let text = "router: 10.77.0.255
dns: [10.77.0.1, dns.example]
ntp: 10.77.0.1
domain: -lab
lease: 5
lease_time: 1h
relays: [224.0.0.1]";
    insta::assert_snapshot!(subnet_faults(text));
}

#[test]
fn subnets_neither_overlap_nor_share_a_relay() {
    let text = "dhcp:
  subnets:
  - cidr: 10.77.0.0/24
    relays: [10.99.0.1]
  - cidr: 10.77.0.0/16
    relays: [10.99.0.1]
  - router: 10.1.0.1
  - cidr: 10.9.0.0/31
  - cidr: ten
";
    insta::assert_snapshot!(faults(text));
}

#[test]
fn the_provisioners_own_address_is_in_no_pool() {
    let text = "advertise: 10.77.0.9\ndhcp:\n subnets:\n - cidr: 10.77.0.0/24\n   pools: [10.77.0.2-10.77.0.20]\n";
    assert_eq!(
        faults(text),
        "p.yaml:1:12: advertise: 10.77.0.9 is in a pool: a machine could be given the provisioner's own address"
    );
}

#[test]
fn single_values_say_what_is_wanted() {
    let cases = [
        (
            "tftp: {listen: 69}",
            "p.yaml:1:16: tftp.listen: text is wanted here, not a number; put it in quotes",
        ),
        (
            "http: {listen: \":80\"}",
            "p.yaml:1:16: http.listen: \":80\" is no address and port; write it as \"0.0.0.0:8080\"",
        ),
        ("interfaces: [eth0, eth0]", "p.yaml:1:20: interfaces[1]: named twice"),
        (
            "interfaces: [\"a/b\"]",
            "p.yaml:1:14: interfaces[0]: \"a/b\" is no interface name; `ip link` lists them",
        ),
        ("data_dir: \"\"", "p.yaml:1:11: data_dir: must not be empty"),
        ("advertise: 0.0.0.0", "p.yaml:1:12: advertise: 0.0.0.0 is no address of a machine"),
        (
            "dhcp: {authoritative: \"yes\"}",
            "p.yaml:1:23: dhcp.authoritative: true or false is wanted here, not text",
        ),
        ("1: x", "p.yaml:1:1: a key is a number; keys are text: put it in quotes"),
    ];
    for (text, message) in cases {
        assert_eq!(faults(text), message);
    }
}

#[test]
fn signing_keys_are_taken_from_the_files_directory_and_a_certificate_needs_its_key() {
    let text = "data_dir: /d\nsigning: {key: k.asc, passphrase_file: /run/secret}\n";
    let settings = Settings::parse(text, "/etc/p/p.yaml", &Overrides::default()).unwrap();
    assert_eq!(settings.signing.key, Some(PathBuf::from("/etc/p/k.asc")));
    assert_eq!(settings.signing.passphrase_file, Some(PathBuf::from("/run/secret")));
    assert_eq!(settings.signing.made_key(), Path::new("/d/signing/openpgp.key"));
    assert_eq!(
        faults("signing: {certificate: c.pem}\n"),
        "p.yaml:1:24: signing.certificate: of no use without `certificate_key`: name both, or neither"
    );
    assert_eq!(
        faults("signing:\n  certificate_key: c.key\n"),
        "p.yaml:2:20: signing.certificate_key: of no use without `certificate`: name both, or neither"
    );
    assert!(faults("signing: {kez: k}\n").contains("did you mean `key`?"));
}

#[test]
fn a_catalog_may_be_commits_of_a_repository_here_or_elsewhere() {
    let read = |text: &str| Settings::parse(text, "/etc/p/p.yaml", &Overrides::default());
    let catalog = |text: &str| read(text).unwrap().catalog;
    let here = catalog("catalog: {path: c, git: {ref: v1}}");
    assert_eq!(here.path.as_deref(), Some(Path::new("/etc/p/c")));
    assert_eq!((here.poll, here.moves), (Duration::from_secs(1), 10));
    assert_eq!(here.git.map(|git| (git.reference, git.remote)), Some(("v1".to_owned(), None)));
    let text = "{remote: \"git@h:c.git\", verify: keys/, key: k, directory: a/b/}";
    let there = catalog(&format!("catalog: {{gate: {{moves: 0}}, git: {text}}}"));
    assert_eq!((there.poll, there.moves), (Duration::from_secs(30), 0));
    let git = there.git.unwrap();
    assert_eq!((git.reference.as_str(), git.directory.as_str()), ("main", "a/b"));
    assert_eq!(git.remote.as_deref(), Some("git@h:c.git"));
    assert_eq!(git.verify.as_deref(), Some(Path::new("/etc/p/keys/")));
    let path = catalog("catalog: {git: {remote: ../c.git}}").git.unwrap().remote;
    assert_eq!(path.as_deref(), Some("/etc/p/../c.git"));
    let overrides = Overrides { catalog: Some("/tmp/c".into()), ..Overrides::default() };
    let over = Settings::parse("catalog: {path: c, git: {}}", "p.yaml", &overrides).unwrap();
    assert_eq!((over.catalog.path.as_deref(), over.catalog.git), (Some(Path::new("/tmp/c")), None));
}

#[test]
fn a_malformed_remote_is_told_without_its_password() {
    for remote in [
        "ftp://me:hunter2@h/c",
        "https:://hunter2@h/c",
        "https://me:x hunter2@h/c",
        "ext::x?private_token=hunter2",
        "ftp://h/c?private_token=a@hunter2",
    ] {
        let told = faults(&format!("catalog: {{git: {{remote: {remote:?}}}}}"));
        assert!(told.contains("is no address of a repository"), "{remote}: {told}");
        assert!(!told.contains("hunter2"), "{remote}: {told}");
    }
}

#[test]
fn a_directory_of_the_command_line_is_no_way_around_signatures() {
    let over = Overrides { catalog: Some("/tmp/c".into()), ..Overrides::default() };
    let text = "catalog: {path: c, git: {verify: keys}}";
    let told = Settings::parse(text, "p.yaml", &over).unwrap_err().to_string();
    assert!(told.contains("catalog.git: `git.verify` demands signed commits"), "{told}");
}

#[test]
fn a_catalog_source_that_cannot_work_is_told() {
    let cases = [
        (
            "{git: {}}",
            "1:11: catalog.git: say where the repository is: with `path`, or with `git.remote`",
        ),
        (
            "{path: c, git: {remote: r}}",
            "1:11: catalog.path: a remote is kept in the data directory",
        ),
        ("{path: c, git: {key: k}}", "1:26: catalog.git.key: is for a remote by ssh"),
        ("{path: c, git: {ref: a..b}}", "1:31: catalog.git.ref: \"a..b\" is no name of a ref"),
        ("{git: {remote: \"ext::sh -c x\"}}", "catalog.git.remote: \"ext::sh -c x\" is no address"),
        ("{git: {remote: \"ftp://h/c\"}}", "catalog.git.remote: \"ftp://h/c\" is no address"),
        ("{path: c, git: {directory: ../x}}", "is no path inside of a repository"),
        ("{path: c, git: {poll: 0s}}", "too short or too long"),
        ("{path: c, git: {pol: 3s}}", "did you mean `poll`?"),
        ("{gate: {moves: -1}}", "a number of nodes is wanted, 0 or more"),
        ("{gate: {moves: ten}}", "a whole number is wanted here"),
    ];
    for (text, message) in cases {
        let told = faults(&format!("catalog: {text}"));
        assert!(told.contains(message), "{text}: {told}");
    }
}
