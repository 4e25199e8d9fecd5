//! The boot plane, path by path: matchbox's bytes, statuses and headers, and what differs on purpose.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use crate::rig::{Rig, WHO};

const MAC: &str = "52:54:00:00:00:07";

/// A matchbox directory's files beside the shipped ones.
pub(crate) fn matchbox(dir: &Path) {
    let put = |path: &str, text: &str| {
        let path = dir.join("catalog").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put(
        "groups/live.json",
        r#"{"id":"live","profile":"live","selector":{"mac":"52-54-00-00-00-07"},"metadata":{"pod":"a","n":3,"deep":{"er":true},"l":[1]}}"#,
    );
    put(
        "groups/second.json",
        r#"{"id":"second","profile":"second","selector":{"mac":"52-54-00-00-00-07","os":"installed"}}"#,
    );
    put(
        "profiles/live.json",
        r#"{"id":"live","ignition_id":"live.ign","cloud_id":"live.cloud","generic_id":"live.txt","boot":{"kernel":"http://10.0.0.9/vmlinuz","initrd":["--name main http://10.0.0.9/a.img","b.img"],"args":["initrd=main","x=${mac:hexhyp}","console=ttyS0"]}}"#,
    );
    put(
        "profiles/second.json",
        r#"{"id":"second","ignition_id":"second.ign","boot":{"kernel":"/k","args":["x=${version}"]}}"#,
    );
    put("ignition/live.ign", "{\"ignition\": {\"version\": \"3.3.0\"}}\n");
    put("ignition/second.ign", r#"{"ignition":{"version":"3.4.0"}}"#);
    put("cloud/live.cloud", "#cloud-config\nhostname: one\n");
    put("generic/live.txt", "0123456789\n");
}

fn text(rig: &Rig, path: &str) -> String {
    let (status, _, body) = rig.ask(path);
    let text = String::from_utf8(body).unwrap();
    assert_eq!(status, 200, "{path}: {text}");
    text
}

#[test]
fn matchboxs_bodies_come_byte_for_byte() {
    let rig = Rig::with(matchbox);
    for path in ["/boot.ipxe", "/boot.ipxe.0"] {
        assert_eq!(
            text(&rig, path),
            "#!ipxe\nchain ipxe?uuid=${uuid}&mac=${mac:hexhyp}&domain=${domain}&hostname=${hostname}&serial=${serial}&arch=${buildarch:uristring}\n"
        );
    }
    assert_eq!(
        text(&rig, "/ipxe?mac=52-54-00-00-00-07"),
        "#!ipxe\nkernel http://10.0.0.9/vmlinuz initrd=main x=${mac:hexhyp} console=ttyS0\ninitrd --name main http://10.0.0.9/a.img\ninitrd b.img\nboot\n"
    );
    let server = rig.base.strip_prefix("http://").unwrap();
    let entry = |firmware: &str, linux: &str, initrd: &str| {
        format!(
            "menuentry \"CoreOS ({firmware})\" {{\necho \"Loading kernel\"\n{linux} \"(http,10.0.0.9)/vmlinuz\" x=52-54-00-00-00-07 console=ttyS0\necho \"Loading initrd\"\n{initrd}  \"(http,10.0.0.9)/a.img\" \"(http,{server})/b.img\"\n}}\n"
        )
    };
    let grub = format!(
        "default=0\nfallback=1\ntimeout=1\n{}{}",
        entry("EFI", "linuxefi", "initrdefi"),
        entry("BIOS", "linux", "initrd")
    );
    for path in ["/grub?mac=52-54-00-00-00-07", "/v1/boot/525400000007/grub.cfg"] {
        assert_eq!(text(&rig, path), grub);
    }
    assert_eq!(
        text(&rig, "/metadata?mac=52-54-00-00-00-07&os=x%20y"),
        "DEEP_ER=true\nMAC=52:54:00:00:00:07\nN=3\nPOD=a\nREQUEST_QUERY_MAC=52:54:00:00:00:07\nREQUEST_QUERY_OS=x y\nREQUEST_RAW_QUERY=mac=52-54-00-00-00-07&os=x%20y\n"
    );
    for (path, body) in [
        ("ignition", "{\"ignition\": {\"version\": \"3.3.0\"}}\n"),
        ("cloud", "#cloud-config\nhostname: one\n"),
        ("generic", "0123456789\n"),
    ] {
        assert_eq!(text(&rig, &format!("/{path}?mac={MAC}")), body);
        assert_eq!(text(&rig, &format!("/v1/boot/{MAC}/{path}")), body);
    }
}

#[test]
fn headers_say_what_it_is_and_where_it_is_from() {
    let rig = Rig::with(matchbox);
    for (path, content_type) in [
        ("ipxe", "text/plain; charset=utf-8"),
        ("grub", "text/plain; charset=utf-8"),
        ("ignition", "application/json"),
        ("cloud", "text/plain; charset=utf-8"),
        ("generic", "text/plain; charset=utf-8"),
        ("metadata", "text/plain; charset=utf-8"),
    ] {
        let url = format!("{}/{path}?mac={MAC}", rig.base);
        let (status, headers, body) = Rig::send(rig.http.get(&url));
        assert_eq!(
            (status, headers["content-type"].to_str().unwrap()),
            (200, content_type),
            "{path}"
        );
        assert!(headers["provisioner-catalog"].to_str().unwrap().starts_with("dir-"));
        assert_eq!(headers["provisioner-group"], "live");
        assert_eq!(headers["provisioner-profile"], "live");
        let (status, head, nothing) = Rig::send(rig.http.head(&url));
        assert_eq!((status, nothing.len()), (200, 0));
        assert_eq!(head["content-length"].to_str().unwrap(), body.len().to_string(), "{path}");
    }
    let part = |range: &str| {
        let url = format!("{}/generic?mac={MAC}", rig.base);
        let (status, headers, body) = Rig::send(rig.http.get(url).header("Range", range));
        (status, headers["content-range"].to_str().unwrap().to_owned(), body)
    };
    assert_eq!(part("bytes=4-6"), (206, "bytes 4-6/11".to_owned(), b"456".to_vec()));
    assert_eq!(part("bytes=11-").0, 416);
}

#[test]
fn paths_are_cleaned_and_unknown_ones_are_matchboxs_404() {
    let rig = Rig::with(matchbox);
    for (path, to) in [
        ("//ipxe?mac=1", "/ipxe?mac=1"),
        ("/assets/../boot.ipxe", "/boot.ipxe"),
        ("/assets", "/assets/"),
    ] {
        let (status, headers, _) = rig.ask(path);
        assert_eq!((status, headers["location"].to_str().unwrap()), (301, to));
    }
    for path in ["/nothing", "/boot.ipxe/", "/assets/nothing", "/v1/boot/zz/ipxe", "/grub.cfg"] {
        let (status, headers, body) = rig.ask(path);
        assert_eq!((status, body.as_slice()), (404, b"404 page not found\n".as_slice()), "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }
    let url = format!("{}/ipxe?mac={MAC}", rig.base);
    assert_eq!(rig.http.delete(url).call().unwrap().status(), 405);
}

#[test]
fn refusals_say_why() {
    let rig = Rig::with(matchbox);
    let said = |path: &str| {
        let (status, _, body) = rig.ask(path);
        (status, String::from_utf8(body).unwrap())
    };
    let (status, body) = said("/ignition?mac=52:54:00:00:00:99");
    assert!(status == 404 && body.starts_with("404: "), "{status} {body}");
    let (status, body) = said(&format!("/generic/none?mac={MAC}"));
    assert_eq!((status, body.as_str()), (404, "404: profile live has no `generic/none`\n"));
    let (status, body) = said(&format!("/grub?mac={MAC}&os=installed"));
    assert_eq!(status, 200, "loaders throw away the body of an error: {body}");
    let screen = body.replace("'\necho 'provisioner: ", " ");
    assert!(screen.contains("profiles/second.json:1: boot:"), "{body}");
    assert!(screen.contains("sleep 10"), "{body}");
    assert!(!body.contains("linux"), "{body}");
}

#[test]
fn grub_installs_with_what_the_server_knows_and_the_same_token() {
    let rig = Rig::new();
    let script = text(&rig, &format!("/grub?{WHO}"));
    let server = rig.base.strip_prefix("http://").unwrap();
    for wanted in [
        format!("if linux \"(http,{server})/assets/installer/x86_64/vmlinuz\""),
        "provisioner.mac=52-54-00-00-00-01 provisioner.address=127.0.0.1 provisioner.netmask=255.0.0.0 provisioner.gateway=127.0.0.1".to_owned(),
        format!("provisioner.url={} ", rig.base),
    ] {
        assert!(script.contains(&wanted), "{wanted}: {script}");
    }
    let token = script.split("provisioner.token=").nth(1).unwrap();
    let token = token.split_whitespace().next().unwrap().to_owned();
    rig.claim(&token);
    assert!(rig.state("installing"));
}

#[test]
fn a_boot_keeps_the_catalog_that_its_script_came_from() {
    let rig = Rig::with(matchbox);
    let catalog = |path: &str| {
        let (status, headers, _) = rig.ask(&format!("/{path}?mac={MAC}"));
        assert_eq!(status, 200, "{path}");
        headers["provisioner-catalog"].to_str().unwrap().to_owned()
    };
    let old = catalog("ipxe");
    rig.write("ignition/live.ign", r#"{"ignition":{"version":"3.4.0"}}"#);
    rig.write("cloud/live.cloud", "#cloud-config\nhostname: two\n");
    // Somebody without a boot sees when the new one serves.
    rig.wait_until("the new catalog serves", |rig| {
        let (_, headers, _) = rig.ask("/metadata?mac=52:54:00:00:00:98");
        headers["provisioner-catalog"] != *old
    });
    for path in ["ignition", "cloud", "generic", "metadata"] {
        assert_eq!(catalog(path), old, "{path}");
    }
    assert!(text(&rig, &format!("/ignition?mac={MAC}")).contains("3.3.0"));
    // The second stage of an installation by matchbox claims another label: another group, the same catalog.
    let (_, headers, body) = rig.ask(&format!("/ignition?mac={MAC}&os=installed"));
    assert_eq!(
        (&headers["provisioner-group"], &headers["provisioner-catalog"]),
        (&"second".parse().unwrap(), &old.parse().unwrap())
    );
    assert_eq!(body, br#"{"ignition":{"version":"3.4.0"}}"#);
    assert_ne!(catalog("grub"), old, "the next script begins with the new one");
    assert!(text(&rig, &format!("/cloud?mac={MAC}")).contains("two"));
}

/// With other letters it waits for the end of the connection, for minutes.
#[test]
fn grub_2_06_knows_a_length_by_the_very_letters_of_content_length() {
    let rig = Rig::new();
    let host = rig.base.strip_prefix("http://").unwrap();
    for path in ["/boot.ipxe", "/assets/installer/x86_64/vmlinuz", "/v1/boot/525400000001/grub.cfg"]
    {
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("\r\nContent-Length: "), "{path}: {answer}");
    }
}
