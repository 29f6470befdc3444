//! Signing a month's reconciliation off. The command names the hash of the statement that its giver has seen, so that what others agree to
//! is what is signed; if anything changed meanwhile, it is refused. In a book under four eyes the giver prepared it and somebody
//! else agrees; elsewhere whoever signs what he prepared himself says why nobody else does.

use super::SIGNED;
use super::history::BreakStep;
use super::statement::{Statement, of_statement, statement};
use crate::domain::approval::Risk;
use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::domain::period::Period;
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::service::approvals::terms;
use crate::service::command::Command;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact;
use crate::store::tx::Tx;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A month whose reconciliation is to be signed off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOff {
    /// The month, as `2019-05`.
    pub period: String,
    /// Hash of the statement as it was seen.
    pub statement: String,
    /// Remark; in a book in one hand, why the preparer signs himself.
    #[serde(default)]
    pub note: String,
}

/// A sign-off as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// Hash of the statement.
    pub statement: String,
    /// The statement's lines, as [`Statement::content`] gives them.
    pub lines: Json,
    /// Who recorded the observations and gave the reasons.
    pub prepared_by: BTreeSet<String>,
    /// Who gave the last voice.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Remark.
    pub note: String,
}

/// The latest sign-off of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedOff {
    /// Number of its fact.
    pub fact: i64,
    /// What was signed.
    pub signed: Signed,
    /// True while the statement still is what was signed.
    pub is_current: bool,
}

impl Book {
    /// Signs a month's reconciliation off.
    ///
    /// # Errors
    /// `InvalidField`; `OutOfOrder` with everything that is open; `WrongState` when the statement is another by now; `AlreadyExists`.
    pub fn sign_off(&self, call: &Call, command: SignOff) -> Result<Reply, StoreError> {
        self.give(call, command)
    }
}

/// Reads a month.
///
/// # Errors
/// `InvalidField`.
pub fn month(pointer: &str, text: &str) -> Result<Period, Rejection> {
    Period::parse(text).ok_or_else(|| Rejection::invalid(pointer, text, "is not a month; write it as 2019-05"))
}

impl Command for SignOff {
    const KIND: &'static str = "reconciliation.sign-off";
    const TITLE: &'static str = "Sign a reconciliation off";
    const GIVERS: &'static [Role] = &[Role::Preparer, Role::Treasurer];

    fn risk(&self) -> Risk {
        Risk::One
    }

    fn check(&self) -> Result<(), Rejection> {
        month("/period", &self.period)?;
        if !self.note.is_empty() {
            check_free_text(&self.note, 500).map_err(|e| Rejection::invalid("/note", &self.note, e.to_string()))?;
        }
        let is_hash = self.statement.len() == 64 && self.statement.bytes().all(|b| b.is_ascii_hexdigit());
        let detail = "is not the hash of a statement; `safu reconciliation show` prints it";
        if is_hash { Ok(()) } else { Err(Rejection::invalid("/statement", &self.statement, detail)) }
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let period = month("/period", &self.period)?;
        let statement = statement(tx.conn, period)?;
        require_done(&statement, tx.today())?;
        let hash = statement.hash();
        if hash != self.statement {
            let detail = "the reconciliation changed since you looked at it; look at it again";
            return Err(Rejection::new(OutcomeCode::WrongState, "/statement", &self.statement, detail).into());
        }
        if latest(tx.conn, period)?.is_some_and(|(_, signed)| signed.statement == hash) {
            let detail = "is signed off already, and nothing changed since";
            return Err(Rejection::new(OutcomeCode::AlreadyExists, "/period", period, detail).into());
        }
        let prepared_by = preparers(&statement);
        let by = tx.stamp.actor.clone();
        if terms::in_force(tx.conn)?.is_none() && prepared_by.contains(&by) && self.note.is_empty() {
            let detail = "you prepared this reconciliation yourself; say why nobody else signs it";
            return Err(Rejection::invalid("/note", "", detail).into());
        }
        let lines = statement.content().get("lines").cloned().unwrap_or_default();
        let count = statement.lines.len();
        let at = tx.stamp.at;
        let signed = Signed { statement: hash, lines, prepared_by, by, at, note: self.note.clone() };
        let id = tx.add_fact(SIGNED, &period.to_string(), period.last_day(), &signed);
        Ok(Answer::created(json!({
            "period": period.to_string(), "statement": signed.statement, "lines": count, "fact": id,
            "prepared_by": signed.prepared_by,
        })))
    }
}

/// Refuses a month that is not over, and every open line.
fn require_done(statement: &Statement, today: jiff::civil::Date) -> Result<(), Rejection> {
    let mut problems = Vec::new();
    if today <= statement.period.last_day() {
        let detail = format!("is not over; today is {today} (UTC)");
        problems.push(Problem { pointer: "/period".to_owned(), detail, value: statement.period.to_string() });
    }
    for open in of_statement(statement) {
        let pointer = open.number.map_or_else(|| format!("/lines/{}", open.of), |number| format!("/breaks/{number}"));
        problems.push(Problem { pointer, detail: open.mend, value: open.difference.unwrap_or_default() });
    }
    problems.truncate(Rejection::MAX_PROBLEMS);
    if problems.is_empty() { Ok(()) } else { Err(Rejection { code: OutcomeCode::OutOfOrder, problems }) }
}

/// Who recorded what a statement rests on.
fn preparers(statement: &Statement) -> BTreeSet<String> {
    let mut found: BTreeSet<String> =
        statement.lines.iter().filter_map(|line| line.seen.as_ref()).map(|seen| seen.observation.by.clone()).collect();
    for one in statement.lines.iter().filter_map(|line| line.number) {
        let steps = statement.breaks.iter().filter(|known| known.number == one).flat_map(|known| &known.steps);
        found.extend(steps.filter_map(|(_, step)| match step {
            BreakStep::Explain { by, .. } => Some(by.clone()),
            _ => None,
        }));
    }
    found
}

fn latest(conn: &mut Conn, period: Period) -> Result<Option<(i64, Signed)>, StoreError> {
    let rows = fact::of_subject(conn, SIGNED, &period.to_string())?;
    rows.last().map(|row| Ok((row.id, row.parse()?))).transpose()
}

/// The latest sign-off of a month, if there is one, and whether it still holds.
///
/// # Errors
/// The database's failure.
pub fn signed_off(conn: &mut Conn, period: Period) -> Result<Option<SignedOff>, StoreError> {
    let Some((fact, signed)) = latest(conn, period)? else { return Ok(None) };
    let is_current = statement(conn, period)?.hash() == signed.statement;
    Ok(Some(SignedOff { fact, signed, is_current }))
}
