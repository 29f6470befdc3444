//! Incidents from the first suspicion to the last payment: one file a use case. What happens is recorded as steps (facts), entries
//! and the claims' sub-ledger; where an incident stands is derived from its steps.

pub mod approvals;
pub mod claims;
pub mod declare;
pub mod docs;
pub mod estimates;
pub mod payouts;
pub mod recognition;
pub mod recoveries;
pub mod view;

use super::clock::day_of;
use super::desk;
use crate::domain::entry::Balanced;
use crate::domain::ids::IncidentId;
use crate::domain::incident::life::{Act, Life, State};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::text::check_free_text;
use crate::service::at::At;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact;
use crate::store::incident::{self, IncidentRow};
use crate::store::tx::Tx;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Kind of the facts that hold the steps of incidents; the subject is the code.
pub const STEP: &str = "incident.step";
/// Kind of the facts that hold estimates.
pub const ESTIMATE: &str = "incident.estimate";
/// Kind of the facts that hold public statements.
pub const STATEMENT: &str = "incident.statement";
/// Kind of the facts that hold memos of traced or frozen funds.
pub const RECOVERY_MEMO: &str = "recovery.memo";
/// Kind of the facts that hold recoveries that were booked.
pub const RECOVERY: &str = "recovery.booked";

/// The longest note, reason or statement.
const MAX_TEXT: usize = 4_000;

/// A step in the life of an incident, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The state it leads to.
    pub state: String,
    /// When it was taken.
    pub at: Timestamp,
    /// Who recorded it.
    pub by: String,
    /// Why, or what it rests on; may be empty.
    pub note: String,
}

/// An incident and where it stands.
struct Case {
    row: IncidentRow,
    life: Life,
}

impl Case {
    /// Loads an incident, refusing an unknown code.
    fn load(conn: &mut Conn, code: &str) -> Result<Self, StoreError> {
        let Some(row) = incident::find(conn, code)? else {
            let detail = "there is no incident of this code; `safu incidents list` shows all";
            return Err(Rejection::new(OutcomeCode::NotFound, "/incident", code, detail).into());
        };
        let life = life_of(&steps(conn, code)?)?;
        Ok(Self { row, life })
    }

    /// Loads an incident with which this may be done.
    fn for_act(conn: &mut Conn, code: &str, act: Act) -> Result<Self, StoreError> {
        let case = Self::load(conn, code)?;
        case.life.require(act)?;
        Ok(case)
    }

    const fn id(&self) -> IncidentId {
        IncidentId(self.row.id)
    }

    /// Queues a step if it may follow.
    fn step(&mut self, tx: &mut Tx<'_>, state: State, at: Timestamp, note: &str) -> Result<(), StoreError> {
        self.life = self.life.next(state)?;
        queue_step(tx, &self.row.code, state, at, note);
        Ok(())
    }

    /// Queues an entry of this incident and describes it for the answer.
    fn post(&self, tx: &mut Tx<'_>, refs: &Refs, entry: Balanced) -> Result<Value, StoreError> {
        let shown = entry.clone();
        let no = tx.post_entry(entry, format!("incident:{}", self.row.code))?;
        Ok(desk::describe(refs, no, &shown))
    }
}

/// True while an incident is neither closed nor rejected.
///
/// # Errors
/// `NotFound`, or the database's failure.
pub fn is_open(conn: &mut Conn, code: &str) -> Result<bool, StoreError> {
    Ok(Case::load(conn, code)?.life.state.is_open())
}

fn queue_step(tx: &mut Tx<'_>, code: &str, state: State, at: Timestamp, note: &str) {
    let step = Step { state: state.slug().to_owned(), at, by: tx.stamp.actor.clone(), note: note.to_owned() };
    tx.add_fact(STEP, code, day_of(at), &step);
}

/// The steps of an incident in order of recording.
fn steps(conn: &mut Conn, code: &str) -> Result<Vec<Step>, StoreError> {
    steps_at(conn, code, &At::NOW)
}

/// The steps that were taken, up to the first that the basis leaves out.
fn steps_at(conn: &mut Conn, code: &str, at: &At) -> Result<Vec<Step>, StoreError> {
    let rows = fact::of_subject(conn, STEP, code)?;
    rows.iter().take_while(|row| at.takes(row.leaf, &row.effective_on)).map(fact::FactRow::parse).collect()
}

fn life_of(steps: &[Step]) -> Result<Life, StoreError> {
    let damaged = |what: String| StoreError::Damaged(format!("the steps of an incident: {what}"));
    let states = steps.iter().map(|step| State::from_slug(&step.state).ok_or_else(|| damaged(step.state.clone())));
    let states: Vec<State> = states.collect::<Result<_, _>>()?;
    Life::fold(states).map_err(|e| damaged(e.to_string()))?.ok_or_else(|| damaged("there are none".to_owned()))
}

/// The moment given, or now; nothing is recorded that has not happened yet.
fn moment(tx: &Tx<'_>, pointer: &str, at: Option<Timestamp>) -> Result<Timestamp, Rejection> {
    let at = at.unwrap_or(tx.stamp.at);
    if at > tx.stamp.at {
        return Err(Rejection::invalid(pointer, at, "lies in the future; record it once it has happened"));
    }
    Ok(at)
}

/// Refuses a business day that has not begun.
fn has_begun(tx: &Tx<'_>, pointer: &str, day: Date) -> Result<(), Rejection> {
    let today = day_of(tx.stamp.at);
    if day <= today {
        return Ok(());
    }
    Err(Rejection::invalid(pointer, day, format!("is after today, {today} UTC; use a day that has begun")))
}

/// The moment of a step that was taken on a business day: now on the same day, else its last instant.
fn step_moment(tx: &Tx<'_>, day: Date) -> Timestamp {
    let now = tx.stamp.at;
    if day_of(now) == day {
        return now;
    }
    let end = day.at(23, 59, 59, 0).to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp());
    end.unwrap_or(now)
}

/// A text that may be left empty.
fn check_note(pointer: &str, text: &str) -> Result<(), Rejection> {
    if text.is_empty() { Ok(()) } else { check_text(pointer, text) }
}

fn check_text(pointer: &str, text: &str) -> Result<(), Rejection> {
    check_free_text(text, MAX_TEXT).map_err(|e| Rejection::invalid(pointer, text, e.to_string()))
}

/// The refusal of a rule, which knows its amount as `/quantity`, at the field that the caller gave.
fn at_pointer(mut rejection: Rejection, pointer: &str) -> Rejection {
    let of_amount = rejection.problems.iter_mut().filter(|problem| problem.pointer == "/quantity");
    of_amount.for_each(|problem| pointer.clone_into(&mut problem.pointer));
    rejection
}

/// Facts of one kind about one incident, parsed, with their business dates, in recording order.
fn facts_of<T: serde::de::DeserializeOwned>(conn: &mut Conn, kind: &str, code: &str) -> Result<Vec<(Date, T)>, StoreError> {
    facts_at(conn, kind, code, &At::NOW)
}

/// Those of them that count on a basis.
fn facts_at<T: serde::de::DeserializeOwned>(
    conn: &mut Conn,
    kind: &str,
    code: &str,
    at: &At,
) -> Result<Vec<(Date, T)>, StoreError> {
    let rows = fact::of_subject(conn, kind, code)?;
    rows.into_iter()
        .filter(|row| at.takes(row.leaf, &row.effective_on))
        .map(|row| {
            let day = row.effective_on.parse().map_err(|_| StoreError::Damaged(format!("fact {}: date", row.id)))?;
            Ok((day, row.parse()?))
        })
        .collect()
}
