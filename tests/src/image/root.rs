//! The root tree: `mmdebstrap`, then what makes it this image.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use super::recipe::{
    AFTER, ARGUMENTS, BEFORE, DISABLED, DURING, Extra, Ids, LINKS, MASKED, PACKAGES,
};
use super::{cache, grub, run, sources};

/// Makes the tree below `scratch` and gives its directory.
///
/// # Errors
/// When not run by root, without a Debian mirror, or when `mmdebstrap` fails.
pub(super) fn make(scratch: &Path, ids: &Ids) -> anyhow::Result<PathBuf> {
    ensure!(nix::unistd::geteuid().is_root(), "building the image needs root: run it as root");
    let tree = scratch.join("root");
    bootstrap(scratch, &tree)?;
    overlay(&tree, AFTER)?;
    for (link, target) in LINKS {
        link_to(&tree, link, target)?;
    }
    for unit in MASKED {
        link_to(&tree, &format!("/etc/systemd/system/{unit}"), "/dev/null")?;
    }
    for link in DISABLED {
        remove(&tree, &format!("/etc/systemd/system/{link}"))?;
    }
    write(
        &tree,
        "/etc/fstab",
        &format!("PARTUUID={} / ext4 errors=remount-ro 0 1\n", ids.root_partition),
    )?;
    write(&tree, "/boot/grub/grub.cfg", &grub::root_config(ids, ARGUMENTS))?;
    forget_the_builder(&tree)?;
    Ok(tree)
}

/// Copies the kernel and its modules from the tree to `dir`, and gives the kernel's version.
///
/// # Errors
/// When the tree has not exactly one kernel, or `depmod` fails.
pub(super) fn take_kernel(tree: &Path, dir: &Path) -> anyhow::Result<String> {
    let modules = tree.join("usr").join(cache::MODULES);
    let mut versions =
        modules.read_dir()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let kver = versions.next().context("the tree has no kernel modules")?;
    ensure!(versions.next().is_none(), "more than one kernel in {}", modules.display());
    fs::copy(tree.join(format!("boot/vmlinuz-{kver}")), dir.join(cache::KERNEL))?;
    let copy = dir.join(cache::MODULES);
    fs::create_dir_all(&copy)?;
    run::run(Command::new("cp").arg("-a").arg(modules.join(&kver)).arg(&copy))?;
    run::run(Command::new("depmod").arg("-b").arg(dir).arg(&kver))?;
    Ok(kver)
}

/// Runs `mmdebstrap` in namespaces of its own: whatever it mounts is gone with them, and it ends with us.
fn bootstrap(scratch: &Path, tree: &Path) -> anyhow::Result<()> {
    let (before, during) = (scratch.join("before"), scratch.join("during"));
    overlay(&before, BEFORE)?;
    overlay(&during, DURING)?;
    let options = scratch.join("apt.conf");
    let dump = Command::new("apt-config").arg("dump").output().context("cannot run apt-config")?;
    fs::write(&options, sources::fetch_options(&String::from_utf8_lossy(&dump.stdout)))?;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"]);
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.args(["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"]);
    command.arg(format!("--include={}", PACKAGES.join(",")));
    command.arg(format!("--aptopt={}", options.display()));
    command.arg("--dpkgopt=force-unsafe-io");
    command.arg(format!("--dpkgopt={}", dpkg_options(scratch)?.display()));
    command.arg("--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr");
    command.arg(format!("--setup-hook=sync-in '{}' /", before.display()));
    command.arg(format!("--essential-hook=sync-in '{}' /", during.display()));
    command.arg(sources::SUITE).arg(tree);
    command.args(sources::of_this_machine(Path::new("/etc/apt"))?);
    // Programs of the tree must not see the builder's settings.
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("TMPDIR", scratch);
    let proxies = ["http_proxy", "https_proxy", "no_proxy"];
    command.envs(proxies.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    run::run(&mut command)
}

/// What the image's dpkg leaves out, in a file, as `mmdebstrap` takes it.
fn dpkg_options(scratch: &Path) -> anyhow::Result<PathBuf> {
    let own = AFTER.iter().find(|extra| extra.path.starts_with("/etc/dpkg/"));
    let file = scratch.join("dpkg.cfg");
    fs::write(&file, own.context("the recipe has no dpkg options")?.text)?;
    Ok(file)
}

/// Removes what belongs to the machine that built the tree, and what each machine must make for itself.
fn forget_the_builder(tree: &Path) -> anyhow::Result<()> {
    remove(tree, "/etc/apt/apt.conf.d/99mmdebstrap")?;
    for directory in ["etc/ssh", "var/log", "var/cache/debconf", "var/cache/ldconfig", "boot"] {
        for entry in tree.join(directory).read_dir()? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let key = directory == "etc/ssh" && name.starts_with("ssh_host_");
            let log = directory == "var/log" && entry.file_type()?.is_file() && name != "README";
            let stale = directory.starts_with("var/cache")
                && (name.ends_with("-old") || name == "aux-cache");
            let map = directory == "boot" && name.starts_with("System.map");
            if key || log || stale || map {
                fs::remove_file(entry.path())?;
            }
        }
    }
    for link in ["/initrd.img.old", "/vmlinuz.old"] {
        remove(tree, link)?;
    }
    // Logins are recorded there; sshd and login do not make them.
    for (log, mode) in
        [("var/log/wtmp", 0o664), ("var/log/btmp", 0o660), ("var/log/lastlog", 0o664)]
    {
        fs::write(tree.join(log), "")?;
        fs::set_permissions(tree.join(log), fs::Permissions::from_mode(mode))?;
        let utmp = group(tree, "utmp")?;
        std::os::unix::fs::chown(tree.join(log), Some(0), Some(utmp))?;
    }
    Ok(())
}

/// Number of a group of the tree.
fn group(tree: &Path, name: &str) -> anyhow::Result<u32> {
    let groups = fs::read_to_string(tree.join("etc/group"))?;
    let mut lines = groups.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(":x:"));
    let number = lines.next().and_then(|rest| rest.split(':').next());
    Ok(number.with_context(|| format!("the tree has no group {name}"))?.parse()?)
}

fn overlay(tree: &Path, extras: &[Extra]) -> anyhow::Result<()> {
    fs::create_dir_all(tree)?;
    for extra in extras {
        write(tree, extra.path, extra.text)?;
        fs::set_permissions(inside(tree, extra.path), fs::Permissions::from_mode(extra.mode))?;
    }
    Ok(())
}

/// Writes a file of the tree, whatever was there before (a link is replaced, not followed).
fn write(tree: &Path, path: &str, text: &str) -> anyhow::Result<()> {
    let file = make_way(tree, path)?;
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn link_to(tree: &Path, path: &str, target: &str) -> anyhow::Result<()> {
    let link = make_way(tree, path)?;
    symlink(target, &link).with_context(|| format!("cannot make the link {}", link.display()))
}

/// Makes the directory of `path` and removes what is at `path`.
fn make_way(tree: &Path, path: &str) -> anyhow::Result<PathBuf> {
    let file = inside(tree, path);
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    remove(tree, path)?;
    Ok(file)
}

fn remove(tree: &Path, path: &str) -> anyhow::Result<()> {
    match fs::remove_file(inside(tree, path)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {path} from the tree"))
        }
        _ => Ok(()),
    }
}

fn inside(tree: &Path, path: &str) -> PathBuf {
    tree.join(path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_the_way_is_replaced_and_not_followed() {
        let tree = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        symlink(outside.path(), tree.path().join("resolv.conf")).unwrap();
        write(tree.path(), "/resolv.conf", "ours").unwrap();
        assert_eq!(fs::read_to_string(outside.path()).unwrap(), "");
        assert_eq!(fs::read_to_string(tree.path().join("resolv.conf")).unwrap(), "ours");
    }

    #[test]
    fn the_overlay_keeps_its_permissions() {
        let tree = tempfile::tempdir().unwrap();
        overlay(tree.path(), DURING).unwrap();
        let hook = fs::metadata(tree.path().join("etc/initramfs-tools/hooks/storage")).unwrap();
        assert_eq!(hook.permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn a_group_number_is_found_by_the_whole_name() {
        let tree = tempfile::tempdir().unwrap();
        write(tree.path(), "/etc/group", "utmpx:x:1:\nutmp:x:43:a,b\n").unwrap();
        assert_eq!(group(tree.path(), "utmp").unwrap(), 43);
        assert!(group(tree.path(), "ut").is_err());
    }
}
