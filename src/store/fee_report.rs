//! Fee reports: their manifests, their rows, what became of them step by step, and what of them is posted.
//!
//! Cost: a report writes one leaf, one leaf a step, and its rows in batches; a million rows are read again in pages.

use super::bulk::{self, bulk_row};
use super::conn::{Conn, on_each};
use super::error::StoreError;
use super::reference;
use super::schema::{fee_report, fee_report_posted, fee_report_step, fee_row};
use super::tx::{Record, Stamp};
use super::types::{Minor, Money};
use crate::domain::asset::AssetId;
use crate::domain::contribution::parse_day;
use crate::domain::contribution::rows::{FeeRow, PairNo, RowAsset, RowSet};
use crate::domain::text::Name;
use crate::proof::merkle::{Frontier, Hash, sha256};
use crate::proof::row::{RowEncoder, fee_row as encode_row};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use jiff::civil::Date;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Rows that are held at a time while a report is written or read, and numbers of one look-up.
const PAGE: usize = 5_000;

/// One version of a report as it came.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = fee_report)]
pub struct ReportRow {
    /// Number in recording order.
    pub id: i64,
    /// Venue.
    pub venue_id: i32,
    /// The sender's name of the report; the same for all its versions.
    pub report_id: String,
    /// Business date, ISO.
    pub business_date: String,
    /// Version, from 1.
    pub version: i64,
    /// The version it replaces.
    pub supersedes: Option<i64>,
    /// When the sender made it, microseconds since 1970.
    pub generated_at: i64,
    /// Rows by its manifest.
    pub row_count: i64,
    /// SHA-256 of the rows that came, hex.
    pub sha256: String,
    /// The manifest's control totals, canonical JSON of code and amount.
    pub control_totals: String,
    /// Sums over the rows, canonical JSON of code and `gross_fee`, `rebate`, `net_fee`; `{}` for a refused one.
    pub totals: String,
    /// 0 for a report kept with its rows; else the how manieth refusal of this content it is.
    pub refusal: i32,
    /// Root over the rows kept.
    pub rows_root: Vec<u8>,
    /// Who sent it.
    pub submitted_by: String,
    /// When it came, microseconds since 1970.
    pub recorded_at: i64,
    /// Leaf.
    pub leaf: i64,
}

impl ReportRow {
    /// The leaf body.
    pub fn body(&self) -> Value {
        json!({
            "id": self.id,
            "venue": self.venue_id,
            "report_id": self.report_id,
            "business_date": self.business_date,
            "version": self.version,
            "supersedes": self.supersedes,
            "generated_at": self.generated_at.to_string(),
            "row_count": self.row_count,
            "sha256": self.sha256,
            "control_totals": self.control_totals,
            "totals": self.totals,
            "refusal": self.refusal,
            "rows_root": hex::encode(&self.rows_root),
        })
    }

    /// The business date.
    ///
    /// # Errors
    /// `Damaged`.
    pub fn day(&self) -> Result<Date, StoreError> {
        parse_day(&self.business_date).ok_or_else(|| self.damaged("its business date is not a day"))
    }

    /// True when its rows are kept.
    pub const fn is_kept(&self) -> bool {
        self.refusal == 0
    }

    fn damaged(&self, what: &str) -> StoreError {
        StoreError::Damaged(format!("fee report {}: {what}", self.id))
    }
}

/// A report on its way into the book, with its rows if they are kept.
pub struct NewReport {
    /// Its row; who, when and leaf are filled in at the end.
    pub row: ReportRow,
    /// The rows.
    pub rows: Option<Arc<RowSet>>,
}

impl Record for NewReport {
    fn kind(&self) -> &'static str {
        "fee_report"
    }
    fn body(&self) -> Value {
        self.row.body()
    }
    fn insert(&self, conn: &mut Conn, leaf: i64, stamp: &Stamp) -> Result<(), StoreError> {
        let row =
            ReportRow { leaf, submitted_by: stamp.actor.clone(), recorded_at: stamp.at.as_microsecond(), ..self.row.clone() };
        diesel::insert_into(fee_report::table).values(&row).execute(conn)?;
        self.rows.as_ref().map_or(Ok(()), |set| insert_rows(conn, row.id, set))
    }
}

/// One step in the life of a report.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = fee_report_step)]
pub struct StepRow {
    /// Report.
    pub report_id: i64,
    /// From 1.
    pub step: i64,
    /// `accepted`, `quarantined`, `superseded` or `rejected`.
    pub state: String,
    /// Why, in one word; empty for an ordinary acceptance.
    pub reason: String,
    /// What is wrong, JSON list.
    pub problems: String,
    /// The entry that the step posted.
    pub entry_no: Option<i64>,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    /// Leaf.
    pub leaf: i64,
}

/// What of a venue's day is posted by one version.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = fee_report_posted)]
pub struct PostedRow {
    /// Venue.
    pub venue_id: i32,
    /// Business date.
    pub business_date: String,
    /// Version.
    pub version: i64,
    /// Report.
    pub report_id: i64,
    /// Share of the policy in force.
    pub share: String,
    /// Contribution per asset over the whole day, canonical JSON of code and amount.
    pub contributions: String,
    /// Cut-off day of the prices it was valued at; none when no price was needed.
    pub price_set: Option<String>,
}

impl StepRow {
    /// The leaf body; an acceptance proves what it posted too. Problems can be long, so the leaf has their hash.
    pub fn body(&self, posted: Option<&PostedRow>) -> Value {
        let posted = posted.map(|p| {
            json!({
                "venue": p.venue_id, "business_date": p.business_date, "version": p.version, "share": p.share,
                "contributions": p.contributions, "price_set": p.price_set,
            })
        });
        json!({
            "report": self.report_id,
            "step": self.step,
            "state": self.state,
            "reason": self.reason,
            "problems_sha256": hex::encode(sha256(self.problems.as_bytes())),
            "entry": self.entry_no,
            "posted": posted,
        })
    }
}

/// A step on its way into the book.
pub struct NewStep {
    /// The step; when and leaf are filled in at the end.
    pub step: StepRow,
    /// What it posted, for an acceptance.
    pub posted: Option<PostedRow>,
}

impl Record for NewStep {
    fn kind(&self) -> &'static str {
        "fee_report_step"
    }
    fn body(&self) -> Value {
        self.step.body(self.posted.as_ref())
    }
    fn insert(&self, conn: &mut Conn, leaf: i64, stamp: &Stamp) -> Result<(), StoreError> {
        let row = StepRow { leaf, recorded_at: stamp.at.as_microsecond(), ..self.step.clone() };
        diesel::insert_into(fee_report_step::table).values(&row).execute(conn)?;
        if let Some(posted) = &self.posted {
            diesel::insert_into(fee_report_posted::table).values(posted).execute(conn)?;
        }
        Ok(())
    }
}

/// A stored row of a report.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = fee_row)]
pub struct StoredFeeRow {
    /// Report.
    pub report_id: i64,
    /// Row of the file, from 1.
    pub line: i64,
    /// Pair.
    pub pair: String,
    /// Asset.
    pub asset_id: i32,
    /// Trades.
    pub trades: i64,
    /// Volume in the base, in units of 10^-18.
    pub volume_base: Minor,
    /// Volume in the quote, in units of 10^-18.
    pub volume_quote: Minor,
    /// Fees charged.
    pub gross_fee: Minor,
    /// Fees given back.
    pub rebate: Minor,
    /// What is left.
    pub net_fee: Minor,
}

/// A row on its way into the table; its pair is borrowed from the set.
struct NewFeeRow<'a> {
    report_id: i64,
    line: i64,
    pair: &'a str,
    asset_id: i32,
    trades: i64,
    volume_base: Minor,
    volume_quote: Minor,
    gross_fee: Minor,
    rebate: Minor,
    net_fee: Minor,
}

bulk_row!(NewFeeRow<'_>, fee_row, {
    report_id: BigInt,
    line: BigInt,
    pair: Text,
    asset_id: Integer,
    trades: BigInt,
    volume_base: Money,
    volume_quote: Money,
    gross_fee: Money,
    rebate: Money,
    net_fee: Money,
});

fn insert_rows(conn: &mut Conn, report: i64, set: &RowSet) -> Result<(), StoreError> {
    let mut line = 0_i64;
    let mut batch = Vec::with_capacity(PAGE.min(set.rows.len()));
    for chunk in set.rows.chunks(PAGE) {
        batch.clear();
        for row in chunk {
            line = line.saturating_add(1);
            batch.push(NewFeeRow {
                report_id: report,
                line,
                pair: set.pair(row.pair),
                asset_id: row.asset.0,
                trades: i64::try_from(row.trades)
                    .map_err(|_| StoreError::Database("a count of trades does not fit".to_owned()))?,
                volume_base: Minor(row.volume_base),
                volume_quote: Minor(row.volume_quote),
                gross_fee: row.gross_fee.into(),
                rebate: row.rebate.into(),
                net_fee: row.net_fee().into(),
            });
        }
        bulk::insert(conn, &batch)?;
    }
    Ok(())
}

/// One report.
pub fn find(conn: &mut Conn, id: i64) -> Result<Option<ReportRow>, StoreError> {
    Ok(fee_report::table.filter(fee_report::id.eq(id)).select(ReportRow::as_select()).first(conn).optional()?)
}

/// All reports of a venue's day, and those of the same name for another day, oldest first.
pub fn of_day(conn: &mut Conn, venue: i32, day: &str, report_id: &str) -> Result<Vec<ReportRow>, StoreError> {
    Ok(fee_report::table
        .filter(fee_report::venue_id.eq(venue))
        .filter(fee_report::business_date.eq(day).or(fee_report::report_id.eq(report_id)))
        .order(fee_report::id)
        .select(ReportRow::as_select())
        .load(conn)?)
}

/// Reports of a venue for the days `from..=until`, oldest first.
pub fn between(conn: &mut Conn, venue: i32, from: &str, until: &str) -> Result<Vec<ReportRow>, StoreError> {
    Ok(fee_report::table
        .filter(fee_report::venue_id.eq(venue))
        .filter(fee_report::business_date.between(from, until))
        .order((fee_report::business_date, fee_report::id))
        .select(ReportRow::as_select())
        .load(conn)?)
}

/// Which reports a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this venue.
    pub venue: Option<i32>,
    /// Only reports that now stand so.
    pub state: Option<String>,
    /// Only business dates from this day.
    pub from: Option<Date>,
    /// Only business dates until this day.
    pub until: Option<Date>,
    /// Only reports with a lower number: the cursor.
    pub before: Option<i64>,
}

mod alias {
    use super::fee_report_step;
    diesel::alias!(fee_report_step as later_step: LaterStep);
}
use alias::later_step;

/// Keeps only the last step of every report.
macro_rules! is_last_step {
    () => {
        diesel::dsl::not(diesel::dsl::exists(
            later_step
                .filter(later_step.field(fee_report_step::report_id).eq(fee_report_step::report_id))
                .filter(later_step.field(fee_report_step::step).gt(fee_report_step::step)),
        ))
    };
}

/// Reports with the step they stand at, newest first, at most `limit`.
pub fn list(conn: &mut Conn, filter: &Filter, limit: i64) -> Result<Vec<(ReportRow, StepRow)>, StoreError> {
    let mut query = fee_report::table
        .inner_join(fee_report_step::table.on(fee_report_step::report_id.eq(fee_report::id)))
        .filter(is_last_step!())
        .order(fee_report::id.desc())
        .limit(limit)
        .select((ReportRow::as_select(), StepRow::as_select()))
        .into_boxed();
    if let Some(venue) = filter.venue {
        query = query.filter(fee_report::venue_id.eq(venue));
    }
    if let Some(state) = &filter.state {
        query = query.filter(fee_report_step::state.eq(state.clone()));
    }
    if let Some(from) = filter.from {
        query = query.filter(fee_report::business_date.ge(from.to_string()));
    }
    if let Some(until) = filter.until {
        query = query.filter(fee_report::business_date.le(until.to_string()));
    }
    if let Some(before) = filter.before {
        query = query.filter(fee_report::id.lt(before));
    }
    Ok(query.load(conn)?)
}

/// The reports that now stand in quarantine for this reason, oldest first.
pub fn waiting(conn: &mut Conn, reason: &str) -> Result<Vec<ReportRow>, StoreError> {
    Ok(fee_report::table
        .inner_join(fee_report_step::table.on(fee_report_step::report_id.eq(fee_report::id)))
        .filter(fee_report_step::state.eq("quarantined"))
        .filter(fee_report_step::reason.eq(reason))
        .filter(is_last_step!())
        .order(fee_report::id)
        .select(ReportRow::as_select())
        .load(conn)?)
}

/// The step each of these reports stands at.
pub fn last_steps(conn: &mut Conn, ids: &[i64]) -> Result<HashMap<i64, StepRow>, StoreError> {
    let mut last = HashMap::with_capacity(ids.len());
    for some in ids.chunks(PAGE) {
        let steps: Vec<StepRow> = on_each!(conn, c => fee_report_step::table
            .filter(fee_report_step::report_id.eq_any(some))
            .order((fee_report_step::report_id, fee_report_step::step))
            .select(StepRow::as_select())
            .load(c))?;
        last.extend(steps.into_iter().map(|step| (step.report_id, step)));
    }
    Ok(last)
}

/// All steps of a report in order.
pub fn steps(conn: &mut Conn, report: i64) -> Result<Vec<StepRow>, StoreError> {
    Ok(fee_report_step::table
        .filter(fee_report_step::report_id.eq(report))
        .order(fee_report_step::step)
        .select(StepRow::as_select())
        .load(conn)?)
}

/// What one report posted, if it did.
pub fn posted(conn: &mut Conn, report: i64) -> Result<Option<PostedRow>, StoreError> {
    Ok(fee_report_posted::table
        .filter(fee_report_posted::report_id.eq(report))
        .select(PostedRow::as_select())
        .first(conn)
        .optional()?)
}

/// What these reports posted.
pub fn posted_of(conn: &mut Conn, ids: &[i64]) -> Result<HashMap<i64, PostedRow>, StoreError> {
    let mut found = HashMap::new();
    for some in ids.chunks(PAGE) {
        let rows: Vec<PostedRow> = on_each!(conn, c => fee_report_posted::table
            .filter(fee_report_posted::report_id.eq_any(some))
            .select(PostedRow::as_select())
            .load(c))?;
        found.extend(rows.into_iter().map(|row| (row.report_id, row)));
    }
    Ok(found)
}

/// The posted versions of a venue's day, from the first to the latest.
pub fn posted_versions(conn: &mut Conn, venue: i32, day: &str) -> Result<Vec<PostedRow>, StoreError> {
    Ok(fee_report_posted::table
        .filter(fee_report_posted::venue_id.eq(venue))
        .filter(fee_report_posted::business_date.eq(day))
        .order(fee_report_posted::version)
        .select(PostedRow::as_select())
        .load(conn)?)
}

/// All reports in the order of their leaves.
pub fn all(conn: &mut Conn) -> Result<Vec<ReportRow>, StoreError> {
    Ok(fee_report::table.order(fee_report::leaf).select(ReportRow::as_select()).load(conn)?)
}

/// All steps in the order of their leaves, each with what it posted.
pub fn all_steps(conn: &mut Conn) -> Result<Vec<(StepRow, Option<PostedRow>)>, StoreError> {
    let steps: Vec<StepRow> = fee_report_step::table.order(fee_report_step::leaf).select(StepRow::as_select()).load(conn)?;
    let posted: Vec<PostedRow> = fee_report_posted::table.select(PostedRow::as_select()).load(conn)?;
    let mut posted: HashMap<i64, PostedRow> = posted.into_iter().map(|row| (row.report_id, row)).collect();
    let mut pair = |step: StepRow| {
        let row = if step.state == "accepted" { posted.remove(&step.report_id) } else { None };
        (step, row)
    };
    let paired = steps.into_iter().map(&mut pair).collect();
    match posted.keys().next() {
        None => Ok(paired),
        Some(stray) => Err(StoreError::Damaged(format!("fee report {stray} has posted without a step that accepted it"))),
    }
}

/// Rows of a report after line `after`, at most `limit`.
pub fn rows_after(conn: &mut Conn, report: i64, after: i64, limit: i64) -> Result<Vec<StoredFeeRow>, StoreError> {
    Ok(fee_row::table
        .filter(fee_row::report_id.eq(report))
        .filter(fee_row::line.gt(after))
        .order(fee_row::line)
        .limit(limit)
        .select(StoredFeeRow::as_select())
        .load(conn)?)
}

/// Gives the rows of a report, page by page, as sets of the domain. Checks that lines have no gap and that net fees are right.
pub fn each_page(
    conn: &mut Conn,
    report: &ReportRow,
    mut visit: impl FnMut(&RowSet) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let names = Names::load(conn, report)?;
    let mut last = 0_i64;
    loop {
        let page = rows_after(conn, report.id, last, i64::try_from(PAGE).unwrap_or(i64::MAX))?;
        if page.is_empty() {
            break;
        }
        let set = names.row_set(report, &page, last)?;
        last = page.last().map_or(last, |row| row.line);
        visit(&set)?;
    }
    let expected = if report.is_kept() { report.row_count } else { 0 };
    if last == expected { Ok(()) } else { Err(report.damaged(&format!("has {last} rows instead of {expected}"))) }
}

/// All rows of a report as one set: 80 bytes a row.
pub fn row_set(conn: &mut Conn, report: &ReportRow) -> Result<RowSet, StoreError> {
    let names = Names::load(conn, report)?;
    let rows = rows_after(conn, report.id, 0, i64::MAX)?;
    names.row_set(report, &rows, 0)
}

/// The root over the stored rows of a report, computed again.
pub fn rows_root(conn: &mut Conn, report: &ReportRow) -> Result<Hash, StoreError> {
    let mut frontier = Frontier::new();
    each_page(conn, report, |set| {
        push_rows(&mut frontier, set).ok_or_else(|| report.damaged("a row names an asset that is not there"))
    })?;
    Ok(frontier.root())
}

/// Adds the rows of a set to a tree; `None` when a row is not of the set.
pub fn push_rows(frontier: &mut Frontier, set: &RowSet) -> Option<()> {
    let mut encoder = RowEncoder::new();
    for row in &set.rows {
        frontier.push(encode_row(&mut encoder, set, row)?.leaf_hash());
    }
    Some(())
}

/// The names that rows refer to by number.
struct Names {
    venue: Name,
    day: Date,
    assets: HashMap<i32, RowAsset>,
}

impl Names {
    fn load(conn: &mut Conn, report: &ReportRow) -> Result<Self, StoreError> {
        let venue = reference::venue_rows(conn)?.into_iter().find(|venue| venue.id == report.venue_id);
        let venue =
            venue.and_then(|venue| Name::parse(&venue.code).ok()).ok_or_else(|| report.damaged("its venue is missing"))?;
        let mut assets = HashMap::new();
        for row in reference::asset_rows(conn)? {
            let asset = row.to_domain()?;
            assets.insert(row.id, RowAsset { id: asset.id, code: asset.code, scale: asset.scale });
        }
        Ok(Self { venue, day: report.day()?, assets })
    }

    fn row_set(&self, report: &ReportRow, rows: &[StoredFeeRow], mut last: i64) -> Result<RowSet, StoreError> {
        let mut set = RowSet {
            venue: self.venue.clone(),
            business_date: self.day,
            pairs: Vec::new(),
            assets: Vec::new(),
            rows: Vec::with_capacity(rows.len()),
        };
        let mut numbers: HashMap<&str, PairNo> = HashMap::new();
        for row in rows {
            last = last.saturating_add(1);
            let damaged = |what: &str| report.damaged(&format!("row {}: {what}", row.line));
            if row.line != last {
                return Err(damaged("rows before it are missing"));
            }
            let pair = match numbers.get(row.pair.as_str()) {
                Some(known) => *known,
                None => {
                    let number = PairNo(u32::try_from(set.pairs.len()).map_err(|_| damaged("too many pairs"))?);
                    set.pairs.push(Name::parse(&row.pair).map_err(|_| damaged("the pair is not a name"))?);
                    numbers.insert(&row.pair, number);
                    number
                }
            };
            if set.asset(AssetId(row.asset_id)).is_none() {
                set.assets.push(self.assets.get(&row.asset_id).cloned().ok_or_else(|| damaged("the asset is missing"))?);
            }
            let fee = FeeRow {
                pair,
                asset: AssetId(row.asset_id),
                trades: u64::try_from(row.trades).map_err(|_| damaged("trades are below zero"))?,
                volume_base: row.volume_base.0,
                volume_quote: row.volume_quote.0,
                gross_fee: row.gross_fee.quantity(),
                rebate: row.rebate.quantity(),
            };
            if fee.net_fee() != row.net_fee.quantity() {
                return Err(damaged("net_fee is not gross_fee − rebate"));
            }
            set.rows.push(fee);
        }
        Ok(set)
    }
}
