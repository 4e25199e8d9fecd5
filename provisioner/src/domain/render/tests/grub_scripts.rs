//! GRUB configurations: matchbox's bytes, GRUB's own reading of them, and what no value can do to them.

use super::*;
use crate::domain::render::grub::{Installer, Machine};
use crate::domain::render::ipxe::Arg;

const SERVER: &str = "http://10.77.0.1:8080";

fn facts() -> NodeFacts {
    let labels = [("domain", "lab.example"), ("manufacturer", "Dell Inc.")];
    NodeFacts {
        hostname: "node1".to_owned(),
        mac: "52:54:00:00:00:01".to_owned(),
        uuid: "4c4c4544-0051-3610-8052-b4c04f4a3132".to_owned(),
        serial: "SN1".to_owned(),
        address: "10.77.0.20".to_owned(),
        netmask: "255.255.255.0".to_owned(),
        labels: labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        ..NodeFacts::default()
    }
}

fn boot(kernel: &str, initrd: &[&str], args: &[&str]) -> Boot {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    Boot { kernel: kernel.to_owned(), initrd: owned(initrd), args: owned(args) }
}

fn live(boot: &Boot, facts: &NodeFacts) -> Result<String, String> {
    grub::live(boot, Machine { facts, server: SERVER }).map_err(|unsaid| unsaid.to_string())
}

/// The arguments of the first `linux` of a profile with these.
fn args(args: &[&str], facts: &NodeFacts) -> Result<Vec<String>, String> {
    let text = live(&boot("/k", &[], args), facts)?;
    let linux = commands(&text).into_iter().find(|words| words[0] == "linuxefi").unwrap();
    Ok(linux[2..].to_vec())
}

#[test]
fn live_grub_is_matchboxs() {
    let boot = boot(
        "(http;matchbox.foo:8080)/assets/vmlinuz",
        &["(http;matchbox.foo:8080)/assets/a.img", "(http;matchbox.foo:8080)/assets/b.img"],
        &["console=ttyS0,115200n8", "coreos.config.url=http://matchbox.foo:8080/ignition", "quiet"],
    );
    assert_eq!(
        live(&boot, &facts()).unwrap(),
        "default=0
fallback=1
timeout=1
menuentry \"CoreOS (EFI)\" {
echo \"Loading kernel\"
linuxefi \"(http;matchbox.foo:8080)/assets/vmlinuz\" console=ttyS0,115200n8 coreos.config.url=http://matchbox.foo:8080/ignition quiet
echo \"Loading initrd\"
initrdefi  \"(http;matchbox.foo:8080)/assets/a.img\" \"(http;matchbox.foo:8080)/assets/b.img\"
}
menuentry \"CoreOS (BIOS)\" {
echo \"Loading kernel\"
linux \"(http;matchbox.foo:8080)/assets/vmlinuz\" console=ttyS0,115200n8 coreos.config.url=http://matchbox.foo:8080/ignition quiet
echo \"Loading initrd\"
initrd  \"(http;matchbox.foo:8080)/assets/a.img\" \"(http;matchbox.foo:8080)/assets/b.img\"
}
"
    );
    let empty = live(&Boot::default(), &facts()).unwrap();
    assert!(empty.contains("\nlinuxefi \"\"\n") && empty.contains("\ninitrdefi \n}\n"), "{empty}");
}

#[test]
fn one_profile_serves_ipxe_and_grub() {
    let boot = boot(
        "http://10.0.0.9/coreos/vmlinuz?x=1",
        &["--name main /assets/a.img", "b.img"],
        &[
            "initrd=main",
            "ignition.config.url=http://10.77.0.1:8080/ignition?uuid=${uuid}&mac=${mac:hexhyp}",
            "x=${net0/mac}",
            "vendor=${manufacturer:uristring}",
            "systemd.setenv=\"A=b c\"",
            "console=tty0 console=ttyS0",
            "by=${net_default_mac}",
        ],
    );
    let text = live(&boot, &facts()).unwrap();
    let found = commands(&text);
    let linux = found.iter().find(|words| words[0] == "linux").unwrap();
    assert_eq!(
        linux,
        &[
            "linux",
            "(http,10.0.0.9)/coreos/vmlinuz?x=1",
            "ignition.config.url=http://10.77.0.1:8080/ignition?uuid=4c4c4544-0051-3610-8052-b4c04f4a3132&mac=52-54-00-00-00-01",
            "x=52:54:00:00:00:01",
            "vendor=Dell%20Inc.",
            "systemd.setenv=A=b c",
            "console=tty0",
            "console=ttyS0",
            "by=<net_default_mac>",
        ]
    );
    let initrd = found.iter().find(|words| words[0] == "initrd").unwrap();
    let here = "(http,10.77.0.1:8080)";
    assert_eq!(initrd[1..], [format!("{here}/assets/a.img"), format!("{here}/b.img")]);
    assert_grub_reads(&text);
}

#[test]
fn what_grub_has_no_word_for_is_said() {
    let facts = facts();
    for (boot, why) in [
        (boot("https://x/k", &[], &[]), "by http and tftp only"),
        (boot("/k", &["http://x/a /etc/a"], &[]), "cannot put \"/etc/a\""),
        (boot("/k", &[], &["x=${version}"]), "only iPXE knows"),
        (boot("/k", &[], &["x=${uuid:hexraw}"]), "only iPXE can write uuid"),
        (boot("/k", &[], &["x=${uuid"]), "not closed"),
        (boot("/k", &[], &["x=\"a b"]), "a double quote is not closed"),
        (boot("/k", &[], &["x='a'"]), "cannot give a kernel '\\''"),
        (boot("/k", &[], &["x\nreboot"]), "cannot give a kernel '\\n'"),
        (boot("/k\nreboot", &[], &[]), "cannot put \"reboot\""),
    ] {
        let fault = live(&boot, &facts).unwrap_err();
        assert!(fault.contains(why), "{fault}");
    }
}

fn installer(facts: &NodeFacts, title: &str, given: &[&str]) -> Result<String, String> {
    let own = [
        Arg::new("provisioner.url", SERVER).unwrap(),
        Arg::new("provisioner.token", "abc.def-ghi_").unwrap(),
    ];
    let given: Vec<String> = given.iter().map(|arg| (*arg).to_owned()).collect();
    let script = Installer {
        title,
        kernel_url: "http://10.77.0.1:8080/assets/installer/vmlinuz",
        initrd_url: "http://10.77.0.1:8080/assets/installer/initrd.img",
        own: &own,
        given: &given,
    };
    grub::installer(&script, Machine { facts, server: SERVER }).map_err(|unsaid| unsaid.to_string())
}

#[test]
fn the_installer_is_started_under_both_firmwares() {
    let text = installer(&facts(), "node1 is installed now", &["console=ttyS0"]).unwrap();
    assert_grub_reads(&text);
    assert_snapshot!(before_own_disk(&text), @r#"
echo 'provisioner: node1 is installed now'
if [ "${grub_platform}" = efi ]; then
if linuxefi "(http,10.77.0.1:8080)/assets/installer/vmlinuz" provisioner.url=http://10.77.0.1:8080 provisioner.token=abc.def-ghi_ console=ttyS0; then
if initrdefi "(http,10.77.0.1:8080)/assets/installer/initrd.img"; then
boot
fi
fi
fi
if linux "(http,10.77.0.1:8080)/assets/installer/vmlinuz" provisioner.url=http://10.77.0.1:8080 provisioner.token=abc.def-ghi_ console=ttyS0; then
if initrd "(http,10.77.0.1:8080)/assets/installer/initrd.img"; then
boot
fi
fi
echo 'provisioner: The installer could not be started; nothing was changed.'
echo 'provisioner: Going on to the local disk.'
sleep 10
"#);
}

#[test]
fn the_local_disk_is_grubs_last_word() {
    let text = grub::local_disk("node1 is running: that's on its disk");
    assert_grub_reads(&text);
    assert_snapshot!(text, @r#"
echo 'provisioner: node1 is running: that`s on its disk'
set check_signatures=no
if [ "${grub_platform}" = pc ]; then
set root=hd0
if chainloader (hd0)+1; then
boot
fi
echo 'provisioner: The local disk does not boot; back to the network in 30 s.'
sleep 30
reboot
fi
set loader=BOOTX64.EFI
if [ "${grub_cpu}" = arm64 ]; then
set loader=BOOTAA64.EFI
fi
if [ "${grub_cpu}" = i386 ]; then
set loader=BOOTIA32.EFI
fi
regexp --set=1:own '^\(([^)]*)\)' "${cmdpath}"
for disk in (hd*,*); do
if [ "${disk}" != "(${own})" -a -f "${disk}/EFI/BOOT/${loader}" ]; then
set root="${disk}"
if chainloader "${disk}/EFI/BOOT/${loader}"; then
boot
fi
fi
done
exit 1
"#);
}

#[test]
fn a_hold_and_a_fault_say_why() {
    let facts = facts();
    let machine = Machine { facts: &facts, server: SERVER };
    let why = ["The group that comes nearest is worker:".to_owned()];
    let text = grub::hold("held by an operator: ${evil}'\nreboot", &why, machine);
    assert_grub_reads(&text);
    assert_snapshot!(before_own_disk(&text), @r#"
echo 'provisioner: held by an operator: S{evil}` reboot'
echo 'provisioner: The group that comes nearest is worker:'
echo 'provisioner: MAC 52:54:00:00:00:01 serial SN1'
echo 'provisioner: UUID 4c4c4544-0051-3610-8052-b4c04f4a3132'
sleep 10
"#);
}

#[test]
fn a_fault_of_the_server_makes_grub_ask_again() {
    let facts = facts();
    let machine = Machine { facts: &facts, server: SERVER };
    let text = grub::again("the store is full", "/grub?mac=52-54-00-00-00-01&x=a;b'\"", machine);
    assert_grub_reads(&text);
    let asked = commands(&text).into_iter().find(|words| words[0] == "configfile").unwrap();
    assert_eq!(asked[1], "(http,10.77.0.1:8080)/grub?mac=52-54-00-00-00-01&x=a;b");
}

/// Ironic took kernel parameters with line ends and commands in them into boot scripts.
#[test]
fn cve_2026_46447_kernel_parameters_add_no_command_to_a_boot_script() {
    for evil in
        ["quiet\nshell", "quiet\r\nreboot", "a;reboot", "a || shell", "a\n}\nreboot", "$(x)"]
    {
        // For iPXE, whose lines nothing quotes: not one argument, so refused.
        let verbatim = Arg::verbatim(evil);
        assert!(evil == "a;reboot" || evil == "$(x)" || verbatim.is_err(), "{evil:?}");
        assert!(evil == "a;reboot" || Arg::new("x", evil).is_err(), "{evil:?}");
        // For GRUB: text, or refused.
        let plain = live(&boot("/k", &["/i"], &["a"]), &facts()).unwrap();
        if let Ok(text) = live(&boot("/k", &["/i"], &[evil]), &facts()) {
            let only = |text: &str| names(text).into_iter().map(|name| name.0).collect::<Vec<_>>();
            assert_eq!(only(&text), only(&plain), "{evil:?}");
            assert_grub_reads(&text);
        } else {
            assert!(evil.contains(char::is_control), "{evil:?}");
        }
        // And from a machine that lies about itself.
        let facts = NodeFacts { serial: evil.to_owned(), ..facts() };
        let word = args(&["serial=${serial}"], &facts).unwrap();
        assert_eq!(word.len(), 1, "{word:?}");
    }
    let profile = |arg: &str| {
        let text = serde_json::json!({"id": "p", "boot": {"kernel": "/k", "args": [arg]}});
        let file = SourceFile { path: "profiles/p.json".to_owned(), text: text.to_string() };
        Catalog::build(CatalogId::new("test"), &vec![file].into())
    };
    assert!(profile("quiet").is_ok());
    assert!(profile("quiet\nshell").is_err(), "such a catalog never serves");
}

/// Whether GRUB's own parser takes it.
fn assert_grub_reads(text: &str) {
    let mut check = Command::new("grub-script-check").stdin(Stdio::piped()).spawn().unwrap();
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(check.wait().unwrap().success(), "{text}");
}

/// All but the last words, which are the same everywhere.
fn before_own_disk(text: &str) -> &str {
    const FIRST: &str = "set check_signatures=no\n";
    let (before, own_disk) = text.split_once(FIRST).unwrap();
    assert!(grub::local_disk("").ends_with(&format!("{FIRST}{own_disk}")), "{text}");
    before
}

/// Commands as GRUB splits them, quotes taken off; a variable is `<name>`. What would be an operator or an
/// expansion of anything but a word of ours fails.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => commands.last_mut().unwrap().extend(word.take()),
            '\n' | ';' => {
                commands.last_mut().unwrap().extend(word.take());
                commands.push(Vec::new());
            }
            '#' if word.is_none() => while chars.next_if(|c| *c != '\n').is_some() {},
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().expect("a single quote is not closed") {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().expect("a double quote is not closed") {
                        '"' => break,
                        '\\' if matches!(chars.peek(), Some('$' | '"' | '\\')) => {
                            word.push(chars.next().unwrap());
                        }
                        '$' => word.push_str(&variable(&mut chars)),
                        c => word.push(c),
                    }
                }
            }
            '{' | '}' if word.is_none() => word = Some(c.to_string()),
            '\\' | '$' | '|' | '&' | '<' | '>' | '{' | '}' => panic!("{c:?} is bare in {text}"),
            c => word.get_or_insert_default().push(c),
        }
    }
    commands.last_mut().unwrap().extend(word);
    commands.retain(|words| !words.is_empty());
    commands
}

fn variable(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    assert_eq!(chars.next(), Some('{'));
    let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
    let ours = ["cmdpath", "own", "disk", "loader"].contains(&&*name);
    assert!(ours || name.starts_with("net_") || name.starts_with("grub_"), "{name}");
    format!("<{name}>")
}

/// Each command's name and its number of words.
fn names(text: &str) -> Vec<(String, usize)> {
    commands(text).iter().map(|words| (words[0].clone(), words.len())).collect()
}

const HOSTILE: &str = "(?s).{0,40}|[ \n\r\t|&;#$(){}<>'\"\\\\%a-]{0,20}";

proptest! {
    #[test]
    fn no_reason_adds_a_command_to_a_grub_script(reason in "(?s).{0,200}|[ \n\r\t|&;#$(){}<>'\"\\\\a-]{0,60}") {
        let facts = facts();
        let machine = Machine { facts: &facts, server: SERVER };
        let why = [reason.clone()];
        for (with, without) in [
            (grub::hold(&reason, &why, machine), grub::hold("", &[], machine)),
            (grub::local_disk(&reason), grub::local_disk("")),
            (installer(&facts, &reason, &[]).unwrap(), installer(&facts, "", &[]).unwrap()),
            (grub::again(&reason, &reason, machine), grub::again("", "", machine)),
        ] {
            let (with, without) = (commands(&with), commands(&without));
            let not_echo = |words: &&Vec<String>| words[0] != "echo" && words[0] != "configfile";
            let rest: Vec<_> = with.iter().filter(not_echo).collect();
            prop_assert_eq!(rest, without.iter().filter(not_echo).collect::<Vec<_>>());
            for words in with.iter().filter(|words| !not_echo(words)) {
                prop_assert_eq!(words.len(), 2);
                prop_assert!(words[1].bytes().all(|b| b.is_ascii_graphic() || b == b' '));
            }
        }
    }

    #[test]
    fn no_value_of_a_machine_adds_a_command_or_an_argument_for_grub(value in HOSTILE) {
        let mut facts = NodeFacts {
            hostname: value.clone(),
            serial: value.clone(),
            uuid: value.clone(),
            mac: value.clone(),
            address: value.clone(),
            arch: value.clone(),
            ..facts()
        };
        facts.labels.insert("domain".to_owned(), value);
        let boot = boot(
            "http://10.0.0.1/${serial}/${hostname}",
            &["/${domain}", "--name x ${ip}"],
            &["a=${serial}", "${uuid}", "b=${mac:hexhyp}", "c=${buildarch:uristring}"],
        );
        let plain = self::facts();
        let text = live(&boot, &facts).unwrap();
        let words = commands(&text);
        prop_assert_eq!(names(&text), names(&live(&boot, &plain).unwrap()));
        for word in words.iter().filter(|words| words[0].starts_with("linux")).flatten() {
            // What GRUB gives the kernel: nothing there splits or quotes.
            prop_assert!(word.bytes().all(|b| b.is_ascii_graphic() && !b"\"'\\".contains(&b)), "{}", word);
        }
    }

    #[test]
    fn no_argument_of_a_profile_is_a_command_of_grub(arg in HOSTILE) {
        if let Ok(text) = live(&boot("/k", &["/i"], &[&arg]), &facts()) {
            let plain = live(&boot("/k", &["/i"], &[]), &facts()).unwrap();
            let only = |text: &str| names(text).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
            prop_assert_eq!(only(&text), only(&plain));
        }
    }
}

#[test]
fn grub_itself_reads_what_hostile_values_become() {
    for evil in [
        "'; reboot; '",
        "\"; reboot; \"",
        "$(reboot)",
        "${root}",
        "a\nreboot",
        "} reboot {",
        "# x",
        "\\",
    ] {
        let facts = NodeFacts { serial: evil.to_owned(), hostname: evil.to_owned(), ..facts() };
        let boot =
            boot("/k/${serial}", &["/${hostname}"], &["a=${serial}", "$x{y}", "z=a;b|c&d<e>f"]);
        assert_grub_reads(&live(&boot, &facts).unwrap());
        let machine = Machine { facts: &facts, server: SERVER };
        for text in
            [grub::hold(evil, &[evil.to_owned()], machine), grub::again(evil, evil, machine)]
        {
            assert_grub_reads(&text);
        }
        assert_grub_reads(&installer(&facts, evil, &["s=${serial}"]).unwrap());
    }
}
