//! A plan for people: a line for each thing that changes, then what it comes to.

use std::fmt::Write as _;

use api::v1;

/// Characters of a cell.
const WIDE: usize = 48;

// Writing to a string cannot fail, so what `write!` says is not looked at.

pub(super) fn text(plan: &v1::PlanResponse) -> String {
    let mut rows = Vec::new();
    for node in &plan.nodes {
        let boots = (node.boots_before != node.boots_after).then_some((
            "next boot",
            &node.boots_before,
            &node.boots_after,
        ));
        let changes = node.changes.iter().map(|c| (c.what.as_str(), &c.before, &c.after));
        for (number, (what, before, after)) in changes.chain(boots).enumerate() {
            let name = if number == 0 { cell(&node.name) } else { String::new() };
            let (before, after) = differing(before, after);
            rows.push([name, what.to_owned(), cell(&before), cell(&after)]);
        }
    }
    let mut out = String::new();
    if !rows.is_empty() {
        rows.insert(0, ["NODE", "CHANGE", "NOW", "THEN"].map(str::to_owned));
        table(&mut out, &rows);
        out.push('\n');
    }
    let _ = writeln!(out, "{}", plan.summary);
    let _ = writeln!(out, "from {} to {}, {} nodes compared", plan.from, plan.to, plan.compared);
    if !plan.gate.is_empty() {
        let _ = writeln!(out, "it would wait for an acknowledgement: {}", clean(&plan.gate));
    }
    out
}

fn table(out: &mut String, rows: &[[String; 4]]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2)];
    for [name, what, before, after] in rows {
        let [w0, w1, w2] = widths;
        let line = format!("{name:w0$}  {what:w1$}  {before:w2$}  {after}");
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// Long texts without the words that they begin and end with alike.
fn differing(before: &str, after: &str) -> (String, String) {
    if before.chars().count() <= WIDE && after.chars().count() <= WIDE {
        return (before.to_owned(), after.to_owned());
    }
    let (old, new): (Vec<&str>, Vec<&str>) =
        (before.split(' ').collect(), after.split(' ').collect());
    let start = old.iter().zip(&new).take_while(|(x, y)| x == y).count();
    let (old, new) = (old.get(start..).unwrap_or(&[]), new.get(start..).unwrap_or(&[]));
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(x, y)| x == y).count();
    let part = |words: &[&str]| {
        let kept = words.get(..words.len().saturating_sub(end)).unwrap_or(&[]).join(" ");
        let (head, tail) = (if start > 0 { "… " } else { "" }, if end > 0 { " …" } else { "" });
        format!("{head}{kept}{tail}")
    };
    (part(old), part(new))
}

/// One line that fits.
fn cell(text: &str) -> String {
    let text = clean(text);
    if text.chars().count() <= WIDE {
        return text;
    }
    text.chars().take(WIDE - 1).chain(['…']).collect()
}

/// What a machine or a file says is shown, not obeyed.
fn clean(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.into() };
    text.chars().map(shown).collect()
}
