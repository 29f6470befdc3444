//! Fee reports: their manifests, their rows, what became of them step by step, and what of them is posted.
//!
//! Cost: a report writes one leaf and one leaf a step; its rows are in [`rows`].

mod rows;

pub use rows::{StoredFeeRow, each_page, push_rows, row_set, rows_after, rows_root};

use super::conn::{Conn, on_each};
use super::error::StoreError;
use super::schema::{fee_report, fee_report_posted, fee_report_step};
use super::tx::{Record, Stamp};
use crate::domain::contribution::parse_day;
use crate::domain::contribution::rows::RowSet;
use crate::proof::merkle::sha256;
use diesel::prelude::*;
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
        self.rows.as_ref().map_or(Ok(()), |set| rows::insert(conn, row.id, set))
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
    /// Only reports that stand so.
    pub state: Option<String>,
    /// Only business dates from this day.
    pub from: Option<Date>,
    /// Only business dates until this day.
    pub until: Option<Date>,
    /// Only reports with a lower number: the cursor.
    pub before: Option<i64>,
    /// As it was known at this moment, in microseconds since 1970.
    pub known_at: Option<i64>,
}

mod alias {
    use super::fee_report_step;
    diesel::alias!(fee_report_step as later_step: LaterStep);
}
use alias::later_step;

/// Keeps only the step of every report that was the last at a moment.
macro_rules! is_last_step {
    ($until:expr) => {
        diesel::dsl::not(diesel::dsl::exists(
            later_step
                .filter(later_step.field(fee_report_step::report_id).eq(fee_report_step::report_id))
                .filter(later_step.field(fee_report_step::step).gt(fee_report_step::step))
                .filter(later_step.field(fee_report_step::recorded_at).le($until)),
        ))
    };
}

/// Reports with the step they stand at, newest first, at most `limit`.
pub fn list(conn: &mut Conn, filter: &Filter, limit: i64) -> Result<Vec<(ReportRow, StepRow)>, StoreError> {
    let until = filter.known_at.unwrap_or(i64::MAX);
    let mut query = fee_report::table
        .inner_join(fee_report_step::table.on(fee_report_step::report_id.eq(fee_report::id)))
        .filter(fee_report_step::recorded_at.le(until))
        .filter(is_last_step!(until))
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
        .filter(is_last_step!(i64::MAX))
        .order(fee_report::id)
        .select(ReportRow::as_select())
        .load(conn)?)
}

/// The step at which each of these reports stood at a moment, in microseconds since 1970.
pub fn last_steps(conn: &mut Conn, ids: &[i64], until: i64) -> Result<HashMap<i64, StepRow>, StoreError> {
    let mut last = HashMap::with_capacity(ids.len());
    for some in ids.chunks(PAGE) {
        let steps: Vec<StepRow> = on_each!(conn, c => fee_report_step::table
            .filter(fee_report_step::report_id.eq_any(some))
            .filter(fee_report_step::recorded_at.le(until))
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
