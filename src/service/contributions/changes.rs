//! What a version of a fee report changed against the one it replaced: by asset, and row by row.

use super::view::{ReportItem, csv_failed, csv_text, item, require};
use crate::domain::amount::{Quantity, format_minor_trimmed};
use crate::domain::contribution::restatement::{RowChange, RowChangeKind, row_changes, total_changes};
use crate::domain::contribution::rows::{FeeRow, RowSet, VOLUME_SCALE};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fee_report::{self, PostedRow, ReportRow};
use serde::Serialize;

/// The most changed rows that a restatement lists.
pub const MAX_LISTED: usize = 1_000;
/// The longest version that is compared row by row on the way to a page: longer ones take seconds, and are exported.
pub const MAX_COMPARED: i64 = 20_000;

/// What a version changes in one asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeItem {
    /// Asset.
    pub asset: String,
    /// Contribution before.
    pub before: String,
    /// Contribution now.
    pub after: String,
    /// The difference, signed.
    pub difference: String,
}

/// A row that differs between two versions; `before` and `after` are gross fee, rebate and net fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowChangeItem {
    /// `added`, `removed` or `changed`.
    pub kind: &'static str,
    /// Pair.
    pub pair: String,
    /// Asset.
    pub fee_asset: String,
    /// Figures before.
    pub before: Option<[String; 3]>,
    /// Figures now.
    pub after: Option<[String; 3]>,
}

/// A version against the one it replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestatementView {
    /// The report it replaced.
    pub previous: ReportItem,
    /// Contributions that differ; empty while the version is not posted.
    pub contributions: Vec<ChangeItem>,
    /// Rows that differ, at most [`MAX_LISTED`]; none if the versions are too long to be compared here.
    pub rows: Vec<RowChangeItem>,
    /// How many rows differ in all; none if the versions are too long to be compared here.
    pub rows_changed: Option<usize>,
    /// How many of them are not listed; none as above.
    pub rows_left_off: Option<usize>,
    /// What is left off, in words; none if nothing is.
    pub left_off: Option<String>,
}

/// What a version changed against the one it replaced; `None` for a first version, a refused report, or one whose predecessor
/// never came.
///
/// # Errors
/// `NotFound`.
pub fn restatement(conn: &mut Conn, id: i64) -> Result<Option<RestatementView>, StoreError> {
    let row = require(conn, id)?;
    let Some(previous) = previous(conn, &row)? else { return Ok(None) };
    let refs = Refs::load(conn)?;
    let posted = fee_report::posted_of(conn, &[previous.id, row.id])?;
    let contributions = match (posted.get(&previous.id), posted.get(&row.id)) {
        (Some(was), Some(is)) => contribution_changes(&refs, was, is)?,
        _ => Vec::new(),
    };
    let steps = fee_report::steps(conn, previous.id)?;
    let entry = steps.iter().find_map(|step| step.entry_no);
    let before = item(&refs, &previous, steps.last(), posted.get(&previous.id), entry);
    let mut view = RestatementView {
        previous: before,
        contributions,
        rows: Vec::new(),
        rows_changed: None,
        rows_left_off: None,
        left_off: None,
    };
    let longest = previous.row_count.max(row.row_count);
    if longest > MAX_COMPARED {
        view.left_off = Some(format!(
            "Rows are not compared here, because a version has {longest} of them and more than {MAX_COMPARED} take long. {}",
            how_to_get_all(id)
        ));
        return Ok(Some(view));
    }
    let compared = Compared::load(conn, &previous, &row)?;
    let changed = compared.changes.len();
    view.rows = compared.changes.iter().take(MAX_LISTED).map(|change| compared.shown(&refs, change)).collect();
    let left_off = changed.saturating_sub(view.rows.len());
    (view.rows_changed, view.rows_left_off) = (Some(changed), Some(left_off));
    view.left_off =
        (left_off > 0).then(|| format!("{left_off} of the {changed} rows that differ are left off here. {}", how_to_get_all(id)));
    Ok(Some(view))
}

fn how_to_get_all(id: i64) -> String {
    format!(
        "`safu contributions show {id} --changed-rows` prints every row that differs as CSV, as does GET /fee-reports/{id}/changed-rows."
    )
}

/// Every row that differs from the version that this one replaced, as CSV with all its figures before and now. An added row has
/// nothing before, a removed one nothing now.
///
/// # Errors
/// `NotFound`; `WrongState` for a report that did not replace one.
pub fn changed_rows_csv(conn: &mut Conn, id: i64) -> Result<String, StoreError> {
    let row = require(conn, id)?;
    let Some(previous) = previous(conn, &row)? else {
        let detail = format!("{} version {} has replaced no version that is here", row.report_id, row.version);
        return Err(Rejection::new(OutcomeCode::WrongState, "/id", id, detail).into());
    };
    let (refs, compared) = (Refs::load(conn)?, Compared::load(conn, &previous, &row)?);
    let mut csv = csv::Writer::from_writer(Vec::new());
    let figures = ["trades", "volume_base", "volume_quote", "gross_fee", "rebate", "net_fee"];
    let mut heads = vec!["change".to_owned(), "pair".to_owned(), "fee_asset".to_owned()];
    heads.extend(figures.iter().flat_map(|name| [format!("{name}_before"), format!("{name}_after")]));
    csv.write_record(&heads).map_err(csv_failed)?;
    for change in &compared.changes {
        let (kind, before, after) = compared.sides(change);
        let mut record = vec![kind.to_owned(), change.pair.clone(), refs.code(change.asset).to_owned()];
        let (before, after) = (all_figures(before), all_figures(after));
        record.extend(before.into_iter().zip(after).flat_map(|(before, after)| [before, after]));
        csv.write_record(&record).map_err(csv_failed)?;
    }
    csv_text(csv)
}

/// A row and the set it is of.
type Side<'a> = Option<(&'a RowSet, FeeRow)>;

/// Two versions with the rows that differ.
struct Compared {
    before: RowSet,
    after: RowSet,
    changes: Vec<RowChange>,
}

impl Compared {
    fn load(conn: &mut Conn, before: &ReportRow, after: &ReportRow) -> Result<Self, StoreError> {
        let (before, after) = (fee_report::row_set(conn, before)?, fee_report::row_set(conn, after)?);
        let changes = row_changes(&before, &after);
        Ok(Self { before, after, changes })
    }

    fn sides(&self, change: &RowChange) -> (&'static str, Side<'_>, Side<'_>) {
        match change.kind {
            RowChangeKind::Added(row) => ("added", None, Some((&self.after, row))),
            RowChangeKind::Removed(row) => ("removed", Some((&self.before, row)), None),
            RowChangeKind::Changed { before, after } => ("changed", Some((&self.before, before)), Some((&self.after, after))),
        }
    }

    fn shown(&self, refs: &Refs, change: &RowChange) -> RowChangeItem {
        let (kind, before, after) = self.sides(change);
        let fees = |side: Side<'_>| side.map(|(set, row)| fees(set, &row));
        let fee_asset = refs.code(change.asset).to_owned();
        RowChangeItem { kind, pair: change.pair.clone(), fee_asset, before: fees(before), after: fees(after) }
    }
}

fn all_figures(side: Side<'_>) -> [String; 6] {
    let Some((set, row)) = side else { return Default::default() };
    let [gross, rebate, net] = fees(set, &row);
    let volume = |units| format_minor_trimmed(units, VOLUME_SCALE);
    [row.trades.to_string(), volume(row.volume_base), volume(row.volume_quote), gross, rebate, net]
}

fn previous(conn: &mut Conn, row: &ReportRow) -> Result<Option<ReportRow>, StoreError> {
    let Some(version) = row.supersedes.filter(|_| row.is_kept()) else { return Ok(None) };
    let candidates = fee_report::of_day(conn, row.venue_id, &row.business_date, &row.report_id)?;
    let same = |other: &ReportRow| other.is_kept() && other.version == version && other.report_id == row.report_id;
    Ok(candidates.into_iter().find(same))
}

fn contribution_changes(refs: &Refs, before: &PostedRow, after: &PostedRow) -> Result<Vec<ChangeItem>, StoreError> {
    let (was, is) = (super::parse_amounts(refs, &before.contributions)?, super::parse_amounts(refs, &after.contributions)?);
    let shown = total_changes(&was, &is).into_iter().map(|change| {
        let text = |quantity: Quantity| format_minor_trimmed(quantity.minor(), refs.scale(change.asset));
        ChangeItem {
            asset: refs.code(change.asset).to_owned(),
            before: text(change.before),
            after: text(change.after),
            difference: text(change.difference()),
        }
    });
    Ok(shown.collect())
}

/// Gross fee, rebate and net fee of a row.
fn fees(set: &RowSet, row: &FeeRow) -> [String; 3] {
    let scale = set.asset(row.asset).map_or(0, |asset| asset.scale);
    [row.gross_fee, row.rebate, row.net_fee()].map(|quantity| format_minor_trimmed(quantity.minor(), scale))
}
