//! What a failed wait shows of the whole rack, so that one look at a test's message is enough.

use std::fmt::Write as _;

use crate::lab::Lab;
use crate::mayuctl::Node;

/// Ends of the consoles, timelines since power-on, end of the provisioner's log.
pub fn of(lab: &mut Lab) -> String {
    let mut text = String::new();
    let nodes = lab.nodes().unwrap_or_default();
    for place in 0..lab.machines().len() {
        let node = nodes.get(place).cloned().flatten().unwrap_or_default();
        // Nothing is held back when one machine cannot be shown.
        let _ = machine(&mut text, lab, place, &node);
    }
    let log = lab.provisioner().0.log_tail(40);
    let _ = writeln!(text, "---- provisioner, end of its log:\n{log}");
    let _ = writeln!(text, "---- all files: {}", lab.layout().dir.display());
    text
}

fn machine(text: &mut String, lab: &mut Lab, place: usize, node: &Node) -> anyhow::Result<()> {
    let reached = lab.reached(place);
    let machine = lab.machine(place)?;
    let power = if machine.is_on() { "on" } else { "off" };
    writeln!(
        text,
        "---- {}: power {power}, state `{}` {} (installs {}, tries {}, stage `{}` {}/{})",
        machine.spec().name,
        node.state,
        node.reason,
        node.installs,
        node.tries,
        node.stage,
        node.done_bytes,
        node.total_bytes,
    )?;
    for step in &reached {
        let seconds = (step.time_ms - machine.powered_ms()) / 1000;
        writeln!(text, "  {seconds:4} s {} {}", step.step, step.detail)?;
    }
    writeln!(text, "  console:\n{}", machine.console_tail(30))?;
    Ok(())
}
