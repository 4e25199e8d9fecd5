use super::*;
use crate::domain::render::ipxe::{Arg, InstallerScript};

fn flatcar() -> Boot {
    Boot {
        kernel: "/assets/vmlinuz".to_owned(),
        initrd: vec!["--name main /assets/a.img".to_owned(), "/assets/b.img".to_owned()],
        args: vec!["initrd=main".to_owned(), "x=${mac:hexhyp}".to_owned()],
    }
}

#[test]
fn boot_ipxe_is_matchboxs() {
    assert_eq!(
        ipxe::BOOT_IPXE,
        "#!ipxe\nchain ipxe?uuid=${uuid}&mac=${mac:hexhyp}&domain=${domain}&hostname=${hostname}&serial=${serial}&arch=${buildarch:uristring}\n"
    );
}

#[test]
fn live_ipxe_is_matchboxs() {
    assert_eq!(
        ipxe::live(&flatcar()),
        "#!ipxe\nkernel /assets/vmlinuz initrd=main x=${mac:hexhyp}\ninitrd --name main /assets/a.img\ninitrd /assets/b.img\nboot\n"
    );
    assert_eq!(ipxe::live(&Boot::default()), "#!ipxe\nkernel \nboot\n");
}

#[test]
fn metadata_is_matchboxs_but_sorted() {
    let mut context = context(json!({
        "name": "x", "on": true, "three": 3, "half": 1.5, "big": 12_345_678_901_u64, "list": [1], "none": null,
        "etcd": {"name": "node1", "deep": {"er": "y"}}, "mac": "overridden", "evil": "a\nB=c",
    }));
    context.group.selector.insert("mac".to_owned(), json!("52:54:00:00:00:01"));
    context.request.query.insert("mac".to_owned(), "52:54:00:00:00:01".to_owned());
    context.request.raw_query = "mac=52-54-00-00-00-01".to_owned();
    assert_snapshot!(metadata::env(&context), @"
BIG=1.2345678901e+10
ETCD_DEEP_ER=y
ETCD_NAME=node1
EVIL=a B=c
HALF=1.5
MAC=52:54:00:00:00:01
NAME=x
ON=true
REQUEST_QUERY_MAC=52:54:00:00:00:01
REQUEST_RAW_QUERY=mac=52-54-00-00-00-01
THREE=3
");
}

#[test]
fn the_installer_is_started_with_what_ipxe_knows() {
    let mut args = ipxe::network_args();
    args.push(Arg::new("provisioner.url", "http://10.77.0.1:8080").unwrap());
    args.push(Arg::new("provisioner.token", "abc.def-ghi_").unwrap());
    args.push(Arg::verbatim("console=ttyS0,115200n8").unwrap());
    let script = InstallerScript {
        title: "Installing debian-12 on node1 (generation 1)",
        kernel_url: "http://10.77.0.1:8080/assets/installer/vmlinuz",
        initrd_url: "http://10.77.0.1:8080/assets/installer/initrd.img",
        args: &args,
    };
    assert_snapshot!(ipxe::installer(&script), @"
#!ipxe
echo provisioner: Installing debian-12 on node1 (generation 1)
imgfree
kernel --name vmlinuz http://10.77.0.1:8080/assets/installer/vmlinuz initrd=initrd.img provisioner.mac=${netX/mac:hexhyp} provisioner.address=${netX/ip} provisioner.netmask=${netX/netmask} provisioner.gateway=${netX/gateway} provisioner.url=http://10.77.0.1:8080 provisioner.token=abc.def-ghi_ console=ttyS0,115200n8 || goto failed
initrd --name initrd.img http://10.77.0.1:8080/assets/installer/initrd.img || goto failed
boot || goto failed
:failed
echo provisioner: The installer could not be started; nothing was changed.
echo provisioner: Going on to the local disk.
sleep 10 ||
iseq ${platform} efi && exit 1 ||
sanboot --no-describe --drive 0x80 ||
echo provisioner: The local disk does not boot; back to the network in 30 s.
sleep 30 ||
reboot
");
}

#[test]
fn the_local_disk_is_booted_by_the_firmwares_means() {
    assert_snapshot!(ipxe::local_disk("node1 is running: generation 1 is on its disk"), @"
#!ipxe
echo provisioner: node1 is running: generation 1 is on its disk
iseq ${platform} efi && exit 1 ||
sanboot --no-describe --drive 0x80 ||
echo provisioner: The local disk does not boot; back to the network in 30 s.
sleep 30 ||
reboot
");
}

#[test]
fn a_hold_says_why_and_which_machine_it_is() {
    assert_snapshot!(ipxe::hold("held by an operator: ${evil} || shell\nreboot ; # nothing", &[]), @"
#!ipxe
echo provisioner: held by an operator: S{evil} '|| shell reboot '; '# nothing
echo provisioner: MAC ${netX/mac} serial ${serial}
echo provisioner: UUID ${uuid}
sleep 10 ||
iseq ${platform} efi && exit 1 ||
sanboot --no-describe --drive 0x80 ||
echo provisioner: The local disk does not boot; back to the network in 30 s.
sleep 30 ||
reboot
");
}

/// The words of each line, as iPXE splits them before it expands variables.
fn commands(script: &str) -> Vec<Vec<&str>> {
    script.lines().map(|line| line.split_ascii_whitespace().collect()).collect()
}

/// All that an `echo` of ours may not hold.
fn assert_only_text(line: &[&str]) {
    for word in line {
        assert!(!matches!(*word, "||" | "&&" | ";") && !word.starts_with('#'), "{line:?}");
        assert!(!word.contains("${") && !word.ends_with('\\'), "{line:?}");
        assert!(word.bytes().all(|b| b.is_ascii_graphic()), "{line:?}");
    }
}

proptest! {
    #[test]
    fn no_reason_adds_a_command_to_a_script(reason in "(?s).{0,200}|[ \n\r\t|&;#$\\{}\\\\a-]{0,60}") {
        for (with, without) in [
            (ipxe::hold(&reason, &[]), ipxe::hold("", &[])),
            (ipxe::local_disk(&reason), ipxe::local_disk("")),
        ] {
            let (with, without) = (commands(&with), commands(&without));
            let added = with.len() - without.len();
            prop_assert_eq!(&with[0], &without[0]);
            prop_assert_eq!(&with[1 + added..], &without[1..]);
            for line in &with[1..=added] {
                prop_assert_eq!(&line[..2], ["echo", "provisioner:"]);
                assert_only_text(line);
            }
        }
    }

    #[test]
    fn no_value_becomes_a_second_kernel_argument(value in "(?s).{0,40}|[ \n|&;#$\\{}\\\\'\"a-]{0,20}") {
        if let Ok(arg) = Arg::new("serial", &value) {
            prop_assert_eq!(arg.as_str().split_ascii_whitespace().collect::<Vec<_>>(), [format!("serial={value}")]);
            assert_only_text(&[arg.as_str()]);
            prop_assert!(!arg.as_str().contains(['"', '\'', '$', '\\']));
        } else {
            prop_assert!(value.chars().any(|c| !c.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn no_url_becomes_a_second_word(url in "(?s).{0,40}|[ \n|&;#$\\{}\\\\'\"a-]{0,20}") {
        let script = InstallerScript { title: "", kernel_url: &url, initrd_url: &url, args: &[] };
        let with = ipxe::installer(&script);
        let plain = InstallerScript { kernel_url: "x", initrd_url: "x", ..script };
        let expands = with.contains("${a") || with.contains("$a");
        prop_assert!(!expands);
        let empty = usize::from(url.is_empty());
        for (line, wanted) in commands(&with).iter().zip(commands(&ipxe::installer(&plain))) {
            let fetches = matches!(wanted[0], "kernel" | "initrd");
            prop_assert_eq!(line.len() + if fetches { empty } else { 0 }, wanted.len());
        }
    }

    #[test]
    fn no_value_adds_a_line_to_metadata(key in "(?s).{1,10}", value in "(?s).{0,40}") {
        let mut facts = context(json!({key.clone(): value.clone()}));
        facts.request.query.insert(key, value.clone());
        let text = metadata::env(&facts);
        prop_assert!(text.lines().count() <= 3, "{}", text);
    }
}

#[test]
fn a_fault_of_the_server_makes_a_machine_ask_again() {
    let script = ipxe::again("the store is full", "http://10.77.0.1:8080/boot.ipxe");
    assert_eq!(
        script.lines().take(4).collect::<Vec<_>>(),
        [
            "#!ipxe",
            "echo provisioner: the store is full",
            "sleep 10 ||",
            "chain --replace http://10.77.0.1:8080/boot.ipxe ||",
        ]
    );
}
