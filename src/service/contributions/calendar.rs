//! Which fee reports are due, per venue, and how each day stands.

use super::waiting::{ACCEPTED, CONFLICT, DUPLICATE_KEYS, QUARANTINED, REJECTED};
use crate::domain::contribution::calendar::{CalendarDay, ReportFact, ReportStanding, calendar};
use crate::domain::contribution::parse_day;
use crate::service::policies::contribution_policies;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fee_report::{self, ReportRow, StepRow};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// The calendar of one venue.
#[derive(Debug, Clone)]
pub struct VenueCalendar {
    /// Venue.
    pub venue: String,
    /// Its days, oldest first.
    pub days: Vec<CalendarDay>,
    /// The report to look at for a day that has one: the posted one, else the newest.
    pub reports: BTreeMap<Date, i64>,
}

/// One day as answers show it.
#[derive(Debug, Clone, Serialize)]
pub struct DayJson {
    /// Business date.
    pub date: Date,
    /// How it stands, by [`crate::domain::contribution::calendar::DayState::slug`].
    pub state: &'static str,
    /// When its report is due.
    pub due_at: Timestamp,
    /// The posted version.
    pub posted_version: Option<u32>,
    /// The newest version that came.
    pub newest_version: Option<u32>,
    /// When the first report came.
    pub first_received_at: Option<Timestamp>,
    /// Number of the report to look at.
    pub report: Option<i64>,
}

impl VenueCalendar {
    /// The days as answers show them.
    pub fn to_json(&self) -> Vec<DayJson> {
        let shown = |day: &CalendarDay| DayJson {
            date: day.date,
            state: day.state.slug(),
            due_at: day.due_at,
            posted_version: day.posted_version,
            newest_version: day.newest_version,
            first_received_at: day.first_received_at,
            report: self.reports.get(&day.date).copied(),
        };
        self.days.iter().map(shown).collect()
    }
}

/// The calendars of one venue or all, for the days `from..=until`, by what was known at the moment `now`; `from` is never before a
/// venue's first due day.
pub fn calendars(
    conn: &mut Conn,
    venue: Option<&str>,
    from: Option<Date>,
    until: Date,
    now: Timestamp,
) -> Result<Vec<VenueCalendar>, StoreError> {
    let refs = Refs::load(conn)?;
    let policies = contribution_policies(conn)?;
    if let Some(venue) = venue {
        refs.venue("/venue", venue)?;
    }
    let mut found = Vec::new();
    for row in refs.venues.values().filter(|row| venue.is_none_or(|venue| venue == row.code)) {
        let damaged = || StoreError::Damaged(format!("venue {}: first_due is not a day", row.code));
        let first_due = parse_day(&row.first_due).ok_or_else(damaged)?;
        let start = from.map_or(first_due, |from| from.max(first_due));
        let mut reports = fee_report::between(conn, row.id, &start.to_string(), &until.to_string())?;
        reports.retain(|report| report.recorded_at <= now.as_microsecond());
        let ids: Vec<i64> = reports.iter().map(|report| report.id).collect();
        let steps = fee_report::last_steps(conn, &ids, now.as_microsecond())?;
        let facts = facts(&reports, &steps)?;
        let days = calendar(&row.code, start, until, &policies, &facts, now);
        found.push(VenueCalendar { venue: row.code.clone(), days, reports: leading(&reports, &steps)? });
    }
    Ok(found)
}

fn facts(reports: &[ReportRow], steps: &HashMap<i64, StepRow>) -> Result<Vec<ReportFact>, StoreError> {
    let fact = |report: &ReportRow| {
        let damaged = |what: &str| StoreError::Damaged(format!("fee report {}: {what}", report.id));
        Ok(ReportFact {
            business_date: report.day()?,
            version: u32::try_from(report.version).map_err(|_| damaged("version"))?,
            received_at: Timestamp::from_microsecond(report.recorded_at).map_err(|_| damaged("recorded_at"))?,
            standing: standing(steps.get(&report.id)),
        })
    };
    reports.iter().map(fact).collect()
}

fn standing(step: Option<&StepRow>) -> ReportStanding {
    match step.map(|step| (step.state.as_str(), step.reason.as_str())) {
        // What contradicts an earlier report says nothing about whether the day is covered.
        None | Some((REJECTED, _) | (QUARANTINED, CONFLICT)) => ReportStanding::Refused,
        Some((QUARANTINED, _)) => ReportStanding::Waiting,
        Some(_) => ReportStanding::Posted,
    }
}

/// The report to look at for each day: the accepted one, else one that waits, else the newest.
fn leading(reports: &[ReportRow], steps: &HashMap<i64, StepRow>) -> Result<BTreeMap<Date, i64>, StoreError> {
    let rank = |report: &ReportRow| match steps.get(&report.id).map(|step| (step.state.as_str(), step.reason.as_str())) {
        Some((ACCEPTED, _)) => 3,
        Some((QUARANTINED, reason)) if reason != CONFLICT && reason != DUPLICATE_KEYS => 2,
        Some((QUARANTINED, _)) => 1,
        _ => 0,
    };
    let mut best: BTreeMap<Date, (i32, i64)> = BTreeMap::new();
    for report in reports {
        let candidate = (rank(report), report.id);
        let slot = best.entry(report.day()?).or_insert(candidate);
        *slot = (*slot).max(candidate);
    }
    Ok(best.into_iter().map(|(day, (_, id))| (day, id)).collect())
}
