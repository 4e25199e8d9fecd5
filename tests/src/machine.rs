//! A machine: QEMU with real firmware, an empty disk, a serial console in a file and a power button.

mod firmware;
mod qemu;
mod qmp;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

pub use firmware::{Firmware, OVMF_CODE};
pub use qemu::{Hardware, MEDIUM};

use crate::memory;
use crate::netns::Netns;
use crate::wait;

/// What a machine is made of.
#[derive(Debug, Clone)]
pub struct MachineSpec {
    /// Its name in reports and file names: `bios-1`. Not told to the machine.
    pub name: String,
    /// How it boots.
    pub firmware: Firmware,
    /// Number on the rack, from 1: MAC, serial and UUID follow from it.
    pub number: u8,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Size of the empty disk in bytes.
    pub disk_bytes: u64,
    /// How fast it writes to its disk at most, in bytes per second.
    pub write_limit: Option<u64>,
}

impl MachineSpec {
    /// A machine with a disk of 3 GiB and 1 GiB of memory.
    pub fn new(firmware: Firmware, number: u8) -> Self {
        Self {
            name: format!("{firmware}-{number}"),
            firmware,
            number,
            memory_mib: 1024,
            disk_bytes: 3 << 30,
            write_limit: None,
        }
    }

    /// MAC of its one interface.
    pub fn mac(&self) -> String {
        format!("52:54:00:77:00:{:02x}", self.number)
    }

    /// SMBIOS serial.
    pub fn serial(&self) -> String {
        format!("LAB{:04}", self.number)
    }

    /// SMBIOS system UUID.
    pub fn uuid(&self) -> String {
        format!("7a3c1e58-90b4-4d2f-8e61-5254007700{:02x}", self.number)
    }

    /// Tap that it hangs on.
    pub fn tap(&self) -> String {
        format!("tap{}", self.number)
    }
}

/// A machine on its place in the rack. Dropping it cuts its power.
#[derive(Debug)]
pub struct Machine {
    spec: MachineSpec,
    dir: PathBuf,
    qmp: PathBuf,
    process: Option<Child>,
    /// Milliseconds since 1970 of the last power-on.
    powered_ms: i64,
    /// Length of the console file at the last power-on.
    mark: u64,
    /// Largest resident set of any QEMU of this machine so far, in KiB.
    peak_kib: u64,
}

impl Machine {
    /// Puts a machine into the rack: a tap, an empty disk, firmware variables of its own, and with
    /// [`Firmware::UefiGrub`] the medium. It stays off.
    ///
    /// # Errors
    /// When its files or its tap cannot be made, or the lab has no medium.
    pub fn place(spec: MachineSpec, netns: &Netns, labs_dir: &Path) -> Result<Self> {
        let dir = labs_dir.join(&spec.name);
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let disk = File::create(dir.join(qemu::DISK)).context("cannot make a disk")?;
        disk.set_len(spec.disk_bytes).context("cannot size a disk")?;
        File::create(dir.join(qemu::CONSOLE)).context("cannot make a console file")?;
        if let Some(vars) = spec.firmware.variables() {
            fs::copy(vars, dir.join(qemu::VARS))
                .with_context(|| format!("cannot copy {}: is ovmf installed?", vars.display()))?;
        }
        if spec.firmware == Firmware::UefiGrub {
            let medium = labs_dir.join(MEDIUM);
            fs::copy(&medium, dir.join(MEDIUM))
                .with_context(|| format!("cannot copy {}", medium.display()))?;
        }
        netns.add_tap(&spec.tap())?;
        let qmp = netns.run_dir().join(format!("{}.qmp", spec.name));
        Ok(Self { spec, dir, qmp, process: None, powered_ms: 0, mark: 0, peak_kib: 0 })
    }

    /// What it is made of.
    pub fn spec(&self) -> &MachineSpec {
        &self.spec
    }

    /// Its disk, as a raw file. To be read or prepared while the power is off.
    pub fn disk(&self) -> PathBuf {
        self.dir.join(qemu::DISK)
    }

    /// Everything its serial console has ever shown.
    pub fn console_file(&self) -> PathBuf {
        self.dir.join(qemu::CONSOLE)
    }

    /// Turns the power on.
    ///
    /// # Errors
    /// When it is on already or QEMU cannot be started.
    pub fn power_on(&mut self, netns: &Netns) -> Result<()> {
        if self.is_on() {
            bail!("{} is on already", self.spec.name);
        }
        let _ = fs::remove_file(&self.qmp);
        let errors = File::options()
            .create(true)
            .append(true)
            .open(self.dir.join(qemu::ERRORS))
            .context("cannot open QEMU's log")?;
        self.mark = fs::metadata(self.console_file()).map_or(0, |m| m.len());
        self.powered_ms = now_ms();
        let hardware = Hardware { spec: &self.spec, dir: &self.dir, qmp: &self.qmp };
        let child = netns
            .command(Path::new("qemu-system-x86_64"))
            .args(hardware.arguments())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .context("cannot start qemu-system-x86_64")?;
        self.process = Some(child);
        Ok(())
    }

    /// Cuts the power, as pulling the plug would. Nothing happens when it is off.
    pub fn power_off(&mut self) {
        self.sample();
        if let Some(mut child) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Off and on again.
    ///
    /// # Errors
    /// As [`Machine::power_on`].
    pub fn power_cycle(&mut self, netns: &Netns) -> Result<()> {
        self.power_off();
        self.power_on(netns)
    }

    /// Presses the reset button.
    ///
    /// # Errors
    /// When it is off or QEMU does not answer.
    pub fn reset(&mut self) -> Result<()> {
        qmp::execute(&self.qmp, "system_reset")
    }

    /// Whether QEMU runs. A machine that powered itself off does not.
    pub fn is_on(&mut self) -> bool {
        match &mut self.process {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => false,
        }
    }

    /// Fails with QEMU's own words when it has ended though nobody cut the power.
    ///
    /// # Errors
    /// When QEMU ended with an error.
    pub fn check(&mut self) -> Result<()> {
        self.sample();
        let Some(child) = &mut self.process else {
            return Ok(());
        };
        if let Some(status) = child.try_wait().context("cannot ask for QEMU's state")?
            && !status.success()
        {
            let words = fs::read_to_string(self.dir.join(qemu::ERRORS)).unwrap_or_default();
            bail!("QEMU of {} ended with {status}: {}", self.spec.name, words.trim());
        }
        Ok(())
    }

    /// Milliseconds since 1970 of the last power-on; 0 before the first.
    pub fn powered_ms(&self) -> i64 {
        self.powered_ms
    }

    /// What the console has shown since the last power-on, control characters left out.
    pub fn console(&self) -> String {
        plain(&self.read_console(self.mark))
    }

    /// The last `lines` lines of the console.
    pub fn console_tail(&self, lines: usize) -> String {
        let length = fs::metadata(self.console_file()).map_or(0, |m| m.len());
        let text = plain(&self.read_console(length.saturating_sub(1 << 16)));
        let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
    }

    /// Waits until the console shows `text` after the last power-on.
    ///
    /// # Errors
    /// When it does not within `limit`.
    pub fn wait_for_console(&mut self, text: &str, limit: Duration) -> Result<()> {
        let what = format!("`{text}` on the console of {}", self.spec.name);
        wait::until(&what, limit, || {
            self.check()?;
            Ok(self.console().contains(text).then_some(()))
        })
        .with_context(|| format!("last lines of {}:\n{}", self.spec.name, self.console_tail(30)))
    }

    /// Whether the first `bytes` bytes of the disk are all zero.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn disk_starts_blank(&self, bytes: u64) -> Result<bool> {
        let mut head = Vec::new();
        File::open(self.disk())
            .and_then(|disk| disk.take(bytes).read_to_end(&mut head))
            .with_context(|| format!("cannot read the disk of {}", self.spec.name))?;
        Ok(head.iter().all(|&byte| byte == 0))
    }

    /// Writes `bytes` to the start of the disk.
    ///
    /// # Errors
    /// When the disk cannot be written.
    pub fn write_disk_start(&self, bytes: &[u8]) -> Result<()> {
        OpenOptions::new()
            .write(true)
            .open(self.disk())
            .and_then(|mut disk| std::io::Write::write_all(&mut disk, bytes))
            .with_context(|| format!("cannot write the disk of {}", self.spec.name))
    }

    /// Largest resident set of its QEMU so far, in KiB.
    pub fn peak_kib(&mut self) -> u64 {
        self.sample();
        self.peak_kib
    }

    /// Lets QEMU live on when this is dropped.
    pub fn forget(&mut self) {
        self.process = None;
    }

    fn sample(&mut self) {
        if let Some(child) = &self.process {
            self.peak_kib = self.peak_kib.max(memory::of(child.id()).peak_kib);
        }
    }

    fn read_console(&self, from: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Ok(mut file) = File::open(self.console_file())
            && file.seek(SeekFrom::Start(from)).is_ok()
        {
            let _ = file.read_to_end(&mut bytes);
        }
        bytes
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.power_off();
    }
}

/// A boot sector for BIOS that writes `marker` to the first serial port and halts.
/// A marker that does not fit is cut.
pub fn marker_boot_sector(marker: &str) -> [u8; 512] {
    // cld; xor ax,ax; mov ds,ax; mov si,0x7c22;
    // next: lodsb; test al,al; jz end; mov ah,al;
    // wait: mov dx,0x3fd; in al,dx; test al,0x20; jz wait; mov al,ah; mov dx,0x3f8; out dx,al; jmp next;
    // end: hlt; jmp end
    const CODE: [u8; 34] = [
        0xfc, 0x31, 0xc0, 0x8e, 0xd8, 0xbe, 0x22, 0x7c, 0xac, 0x84, 0xc0, 0x74, 0x12, 0x88, 0xc4,
        0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xf8, 0x88, 0xe0, 0xba, 0xf8, 0x03, 0xee, 0xeb,
        0xe9, 0xf4, 0xeb, 0xfd,
    ];
    let mut sector = [0; 512];
    let text = CODE.into_iter().chain(*b"\r\n").chain(marker.bytes()).chain(*b"\r\n\0");
    for (slot, byte) in sector.iter_mut().take(440).zip(text) {
        *slot = byte;
    }
    let [.., low, high] = &mut sector;
    (*low, *high) = (0x55, 0xaa);
    sector
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The console's text without escape sequences, line ends unified.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// After ESC: a CSI sequence up to its final byte, or one single character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if chars.next() == Some('[') {
        for c in chars.by_ref() {
            if ('@'..='~').contains(&c) {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_is_read_without_its_colours() {
        let shown = plain(b"\x1bc\x1b[?7l\x1b[2J\x1b[0;1miPXE\x1b[0m ok\r\n\x08 x");
        assert_eq!(shown, "iPXE ok\n x");
    }

    #[test]
    fn machines_of_one_rack_differ_in_mac_serial_uuid_and_tap() {
        let (a, b) = (MachineSpec::new(Firmware::Bios, 1), MachineSpec::new(Firmware::Bios, 2));
        assert_ne!(a.mac(), b.mac());
        assert_ne!(a.serial(), b.serial());
        assert_ne!(a.uuid(), b.uuid());
        assert_ne!(a.tap(), b.tap());
    }

    #[test]
    fn a_boot_sector_has_its_signature_and_keeps_the_partition_table_free() {
        let sector = marker_boot_sector(&"x".repeat(600));
        assert_eq!(sector[510..], [0x55, 0xaa]);
        assert!(sector[440..510].iter().all(|&b| b == 0));
    }
}
