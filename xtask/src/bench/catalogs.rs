//! The catalogs that are served: matchbox's data directory for the comparison, and one of this project's own
//! for the reload.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::random::Random;

/// Machines of the comparison that are asked for: no more, so that making them known takes no longer than
/// measuring.
const MOST_MACHINES: usize = 1000;

/// What a machine's `/ignition` is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Config {
    /// Ignition, sent byte for byte.
    Raw,
    /// Butane with Go's templates, as matchbox has it.
    Go,
    /// Butane with handlebars; not for matchbox.
    Handlebars,
}

impl Config {
    fn file(self) -> &'static str {
        match self {
            Self::Raw => "raw.ign",
            Self::Go => "node.yaml",
            Self::Handlebars => "own.bu",
        }
    }
}

/// A data directory of matchbox with one group for each MAC.
pub(super) fn matchbox(root: &Path, groups: usize) -> Result<()> {
    for number in 0..groups {
        let (mac, rack) = (mac(number), number / 40);
        let group = format!(
            "{{\"id\": \"g{number:06}\", \"name\": \"machine {number}\", \"profile\": \"node\", \
             \"selector\": {{\"mac\": \"{mac}\"}}, \"metadata\": {{\"host_name\": \"n{number:06}\", \
             \"rack\": \"r{rack}\", \"ssh_authorized_keys\": [\"ssh-ed25519 AAAAC3 admin\"]}}}}\n"
        );
        write(root, &format!("groups/g{number:06}.json"), &group)?;
    }
    write(root, "ignition/raw.ign", RAW)?;
    write(root, "ignition/node.yaml", &BUTANE.replace("{{", "{{.").replace("KEYS", GO_KEYS))?;
    let own = BUTANE.replace("KEYS", OWN_KEYS);
    write(root, "templates/ignition/own.bu", &own)
}

/// The profile of [`matchbox`]'s groups.
pub(super) fn profile(root: &Path, config: Config) -> Result<()> {
    let profile = PROFILE.replace("FILE", config.file());
    write(root, "profiles/node.json", &profile)
}

/// The queries of some of [`matchbox`]'s machines, as iPXE asks.
pub(super) fn queries(groups: usize, seed: u64) -> Vec<String> {
    let mut random = Random::new(seed);
    let any = groups.min(MOST_MACHINES);
    let query = |number: usize| {
        let mac = mac(number).replace(':', "-");
        format!(
            "uuid=4c4c4544-0051-3610-8052-{number:012x}&mac={mac}&domain=&hostname=&serial=S{number:06}&arch=x86_64"
        )
    };
    if groups <= MOST_MACHINES {
        return (0..groups).map(query).collect();
    }
    let mut chosen = std::collections::BTreeSet::new();
    while chosen.len() < any {
        chosen.insert(random.below(groups));
    }
    chosen.into_iter().map(query).collect()
}

fn mac(number: usize) -> String {
    let [.., a, b, c] = (number as u64).to_be_bytes();
    format!("52:54:00:{a:02x}:{b:02x}:{c:02x}")
}

/// A catalog of this project's kind: each profile has two templates, of four kinds in turn.
pub(super) fn mixed(root: &Path, groups: usize, templates: usize) -> Result<()> {
    let profiles = (templates / 2).max(1);
    for number in 0..profiles {
        let uses = if number % 2 == 0 {
            write(root, &format!("templates/cloud/c{number}.yaml"), CLOUD)?;
            write(root, &format!("templates/ignition/b{number}.bu"), &numbered(number))?;
            format!("cloud: c{number}.yaml\nignition: b{number}.bu\n")
        } else {
            write(root, &format!("templates/ignition/r{number}.ign"), RAW)?;
            write(root, &format!("templates/generic/g{number}.cfg"), GENERIC)?;
            format!("generic: g{number}.cfg\nignition: r{number}.ign\n")
        };
        let profile = format!(
            "name: p{number}\nboot:\n  kernel: http://assets/vmlinuz\n  initrd: [http://assets/initrd.img]\n  \
             args: [console=ttyS0]\n{uses}metadata: {{channel: stable}}\n"
        );
        write(root, &format!("profiles/p{number}.yaml"), &profile)?;
    }
    (0..groups).try_for_each(|number| group(root, number, number % profiles, 0))
}

/// One group of [`mixed`]; `revision` is something to change.
pub(super) fn group(root: &Path, number: usize, profile: usize, revision: usize) -> Result<()> {
    let (mac, rack) = (mac(number), number / 40);
    let text = format!(
        "name: g{number:06}\nprofile: p{profile}\nselector:\n  mac: \"{mac}\"\nmetadata:\n  host_name: n{number:06}\n  \
         rack: r{rack}\n  revision: {revision}\n  ssh_authorized_keys:\n    - ssh-ed25519 AAAAC3 admin\n"
    );
    // As an editor does it: no reader sees half a file.
    let path = format!("groups/g{number:06}.yaml");
    write(root, &format!("{path}.tmp"), &text)?;
    let (from, to) = (root.join(format!("{path}.tmp")), root.join(&path));
    fs::rename(&from, &to).with_context(|| format!("cannot write {}", to.display()))
}

fn numbered(number: usize) -> String {
    let butane = BUTANE.replace("KEYS", OWN_KEYS);
    format!("{butane}    - path: /etc/number\n      contents:\n        inline: \"{number}\"\n")
}

fn write(root: &Path, name: &str, text: &str) -> Result<()> {
    let path = root.join(name);
    let write = || {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

const PROFILE: &str = "\
{\"id\": \"node\", \"name\": \"a node\", \"ignition_id\": \"FILE\", \"boot\": {\"kernel\": \"/assets/vmlinuz\", \
\"initrd\": [\"--name main /assets/initrd.img\"], \"args\": [\"initrd=main\", \"console=ttyS0\", \"ignition.firstboot\", \
\"ignition.config.url=http://m/ignition?mac=${mac:hexhyp}\"]}}
";

const RAW: &str = r#"{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/etc/hostname", "mode": 420, "contents": {"source": "data:,node"}}]}, "systemd": {"units": [{"name": "docker.service", "enabled": true}]}}
"#;

/// Handlebars, or Go's templates once a dot is put behind each `{{`. `KEYS`: where a loop stands.
const BUTANE: &str = "\
variant: fcos
version: 1.4.0
passwd:
  users:
    - name: core
      ssh_authorized_keys:
KEYS
systemd:
  units:
    - name: docker.service
      enabled: true
    - name: rack.service
      enabled: true
      contents: |
        [Unit]
        Description=Says where it stands
        [Service]
        ExecStart=/usr/bin/echo {{rack}}
        [Install]
        WantedBy=multi-user.target
storage:
  files:
    - path: /etc/hostname
      mode: 0644
      contents:
        inline: {{host_name}}
    - path: /etc/rack
      mode: 0644
      contents:
        inline: {{rack}}
";
const GO_KEYS: &str = "{{range .ssh_authorized_keys}}        - {{.}}\n{{end}}";
const OWN_KEYS: &str = "{{#each ssh_authorized_keys}}\n        - {{this}}\n{{/each}}";

const CLOUD: &str = "\
#cloud-config
hostname: {{host_name}}
ssh_authorized_keys:
{{#each ssh_authorized_keys}}
  - {{this}}
{{/each}}
write_files:
  - path: /etc/rack
    permissions: \"0644\"
    content: {{rack}}
runcmd:
  - [systemctl, enable, --now, docker]
";

const GENERIC: &str = "\
# {{node.name}} in {{rack}}
network --hostname={{host_name}}
url {{server.url}}/assets/{{metadata.channel}}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_machines_are_asked_for_in_every_run_and_each_has_a_group() {
        assert_eq!(queries(5000, 1), queries(5000, 1));
        assert_eq!(queries(5000, 1).len(), MOST_MACHINES);
        assert_eq!(queries(3, 1).len(), 3);
        assert_eq!(mac(0x01_02ff), "52:54:00:01:02:ff");
    }
}
