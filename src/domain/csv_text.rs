//! The strict core of CSV that files from outside are read with: comma, one header exactly as asked, LF or CRLF, optional quotes
//! around a cell. No valid value contains a comma, a quote or a line break, so none is allowed inside one. A bad line costs
//! nothing but itself and reading goes on.

use super::contribution::findings::Findings;
use super::outcome::{OutcomeCode, Rejection};

/// The longest line, in bytes without its line break.
pub const MAX_LINE_BYTES: usize = 2_048;
/// Where problems of the first line are shown.
pub const HEADER: &str = "header";

/// What makes the file unreadable from its first bytes on, with the mend.
pub(crate) fn unreadable(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [] => Some("the file is empty; send a header and at least one row"),
        [0xEF, 0xBB, 0xBF, ..] => Some("the file starts with a byte order mark (BOM); save it as UTF-8 without BOM"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("the file is UTF-16; save it as UTF-8 without BOM"),
        [0x1F, 0x8B, ..] => Some("the file is compressed with gzip; send it uncompressed"),
        [b'P', b'K', 3, 4, ..] => Some("the file is a ZIP archive or a workbook; send text"),
        [b'[', ..] => Some("the file is a JSON list; send the format that is asked for, one row a line"),
        _ => None,
    }
}

/// The first line without its LF, and what follows.
pub(crate) fn cut_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = bytes.splitn(2, |b| *b == b'\n');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// The line without the CR of a CRLF.
pub(crate) fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The text of a line, or what is wrong with it as (value, detail).
pub(crate) fn line_text(line: &[u8]) -> Result<&str, (String, String)> {
    if line.is_empty() {
        return Err((String::new(), "is an empty line; remove it".to_owned()));
    }
    if line.len() > MAX_LINE_BYTES {
        return Err((String::new(), format!("has {} bytes; a line may have {MAX_LINE_BYTES}", line.len())));
    }
    std::str::from_utf8(line).map_err(|error| {
        let from = error.valid_up_to().saturating_add(1);
        (String::from_utf8_lossy(line).into_owned(), format!("is not UTF-8 from byte {from} on; save the file as UTF-8"))
    })
}

/// Cuts one cell off: the cell, and what follows its comma. `None` for a quote that does not enclose a whole cell.
fn cut_cell(text: &str) -> Option<(&str, Option<&str>)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return match text.split_once(',') {
            Some((cell, after)) => (!cell.contains('"')).then_some((cell, Some(after))),
            None => (!text.contains('"')).then_some((text, None)),
        };
    };
    let (cell, after) = quoted.split_once('"')?;
    if after.is_empty() { Some((cell, None)) } else { after.strip_prefix(',').map(|after| (cell, Some(after))) }
}

/// The cells of a line, or why it has not as many as there are columns.
pub(crate) fn cells<const N: usize>(line: &str) -> Result<[&str; N], String> {
    let mut cells = [""; N];
    let mut rest = Some(line);
    let mut found = 0_usize;
    while let Some(text) = rest {
        let Some((cell, after)) = cut_cell(text) else {
            return Err("has a quote that is not closed or stands inside a cell; write the cells without quotes".to_owned());
        };
        if let Some(slot) = cells.get_mut(found) {
            *slot = cell;
        }
        found = found.saturating_add(1);
        rest = after;
    }
    if found == N {
        return Ok(cells);
    }
    let hint = match found {
        1 if line.contains(';') => "; separate cells by commas, not by semicolons",
        _ if found > N => "; write decimals with a dot, not a comma, and no group marks",
        _ => "; the line may have been cut off",
    };
    Err(format!("has {found} cells instead of {N}{hint}"))
}

/// Checks the header; false when columns cannot be told apart and so no row can be read.
pub(crate) fn header(line: &[u8], columns: &[&str], findings: &mut Findings) -> bool {
    let wanted = columns.join(",");
    let shown = String::from_utf8_lossy(line.get(..MAX_LINE_BYTES).unwrap_or(line)).into_owned();
    let names: Vec<&str> =
        shown.split(',').map(|name| name.strip_prefix('"').and_then(|n| n.strip_suffix('"')).unwrap_or(name)).collect();
    if names == columns {
        return true;
    }
    let malformed = OutcomeCode::Malformed;
    if shown.contains('\r') {
        findings.add(malformed, HEADER, shown, "lines end with CR alone; end them with LF or CRLF");
        return false;
    }
    if names.len() == 1 {
        let split_by = [(';', "semicolons"), ('\t', "tabs"), ('|', "bars")].into_iter().find(|(mark, _)| shown.contains(*mark));
        let detail = match split_by {
            Some((_, marks)) => format!("columns are separated by {marks}; separate them by commas: {wanted}"),
            None => format!("the file must start with the header {wanted}"),
        };
        findings.add(malformed, HEADER, shown, detail);
        return false;
    }
    let before = findings.is_empty();
    for name in &names {
        if !columns.contains(name) {
            findings.add(malformed, HEADER, name, format!("is not a known column; the header must be {wanted}"));
        }
    }
    for column in columns {
        match names.iter().filter(|name| name == &column).count() {
            0 => findings.add(malformed, HEADER, column, format!("the column is missing; the header must be {wanted}")),
            1 => {}
            _ => findings.add(malformed, HEADER, column, "the column is there twice; give it once"),
        }
    }
    if before && findings.is_empty() {
        findings.add(malformed, HEADER, shown, format!("the columns are in another order; the header must be {wanted}"));
    }
    false
}

/// Problems of a file, row by row: the first are kept, all are counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) findings: Findings,
    /// Problems in all.
    count: u64,
    /// The row at hand, from 1, the header not counted.
    pub(crate) row: u32,
}

impl Tally {
    /// Notes a problem of the row at hand.
    pub(crate) fn note(&mut self, code: OutcomeCode, column: &str, value: &str, detail: impl Into<String>) {
        self.note_at(self.row, code, column, value, detail);
    }

    /// Notes a problem of another row.
    pub(crate) fn note_at(&mut self, row: u32, code: OutcomeCode, column: &str, value: &str, detail: impl Into<String>) {
        self.count = self.count.saturating_add(1);
        let pointer = if column.is_empty() { format!("row {row}") } else { format!("row {row}, column {column}") };
        self.findings.add(code, pointer, value, detail);
    }

    /// True when nothing was found.
    pub(crate) fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// `Ok` when nothing was found; with more problems than an answer lists, the first one says how many there are.
    pub(crate) fn into_result(self) -> Result<(), Rejection> {
        let (count, rows) = (self.count, self.row);
        self.findings.into_result().map_err(|mut rejection| {
            let shown = u64::try_from(rejection.problems.len()).unwrap_or(u64::MAX);
            if count > shown {
                rejection.problems.truncate(Rejection::MAX_PROBLEMS.saturating_sub(1));
                let detail = format!(
                    "{count} problems were found in {rows} rows; the first {} follow; nothing was recorded",
                    rejection.problems.len()
                );
                rejection.problems.splice(0..0, Rejection::new(rejection.code, "file", "", detail).problems);
            }
            rejection
        })
    }
}

/// Reads a file of `columns`, giving the cells of every line that has them to `row`. At most `max_rows` rows.
pub(crate) fn read<'f, const N: usize>(
    bytes: &'f [u8],
    columns: &[&str; N],
    max_rows: usize,
    tally: &mut Tally,
    mut row: impl FnMut(&mut Tally, [&'f str; N]),
) {
    if let Some(detail) = unreadable(bytes) {
        return tally.findings.add(OutcomeCode::Malformed, "row 1", "", detail);
    }
    let (first, mut rest) = cut_line(bytes);
    if !header(without_cr(first), columns, &mut tally.findings) {
        return;
    }
    while !rest.is_empty() {
        let (line, after) = cut_line(rest);
        rest = after;
        tally.row = tally.row.saturating_add(1);
        if usize::try_from(tally.row).unwrap_or(usize::MAX) > max_rows {
            let detail = format!("the file has more than {max_rows} rows; split it into several files");
            return tally.note(OutcomeCode::BodyTooLarge, "", "", detail);
        }
        match line_text(without_cr(line)).map(|text| (text, cells::<N>(text))) {
            Ok((_, Ok(cells))) => row(tally, cells),
            Ok((text, Err(detail))) => tally.note(OutcomeCode::InvalidRow, "", text, detail),
            Err((value, detail)) => tally.note(OutcomeCode::InvalidRow, "", &value, detail),
        }
    }
    if tally.row == 0 {
        tally.findings.add(OutcomeCode::Malformed, "row 1", "", "the file has a header but no rows; send at least one row");
    }
}
