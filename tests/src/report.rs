//! What the lab says to people: the live table while it runs, and the report at its end.

use std::fmt::Write as _;
use std::fs;
use std::io::{IsTerminal, Stdout, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::lab::Lab;
use crate::mayuctl::Node;
use crate::steps::{self, Reached, STEPS};

/// The live table: redrawn on a terminal, one line per change elsewhere.
#[derive(Debug)]
pub struct Table {
    out: Stdout,
    start: Instant,
    drawn: usize,
    last: Vec<String>,
}

impl Table {
    /// A table on standard output; times count from now.
    pub fn new() -> Self {
        Self { out: std::io::stdout(), start: Instant::now(), drawn: 0, last: Vec::new() }
    }

    /// Shows the machines (name, node) as they are now.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn show(&mut self, rows: &[(String, Option<Node>)]) -> Result<()> {
        let seconds = self.start.elapsed().as_secs();
        let lines: Vec<String> = rows.iter().map(|(name, node)| row(name, node.as_ref())).collect();
        if self.out.is_terminal() {
            if self.drawn > 0 {
                write!(self.out, "\x1b[{}A", self.drawn)?;
            }
            writeln!(self.out, "\x1b[2K{seconds:4} s  {HEAD}")?;
            for line in &lines {
                writeln!(self.out, "\x1b[2K        {line}")?;
            }
            self.drawn = lines.len() + 1;
        } else {
            for (line, (name, node)) in lines.iter().zip(rows) {
                let key = change(name, node.as_ref());
                if !self.last.contains(&key) {
                    writeln!(self.out, "{seconds:4} s  {line}")?;
                }
            }
            self.last = rows.iter().map(|(name, node)| change(name, node.as_ref())).collect();
        }
        Ok(self.out.flush()?)
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

const HEAD: &str = "machine       node                state        step         progress";

fn row(name: &str, node: Option<&Node>) -> String {
    let Some(node) = node else {
        return format!("{name:<13} -                   (not seen yet)");
    };
    let percent = match node.done_bytes.saturating_mul(100).checked_div(node.total_bytes) {
        Some(percent) if node.state == "installing" => format!("{} {percent} %", node.stage),
        _ => node.reason.clone(),
    };
    let hostname = if node.hostname.is_empty() { &node.id } else { &node.hostname };
    format!("{name:<13} {hostname:<19} {:<12} {:<12} {percent}", node.state, node.last_step)
}

/// What makes a new line worth while where nothing can be redrawn.
fn change(name: &str, node: Option<&Node>) -> String {
    node.map_or_else(
        || name.to_owned(),
        |n| format!("{name} {} {} {} {}", n.state, n.last_step, n.stage, n.reason),
    )
}

/// The report of a lab in which every machine runs.
///
/// # Errors
/// When the server cannot be asked.
pub fn success(lab: &mut Lab, binary: &Path, initramfs: &Path) -> Result<String> {
    let mut text = String::new();
    let nodes = lab.mayuctl().text(&["get", "nodes"])?;
    let _ = writeln!(text, "\n== mayuctl get nodes\n{}", nodes.trim_end());
    let mac = lab.machine(0)?.spec().mac();
    let boots = lab.mayuctl().text(&["boots", &mac])?;
    let _ = writeln!(text, "\n== mayuctl boots {mac}\n{}", boots.trim_end());
    let _ =
        writeln!(text, "\n== git log --oneline (history)\n{}", history(&lab.layout().history()));
    text += &times(lab);
    text += &sizes(lab, binary, initramfs);
    Ok(text)
}

/// For each machine the step that it did not reach and the end of its console; the end of the provisioner's log.
pub fn failure(lab: &mut Lab) -> String {
    let mut text = String::new();
    let nodes = lab.nodes().unwrap_or_default();
    for place in 0..lab.machines().len() {
        let reached = lab.reached(place);
        let node = nodes.get(place).cloned().flatten().unwrap_or_default();
        let Ok(machine) = lab.machine(place) else {
            continue;
        };
        let spec = machine.spec().clone();
        if node.state == "running" {
            let _ = writeln!(text, "\n== {}: running", spec.name);
            continue;
        }
        let missing = steps::missing(spec.firmware, &reached).unwrap_or("running");
        let last = reached.last().map_or("none", |r| &r.step);
        let _ = writeln!(
            text,
            "\n== {}: did not reach `{missing}` (last step: {last}; state: `{}`; {})\n{}",
            spec.name,
            node.state,
            node.reason,
            machine.console_tail(30)
        );
    }
    let log = lab.provisioner().0.log_tail(30);
    let _ = writeln!(text, "\n== provisioner, end of its log\n{log}");
    text
}

/// Seconds from power-on to the first time of each step, per machine.
fn times(lab: &mut Lab) -> String {
    let mut text = String::from("\n== seconds from power-on to each step\n             ");
    for step in STEPS {
        let _ = write!(text, " {step:>10}");
    }
    text.push('\n');
    for place in 0..lab.machines().len() {
        let reached = lab.reached(place);
        let Ok(machine) = lab.machine(place) else {
            continue;
        };
        let _ = write!(text, "{:<13}", machine.spec().name);
        for step in STEPS {
            let _ = write!(text, " {:>10}", seconds(&reached, step, machine.powered_ms()));
        }
        text.push('\n');
    }
    text
}

fn seconds(reached: &[Reached], step: &str, since_ms: i64) -> String {
    reached.iter().find(|r| r.step == step).map_or_else(
        || "-".into(),
        |r| {
            let tenths = (r.time_ms - since_ms) / 100;
            format!("{}.{}", tenths / 10, tenths % 10)
        },
    )
}

fn sizes(lab: &mut Lab, binary: &Path, initramfs: &Path) -> String {
    let mut text = String::from("\n== memory and sizes\n");
    for machine in lab.machines() {
        let mib = machine.peak_kib() / 1024;
        let _ = writeln!(text, "QEMU of {:<13} peak {mib} MiB", machine.spec().name);
    }
    let (idle, peak) = lab.provisioner().0.idle_and_peak_kib();
    let now = lab.provisioner().0.memory().now_kib;
    let _ = writeln!(
        text,
        "provisioner           {} at start, {} now, {} peak (resident)",
        mib(idle * 1024),
        mib(now * 1024),
        mib(peak * 1024)
    );
    for (what, path) in [("provisioner binary", binary), ("initramfs", initramfs)] {
        let size = fs::metadata(path).map_or(0, |m| m.len());
        let _ = writeln!(text, "{what:<21} {}", mib(size));
    }
    text
}

fn mib(bytes: u64) -> String {
    let tenths = bytes * 10 / (1 << 20);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

fn history(repository: &Path) -> String {
    let output = std::process::Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["log", "--oneline"])
        .output();
    match output {
        Ok(o) if o.status.success() => String::from_utf8_lossy(&o.stdout).trim_end().to_owned(),
        Ok(o) => format!("(git log: {})", String::from_utf8_lossy(&o.stderr).trim()),
        Err(e) => format!("(git cannot be run: {e})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_time_of_a_step_counts() {
        let at = |time_ms| Reached { step: "dhcp".into(), time_ms, detail: String::new() };
        assert_eq!(seconds(&[at(3500), at(9000)], "dhcp", 1000), "2.5");
        assert_eq!(seconds(&[], "dhcp", 1000), "-");
    }

    #[test]
    fn a_row_shows_how_much_is_written() {
        let node = Node {
            id: "x".into(),
            state: "installing".into(),
            stage: "write".into(),
            done_bytes: 50,
            total_bytes: 200,
            ..Node::default()
        };
        assert!(row("bios-1", Some(&node)).ends_with("write 25 %"));
    }
}
