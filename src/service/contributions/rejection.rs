//! A person ends the quarantine of a report: whatever it waits for, it will not be posted. Its rows and its steps stay.
//!
//! From then on it counts as one that was refused when it came: what it held up may post, and a higher version mends it. A report
//! that was held because it contradicts another is never posted itself.

use super::waiting::{Day, Feed};
use crate::domain::ids::VenueId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::text::check_free_text;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::error::StoreError;
use crate::store::fee_report;
use crate::store::tx::Tx;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The longest reason.
const MAX_REASON: usize = 500;

/// Why a report in quarantine is rejected.
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
        let reason = command.reason;
        check_free_text(&reason, MAX_REASON).map_err(|e| Rejection::invalid("/reason", &reason, e.to_string()))?;
        let content = json!({"reject_fee_report": report, "reason": reason});
        self.command(call, &content, move |tx| reject(tx, report, &reason))
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
