//! A report as text for a terminal.

use super::{Look, display};
use crate::report::doc::{Column, Doc, Figure, Row, RowKind, Table, Tone};
use comfy_table::{Cell as Box, CellAlignment, ContentArrangement, LineStyle, Table as Grid, TableStyle};
use std::fmt::Write;

/// One rule, below the heading.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Renders title, basis, finding, figures, tables and notes; charts are left to the pages, their data is in the tables.
pub fn render(doc: &Doc, look: Look) -> String {
    let mut out = format!("{}\n", clean(&doc.title));
    let basis = display::basis(&doc.basis).into_iter().map(|(label, value)| format!("{label}: {value}"));
    line(&mut out, &clean(&basis.collect::<Vec<_>>().join(" · ")));
    if let Some(finding) = &doc.finding {
        line(&mut out, "");
        line(&mut out, &clean(finding));
    }
    if !doc.figures.is_empty() {
        line(&mut out, "");
        figures(&mut out, &doc.figures, look);
    }
    for table in &doc.tables {
        line(&mut out, "");
        if !table.caption.is_empty() {
            line(&mut out, &clean(&table.caption));
        }
        if table.rows.is_empty() {
            line(&mut out, &clean(table.empty.as_deref().unwrap_or("No rows.")));
        } else {
            push_table(&mut out, table, look);
        }
    }
    if !doc.notes.is_empty() {
        line(&mut out, "");
        for note in &doc.notes {
            line(&mut out, &format!("- {}", clean(note)));
        }
    }
    out
}

/// Figures as an aligned list: label, number to the right, state, formula.
fn figures(out: &mut String, figures: &[Figure], look: Look) {
    let rows: Vec<_> = figures.iter().map(|f| (clean(&f.label), clean(&display::shown(&f.cell.content, false)), f)).collect();
    let width = |text: &String| text.chars().count();
    let labels = rows.iter().map(|(label, ..)| width(label)).max().unwrap_or(0);
    let values = rows.iter().map(|(_, value, _)| width(value)).max().unwrap_or(0);
    for (label, value, figure) in rows {
        let mut text = format!("{label:<labels$}  {value:>values$}");
        if let Some((word, tone)) = &figure.state {
            text.push_str("  ");
            text.push_str(&coloured(&clean(word), *tone, look));
        }
        for more in [&figure.formula, &figure.hint].into_iter().flatten() {
            text.push_str("  ");
            text.push_str(&clean(more));
        }
        line(out, text.trim_end());
    }
}

/// Puts a table below its heading, with a rule above a total; with colour, headings and sums are bold.
fn push_table(out: &mut String, table: &Table, look: Look) {
    // Cells have no line breaks and nothing is wrapped, so after heading and rule each row is one line.
    let text = grid(table).trim_fmt();
    let mut lines = text.lines();
    let (heading, rule) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    line(out, heading);
    line(out, rule);
    for (text, row) in lines.zip(&table.rows) {
        if row.kind == RowKind::Total {
            line(out, rule);
        }
        let strong = matches!(row.kind, RowKind::Group | RowKind::Subtotal | RowKind::Total);
        line(out, &if strong && look.colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() });
    }
}

fn grid(table: &Table) -> Grid {
    let mut grid = Grid::new();
    grid.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
    let aligned = |column: &Column, text: String| {
        Box::new(text).set_alignment(if column.numeric { CellAlignment::Right } else { CellAlignment::Left })
    };
    grid.set_header(table.columns.iter().map(|c| aligned(c, clean(&c.title))).collect::<Vec<_>>());
    for row in &table.rows {
        grid.add_row(table.columns.iter().enumerate().map(|(at, c)| aligned(c, cell(row, at))).collect::<Vec<_>>());
    }
    grid
}

fn cell(row: &Row, at: usize) -> String {
    let Some(cell) = row.cells.get(at) else { return String::new() };
    clean(&display::shown(&cell.content, true))
}

fn coloured(word: &str, tone: Tone, look: Look) -> String {
    let code = match tone {
        Tone::Good => "32",
        Tone::Warn => "33",
        Tone::Bad => "31",
        Tone::Neutral => return word.to_owned(),
    };
    if look.colour { format!("\u{1b}[{code}m{word}\u{1b}[0m") } else { word.to_owned() }
}

/// Control characters could move the cursor or change colours; a terminal never gets them from data.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn line(out: &mut String, text: &str) {
    let written = writeln!(out, "{text}");
    debug_assert!(written.is_ok(), "a String takes every character");
}
