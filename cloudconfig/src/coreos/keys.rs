//! The keys of CoreOS's cloud-config (coreos-cloudinit v1.14.0, package `config`).

use yaml::did_you_mean;

/// What a value is.
#[derive(Debug)]
pub(crate) enum Shape {
    Text,
    Int,
    Float,
    Bool,
    List(&'static Shape),
    Struct(&'static [Key]),
}

impl Shape {
    /// As coreos-cloudinit calls it.
    pub(crate) fn human(&self) -> String {
        match self {
            Self::Text => "string".to_owned(),
            Self::Int => "int".to_owned(),
            Self::Float => "float64".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::List(each) => format!("[]{}", each.human()),
            Self::Struct(_) => "struct".to_owned(),
        }
    }
}

/// Which texts a value may be.
#[derive(Debug)]
pub(crate) enum Valid {
    /// One of these, blanks between.
    Words(&'static str),
    /// What it has to look like, for people; and whether it does.
    Like(&'static str, fn(&str) -> bool),
}

impl Valid {
    pub(crate) fn takes(&self, text: &str) -> bool {
        match self {
            Self::Words(words) => words.split(' ').any(|word| word == text),
            Self::Like(_, like) => like(text),
        }
    }

    pub(crate) fn hint(&self, text: &str) -> String {
        match self {
            Self::Words(words) => did_you_mean(text, words.split(' '))
                .unwrap_or_else(|| format!("one of {}", words.replace(' ', ", "))),
            Self::Like(what, _) => format!("write {what}"),
        }
    }
}

/// Keys of one kind.
#[derive(Debug)]
pub(crate) struct Key {
    /// Their names, blanks between, `_` for every `-`.
    pub(crate) names: &'static str,
    pub(crate) shape: Shape,
    pub(crate) valid: Option<Valid>,
    /// Why not to use it any more.
    pub(crate) deprecated: Option<&'static str>,
}

const fn key(names: &'static str, shape: Shape) -> Key {
    Key { names, shape, valid: None, deprecated: None }
}

const fn only(names: &'static str, valid: Valid) -> Key {
    Key { names, shape: Shape::Text, valid: Some(valid), deprecated: None }
}

const fn old(names: &'static str, shape: Shape, why: &'static str) -> Key {
    Key { names, shape, valid: None, deprecated: Some(why) }
}

/// The key of a name.
pub(crate) fn find<'k>(keys: &'k [Key], name: &str) -> Option<&'k Key> {
    keys.iter().find(|key| key.names.split(' ').any(|known| known == name))
}

/// Where a name that is out of place belongs.
pub(super) fn home(name: &str) -> Option<&'static str> {
    if find(TOP, name).is_some() {
        return Some("it belongs to the top, under no other key");
    }
    find(COREOS, name).map(|_| "it belongs under `coreos`")
}

const TEXTS: Shape = Shape::List(&Shape::Text);

pub(crate) static TOP: &[Key] = &[
    key("ssh_authorized_keys", TEXTS),
    key("coreos", Shape::Struct(COREOS)),
    key("write_files", Shape::List(&Shape::Struct(FILE))),
    key("hostname manage_etc_hosts", Shape::Text),
    key("users", Shape::List(&Shape::Struct(USER))),
];

static COREOS: &[Key] = &[
    old("etcd", Shape::Struct(ETCD), "etcd is no longer shipped in Container Linux"),
    old("etcd2", Shape::Struct(ETCD2), "etcd2 is no longer shipped in Container Linux"),
    key("flannel", Shape::Struct(FLANNEL)),
    old("fleet", Shape::Struct(FLEET), "fleet is no longer shipped in Container Linux"),
    key("locksmith", Shape::Struct(LOCKSMITH)),
    key("oem", Shape::Struct(OEM)),
    key("update", Shape::Struct(UPDATE)),
    key("units", Shape::List(&Shape::Struct(UNIT))),
];

static FILE: &[Key] = &[
    only("encoding", Valid::Words("base64 b64 gz gzip gz+base64 gzip+base64 gz+b64 gzip+b64")),
    key("content owner path", Shape::Text),
    only("permissions", Valid::Like("the mode in octal, such as \"0644\"", is_mode)),
];

const FETCHED: &str =
    "trying to fetch from a remote endpoint introduces too many intermittent errors";

static USER: &[Key] = &[
    key("name passwd gecos homedir primary_group shell", Shape::Text),
    key("ssh_authorized_keys groups", TEXTS),
    old("coreos_ssh_import_github coreos_ssh_import_url", Shape::Text, FETCHED),
    old("coreos_ssh_import_github_users", TEXTS, FETCHED),
    key("no_create_home no_user_group system no_log_init", Shape::Bool),
];

static UNIT: &[Key] = &[
    key("name content", Shape::Text),
    key("mask enable runtime", Shape::Bool),
    only(
        "command",
        Valid::Words(
            "start stop restart reload try-restart reload-or-restart reload-or-try-restart",
        ),
    ),
    key("drop_ins", Shape::List(&Shape::Struct(DROP_IN))),
];

static DROP_IN: &[Key] = &[key("name content", Shape::Text)];

static UPDATE: &[Key] = &[
    only("reboot_strategy", Valid::Words("etcd-lock reboot off")),
    key("group server", Shape::Text),
];

static OEM: &[Key] = &[key("id name version_id home_url bug_report_url", Shape::Text)];

static LOCKSMITH: &[Key] = &[
    key(
        "endpoint etcd_cafile etcd_certfile etcd_keyfile etcd_username etcd_password group",
        Shape::Text,
    ),
    only("window_start", Valid::Like("\"Sun 04:00\" or \"04:00\"", is_window_start)),
    only("window_length", Valid::Like("a length such as 30m or 1h30m", is_window_length)),
];

static FLANNEL: &[Key] = &[key(
    "etcd_endpoints etcd_cafile etcd_certfile etcd_keyfile etcd_prefix etcd_username etcd_password \
     ip_masq subnet_file interface public_ip",
    Shape::Text,
)];

static FLEET: &[Key] = &[
    key(
        "agent_ttl authorized_keys_file etcd_cafile etcd_certfile etcd_keyfile etcd_key_prefix \
         etcd_servers etcd_username etcd_password metadata public_ip",
        Shape::Text,
    ),
    key("disable_engine verify_units", Shape::Bool),
    key("engine_reconcile_interval etcd_request_timeout", Shape::Float),
    key("token_limit verbosity", Shape::Int),
];

const OF_ETCD2: &str = "etcd2 options no longer work for etcd";

static ETCD: &[Key] = &[
    key(
        "addr bind_addr ca_file cert_file cors data_dir discovery graphite_host key_file name \
         peer_addr peer_bind_addr peer_ca_file peer_cert_file peer_key_file peers peers_file trace",
        Shape::Text,
    ),
    key(
        "cluster_active_size max_result_buffer max_retry_attempts peer_election_timeout \
         peer_heartbeat_interval snapshot_count",
        Shape::Int,
    ),
    key(
        "cluster_remove_delay cluster_sync_interval http_read_timeout http_write_timeout \
         retry_interval",
        Shape::Float,
    ),
    key("snapshot verbose very_verbose very_very_verbose", Shape::Bool),
    old(
        "advertise_client_urls discovery_fallback discovery_srv discovery_proxy \
         initial_advertise_peer_urls initial_cluster initial_cluster_state initial_cluster_token \
         listen_client_urls listen_peer_urls proxy",
        Shape::Text,
        OF_ETCD2,
    ),
    old("election_timeout heartbeat_interval max_snapshots max_wals", Shape::Int, OF_ETCD2),
    old("force_new_cluster", Shape::Bool, OF_ETCD2),
];

static ETCD2: &[Key] = &[
    key(
        "advertise_client_urls cert_file cors data_dir discovery discovery_fallback discovery_srv \
         discovery_proxy initial_advertise_peer_urls initial_cluster initial_cluster_state \
         initial_cluster_token key_file listen_client_urls listen_peer_urls log_package_levels name \
         peer_cert_file peer_key_file peer_trusted_ca_file trusted_ca_file wal_dir",
        Shape::Text,
    ),
    key(
        "client_cert_auth debug enable_pprof force_new_cluster peer_client_cert_auth \
         strict_reconfig_check",
        Shape::Bool,
    ),
    key(
        "election_timeout heartbeat_interval max_snapshots max_wals proxy_dial_timeout \
         proxy_failure_wait proxy_read_timeout proxy_refresh_interval proxy_write_timeout \
         snapshot_count",
        Shape::Int,
    ),
    only("proxy", Valid::Words("on off readonly")),
    old("ca_file", Shape::Text, "ca_file obsoleted by trusted_ca_file and client_cert_auth"),
    old(
        "peer_ca_file",
        Shape::Text,
        "peer_ca_file obsoleted peer_trusted_ca_file and peer_client_cert_auth",
    ),
];

/// Three or four octal digits, one more 0 in front allowed.
fn is_mode(text: &str) -> bool {
    let octal = |text: &str| text.chars().all(|c| c.is_digit(8)) && (3..=4).contains(&text.len());
    octal(text) || text.strip_prefix('0').is_some_and(octal)
}

/// A time of day, behind a day of the week if there is one.
fn is_window_start(text: &str) -> bool {
    let (day, time) = text.split_once(' ').map_or((None, text), |(day, time)| (Some(day), time));
    let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let below = |text: &str, limit: u8| {
        let digits = text.chars().all(|c| c.is_ascii_digit());
        digits && !text.is_empty() && text.trim_start_matches('0').parse().unwrap_or(0) < limit
    };
    let short = |text: &str| text.trim_start_matches('0').len() <= 2;
    day.is_none_or(|day| days.iter().any(|known| day.eq_ignore_ascii_case(known)))
        && time.split_once(':').is_some_and(|(hour, minute)| {
            short(hour) && short(minute) && below(hour, 24) && below(minute, 60)
        })
}

/// Go's durations, of whatever units.
fn is_window_length(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = number
            .strip_prefix('.')
            .map_or(number, |fraction| fraction.trim_start_matches(|c: char| c.is_ascii_digit()));
        let unit = number.trim_start_matches(|c: char| c.is_ascii_lowercase());
        if unit.len() == number.len() {
            return false;
        }
        rest = unit;
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal() {
        for good in ["644", "0644", "4755", "04755"] {
            assert!(is_mode(good), "{good}");
        }
        for bad in ["", "64", "0o644", "0888", "044755", "rw-r--r--"] {
            assert!(!is_mode(bad), "{bad}");
        }
    }

    #[test]
    fn windows_are_times_and_lengths() {
        for good in ["4:00", "Sun 04:30", "fri 23:59", "000:0", "Thu 007:01"] {
            assert!(is_window_start(good), "{good}");
        }
        for bad in ["", "24:00", "4:60", "Sunday 4:00", "4", "sun  4:00", ":", "999:00"] {
            assert!(!is_window_start(bad), "{bad}");
        }
        for good in ["30m", "1h30m", "1.5h", "+.5h", "h"] {
            assert!(is_window_length(good), "{good}");
        }
        for bad in ["", "30", "1h30", "-", "1 h"] {
            assert!(!is_window_length(bad), "{bad}");
        }
    }

    #[test]
    fn no_key_stands_in_a_table_twice() {
        for table in [
            TOP, COREOS, FILE, USER, UNIT, DROP_IN, UPDATE, OEM, LOCKSMITH, FLANNEL, FLEET, ETCD,
            ETCD2,
        ] {
            let names: Vec<_> = table.iter().flat_map(|key| key.names.split(' ')).collect();
            for name in &names {
                assert_eq!(names.iter().filter(|other| other == &name).count(), 1, "{name}");
            }
        }
    }
}
