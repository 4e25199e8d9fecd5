//! Aligned columns.

use std::io::{self, Write};

/// A cell and the colour it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    colour: Option<Colour>,
}

/// The few colours that mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Good,
    Busy,
    Bad,
}

impl Cell {
    pub(crate) fn coloured(text: impl Into<String>, colour: Option<Colour>) -> Self {
        Self { text: text.into(), colour }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::coloured(text, None)
    }
}

/// Columns that are as wide as what they held so far: rows may follow later and stay aligned as long
/// as they fit.
#[derive(Debug)]
pub(crate) struct Table {
    header: Vec<&'static str>,
    widths: Vec<usize>,
    colour: bool,
    indent: &'static str,
}

impl Table {
    pub(crate) fn new(header: &[&'static str], colour: bool) -> Self {
        Self {
            header: header.to_vec(),
            widths: header.iter().map(|title| title.chars().count()).collect(),
            colour,
            indent: "",
        }
    }

    /// The same, moved to the right.
    pub(crate) fn indented(header: &[&'static str]) -> Self {
        Self { indent: "  ", ..Self::new(header, false) }
    }

    /// Header and rows.
    pub(crate) fn write(&mut self, out: &mut dyn Write, rows: &[Vec<Cell>]) -> io::Result<()> {
        for row in rows {
            self.make_room(row);
        }
        let header: Vec<Cell> = self.header.iter().map(|title| Cell::from(*title)).collect();
        self.write_row(out, &header)?;
        rows.iter().try_for_each(|row| self.write_row(out, row))
    }

    /// One more row.
    pub(crate) fn append(&mut self, out: &mut dyn Write, row: &[Cell]) -> io::Result<()> {
        self.make_room(row);
        self.write_row(out, row)
    }

    fn make_room(&mut self, row: &[Cell]) {
        for (width, cell) in self.widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text.chars().count());
        }
    }

    fn write_row(&self, out: &mut dyn Write, row: &[Cell]) -> io::Result<()> {
        let mut line = String::from(self.indent);
        let mut owed = 0;
        for (width, cell) in self.widths.iter().zip(row) {
            // Spaces are written only before something, so that no line ends in them.
            line.push_str(&" ".repeat(owed));
            owed = width.saturating_sub(cell.text.chars().count()) + 2;
            match cell.colour.filter(|_| self.colour) {
                Some(colour) => line.push_str(&colour.paint(&cell.text)),
                None => line.push_str(&cell.text),
            }
        }
        writeln!(out, "{line}")
    }
}

impl Colour {
    fn paint(self, text: &str) -> String {
        let code = match self {
            Self::Good => 32,
            Self::Busy => 33,
            Self::Bad => 31,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
