//! A report as a workbook: a sheet for each table, one for the figures, and "About" with the basis and the notes.
//!
//! Spreadsheets compute with 15 significant digits. A number that fits is a real number; a longer one is written as text, so
//! that no digit is lost silently.

use super::{RenderError, display};
use crate::domain::amount::VALUE_SCALE;
use crate::report::doc::{Cell, Content, Doc, Figure, RowKind, Table};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError};

/// Digits that a spreadsheet's number keeps.
const EXACT_DIGITS: usize = 15;
/// The longest text of a cell.
const MAX_TEXT: usize = 32_767;
/// The longest name of a sheet.
const MAX_SHEET_NAME: usize = 31;
/// Characters, between which a column's width stays.
const WIDTH: (usize, usize) = (8, 60);

/// Renders the workbook; the same report gives the same bytes.
pub fn render(doc: &Doc) -> Result<Vec<u8>, RenderError> {
    let mut book = Workbook::new();
    book.set_properties(&properties(doc)?);
    let mut names = vec!["figures".to_owned(), "about".to_owned()];
    for table in &doc.tables {
        let name = sheet_name(table, &mut names);
        write_table(book.add_worksheet().set_name(name)?, table)?;
    }
    if !doc.figures.is_empty() {
        write_figures(book.add_worksheet().set_name("Figures")?, &doc.figures)?;
    }
    write_about(book.add_worksheet().set_name("About")?, doc)?;
    Ok(book.save_to_buffer()?)
}

/// The workbook's own date is the report's, never the clock's.
fn properties(doc: &Doc) -> Result<DocProperties, XlsxError> {
    let day = doc.basis.as_of.or_else(|| doc.basis.known_at.map(|t| t.to_zoned(TimeZone::UTC).date()));
    let created = day.and_then(excel_date).map_or_else(|| ExcelDateTime::from_ymd(2000, 1, 1), Ok)?;
    Ok(DocProperties::new().set_title(&doc.title).set_creation_datetime(&created))
}

fn write_table(sheet: &mut Worksheet, table: &Table) -> Result<(), XlsxError> {
    let head = Format::new().set_bold().set_text_wrap();
    sheet.set_freeze_panes(1, 0)?.set_repeat_rows(0, 0)?.set_landscape();
    for (column, at) in table.columns.iter().zip(0_u16..) {
        let align = if column.numeric { FormatAlign::Right } else { FormatAlign::Left };
        sheet.write_string_with_format(0, at, &column.title, &head.clone().set_align(align))?;
        let mut width = column.title.chars().count().min(20);
        for (row, line) in table.rows.iter().zip(1_u32..) {
            let Some(cell) = row.cells.get(usize::from(at)) else { continue };
            let bold = matches!(row.kind, RowKind::Group | RowKind::Subtotal | RowKind::Total);
            width = width.max(write_cell(sheet, line, at, cell, bold)?);
        }
        sheet.set_column_width(at, width_of(width))?;
    }
    if let (true, Some(empty)) = (table.rows.is_empty(), &table.empty) {
        sheet.write_string(1, 0, clip(empty))?;
    }
    Ok(())
}

fn write_figures(sheet: &mut Worksheet, figures: &[Figure]) -> Result<(), XlsxError> {
    let head = Format::new().set_bold();
    let titles = ["Key", "Figure", "Value", "Numerator", "Denominator", "State", "Formula"];
    for (title, at) in titles.into_iter().zip(0_u16..) {
        sheet.write_string_with_format(0, at, title, &head)?;
    }
    sheet.set_freeze_panes(1, 0)?.set_landscape();
    let mut widths = titles.map(|title| title.chars().count());
    for (figure, line) in figures.iter().zip(1_u32..) {
        let (numerator, denominator) = figure.parts.clone().unwrap_or_else(|| (Cell::empty(), Cell::empty()));
        let state = figure.state.as_ref().map_or("", |(word, _)| word);
        let formula = figure.formula.as_deref().unwrap_or_default();
        let cells = [
            Cell::text(&figure.key),
            Cell::text(&figure.label),
            figure.cell.clone(),
            numerator,
            denominator,
            Cell::text(state),
            Cell::text(formula),
        ];
        for ((cell, at), width) in cells.iter().zip(0_u16..).zip(&mut widths) {
            *width = (*width).max(write_cell(sheet, line, at, cell, false)?);
        }
    }
    for (width, at) in widths.into_iter().zip(0_u16..) {
        sheet.set_column_width(at, width_of(width))?;
    }
    Ok(())
}

fn write_about(sheet: &mut Worksheet, doc: &Doc) -> Result<(), XlsxError> {
    let mut lines = vec![("Report".to_owned(), doc.title.clone())];
    lines.extend(display::basis(&doc.basis));
    lines.extend(doc.finding.iter().map(|finding| ("Finding".to_owned(), finding.clone())));
    lines.extend(doc.notes.iter().map(|note| ("Note".to_owned(), note.clone())));
    lines.push((
        "Numbers".to_owned(),
        "Numbers of more than 15 digits are text, because a spreadsheet would round them.".to_owned(),
    ));
    let (label_format, text_format) = (Format::new().set_bold(), Format::new().set_text_wrap());
    for ((label, text), line) in lines.iter().zip(0_u32..) {
        sheet.write_string_with_format(line, 0, clip(label), &label_format)?;
        sheet.write_string_with_format(line, 1, clip(text), &text_format)?;
    }
    sheet.set_column_width(0, 16)?.set_column_width(1, 100)?;
    Ok(())
}

/// Writes one cell with the type of its content; says how many characters wide it shows.
fn write_cell(sheet: &mut Worksheet, line: u32, at: u16, cell: &Cell, bold: bool) -> Result<usize, XlsxError> {
    let text = match &cell.content {
        Content::Blank(reason) => reason.clone(),
        Content::Units { asset: Some(code), .. } => format!("{} {code}", display::exact(&cell.content)),
        content => display::exact(content),
    };
    let mut format = if bold { Format::new().set_bold() } else { Format::new() };
    match &cell.content {
        Content::Date(date) => {
            if let Some(date) = excel_date(*date) {
                sheet.write_datetime_with_format(line, at, &date, &format.set_num_format("yyyy-mm-dd"))?;
                return Ok(text.chars().count());
            }
        }
        Content::Time(time) => {
            if let Some(time) = excel_time(*time) {
                sheet.write_datetime_with_format(line, at, &time, &format.set_num_format("yyyy-mm-dd hh:mm:ss"))?;
                return Ok(text.chars().count());
            }
        }
        content => {
            if let Some(pattern) = pattern(content) {
                // The file format has one number type, and this is the only place where an amount becomes it: the digits
                // are few enough that the way there and back gives them all.
                match text.parse::<f64>() {
                    Ok(number) if significant(&text) <= EXACT_DIGITS => {
                        sheet.write_number_with_format(line, at, number, &format.set_num_format(pattern))?;
                        return Ok(display::grouped(&text).chars().count());
                    }
                    _ => format = format.set_align(FormatAlign::Right),
                }
            }
        }
    }
    sheet.write_string_with_format(line, at, clip(&text), &format)?;
    Ok(text.chars().count())
}

/// The number format of a content that is a number, or `None`.
fn pattern(content: &Content) -> Option<String> {
    let decimals = |n: u8| if n == 0 { "#,##0".to_owned() } else { format!("#,##0.{}", "0".repeat(usize::from(n))) };
    match content {
        Content::Units { scale, asset: None, .. } => Some(decimals(*scale)),
        Content::Value(_) => Some(decimals(display::SHOWN_VALUE_DECIMALS.min(VALUE_SCALE))),
        Content::Price(_) => Some("#,##0.00##########".to_owned()),
        Content::Ratio(_) => Some("0.00##".to_owned()),
        Content::Percent(_) => Some("0.00%".to_owned()),
        Content::Count(_) => Some(decimals(0)),
        _ => None,
    }
}

/// Significant digits of a plain decimal: without leading and trailing zeros.
fn significant(text: &str) -> usize {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').trim_end_matches('0').len()
}

/// A date from 1900 on, which is what a spreadsheet knows.
fn excel_date(date: Date) -> Option<ExcelDateTime> {
    let (year, month, day) = (u16::try_from(date.year()).ok()?, u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?);
    ExcelDateTime::from_ymd(year, month, day).ok()
}

fn excel_time(time: Timestamp) -> Option<ExcelDateTime> {
    let local = time.to_zoned(TimeZone::UTC);
    let part = |n: i8| u8::try_from(n).ok();
    let hour = u16::from(part(local.hour())?);
    let milli = u16::try_from(local.millisecond()).ok()?;
    excel_date(local.date())?.and_hms_milli(hour, part(local.minute())?, part(local.second())?, milli).ok()
}

/// A name for a sheet that no other has (spreadsheets compare without case), made from the caption.
fn sheet_name(table: &Table, taken: &mut Vec<String>) -> String {
    let words = if table.caption.trim().is_empty() { &table.id } else { &table.caption };
    let clean: String = words.chars().map(|c| if c.is_control() || "[]:*?/\\'".contains(c) { ' ' } else { c }).collect();
    let short = |room: usize| {
        // The limit counts UTF-16 units.
        let mut left = room;
        clean.trim().chars().take_while(|c| left.checked_sub(c.len_utf16()).map(|rest| left = rest).is_some()).collect::<String>()
    };
    let mut name = short(MAX_SHEET_NAME).trim_end().to_owned();
    for number in 2_u32.. {
        if !name.is_empty() && !taken.contains(&name.to_lowercase()) {
            break;
        }
        name = format!("{} {number}", short(MAX_SHEET_NAME.saturating_sub(8)).trim_end()).trim_start().to_owned();
    }
    taken.push(name.to_lowercase());
    name
}

fn clip(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

fn width_of(characters: usize) -> u32 {
    u32::try_from(characters.saturating_add(2).clamp(WIDTH.0, WIDTH.1)).unwrap_or(20)
}
