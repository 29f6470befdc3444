//! Fee reports as pages, the API and the command line show them. Amounts are exact texts in whole units.

use super::reports::row_number;
use super::stop::{self, Decision};
use super::waiting::{BY_HAND, REJECTED};
use crate::domain::amount::{Quantity, format_minor_trimmed};
use crate::domain::contribution::rows::VOLUME_SCALE;
use crate::domain::ids::VenueId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::paging::cut;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fee_report::{self, Filter, PostedRow, ReportRow, StepRow, StoredFeeRow};
use crate::store::log;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most items of one page.
pub const MAX_PAGE: i64 = 1_000;

/// A page of a list; `next` is the cursor of the following one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// Items.
    pub items: Vec<T>,
    /// Cursor of the next page.
    pub next: Option<i64>,
}

/// Which reports a list shows; empty fields do not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportFilter {
    /// Venue.
    pub venue: Option<String>,
    /// `accepted`, `quarantined`, `superseded` or `rejected`.
    pub state: Option<String>,
    /// First business date.
    pub from: Option<Date>,
    /// Last business date.
    pub until: Option<Date>,
    /// As it was known at this moment; now without it.
    pub known_at: Option<Timestamp>,
    /// Cursor: reports with a lower number.
    pub cursor: Option<i64>,
    /// Items a page, at most [`MAX_PAGE`].
    pub limit: i64,
}

/// Amounts by asset code.
pub type Amounts = BTreeMap<String, String>;

/// A report in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportItem {
    /// Number in the book.
    pub id: i64,
    /// The sender's name.
    pub report_id: String,
    /// Venue.
    pub venue: String,
    /// Business date.
    pub business_date: String,
    /// Version.
    pub version: i64,
    /// The version it replaces.
    pub supersedes: Option<i64>,
    /// State.
    pub state: String,
    /// Why it stands so; empty for an ordinary acceptance.
    pub reason: String,
    /// Rows by the manifest.
    pub rows: i64,
    /// Entry that posted it; none if nothing was posted or nothing had to be.
    pub entry: Option<i64>,
    /// Control totals of the manifest.
    pub control_totals: Amounts,
    /// What is owed; empty until it is posted.
    pub contributions: Amounts,
    /// Who sent it.
    pub submitted_by: String,
    /// When it came.
    pub recorded_at: Timestamp,
}

/// One step in the life of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepItem {
    /// From 1.
    pub step: i64,
    /// State.
    pub state: String,
    /// Reason.
    pub reason: String,
    /// Problems; of a rejection by hand none.
    pub problems: Vec<KeptProblem>,
    /// Why a person rejected it, in that person's words.
    pub because: Option<String>,
    /// Entry.
    pub entry: Option<i64>,
    /// Whose command caused it, as its leaf proves.
    pub by: String,
    /// When.
    pub recorded_at: Timestamp,
    /// Leaf that proves it.
    pub leaf: i64,
}

/// A problem as it is kept; `line` is the line of the file where it is about a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptProblem {
    /// Where.
    pub pointer: String,
    /// What is wrong and how to mend it.
    pub detail: String,
    /// What was found.
    #[serde(default)]
    pub value: String,
    /// The line as it stood in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// The totals of one asset of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TotalItem {
    /// Asset.
    pub asset: String,
    /// What the manifest says; empty if it does not name the asset.
    pub control_total: String,
    /// Sum over the rows kept; empty for a refused report.
    pub gross_fee: String,
    /// Sum over the rows kept.
    pub rebate: String,
    /// Sum over the rows kept.
    pub net_fee: String,
    /// `net_fee` less the control total; empty where either is missing.
    pub difference: String,
    /// What is owed; empty until it is posted.
    pub contribution: String,
}

/// A report with everything about it but its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportView {
    /// What a list shows of it.
    #[serde(flatten)]
    pub item: ReportItem,
    /// When the sender made it.
    pub generated_at: Timestamp,
    /// SHA-256 of its rows, hex.
    pub sha256: String,
    /// Root over its rows, hex.
    pub rows_root: String,
    /// Leaf that proves it.
    pub leaf: i64,
    /// Share in force.
    pub share: Option<String>,
    /// Cut-off day of the prices it was valued at.
    pub price_set: Option<String>,
    /// What was measured for its venue and day, where the policy has a stop.
    pub stop: Option<Decision>,
    /// Totals by asset.
    pub totals: Vec<TotalItem>,
    /// Steps in order.
    pub steps: Vec<StepItem>,
}

/// A row of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowItem {
    /// Row of the file, from 1.
    pub line: i64,
    /// Pair.
    pub pair: String,
    /// Asset.
    pub fee_asset: String,
    /// Trades.
    pub trades: i64,
    /// Volume in the base.
    pub volume_base: String,
    /// Volume in the quote.
    pub volume_quote: String,
    /// Charged.
    pub gross_fee: String,
    /// Given back.
    pub rebate: String,
    /// Left.
    pub net_fee: String,
}

fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

fn amounts(text: &str) -> Amounts {
    serde_json::from_str(text).unwrap_or_default()
}

pub(super) fn item(
    refs: &Refs,
    row: &ReportRow,
    step: Option<&StepRow>,
    posted: Option<&PostedRow>,
    entry: Option<i64>,
) -> ReportItem {
    ReportItem {
        id: row.id,
        report_id: row.report_id.clone(),
        venue: refs.venues.get(&VenueId(row.venue_id)).map_or_else(String::new, |venue| venue.code.clone()),
        business_date: row.business_date.clone(),
        version: row.version,
        supersedes: row.supersedes,
        state: step.map_or_else(String::new, |step| step.state.clone()),
        reason: step.map_or_else(String::new, |step| step.reason.clone()),
        rows: row.row_count,
        entry: entry.or_else(|| step.and_then(|step| step.entry_no)),
        control_totals: amounts(&row.control_totals),
        contributions: posted.map(|posted| amounts(&posted.contributions)).unwrap_or_default(),
        submitted_by: row.submitted_by.clone(),
        recorded_at: instant(row.recorded_at),
    }
}

/// The reports that a filter shows, newest first.
///
/// # Errors
/// `UnknownVenue`, `InvalidField`.
pub fn reports(conn: &mut Conn, filter: &ReportFilter) -> Result<Page<ReportItem>, StoreError> {
    let refs = Refs::load(conn)?;
    let limit = page_size(filter.limit)?;
    let venue = filter.venue.as_deref().map(|venue| refs.venue("/venue", venue)).transpose()?;
    let wanted = Filter {
        venue: venue.map(|(id, _)| id.0),
        state: filter.state.clone(),
        from: filter.from,
        until: filter.until,
        before: filter.cursor,
        known_at: filter.known_at.map(Timestamp::as_microsecond),
    };
    let mut found = fee_report::list(conn, &wanted, limit.saturating_add(1))?;
    let next = cut(&mut found, limit, |(row, _)| row.id);
    let ids: Vec<i64> = found.iter().map(|(row, _)| row.id).collect();
    let posted = fee_report::posted_of(conn, &ids)?;
    let items = found.iter().map(|(row, step)| item(&refs, row, Some(step), posted.get(&row.id), None)).collect();
    Ok(Page { items, next })
}

fn page_size(limit: i64) -> Result<i64, Rejection> {
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(limit);
    }
    Err(Rejection::invalid("/limit", limit, format!("must be 1 to {MAX_PAGE}")))
}

pub(super) fn require(conn: &mut Conn, id: i64) -> Result<ReportRow, StoreError> {
    fee_report::find(conn, id)?.ok_or_else(|| {
        Rejection::new(OutcomeCode::NotFound, "/id", id, "is not the number of a fee report; see the list of reports").into()
    })
}

/// One report.
///
/// # Errors
/// `NotFound`.
pub fn report(conn: &mut Conn, id: i64) -> Result<ReportView, StoreError> {
    let refs = Refs::load(conn)?;
    let row = require(conn, id)?;
    let steps = fee_report::steps(conn, id)?;
    let posted = fee_report::posted(conn, id)?;
    let entry = steps.iter().find_map(|step| step.entry_no);
    let item = item(&refs, &row, steps.last(), posted.as_ref(), entry);
    let totals = totals(&refs, &row, &item)?;
    let steps = steps.iter().map(|step| step_item(conn, step)).collect::<Result<_, _>>()?;
    Ok(ReportView {
        totals,
        steps,
        generated_at: instant(row.generated_at),
        sha256: row.sha256.clone(),
        rows_root: hex::encode(&row.rows_root),
        leaf: row.leaf,
        share: posted.as_ref().map(|posted| posted.share.clone()),
        stop: match row.day() {
            Ok(day) if posted.is_some() => stop::recorded(conn, &item.venue, day)?,
            _ => None,
        },
        price_set: posted.and_then(|posted| posted.price_set),
        item,
    })
}

fn step_item(conn: &mut Conn, step: &StepRow) -> Result<StepItem, StoreError> {
    let leaf = log::leaf(conn, step.leaf)?.and_then(|leaf| serde_json::from_str::<serde_json::Value>(&leaf.bytes).ok());
    let by = leaf.as_ref().and_then(|leaf| leaf.get("actor")?.as_str()).unwrap_or_default();
    let mut problems = problems(step);
    let because = if step.reason == BY_HAND { problems.pop().map(|words| words.detail) } else { None };
    Ok(StepItem {
        step: step.step,
        state: step.state.clone(),
        reason: step.reason.clone(),
        problems,
        because,
        entry: step.entry_no,
        by: by.to_owned(),
        recorded_at: instant(step.recorded_at),
        leaf: step.leaf,
    })
}

fn problems(step: &StepRow) -> Vec<KeptProblem> {
    serde_json::from_str(&step.problems).unwrap_or_default()
}

fn totals(refs: &Refs, row: &ReportRow, item: &ReportItem) -> Result<Vec<TotalItem>, StoreError> {
    let damaged = |_| StoreError::Damaged(format!("fee report {}: totals are not JSON", row.id));
    let sums: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(&row.totals).map_err(damaged)?;
    let codes: std::collections::BTreeSet<&String> = sums.keys().chain(item.control_totals.keys()).collect();
    let total = |code: &String| {
        let sum = |name: &str| sums.get(code).and_then(|sums| sums.get(name)).cloned().unwrap_or_default();
        let control_total = item.control_totals.get(code).cloned().unwrap_or_default();
        TotalItem {
            asset: code.clone(),
            difference: difference(refs, code, &control_total, &sum("net_fee")).unwrap_or_default(),
            control_total,
            gross_fee: sum("gross_fee"),
            rebate: sum("rebate"),
            net_fee: sum("net_fee"),
            contribution: item.contributions.get(code).cloned().unwrap_or_default(),
        }
    };
    Ok(codes.into_iter().map(total).collect())
}

fn difference(refs: &Refs, code: &str, stated: &str, sum: &str) -> Option<String> {
    let scale = refs.asset("", code).ok()?.scale;
    let (stated, sum) = (Quantity::parse(stated, scale).ok()?, Quantity::parse(sum, scale).ok()?);
    Some(format_minor_trimmed(sum.checked_sub(stated)?.minor(), scale))
}

/// Rows of a report after line `cursor`.
///
/// # Errors
/// `NotFound`, `InvalidField`.
pub fn rows(conn: &mut Conn, id: i64, cursor: Option<i64>, limit: i64) -> Result<Page<RowItem>, StoreError> {
    let limit = page_size(limit)?;
    require(conn, id)?;
    let refs = Refs::load(conn)?;
    let mut found = fee_report::rows_after(conn, id, cursor.unwrap_or(0), limit.saturating_add(1))?;
    let next = cut(&mut found, limit, |row| row.line);
    Ok(Page { items: found.iter().map(|row| row_item(&refs, row)).collect(), next })
}

fn row_item(refs: &Refs, row: &StoredFeeRow) -> RowItem {
    let asset = crate::domain::asset::AssetId(row.asset_id);
    let scale = refs.scale(asset);
    RowItem {
        line: row.line,
        pair: row.pair.clone(),
        fee_asset: refs.code(asset).to_owned(),
        trades: row.trades,
        volume_base: format_minor_trimmed(row.volume_base.0, VOLUME_SCALE),
        volume_quote: format_minor_trimmed(row.volume_quote.0, VOLUME_SCALE),
        gross_fee: format_minor_trimmed(row.gross_fee.0, scale),
        rebate: format_minor_trimmed(row.rebate.0, scale),
        net_fee: format_minor_trimmed(row.net_fee.0, scale),
    }
}

/// The failed rows of a refused report as CSV: the row's number, the column and value at fault, what is wrong, and the line as it
/// stood in the file.
///
/// # Errors
/// `NotFound`; `WrongState` for a report that was not refused.
pub fn failed_rows_csv(conn: &mut Conn, id: i64) -> Result<String, StoreError> {
    let row = require(conn, id)?;
    let Some(step) = fee_report::steps(conn, id)?.pop().filter(|step| step.state == REJECTED && step.reason != BY_HAND) else {
        let detail = format!("{} version {} was not refused when it came, so it has no failed rows", row.report_id, row.version);
        return Err(Rejection::new(OutcomeCode::WrongState, "/id", id, detail).into());
    };
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["row", "column", "value", "problem", "line"]).map_err(csv_failed)?;
    for problem in problems(&step) {
        let number = row_number(&problem.pointer).map(|number| number.to_string());
        let (number, column) = match (number, problem.pointer.split_once(", column ")) {
            (Some(number), Some((_, column))) => (number, column.to_owned()),
            (Some(number), None) => (number, String::new()),
            (None, _) => (String::new(), problem.pointer.clone()),
        };
        let line = problem.line.as_deref().unwrap_or_default();
        csv.write_record([&number, &column, &problem.value, &problem.detail, line]).map_err(csv_failed)?;
    }
    csv_text(csv)
}

pub(super) fn csv_failed(error: csv::Error) -> StoreError {
    StoreError::Database(format!("the CSV could not be made: {error}"))
}

/// What was written.
pub(super) fn csv_text(csv: csv::Writer<Vec<u8>>) -> Result<String, StoreError> {
    let bytes = csv.into_inner().map_err(|error| StoreError::Database(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| StoreError::Database(error.to_string()))
}
