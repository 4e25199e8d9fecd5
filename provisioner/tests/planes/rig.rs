//! A daemon on loopback, and machines that ask it.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use api::node::InstallOrder;
use provisioner::config::{Overrides, Settings};
use provisioner::server::daemon;
use serde_json::{Value, json};
use ureq::http::HeaderMap;
use ureq::typestate::WithoutBody;
use ureq::{Agent, RequestBuilder};

pub(crate) const GROUP: &str = "\
name: lab
profile: debian-12
selector: {serial: [SN1, SN2]}
metadata: {ssh_authorized_keys: [ssh-ed25519 AAAA test]}
";
pub(crate) const WHO: &str =
    "uuid=4c4c4544-0051-3610-8052-b4c04f4a3132&mac=52-54-00-00-00-01&serial=SN1&arch=x86_64";

/// A daemon on loopback with the shipped catalog and one group more. Ends with the test.
pub(crate) struct Rig {
    pub(crate) base: String,
    pub(crate) http: Agent,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) runtime: tokio::runtime::Runtime,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// With what `more` puts into the directory before the start.
    pub(crate) fn with(more: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let catalog = dir.path().join("catalog");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for folder in ["groups", "profiles", "templates"] {
            copy(&shipped.join(folder), &catalog.join(folder));
        }
        std::fs::write(catalog.join("groups/lab.yaml"), GROUP).unwrap();
        for file in [
            "installer/x86_64/vmlinuz",
            "installer/x86_64/initrd.img",
            "images/debian-12/image.raw",
        ] {
            let path = dir.path().join("assets").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"0123456789").unwrap();
        }
        let manifest = format!("file: image.raw\nsha256: {}\nformat: raw\n", "0".repeat(64));
        std::fs::write(dir.path().join("assets/images/debian-12/image.yaml"), manifest).unwrap();
        more(dir.path());
        Self::start(dir)
    }

    pub(crate) fn settings(dir: &Path, ports: (u16, u16)) -> Settings {
        let here = dir.display();
        let text = format!(
            "data_dir: {here}/data\nassets: {here}/assets\ncatalog: {{path: {here}/catalog}}\n\
             loaders: {{directory: {here}}}\nhttp: {{listen: \"127.0.0.1:{}\"}}\n\
             tftp: {{listen: \"127.0.0.1:{}\"}}\noperator: {{socket: {here}/socket}}\n\
             dhcp: {{mode: off, subnets: [{{cidr: 127.0.0.0/8, router: 127.0.0.1}}]}}\n",
            ports.0, ports.1
        );
        Settings::parse(&text, "test.yaml", &Overrides::default()).unwrap()
    }

    /// Makes signing keys, as `provisioner init` does.
    pub(crate) fn keys(dir: &Path) {
        provisioner::init::init(&Self::settings(dir, (1, 2)), false, &mut Vec::new()).unwrap();
    }

    pub(crate) fn start(dir: tempfile::TempDir) -> Self {
        let (http_port, tftp_port) = (free_port(), free_port());
        let settings = Self::settings(dir.path(), (http_port, tftp_port));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.spawn(async {
            let end = daemon::run(settings).await;
            eprintln!("the daemon ended: {end:?}");
        });
        let http = Agent::config_builder().http_status_as_error(false).build().new_agent();
        let rig = Self { base: format!("http://127.0.0.1:{http_port}"), http, dir, runtime };
        rig.wait_until("it is ready", |rig| {
            rig.http.get(format!("{}/readyz", rig.base)).call().is_ok_and(|r| r.status() == 200)
        });
        rig
    }

    pub(crate) fn wait_until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut response = self.http.get(format!("{}{path}", self.base)).call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// Status, headers and bytes.
    pub(crate) fn ask(&self, path: &str) -> (u16, HeaderMap, Vec<u8>) {
        Self::send(self.http.get(format!("{}{path}", self.base)))
    }

    pub(crate) fn send(request: RequestBuilder<WithoutBody>) -> (u16, HeaderMap, Vec<u8>) {
        let request = request.config().max_redirects(0).max_redirects_will_error(false).build();
        let mut response = request.call().unwrap();
        let body = response.body_mut().read_to_vec().unwrap();
        (response.status().as_u16(), response.headers().clone(), body)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.dir.path().join("catalog").join(path), text).unwrap();
    }

    pub(crate) fn post(&self, call: &str, token: &str, body: &Value) -> (u16, String) {
        let request = self.http.post(format!("{}/v1/node/{call}", self.base));
        let request = request.header("Authorization", format!("Bearer {token}"));
        let mut response = request.send(body.to_string()).unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// Boots once: the token that the script gives, if it starts the installer.
    pub(crate) fn boot(&self) -> Option<String> {
        let (status, script) = self.get(&format!("/ipxe?{WHO}"));
        assert_eq!(status, 200);
        let token = script.split("provisioner.token=").nth(1)?;
        Some(token.split_whitespace().next().unwrap().to_owned())
    }

    pub(crate) fn claim(&self, token: &str) -> InstallOrder {
        let (status, body) = self.post("claim", token, &json!({"inventory": {}}));
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    pub(crate) fn state(&self, expected: &str) -> bool {
        self.get("/metrics").1.contains(&format!("provisioner_nodes{{state=\"{expected}\"}} 1"))
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
