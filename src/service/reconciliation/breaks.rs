//! What persons do with breaks: give them an owner, say why they are, and match a month again.

use super::history::{Break, BreakStep, History, Seen, breaks, latest};
use super::matching::Matching;
use super::statement::{Reason, reason, statement};
use super::{Explanation, Pair, STEP};
use crate::domain::amount::Quantity;
use crate::domain::approval::Risk;
use crate::domain::ids::EntryNo;
use crate::domain::incident::kind::IncidentKind;
use crate::domain::observation::day_of_observation;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::service::command::Command;
use crate::service::incidents::declare::{NewIncident, declare};
use crate::service::refs::Refs;
use crate::service::{Answer, Book, Call, Reply, people};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use crate::store::{holding, incident, journal};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

const GIVERS: &[Role] = &[Role::Preparer, Role::Treasurer];

/// Why a break is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainBreak {
    /// Number of the break.
    #[serde(rename = "break")]
    pub number: i64,
    /// The kind of reason.
    pub explanation: Explanation,
    /// In words.
    pub reason: String,
    /// The difference as it was seen; a reason covers exactly this one.
    pub difference: String,
    /// For `entry`: the entries that account for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<i64>,
}

/// Somebody who is to clear a break up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignBreak {
    /// Number of the break.
    #[serde(rename = "break")]
    pub number: i64,
    /// Login name; any name while the book knows no persons.
    pub owner: String,
    /// Remark.
    #[serde(default)]
    pub note: String,
}

/// A month whose observations are to be compared with the book once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchBalances {
    /// The month, as `2019-05`.
    pub period: String,
}

impl Book {
    /// Says why a break is.
    ///
    /// # Errors
    /// `InvalidField`, `NotFound`, `WrongState` for a break that ended or differs by something else by now.
    pub fn explain_break(&self, call: &Call, command: ExplainBreak) -> Result<Reply, StoreError> {
        self.give(call, command)
    }

    /// Gives a break an owner.
    ///
    /// # Errors
    /// `InvalidField`, `NotFound`, `WrongState` for a break that ended.
    pub fn assign_break(&self, call: &Call, command: AssignBreak) -> Result<Reply, StoreError> {
        self.give(call, command)
    }

    /// Opens a break for every difference of a month that has none, for entries that came after the observations.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn match_balances(&self, call: &Call, command: MatchBalances) -> Result<Reply, StoreError> {
        self.give(call, command)
    }
}

/// Where a break stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakNow {
    /// The break.
    pub one: Break,
    /// What it is about.
    pub pair: Pair,
    /// The last observation that belongs to it.
    pub seen: Seen,
    /// Observed less book at that; zero once it ended.
    pub difference: Quantity,
    /// True once an observation matched, or the book was mended.
    pub ended: bool,
    /// The reason for exactly this difference.
    pub reason: Option<Reason>,
}

/// Where a break stands now.
pub fn now(conn: &mut Conn, refs: &Refs, all: &[Break], one: &Break) -> Result<BreakNow, StoreError> {
    let damaged = || StoreError::Damaged(format!("break {}: its observation is missing", one.number));
    let pair = Pair::of_subject(refs, &one.opened.of)?;
    let history = History::load(conn, pair.clone(), day_of_observation(one.opened.observed_at))?;
    let others = all.iter().filter(|other| other.opened.of == one.opened.of && other.number != one.number);
    let next = others.map(|other| other.opened.observed_at).filter(|at| *at > one.opened.observed_at).min();
    let belongs = |seen: &&Seen| seen.at() >= one.opened.observed_at && next.is_none_or(|next| seen.at() < next);
    let mut last: Option<(Seen, Quantity)> = None;
    for seen in history.seen.iter().filter(belongs) {
        let difference = history.difference(seen)?;
        last = Some((seen.clone(), difference));
        if difference.is_zero() {
            break;
        }
    }
    let (seen, difference) = last.ok_or_else(damaged)?;
    let ended = difference.is_zero() || next.is_some();
    let reason = reason(conn, one, &pair.text(difference))?;
    Ok(BreakNow { one: one.clone(), pair, seen, difference, ended, reason })
}

/// All breaks that stand, by number. Of each pair only the last can.
pub fn standing(conn: &mut Conn) -> Result<Vec<BreakNow>, StoreError> {
    let (refs, all) = (Refs::load(conn)?, breaks(conn)?);
    let mut found = Vec::new();
    for one in &all {
        let later = |other: &&Break| {
            other.opened.of == one.opened.of && (other.opened.observed_at, other.number) > (one.opened.observed_at, one.number)
        };
        if all.iter().any(|other| later(&other)) {
            continue;
        }
        found.extend(Some(now(conn, &refs, &all, one)?).filter(|now| !now.ended));
    }
    Ok(found)
}

fn load(tx: &mut Tx<'_>, refs: &Refs, number: i64) -> Result<BreakNow, StoreError> {
    let all = breaks(tx.conn)?;
    let missing = || Rejection::new(OutcomeCode::NotFound, "/break", number, "is not a break; `safu breaks list` shows all");
    let one = all.iter().find(|one| one.number == number).ok_or_else(missing)?;
    let now = now(tx.conn, refs, &all, one)?;
    if now.ended {
        let detail = "has ended: what was observed is what the book has, or a later break took its place";
        return Err(Rejection::new(OutcomeCode::WrongState, "/break", number, detail).into());
    }
    Ok(now)
}

impl Command for AssignBreak {
    const KIND: &'static str = "break.assign";
    const TITLE: &'static str = "Give a break an owner";
    const GIVERS: &'static [Role] = GIVERS;

    fn risk(&self) -> Risk {
        Risk::Free
    }

    fn check(&self) -> Result<(), Rejection> {
        check_free_text(&self.owner, 64).map_err(|e| Rejection::invalid("/owner", &self.owner, e.to_string()))?;
        if self.note.is_empty() {
            return Ok(());
        }
        check_free_text(&self.note, 500).map_err(|e| Rejection::invalid("/note", &self.note, e.to_string()))
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let refs = Refs::load(tx.conn)?;
        load(tx, &refs, self.number)?;
        let persons = people::all(tx.conn)?;
        if !persons.is_empty() && !persons.iter().any(|person| person.login == self.owner) {
            let detail = "is not the login name of a person of this book";
            return Err(Rejection::invalid("/owner", &self.owner, detail).into());
        }
        let step = BreakStep::Assign { owner: self.owner.clone(), note: self.note.clone(), by: tx.stamp.actor.clone() };
        tx.add_fact(STEP, &self.number.to_string(), tx.today(), &step);
        Ok(Answer::created(json!({"break": self.number, "owner": self.owner})))
    }
}

impl Command for ExplainBreak {
    const KIND: &'static str = "break.explain";
    const TITLE: &'static str = "Say why a break is";
    const GIVERS: &'static [Role] = GIVERS;

    fn risk(&self) -> Risk {
        // An accepted difference is never looked for again; the other reasons are checked by the book, or come back by themselves.
        if self.explanation == Explanation::Accepted { Risk::One } else { Risk::Free }
    }

    fn check(&self) -> Result<(), Rejection> {
        check_free_text(&self.reason, 500).map_err(|e| Rejection::invalid("/reason", &self.reason, e.to_string()))?;
        let names = !self.entries.is_empty();
        match self.explanation {
            Explanation::Entry if !names => Err(Rejection::invalid("/entries", "", "name the entries that account for it")),
            Explanation::Entry if self.entries.len() > 50 => {
                Err(Rejection::invalid("/entries", self.entries.len(), "at most 50 entries account for one break"))
            }
            Explanation::Entry => Ok(()),
            _ if names => Err(Rejection::invalid("/entries", "", "only the explanation `entry` names entries")),
            _ => Ok(()),
        }
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let refs = Refs::load(tx.conn)?;
        let now = load(tx, &refs, self.number)?;
        let difference = now.pair.text(now.difference);
        if self.difference != difference {
            let detail = format!("the difference is {difference} by now; look at the break again");
            return Err(Rejection::new(OutcomeCode::WrongState, "/difference", &self.difference, detail).into());
        }
        if self.explanation == Explanation::Entry {
            require_entries(tx, &now, &self.entries)?;
        }
        let incident = match self.explanation {
            Explanation::Escalated => Some(escalate(tx, &now, &self.reason)?),
            _ => None,
        };
        let step = BreakStep::Explain {
            explanation: self.explanation,
            reason: self.reason.clone(),
            entries: self.entries.clone(),
            difference,
            by: tx.stamp.actor.clone(),
            at: tx.stamp.at,
        };
        let id = tx.add_fact(STEP, &self.number.to_string(), tx.today(), &step);
        let body = json!({
            "break": self.number, "explanation": self.explanation, "difference": self.difference, "fact": id, "incident": incident,
        });
        Ok(Answer::created(body))
    }
}

/// The entries must have moved, after the day of the observation, exactly what was observed in excess of the book.
fn require_entries(tx: &mut Tx<'_>, now: &BreakNow, entries: &[i64]) -> Result<(), StoreError> {
    let day = now.seen.day();
    let mut sum = Quantity::ZERO;
    for (at, no) in entries.iter().enumerate() {
        let pointer = format!("/entries/{at}");
        let refuse = |code, detail: String| Rejection::new(code, &pointer, no, detail);
        if entries.iter().take(at).any(|before| before == no) {
            return Err(refuse(OutcomeCode::InvalidField, "is named twice".to_owned()).into());
        }
        let Some((header, _)) = journal::find(tx.conn, EntryNo(*no))? else {
            return Err(refuse(OutcomeCode::NotFound, "is not an entry of this book".to_owned()).into());
        };
        if let Some(by) = journal::reversal_of(tx.conn, EntryNo(*no))? {
            return Err(refuse(OutcomeCode::WrongState, format!("was reversed by entry {by}")).into());
        }
        let moved = holding::moved_by_entry(tx.conn, *no, now.pair.wallet, now.pair.asset)?;
        if moved.is_zero() {
            let detail = format!("moves no {} at {}", now.pair.asset_code, now.pair.wallet_code);
            return Err(refuse(OutcomeCode::InvalidField, detail).into());
        }
        if header.effective_on.parse::<Date>().is_ok_and(|on| on <= day) {
            let detail =
                format!("is dated {}, so the book of {day} has it already and differs nevertheless", header.effective_on);
            return Err(refuse(OutcomeCode::InvalidField, detail).into());
        }
        sum = sum.checked_add(moved).ok_or_else(super::too_large)?;
    }
    if sum == now.difference {
        return Ok(());
    }
    let (moved, wanted) = (now.pair.text(sum), now.pair.text(now.difference));
    let detail = format!("the entries move {moved} together, the difference is {wanted}");
    Err(Rejection::invalid("/entries", moved, detail).into())
}

/// The incident that a break is handed over to: the open one that was drafted for it, or a new one that is suspected.
fn escalate(tx: &mut Tx<'_>, now: &BreakNow, reason: &str) -> Result<String, StoreError> {
    if let Some((code, _)) = now.one.incident()
        && crate::service::incidents::is_open(tx.conn, code)?
    {
        return Ok(code.to_owned());
    }
    let (pair, number) = (&now.pair, now.one.number);
    let difference = pair.text(now.difference);
    let new = NewIncident {
        code: None,
        kind: IncidentKind::LedgerError.slug().to_owned(),
        title: format!("Break {number}: {difference} {} at {}", pair.asset_code, pair.wallet_code),
        occurred_at: now.seen.at(),
        at: None,
        suspected: true,
        note: format!("Break {number} was escalated: {reason}"),
        statement: None,
    };
    let mut known = incident::all(tx.conn)?;
    let code = declare(tx, &new, &mut known)?;
    let step = BreakStep::Incident { incident: code.clone(), difference, by: tx.stamp.actor.clone() };
    tx.add_fact(STEP, &number.to_string(), tx.today(), &step);
    Ok(code)
}

impl Command for MatchBalances {
    const KIND: &'static str = "balances.match";
    const TITLE: &'static str = "Match a month's balances again";
    const GIVERS: &'static [Role] = GIVERS;

    fn risk(&self) -> Risk {
        Risk::Free
    }

    fn check(&self) -> Result<(), Rejection> {
        super::sign_off::month("/period", &self.period).map(|_| ())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let period = super::sign_off::month("/period", &self.period)?;
        let (refs, statement) = (Refs::load(tx.conn)?, statement(tx.conn, period)?);
        let mut matching = Matching::load(tx)?;
        for line in statement.lines.into_iter().filter(|line| line.number.is_none()) {
            let Some(seen) = line.seen.filter(|_| line.difference.is_some_and(|difference| !difference.is_zero())) else {
                continue;
            };
            let subject = line.pair.subject();
            let begun = statement.breaks.iter().filter(|one| one.opened.of == subject).map(|one| one.opened.observed_at);
            let from = begun.filter(|at| *at <= seen.at()).max().map_or_else(|| seen.day(), day_of_observation);
            let newest = latest(tx.conn, &line.pair, Date::MAX)?.is_some_and(|newest| newest.id == seen.id);
            let history = History::load(tx.conn, line.pair, from)?;
            matching.open(tx, &history, &seen)?;
            if newest {
                matching.suspect(tx, &refs, &history)?;
            }
        }
        let body = json!({"period": self.period, "breaks": matching.opened, "incidents": matching.drafted});
        Ok(if matching.opened.is_empty() { Answer::ok(body) } else { Answer::created(body) })
    }
}
