//! A lab: a wire, a provisioner on it, and a rack of machines.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::artifacts::{Artifacts, cache};
use crate::config::{Layout, LibraryImage};
use crate::evidence;
use crate::machine::{Firmware, MEDIUM, Machine, MachineSpec};
use crate::mayuctl::{Boot, Mayuctl, Node};
use crate::medium;
use crate::netns::Netns;
use crate::provisioner::Provisioner;
use crate::radv::Router;
use crate::steps::{self, Reached};
use crate::wait;

/// What a lab is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The machines, all off at first.
    pub machines: Vec<MachineSpec>,
    /// How many of the machines, from the front, the lab's group takes.
    pub grouped: usize,
    /// The image that `debian-12` names.
    pub image: LibraryImage,
}

impl Plan {
    /// One machine per firmware, all taken by the lab's group, with the Debian image.
    pub fn of(firmwares: &[Firmware], artifacts: &Artifacts) -> Self {
        let machines: Vec<_> =
            (1..).zip(firmwares).map(|(number, &f)| MachineSpec::new(f, number)).collect();
        let image = &artifacts.image;
        Self {
            grouped: machines.len(),
            machines,
            image: LibraryImage {
                file: image.file.clone(),
                sha256: image.sha256.clone(),
                raw_bytes: image.raw_bytes,
            },
        }
    }
}

/// A lab. Dropping it leaves no process, no namespace and no disk behind; logs stay when it was not
/// [`passed`](Lab::passed).
#[derive(Debug)]
pub struct Lab {
    // Dropped in this order: power, daemon, wire.
    machines: Vec<Machine>,
    provisioner: Provisioner,
    mayuctl: Mayuctl,
    _router: Router,
    netns: Netns,
    layout: Layout,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Failed,
    Passed,
    Kept,
}

impl Lab {
    /// Sets everything up but starts nothing: the provisioner is off, and so are the machines. Only when one of
    /// them demands signatures, the provisioner has keys.
    ///
    /// # Errors
    /// When not run by root, or something cannot be made.
    pub fn set_up(plan: &Plan, artifacts: &Artifacts) -> Result<Self> {
        wait::arm()?;
        let netns = Netns::create()?;
        let runs = cache().join("run");
        sweep_disks(&runs);
        let dir = runs.join(netns.name());
        let layout = Layout { dir: dir.clone(), socket: netns.run_dir().join("operator.sock") };
        let macs: Vec<_> = plan.machines.iter().take(plan.grouped).map(MachineSpec::mac).collect();
        layout.write(&macs, artifacts, &plan.image)?;
        let log = dir.join("provisioner.log");
        let provisioner = Provisioner::new(&artifacts.provisioner, &layout.config(), &log);
        if plan.machines.iter().any(|machine| machine.firmware == Firmware::UefiGrub) {
            provisioner.make_keys()?;
            medium::make(&dir.join(MEDIUM), &layout.public_key())?;
        }
        let router = Router::start(&netns)?;
        let mut machines = Vec::new();
        for spec in &plan.machines {
            machines.push(Machine::place(spec.clone(), &netns, &dir)?);
        }
        Ok(Self {
            machines,
            provisioner,
            mayuctl: Mayuctl::new(&artifacts.mayuctl, &layout.socket),
            _router: router,
            netns,
            layout,
            end: End::Failed,
        })
    }

    /// As [`Lab::set_up`], with the provisioner started and ready.
    ///
    /// # Errors
    /// As [`Lab::set_up`], or when the provisioner does not become ready.
    pub fn start(plan: &Plan, artifacts: &Artifacts) -> Result<Self> {
        let mut lab = Self::set_up(plan, artifacts)?;
        lab.start_provisioner()?;
        Ok(lab)
    }

    /// Starts the provisioner and waits until it is ready.
    ///
    /// # Errors
    /// When it ends or does not become ready.
    pub fn start_provisioner(&mut self) -> Result<()> {
        self.provisioner.start(&self.netns)
    }

    /// The provisioner, and the wire that it is started on.
    pub fn provisioner(&mut self) -> (&mut Provisioner, &Netns) {
        (&mut self.provisioner, &self.netns)
    }

    /// The client.
    pub fn mayuctl(&self) -> &Mayuctl {
        &self.mayuctl
    }

    /// The wire.
    pub fn netns(&self) -> &Netns {
        &self.netns
    }

    /// Where the provisioner's files are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The rack.
    pub fn machines(&mut self) -> &mut [Machine] {
        &mut self.machines
    }

    /// The machine on this place, from 0.
    ///
    /// # Errors
    /// When there is none.
    pub fn machine(&mut self, place: usize) -> Result<&mut Machine> {
        self.machines.get_mut(place).with_context(|| format!("no machine on place {place}"))
    }

    /// Turns a machine on.
    ///
    /// # Errors
    /// As [`Machine::power_on`].
    pub fn power_on(&mut self, place: usize) -> Result<()> {
        let machine = self.machines.get_mut(place).context("no machine on this place")?;
        machine.power_on(&self.netns)
    }

    /// Turns a machine off, if it is on, and on again.
    ///
    /// # Errors
    /// As [`Machine::power_on`].
    pub fn power_cycle(&mut self, place: usize) -> Result<()> {
        let machine = self.machines.get_mut(place).context("no machine on this place")?;
        machine.power_cycle(&self.netns)
    }

    /// Turns every machine off, if it is on, and on again.
    ///
    /// # Errors
    /// As [`Machine::power_on`].
    pub fn power_cycle_all(&mut self) -> Result<()> {
        (0..self.machines.len()).try_for_each(|place| self.power_cycle(place))
    }

    /// Fails when a QEMU or the provisioner has ended by itself.
    ///
    /// # Errors
    /// As said.
    pub fn check(&mut self) -> Result<()> {
        self.provisioner.check()?;
        self.machines.iter_mut().try_for_each(Machine::check)
    }

    /// The node of each machine, in the order of the rack; `None` while the server has not seen it.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn nodes(&self) -> Result<Vec<Option<Node>>> {
        let nodes = self.mayuctl.nodes()?;
        let of = |machine: &Machine| {
            let mac = machine.spec().mac();
            nodes.iter().find(|node| node.macs.contains(&mac)).cloned()
        };
        Ok(self.machines.iter().map(of).collect())
    }

    /// The node of the machine on this place.
    ///
    /// # Errors
    /// When the server cannot be asked or has not seen the machine.
    pub fn node(&self, place: usize) -> Result<Node> {
        let nodes = self.nodes()?;
        let node = nodes.into_iter().nth(place).flatten();
        node.with_context(|| format!("the server knows no node for the machine on place {place}"))
    }

    /// The boots of the machine on this place.
    ///
    /// # Errors
    /// When the server cannot be asked or has not seen the machine.
    pub fn boots(&self, place: usize) -> Result<Vec<Boot>> {
        let machine = self.machines.get(place).context("no machine on this place")?;
        self.mayuctl.boots(&machine.spec().mac())
    }

    /// The steps of a machine since its last power-on; none while the server has not seen it.
    pub fn reached(&self, place: usize) -> Vec<Reached> {
        let since = self.machines.get(place).map_or(i64::MAX, Machine::powered_ms);
        steps::since(&self.boots(place).unwrap_or_default(), since)
    }

    /// Waits until `seen` gives a value for the nodes, which are in the order of the rack. On failure the error
    /// has everything that is known about the rack.
    ///
    /// # Errors
    /// When `limit` passes, a process ends, the server cannot be asked, or `seen` fails.
    pub fn wait<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut seen: impl FnMut(&mut Self, &[Option<Node>]) -> Result<Option<T>>,
    ) -> Result<T> {
        let result = wait::until(what, limit, || {
            self.check()?;
            let nodes = self.nodes()?;
            seen(self, &nodes)
        });
        result.map_err(|error| self.with_evidence(&error))
    }

    /// Waits until the machine on this place has a node that `is` what is wanted.
    ///
    /// # Errors
    /// As [`Lab::wait`].
    pub fn wait_for_node(
        &mut self,
        place: usize,
        what: &str,
        limit: Duration,
        is: impl Fn(&Node) -> bool,
    ) -> Result<Node> {
        self.wait(what, limit, |_, nodes| {
            Ok(nodes.get(place).cloned().flatten().filter(|node| is(node)))
        })
    }

    /// Waits until all of these machines are running, and have said so since their last power-on.
    ///
    /// # Errors
    /// As [`Lab::wait`], or at once when one of the nodes is failed.
    pub fn wait_until_running(&mut self, places: &[usize], limit: Duration) -> Result<()> {
        self.wait("all machines to be running", limit, |lab, nodes| {
            let mut all = true;
            for &place in places {
                let node = nodes.get(place).cloned().flatten().unwrap_or_default();
                if node.state == "failed" {
                    bail!("{} is failed: {}", lab.name(place), node.reason);
                }
                all = all && node.state == "running" && steps::saw(&lab.reached(place), "running");
            }
            Ok(all.then_some(()))
        })
    }

    /// The error with the consoles, the timelines and the provisioner's log behind it.
    pub fn with_evidence(&mut self, error: &anyhow::Error) -> anyhow::Error {
        anyhow!("{error:#}\n{}", self.evidence())
    }

    /// Ends of the consoles, timelines since power-on, end of the provisioner's log.
    pub fn evidence(&mut self) -> String {
        evidence::of(self)
    }

    /// Leaves nothing behind when this is dropped, not even logs.
    pub fn passed(&mut self) {
        self.end = End::Passed;
    }

    /// Leaves everything up when this is dropped.
    ///
    /// # Errors
    /// When the mark that keeps the next lab's sweep away cannot be written.
    pub fn keep(&mut self) -> Result<()> {
        self.netns.keep()?;
        self.end = End::Kept;
        Ok(())
    }

    fn name(&self, place: usize) -> String {
        self.machines.get(place).map(|m| m.spec().name.clone()).unwrap_or_default()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.end == End::Kept {
            self.machines.iter_mut().for_each(Machine::forget);
            self.provisioner.forget();
            return;
        }
        self.machines.iter_mut().for_each(Machine::power_off);
        self.provisioner.kill();
        if self.end == End::Passed {
            let _ = fs::remove_dir_all(&self.layout.dir);
        } else {
            for machine in &self.machines {
                let _ = fs::remove_file(machine.disk());
            }
        }
    }
}

/// Removes the disks of labs that are gone. Logs stay until `cargo xtask` starts anew.
fn sweep_disks(runs: &Path) {
    let gone = |lab: &Path| {
        lab.file_name().is_some_and(|name| !Path::new("/run/netns").join(name).exists())
    };
    for lab in children(runs).into_iter().filter(|lab| gone(lab)) {
        for machine in children(&lab) {
            let _ = fs::remove_file(machine.join("disk.raw"));
        }
    }
}

fn children(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}
