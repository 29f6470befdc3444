//! Rows of a fee report: CSV or NDJSON in, compact checked rows out.
//!
//! Both formats go line by line through the same cell checks, so a bad row costs nothing but itself and reading goes on. The
//! CSV is the strict core of the format; see [`csv_text`](crate::domain::csv_text).
//!
//! Cost: 80 bytes a row and one map entry; pairs and assets are kept once. A million rows are the limit.

use super::findings::Findings;
use super::json::{Fields, Loose};
use super::{DAY_MEND, parse_day};
use crate::domain::amount::{AmountError, Quantity, parse_minor};
use crate::domain::asset::{AssetCode, AssetId};
use crate::domain::csv_text::{self, cut_line, line_text, unreadable, without_cr};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::text::Name;
use jiff::civil::Date;
use std::borrow::Cow;
use std::collections::HashMap;

/// The columns of the file, in order; the fields of an NDJSON row have the same names.
pub const COLUMNS: [&str; 10] =
    ["venue", "business_date", "pair", "fee_asset", "trades", "volume_base", "volume_quote", "gross_fee", "rebate", "net_fee"];
/// The most rows one report may have.
pub const MAX_ROWS: usize = 1_000_000;
/// Volumes are kept with 18 decimals whatever the asset, since they are shown and compared but never booked.
pub const VOLUME_SCALE: u8 = 18;

/// How a file of rows is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// Comma-separated with a header.
    Csv,
    /// One JSON object per line.
    Ndjson,
}

impl RowFormat {
    /// The format by the first character: an object or not.
    pub fn detect(bytes: &[u8]) -> Self {
        if bytes.first() == Some(&b'{') { Self::Ndjson } else { Self::Csv }
    }
}

/// A pair's place in [`RowSet::pairs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairNo(pub u32);

/// One row: the fees of one pair in one asset on the report's day and venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeRow {
    /// The traded pair.
    pub pair: PairNo,
    /// The asset the fees were taken in.
    pub asset: AssetId,
    /// How many trades.
    pub trades: u64,
    /// Traded volume in the pair's base, in units of 10^-18.
    pub volume_base: i128,
    /// Traded volume in the pair's quote, in units of 10^-18.
    pub volume_quote: i128,
    /// Fees charged, zero or more.
    pub gross_fee: Quantity,
    /// Fees given back, zero or more.
    pub rebate: Quantity,
}

impl FeeRow {
    /// What is left of the fees; below zero on a day when more was given back than charged.
    pub const fn net_fee(&self) -> Quantity {
        // Both sides are 0 to 10^38 − 1 by parsing, so the difference always fits.
        Quantity(self.gross_fee.minor().saturating_sub(self.rebate.minor()))
    }
}

/// An asset as rows name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowAsset {
    /// Its row number in the book.
    pub id: AssetId,
    /// Its code.
    pub code: AssetCode,
    /// Its decimals.
    pub scale: u8,
}

/// The rows of one report in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSet {
    /// The venue of every row.
    pub venue: Name,
    /// The business date of every row.
    pub business_date: Date,
    /// The pairs that rows refer to.
    pub pairs: Vec<Name>,
    /// The assets that rows refer to, in order of appearance.
    pub assets: Vec<RowAsset>,
    /// The rows.
    pub rows: Vec<FeeRow>,
}

impl RowSet {
    /// The name of a pair; empty only for a number from another set.
    pub fn pair(&self, pair: PairNo) -> &str {
        usize::try_from(pair.0).ok().and_then(|at| self.pairs.get(at)).map_or("", Name::as_str)
    }

    /// The asset with this number, if rows refer to it.
    pub fn asset(&self, id: AssetId) -> Option<&RowAsset> {
        self.assets.iter().find(|a| a.id == id)
    }
}

/// Finds an asset by code: its number and scale.
pub type Resolve<'r> = dyn FnMut(&AssetCode) -> Option<(AssetId, u8)> + 'r;

/// Reads rows. `expected` is the manifest's venue and day; without it the first good row decides.
///
/// Problems go to `findings`: codes `malformed` (the file as a whole), `invalid-row`, `duplicate-row`, `unknown-asset` and
/// `body-too-large`. Reading goes on after a bad row until the findings are full. `None` when no row could be read at all.
pub fn read_rows(
    bytes: &[u8],
    expected: Option<(&Name, Date)>,
    resolve: &mut Resolve<'_>,
    findings: &mut Findings,
) -> Option<RowSet> {
    Reader::new(expected, resolve, findings).read(bytes)
}

/// One row's cells in the order of [`COLUMNS`]; `None` where a finding was noted already.
type Cells<'c> = [Option<&'c str>; COLUMNS.len()];

/// The state of reading one file.
struct Reader<'r, 's> {
    expected: Option<(String, String)>,
    identity: Option<(Name, Date)>,
    resolve: &'r mut Resolve<'s>,
    findings: &'r mut Findings,
    pair_numbers: HashMap<String, PairNo>,
    pairs: Vec<Name>,
    asset_places: HashMap<String, Option<usize>>,
    assets: Vec<RowAsset>,
    /// Natural keys seen, with the row that had them first.
    keys: HashMap<(PairNo, AssetId), u32>,
    rows: Vec<FeeRow>,
    /// The number of the row at hand, from 1, the header not counted.
    at: u32,
    max_rows: usize,
}

impl<'r, 's> Reader<'r, 's> {
    fn new(expected: Option<(&Name, Date)>, resolve: &'r mut Resolve<'s>, findings: &'r mut Findings) -> Self {
        Self {
            expected: expected.map(|(venue, day)| (venue.to_string(), day.to_string())),
            identity: expected.map(|(venue, day)| (venue.clone(), day)),
            resolve,
            findings,
            pair_numbers: HashMap::new(),
            pairs: Vec::new(),
            asset_places: HashMap::new(),
            assets: Vec::new(),
            keys: HashMap::new(),
            rows: Vec::new(),
            at: 0,
            max_rows: MAX_ROWS,
        }
    }

    fn read(mut self, bytes: &[u8]) -> Option<RowSet> {
        if let Some(detail) = unreadable(bytes) {
            self.findings.add(OutcomeCode::Malformed, "row 1", "", detail);
            return None;
        }
        match RowFormat::detect(bytes) {
            RowFormat::Csv => {
                let (header, rest) = cut_line(bytes);
                if !csv_text::header(without_cr(header), &COLUMNS, self.findings) {
                    return None;
                }
                self.lines(rest, Self::csv_line);
            }
            RowFormat::Ndjson => self.lines(bytes, Self::json_line),
        }
        self.finish()
    }

    /// Notes a problem of the row at hand.
    fn note(&mut self, column: &str, value: &str, detail: impl Into<String>) {
        self.findings.add(OutcomeCode::InvalidRow, self.pointer(column), value, detail);
    }

    fn pointer(&self, column: &str) -> String {
        if column.is_empty() { format!("row {}", self.at) } else { format!("row {}, column {column}", self.at) }
    }

    /// Gives every line to `read` until the findings are full or the limit of rows is passed.
    fn lines(&mut self, bytes: &[u8], read: fn(&mut Self, &str)) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.findings.is_full() {
            let (line, after) = cut_line(rest);
            rest = after;
            self.at = self.at.saturating_add(1);
            if usize::try_from(self.at).unwrap_or(usize::MAX) > self.max_rows {
                let detail = format!("the file has more than {} rows; split it into reports of their own", self.max_rows);
                self.findings.add(OutcomeCode::BodyTooLarge, self.pointer(""), "", detail);
                return;
            }
            match line_text(without_cr(line)) {
                Ok(text) => read(self, text),
                Err((value, detail)) => self.note("", &value, detail),
            }
        }
        if self.at == 0 {
            self.findings.add(OutcomeCode::Malformed, "row 1", "", "the file has a header but no rows; send at least one row");
        }
    }

    fn csv_line(&mut self, line: &str) {
        match csv_text::cells::<{ COLUMNS.len() }>(line) {
            Ok(cells) => self.row(&cells.map(Some)),
            Err(detail) => self.note("", line, detail),
        }
    }

    fn json_line(&mut self, line: &str) {
        let record = match Fields(&COLUMNS).read(line) {
            Ok(record) => record,
            Err(error) => {
                let detail = format!("is not one JSON object ({error}); write one complete object per line");
                return self.note("", line, detail);
            }
        };
        let at = self.at;
        let pointer = |key: &str| if key.is_empty() { format!("row {at}") } else { format!("row {at}, column {key}") };
        if !record.note_shape(OutcomeCode::InvalidRow, self.findings, pointer) {
            return;
        }
        let mut texts: [Option<Cow<'_, str>>; COLUMNS.len()] = Default::default();
        for ((column, value), slot) in COLUMNS.iter().zip(record.values).zip(&mut texts) {
            match value {
                Some(Loose::Text(text)) => *slot = Some(text),
                Some(Loose::Whole(number)) if *column == "trades" => *slot = Some(number.to_string().into()),
                Some(other) => {
                    let wanted = if *column == "trades" { "a whole number" } else { "a string, for example \"1.5\"" };
                    self.note(column, "", format!("is {}; write {wanted}", other.kind()));
                }
                None => self.note(column, "", "is missing"),
            }
        }
        self.row(&texts.each_ref().map(|text| text.as_deref()));
    }

    /// Checks the cells of one row, notes each bad one, and keeps the row if none is bad.
    fn row(&mut self, cells: &Cells<'_>) {
        let [venue, day, pair, asset, trades, volume_base, volume_quote, gross, rebate, net] = *cells;
        let here = self.identity(venue, day);
        let pair = pair.and_then(|text| self.pair(text));
        let asset = asset.and_then(|text| self.asset(text));
        // Amounts of an unknown asset are still read for their spelling, with the most decimals there are.
        let scale = asset.map_or(crate::domain::amount::MAX_SCALE, |(_, scale)| scale);
        let trades = trades.and_then(|text| self.trades(text));
        let volume_base = volume_base.and_then(|text| self.amount("volume_base", text, VOLUME_SCALE, false));
        let volume_quote = volume_quote.and_then(|text| self.amount("volume_quote", text, VOLUME_SCALE, false));
        let gross = gross.and_then(|text| self.amount("gross_fee", text, scale, false));
        let rebate = rebate.and_then(|text| self.amount("rebate", text, scale, false));
        let net_text = net.unwrap_or_default();
        let net = net.and_then(|text| self.amount("net_fee", text, scale, true));
        let (Some(gross), Some(rebate), Some(net)) = (gross, rebate, net) else { return };
        let expected = gross.saturating_sub(rebate);
        if net != expected {
            let right = crate::domain::amount::format_minor_trimmed(expected, scale);
            return self.note("net_fee", net_text, format!("is not gross_fee − rebate; that is {right}"));
        }
        let (true, Some(pair), Some((asset, _)), Some(trades), Some(volume_base), Some(volume_quote)) =
            (here, pair, asset, trades, volume_base, volume_quote)
        else {
            return;
        };
        if let Some(first) = self.keys.insert((pair, asset), self.at) {
            self.keys.insert((pair, asset), first);
            let value = format!(
                "{}, {}",
                cells.get(2).copied().flatten().unwrap_or_default(),
                cells.get(3).copied().flatten().unwrap_or_default()
            );
            let detail = format!("has the pair and fee_asset of row {first}; add both up into one row");
            self.findings.add(OutcomeCode::DuplicateRow, self.pointer("pair"), value, detail);
            return;
        }
        self.rows.push(FeeRow {
            pair,
            asset,
            trades,
            volume_base,
            volume_quote,
            gross_fee: Quantity(gross),
            rebate: Quantity(rebate),
        });
    }

    /// Compares venue and day with the manifest's, or takes them from the first row.
    fn identity(&mut self, venue: Option<&str>, day: Option<&str>) -> bool {
        let (Some(venue), Some(day)) = (venue, day) else { return false };
        if let Some((wanted_venue, wanted_day)) = &self.expected {
            if venue == wanted_venue && day == wanted_day {
                return true;
            }
            let venue_problem =
                (venue != wanted_venue).then(|| format!("is not the report's venue {wanted_venue}; one report is for one venue"));
            let day_problem =
                (day != wanted_day).then(|| format!("is not the report's business date {wanted_day}; one report is for one day"));
            for (column, value, problem) in [("venue", venue, venue_problem), ("business_date", day, day_problem)] {
                if let Some(detail) = problem {
                    self.note(column, value, detail);
                }
            }
            return false;
        }
        let name = Name::parse(venue).map_err(|error| self.note("venue", venue, error.to_string()));
        let date = parse_day(day);
        if date.is_none() {
            self.note("business_date", day, DAY_MEND);
        }
        if let (Ok(name), Some(date)) = (name, date) {
            self.expected = Some((venue.to_owned(), day.to_owned()));
            self.identity = Some((name, date));
            return true;
        }
        false
    }

    fn pair(&mut self, text: &str) -> Option<PairNo> {
        if let Some(known) = self.pair_numbers.get(text) {
            return Some(*known);
        }
        match Name::parse(text) {
            Ok(name) => {
                let number = PairNo(u32::try_from(self.pairs.len()).ok()?);
                self.pairs.push(name);
                self.pair_numbers.insert(text.to_owned(), number);
                Some(number)
            }
            Err(error) => {
                self.note("pair", text, error.to_string());
                None
            }
        }
    }

    /// The asset and its scale. An unknown code is a finding of its own kind on each row, so that all such rows are named.
    fn asset(&mut self, text: &str) -> Option<(AssetId, u8)> {
        if let Some(known) = self.asset_places.get(text) {
            let place = *known;
            return match place.and_then(|at| self.assets.get(at)) {
                Some(asset) => Some((asset.id, asset.scale)),
                None => self.unknown_asset(text),
            };
        }
        let code = match AssetCode::parse(text) {
            Ok(code) => code,
            Err(error) => {
                self.note("fee_asset", text, error.to_string());
                return None;
            }
        };
        let Some((id, scale)) = (self.resolve)(&code) else {
            self.asset_places.insert(text.to_owned(), None);
            return self.unknown_asset(text);
        };
        self.asset_places.insert(text.to_owned(), Some(self.assets.len()));
        self.assets.push(RowAsset { id, code, scale });
        Some((id, scale))
    }

    fn unknown_asset<T>(&mut self, text: &str) -> Option<T> {
        let detail = "is not an asset of the book; mend the code or register the asset first";
        self.findings.add(OutcomeCode::UnknownAsset, self.pointer("fee_asset"), text, detail);
        None
    }

    fn trades(&mut self, text: &str) -> Option<u64> {
        let number = parse_minor(text, 0).ok().and_then(|n| u64::try_from(n).ok());
        if number.is_none() {
            self.note("trades", text, "is not a count; write a whole number of zero or more, digits only");
        }
        number
    }

    fn amount(&mut self, column: &str, text: &str, scale: u8, may_be_negative: bool) -> Option<i128> {
        let parsed = parse_minor(text, scale)
            .and_then(|minor| if minor < 0 && !may_be_negative { Err(AmountError::Negative) } else { Ok(minor) });
        match parsed {
            Ok(minor) => Some(minor),
            Err(error) => {
                self.note(column, text, amount_mend(text, error));
                None
            }
        }
    }

    fn finish(self) -> Option<RowSet> {
        let (venue, business_date) = self.identity?;
        Some(RowSet { venue, business_date, pairs: self.pairs, assets: self.assets, rows: self.rows })
    }
}

/// What is wrong with an amount, with decimal commas named as such.
pub(crate) fn amount_mend(text: &str, error: AmountError) -> String {
    match error {
        AmountError::Character(',') if !text.contains('.') => "has a decimal comma; write a dot, for example 1.5".to_owned(),
        other => other.to_string(),
    }
}

/// The sum of `net_fee` per asset in order of appearance, or `None` when a sum passes the largest amount.
pub(super) fn sums<F: Fn(&FeeRow) -> Quantity>(set: &RowSet, of: F) -> Option<Vec<(AssetId, Quantity)>> {
    let mut sums: Vec<(AssetId, Quantity)> = set.assets.iter().map(|asset| (asset.id, Quantity::ZERO)).collect();
    let mut places: HashMap<AssetId, usize> = HashMap::new();
    for (at, (id, _)) in sums.iter().enumerate() {
        places.insert(*id, at);
    }
    for row in &set.rows {
        let (_, sum) = places.get(&row.asset).and_then(|at| sums.get_mut(*at))?;
        *sum = sum.checked_add(of(row)).filter(|s| s.minor().unsigned_abs() < MAX_AMOUNT)?;
    }
    Some(sums)
}

/// One above the largest amount that is kept: 10^38.
const MAX_AMOUNT: u128 = 10_u128.pow(38);

/// Reads rows or gives the rejection, for callers without further checks of their own.
pub fn parse_rows(bytes: &[u8], expected: Option<(&Name, Date)>, resolve: &mut Resolve<'_>) -> Result<RowSet, Rejection> {
    let mut findings = Findings::new();
    let rows = read_rows(bytes, expected, resolve, &mut findings);
    findings.into_result()?;
    rows.ok_or_else(|| Rejection::new(OutcomeCode::Malformed, "row 1", "", "the file has no rows; send at least one row"))
}

#[cfg(test)]
mod tests;
