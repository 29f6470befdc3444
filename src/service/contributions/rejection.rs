//! A person ends the quarantine of a report: whatever it waits for, it will not be posted. Its rows and its steps stay.
//!
//! From then on it counts as one that was refused when it came: what it held up may post, and a higher version mends it. A report
//! that was held because it contradicts another is never posted itself.

use super::feed::Feed;
use super::waiting::Day;
use crate::domain::approval::Risk;
use crate::domain::ids::VenueId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::service::command::Command;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::error::StoreError;
use crate::store::fee_report;
use crate::store::tx::Tx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The longest reason.
const MAX_REASON: usize = 500;

/// A report in quarantine that is to be rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfReport<T> {
    /// Its number in the book.
    pub report: i64,
    /// What is asked.
    pub ask: T,
}

/// Why it is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectReport {
    /// Why, for those who read the book later; up to 500 characters.
    pub reason: String,
}

impl Book {
    /// Rejects the report with this number, which must be in quarantine, for whatever reason it stands there. The answer names
    /// the reports that it held up and that moved.
    ///
    /// # Errors
    /// `InvalidField` for a reason that is empty or too long, `NotFound`, `WrongState` for a report that is not in quarantine.
    pub fn reject_report(&self, call: &Call, report: i64, command: RejectReport) -> Result<Reply, StoreError> {
        self.give(call, OfReport { report, ask: command })
    }
}

impl Command for OfReport<RejectReport> {
    const KIND: &'static str = "fee-report.rejection";
    const TITLE: &'static str = "Reject a fee report that is in quarantine";
    const GIVERS: &'static [Role] = &[Role::Preparer];

    /// It books nothing itself, but what it rejects is never owed: a second person looks at it.
    fn risk(&self) -> Risk {
        Risk::One
    }

    fn check(&self) -> Result<(), Rejection> {
        let reason = &self.ask.reason;
        check_free_text(reason, MAX_REASON).map_err(|e| Rejection::invalid("/reason", reason, e.to_string()))
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        reject(tx, self.report, &self.ask.reason)
    }
}

fn reject(tx: &mut Tx<'_>, id: i64, because: &str) -> Result<Answer, StoreError> {
    let missing =
        || Rejection::new(OutcomeCode::NotFound, "/id", id, "is not the number of a fee report; see the list of reports");
    let report = fee_report::find(tx.conn, id)?.ok_or_else(missing)?;
    let mut feed = Feed::load(tx, None)?;
    let mut day = Day::load(tx, &feed, VenueId(report.venue_id), report.day()?, "")?;
    day.reject(tx, &report, because)?;
    let outcomes = day.advance(tx, &mut feed)?;
    let (own, moved): (Vec<_>, Vec<_>) = outcomes.iter().partition(|outcome| outcome.report == id);
    let mut body = own.first().and_then(|outcome| day.summary(outcome)).unwrap_or_default();
    if let Some(members) = body.as_object_mut() {
        members.insert("because".to_owned(), Value::String(because.to_owned()));
        members.insert("moved".to_owned(), moved.into_iter().filter_map(|outcome| day.summary(outcome)).collect());
    }
    Ok(Answer::created(body))
}
