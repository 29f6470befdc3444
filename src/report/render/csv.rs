//! The main table as CSV (RFC 4180, UTF-8, a line feed after each row). The last column says what each row is, so that
//! totals are not summed with their parts.

use super::display;
use crate::report::doc::{Cell, Column, Content, Doc, Figure, RowKind, Table};

/// The word for a row's kind in CSV and JSON.
pub const fn kind_word(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Body => "body",
        RowKind::Group => "group",
        RowKind::Opening => "opening",
        RowKind::Subtotal => "subtotal",
        RowKind::Total => "total",
        RowKind::Check => "check",
    }
}

/// Renders the main table, or the figures of a report without tables.
pub fn render(doc: &Doc) -> Vec<u8> {
    let mut out = Vec::new();
    match doc.tables.first() {
        Some(table) => push_table(&mut out, table),
        None => push_figures(&mut out, &doc.figures),
    }
    out
}

fn push_table(out: &mut Vec<u8>, table: &Table) {
    for Column { key, .. } in &table.columns {
        push_text(out, key);
        out.push(b',');
    }
    out.extend_from_slice(b"row_kind\n");
    for row in &table.rows {
        for (index, _) in table.columns.iter().enumerate() {
            if let Some(cell) = row.cells.get(index) {
                push_cell(out, cell);
            }
            out.push(b',');
        }
        out.extend_from_slice(kind_word(row.kind).as_bytes());
        out.push(b'\n');
    }
}

fn push_figures(out: &mut Vec<u8>, figures: &[Figure]) {
    out.extend_from_slice(b"key,label,value,numerator,denominator,formula,state\n");
    for figure in figures {
        push_text(out, &figure.key);
        out.push(b',');
        push_text(out, &figure.label);
        out.push(b',');
        push_cell(out, &figure.cell);
        out.push(b',');
        if let Some((numerator, _)) = &figure.parts {
            push_cell(out, numerator);
        }
        out.push(b',');
        if let Some((_, denominator)) = &figure.parts {
            push_cell(out, denominator);
        }
        out.push(b',');
        push_text(out, figure.formula.as_deref().unwrap_or_default());
        out.push(b',');
        push_text(out, figure.state.as_ref().map_or("", |(word, _)| word));
        out.push(b'\n');
    }
}

fn push_cell(out: &mut Vec<u8>, cell: &Cell) {
    match &cell.content {
        Content::Text(text) | Content::Code(text) | Content::State(text, _) => push_text(out, text),
        Content::Units { asset: Some(code), .. } => {
            out.extend_from_slice(format!("{} {code}", display::exact(&cell.content)).as_bytes());
        }
        // Numbers and dates have no character that needs quotes, and a leading minus is theirs.
        content => out.extend_from_slice(display::exact(content).as_bytes()),
    }
}

/// Appends words as a field: quoted where needed, and never a formula. A spreadsheet runs a field that starts with `=`, `+`,
/// `-`, `@` or some control characters; such a field gets an apostrophe in front, which spreadsheets read as "this is text".
pub fn push_text(out: &mut Vec<u8>, text: &str) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let apostrophe: &[u8] = if formula { b"'" } else { b"" };
    let quote: &[u8] = if text.contains([',', '"', '\n', '\r']) { b"\"" } else { b"" };
    out.extend_from_slice(quote);
    out.extend_from_slice(apostrophe);
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(quote);
}
