//! Who asks, and by which address it reached us: the same for every path of the boot plane.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::target::{Rendering, Target, split_form};
use crate::domain::labels::{Labels, Trust};
use crate::domain::machine::{Claims, Mac};
use crate::domain::render::Request;
use crate::server::app::App;
use crate::server::script::{Around, Loader};

/// Labels that are taken from a query. They are kept with the node: nobody may fill the store with them.
const MOST_LABELS: usize = 64;
/// Bytes of a label's key.
const LONGEST_KEY: usize = 64;
/// Bytes of a label's value.
const LONGEST_VALUE: usize = 256;

/// One question of the boot plane.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Address of the machine.
    pub peer: SocketAddr,
    /// Base URL by which it reaches us: `http://10.77.0.1:8080`.
    pub server: String,
    /// Query parameters, the first of a name only, values decoded; MACs in their canonical spelling.
    pub query: Vec<(String, String)>,
    /// The query as it was sent.
    pub raw_query: String,
    /// The path, without a signature's suffix.
    path: String,
}

impl Asked {
    pub(super) fn new(path: &str, raw_query: &str, peer: SocketAddr, server: String) -> Self {
        let query = parse_query(raw_query);
        Self { peer, server, query, raw_query: raw_query.to_owned(), path: path.to_owned() }
    }

    /// The question that a target means: a MAC in the path is one in the query, and GRUB's
    /// `/grub?…&mac=MAC.sig` is the signature of `/grub?…&mac=MAC`.
    pub(super) fn of(mut self, mut target: Target) -> (Self, Target) {
        self.path.clone_from(&target.path);
        if target.form.is_none() && target.rendering == Rendering::Script(Loader::Grub) {
            let (query, form) = split_form(&self.raw_query);
            if form.is_some() {
                target.form = form;
                self.query = parse_query(query);
                self.raw_query = query.to_owned();
            }
        }
        if let Some(mac) = target.mac {
            self.query.retain(|(key, _)| key != "mac");
            self.query.push(("mac".to_owned(), mac.to_string()));
        }
        (self, target)
    }

    /// What is around the machine.
    pub fn around<'a>(&'a self, app: &'a App) -> Around<'a> {
        Around { server: &self.server, subnets: &app.subnets }
    }

    /// Path and query, to be asked again.
    pub fn question(&self) -> String {
        let mark = if self.raw_query.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", self.path, self.raw_query)
    }

    /// What templates may know of the question.
    pub fn request(&self) -> Request {
        Request { query: self.query.iter().cloned().collect(), raw_query: self.raw_query.clone() }
    }

    /// Which machine it says it is.
    pub fn claims(&self) -> Claims {
        Claims::new()
            .with_uuid(self.get("uuid").and_then(|uuid| uuid.parse().ok()))
            .with_serial(self.get("serial"))
            .with_mac(self.get("mac").and_then(|mac| mac.parse().ok()))
    }

    /// Every parameter is a label that the machine claims.
    pub fn labels(&self) -> Labels {
        let mut labels = Labels::new();
        for (key, value) in &self.query {
            labels.insert(key, value, Trust::Claimed);
        }
        labels
    }

    /// One parameter.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// IPv4 address of the machine.
    pub fn address(&self) -> Option<Ipv4Addr> {
        match self.peer.ip().to_canonical() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }
}

/// matchbox's rules: the first value of a name counts, pairs with `;` are dropped, MACs are normalised and
/// dropped when they are none (contracts: matchbox 1.2).
fn parse_query(raw: &str) -> Vec<(String, String)> {
    let sound: Vec<&str> = raw.split('&').filter(|pair| !pair.contains(';')).collect();
    let mut query: Vec<(String, String)> = Vec::new();
    let mut left = None;
    for (key, value) in form_urlencoded::parse(sound.join("&").as_bytes()) {
        if query.iter().any(|(known, _)| *known == key) {
            continue;
        }
        if query.len() >= MOST_LABELS || key.len() > LONGEST_KEY || value.len() > LONGEST_VALUE {
            left = Some(format!("{key:.32?} is too long, or one too many"));
            continue;
        }
        if !key.eq_ignore_ascii_case("mac") {
            query.push((key.into_owned(), value.into_owned()));
        } else if let Ok(mac) = value.parse::<Mac>() {
            query.push((key.into_owned(), mac.to_string()));
        } else {
            left = Some(format!("{value:.32?} is no MAC"));
        }
    }
    // One line for one question, however many parameters it has.
    if let Some(why) = left {
        tracing::warn!("a parameter of a query is not used: {why}");
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_matchbox_reads_them() {
        let query = parse_query("mac=52-DA-00-89-D8-10&os=a+b&os=c&x;y=1&uuid=&mac2=zz");
        let expected = [("mac", "52:da:00:89:d8:10"), ("os", "a b"), ("uuid", ""), ("mac2", "zz")];
        let found: Vec<(&str, &str)> =
            query.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(found, expected);
        assert!(parse_query("mac=nonsense").is_empty());
    }
}
