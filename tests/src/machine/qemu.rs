//! A machine as QEMU's command line.

use std::ffi::OsString;
use std::path::Path;

use super::{Firmware, MachineSpec, OVMF_CODE};

pub(super) const DISK: &str = "disk.raw";
/// The medium's image, in the lab's directory and in that of each machine that has one.
pub const MEDIUM: &str = "medium.img";
pub(super) const VARS: &str = "vars.fd";
pub(super) const CONSOLE: &str = "console.log";
pub(super) const ERRORS: &str = "qemu.log";

/// A machine's parts and where its files are.
#[derive(Debug)]
pub struct Hardware<'a> {
    /// What it is made of.
    pub spec: &'a MachineSpec,
    /// Where disk, variables and console are.
    pub dir: &'a Path,
    /// Socket of the monitor.
    pub qmp: &'a Path,
}

impl Hardware<'_> {
    /// The arguments. Boot order at every power-on: network, then disk. With a medium: medium, disk, and the
    /// network last, since OVMF drives no card that it is not told to boot from.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut args = Arguments::default();
        self.board(&mut args);
        if self.spec.firmware == Firmware::UefiGrub {
            self.medium(&mut args);
            self.disk(&mut args);
            self.network(&mut args, 2);
        } else {
            self.network(&mut args, 0);
            self.disk(&mut args);
        }
        args.0
    }

    fn board(&self, args: &mut Arguments) {
        let spec = self.spec;
        // KVM may be there and still hang every guest; TCG works everywhere.
        args.add("-accel", "tcg,thread=multi");
        args.add("-machine", "q35");
        args.add("-smp", "1");
        args.add("-m", &spec.memory_mib.to_string());
        for lone in ["-no-user-config", "-nodefaults", "-nographic"] {
            args.0.push(lone.into());
        }
        args.add("-vga", "none");
        args.add("-display", "none");
        args.add(
            "-smbios",
            &format!(
                "type=1,manufacturer=Lab,product=Rack Machine,serial={},uuid={}",
                spec.serial(),
                spec.uuid()
            ),
        );
        args.add("-chardev", &format!("file,id=console,append=on,path={}", self.file(CONSOLE)));
        args.add("-serial", "chardev:console");
        args.add("-qmp", &format!("unix:{},server=on,wait=off", comma(self.qmp)));
        if spec.firmware.variables().is_some() {
            args.add(
                "-drive",
                &format!("if=pflash,unit=0,format=raw,readonly=on,file={OVMF_CODE}"),
            );
            args.add("-drive", &format!("if=pflash,unit=1,format=raw,file={}", self.file(VARS)));
        }
        for name in spec.firmware.switched_off() {
            args.add("-fw_cfg", &format!("name={name},string=n"));
        }
    }

    fn medium(&self, args: &mut Arguments) {
        let file = self.file(MEDIUM);
        args.add("-drive", &format!("if=none,id=medium,format=raw,readonly=on,file={file}"));
        args.add("-device", "virtio-blk-pci,drive=medium,serial=MEDIUM,bootindex=0");
    }

    fn network(&self, args: &mut Arguments, place: u8) {
        let spec = self.spec;
        args.add("-netdev", &format!("tap,id=net,ifname={},script=no,downscript=no", spec.tap()));
        // Without a ROM of its own the card is driven by OVMF's PXE client and not by QEMU's iPXE.
        let rom = if spec.firmware == Firmware::Bios { "" } else { ",romfile=" };
        args.add(
            "-device",
            &format!("virtio-net-pci,netdev=net,mac={},bootindex={place}{rom}", spec.mac()),
        );
    }

    fn disk(&self, args: &mut Arguments) {
        let file = self.file(DISK);
        let limit = self.spec.write_limit;
        let limit = limit.map_or_else(String::new, |rate| format!(",throttling.bps-write={rate}"));
        args.add(
            "-drive",
            &format!("if=none,id=disk,format=raw,cache=unsafe,discard=unmap{limit},file={file}"),
        );
        let number = self.spec.number;
        args.add(
            "-device",
            &format!("virtio-blk-pci,drive=disk,serial=DISK{number:04},bootindex=1"),
        );
    }

    fn file(&self, name: &str) -> String {
        comma(&self.dir.join(name))
    }
}

#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn add(&mut self, name: &str, value: &str) {
        self.0.push(name.into());
        self.0.push(value.into());
    }
}

/// A path as QEMU's option parser wants it: commas doubled.
fn comma(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(firmware: Firmware) -> String {
        let spec = MachineSpec::new(firmware, 7);
        let hardware = Hardware { spec: &spec, dir: Path::new("/a,b"), qmp: Path::new("/q") };
        let args = hardware.arguments();
        args.iter().map(|a| a.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_bios_machine_has_the_cards_rom_and_no_flash() {
        let line = line(Firmware::Bios);
        assert!(!line.contains("romfile") && !line.contains("pflash"), "{line}");
    }

    #[test]
    fn a_machine_for_http_boot_has_pxe_switched_off() {
        let line = line(Firmware::UefiHttp);
        assert!(line.contains("IPv4PXESupport,string=n"), "{line}");
        assert!(line.contains("romfile=") && line.contains("pflash"), "{line}");
    }

    #[test]
    fn commas_in_paths_are_doubled() {
        assert!(line(Firmware::Bios).contains("file=/a,,b/disk.raw"));
    }

    #[test]
    fn a_medium_comes_first_and_cannot_be_written() {
        let line = line(Firmware::UefiGrub);
        assert!(line.contains("readonly=on,file=/a,,b/medium.img"), "{line}");
        assert!(line.contains("serial=MEDIUM,bootindex=0"), "{line}");
        assert!(line.contains("serial=DISK0007,bootindex=1"), "{line}");
        assert!(line.contains("mac=52:54:00:77:00:07,bootindex=2"), "{line}");
    }

    #[test]
    fn the_network_comes_before_the_disk() {
        let line = line(Firmware::UefiPxe);
        assert!(line.contains("mac=52:54:00:77:00:07,bootindex=0"), "{line}");
        assert!(line.contains("serial=DISK0007,bootindex=1"), "{line}");
    }
}
