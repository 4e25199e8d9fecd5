//! The real `provisioner check` over directories with one fault each.
#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// Splits a fixture: what is told, then the catalog's files.
fn lay_out(fixture: &str, dir: &Path) -> Vec<String> {
    let mut parts = fixture.split("#--- ");
    let wanted = parts.next().unwrap().lines();
    let wanted = wanted.map(|line| line.trim_start_matches("# ").to_owned()).collect();
    let put = |path: &str, text: &str| {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("profiles/local.yaml", "name: local\n");
    for part in parts {
        let (path, text) = part.split_once('\n').unwrap();
        put(path, text);
    }
    wanted
}

#[test]
fn check_tells_each_fault_of_a_directory_at_its_line_and_exits_64() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain/catalog/faults");
    let mut seen = 0;
    for entry in fs::read_dir(fixtures).unwrap() {
        let fixture = entry.unwrap().path();
        let dir = tempfile::tempdir().unwrap();
        let wanted = lay_out(&fs::read_to_string(&fixture).unwrap(), dir.path());
        let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
        let output = command.args(["check", "--catalog"]).arg(dir.path()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        let faults: Vec<&str> =
            told.lines().filter(|line| !line.starts_with("warning: ")).collect();
        let name = fixture.display();
        assert_eq!(output.status.code(), Some(64), "{name}: {told}");
        assert_eq!(faults[..faults.len() - 1], wanted, "{name}");
        let sum = format!("the catalog has {} fault(s)", wanted.len());
        assert_eq!(faults.last().copied(), Some(sum.as_str()), "{name}");
        seen += 1;
    }
    assert!(seen > 80, "where are the fixtures?");
}

#[test]
fn check_of_the_shipped_catalog_exits_0() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    let output = command.args(["check", "--catalog"]).arg(root).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("no faults"));
}
