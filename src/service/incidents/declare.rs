//! Declaring an incident, moving it on where nothing is booked, public statements, and closing.

use super::{Case, STATEMENT, check_note, check_text, has_begun, moment, queue_step, step_moment};
use crate::domain::account::no;
use crate::domain::amount::VALUE_SCALE;
use crate::domain::amount::format_minor_trimmed;
use crate::domain::approval::Risk;
use crate::domain::incident::kind::IncidentKind;
use crate::domain::incident::life::{Act, State};
use crate::domain::incident::{check_code, next_code};
use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::service::clock::day_of;
use crate::service::command::{Command, OfIncident};
use crate::service::refs::Refs;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::claim;
use crate::store::error::StoreError;
use crate::store::incident::{self, IncidentRow};
use crate::store::projection;
use crate::store::tx::Tx;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// A public statement: a promise to pay is an obligating event, so who said what when is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStatement {
    /// What was said.
    pub text: String,
    /// Who said it, for example `CEO on the company's blog`.
    pub by: String,
    /// When; now if left out.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// A statement as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// What was said.
    pub text: String,
    /// Who said it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A new incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIncident {
    /// Code, for example `INC-2019-001`; the next of its year if left out.
    #[serde(default)]
    pub code: Option<String>,
    /// Slug of its kind, for example `hot-wallet-theft`.
    pub kind: String,
    /// One line for people.
    pub title: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was declared (or suspected); now if left out.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// True while it is only suspected.
    #[serde(default)]
    pub suspected: bool,
    /// What it rests on.
    #[serde(default)]
    pub note: String,
    /// What the public was told with it.
    #[serde(default)]
    pub statement: Option<NewStatement>,
}

/// A step of an incident's life at which nothing is booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepIncident {
    /// Where it goes: `declared`, `rejected` or `reopened`.
    pub state: String,
    /// When; the moment of recording if left out.
    pub at: Option<Timestamp>,
    /// Why.
    pub note: String,
}

impl StepIncident {
    fn to(&self) -> Result<State, Rejection> {
        let by_hand = |state: &State| matches!(state, State::Declared | State::Rejected | State::Reopened);
        State::from_slug(&self.state).filter(by_hand).ok_or_else(|| {
            let detail = "follows from an estimate, a recognition, claims, payouts or closing; use that command";
            Rejection::invalid("/state", &self.state, detail)
        })
    }
}

/// The end of an incident's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseIncident {
    /// Business date.
    pub on: Date,
    /// Remark.
    pub note: String,
}

impl Book {
    /// Declares an incident, or records that one is suspected.
    ///
    /// # Errors
    /// `InvalidField`, `AlreadyExists`.
    pub fn declare_incident(&self, call: &Call, new: NewIncident) -> Result<Reply, StoreError> {
        self.give(call, new)
    }

    /// Moves an incident on where nothing is booked: `declared` (after suspected), `rejected`, `reopened`.
    ///
    /// # Errors
    /// `NotFound`, `WrongState`, `InvalidField`.
    pub fn step_incident(
        &self,
        call: &Call,
        code: &str,
        state: State,
        at: Option<Timestamp>,
        note: &str,
    ) -> Result<Reply, StoreError> {
        let ask = StepIncident { state: state.slug().to_owned(), at, note: note.to_owned() };
        self.give(call, OfIncident { incident: code.to_owned(), ask })
    }

    /// Records a public statement about an incident.
    ///
    /// # Errors
    /// `NotFound`, `WrongState`, `InvalidField`.
    pub fn record_statement(&self, call: &Call, code: &str, new: NewStatement) -> Result<Reply, StoreError> {
        self.give(call, OfIncident { incident: code.to_owned(), ask: new })
    }

    /// Closes an incident: everything estimated, approved and payable must be settled.
    ///
    /// # Errors
    /// `NotFound`, `WrongState` with what is still open.
    pub fn close_incident(&self, call: &Call, code: &str, on: Date, note: &str) -> Result<Reply, StoreError> {
        let ask = CloseIncident { on, note: note.to_owned() };
        self.give(call, OfIncident { incident: code.to_owned(), ask })
    }
}

impl Command for OfIncident<CloseIncident> {
    const KIND: &'static str = "incident.close";
    const TITLE: &'static str = "Close an incident";
    const GIVERS: &'static [Role] = &[Role::IncidentOfficer];

    fn check(&self) -> Result<(), Rejection> {
        check_note("/note", &self.ask.note)
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (code, on, note) = (&self.incident, self.ask.on, &self.ask.note);
        let mut case = Case::load(tx.conn, code)?;
        has_begun(tx, "/on", on)?;
        let refs = Refs::load(tx.conn)?;
        require_settled(tx, &refs, &case)?;
        let at = step_moment(tx, on);
        case.step(tx, State::Closed, at, note)?;
        let unapproved = unapproved_claims(tx, &case)?;
        Ok(Answer::created(json!({"incident": code, "state": State::Closed.slug(), "unapproved_claims": unapproved})))
    }
}

impl Command for OfIncident<NewStatement> {
    const KIND: &'static str = "incident.statement";
    const TITLE: &'static str = "Record a public statement";
    const GIVERS: &'static [Role] = &[Role::IncidentOfficer];

    fn risk(&self) -> Risk {
        Risk::One
    }

    fn check(&self) -> Result<(), Rejection> {
        check_statement("", &self.ask)
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (code, new) = (&self.incident, &self.ask);
        Case::for_act(tx.conn, code, Act::Note)?;
        let statement = queue_statement(tx, code, new)?;
        Ok(Answer::created(json!({"incident": code, "statement": statement})))
    }
}

impl Command for OfIncident<StepIncident> {
    const KIND: &'static str = "incident.step";
    const TITLE: &'static str = "Move an incident on";
    const GIVERS: &'static [Role] = &[Role::IncidentOfficer];

    fn risk(&self) -> Risk {
        Risk::One
    }

    fn check(&self) -> Result<(), Rejection> {
        self.ask.to()?;
        check_text("/note", &self.ask.note)
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (code, state, at, note) = (&self.incident, self.ask.to()?, self.ask.at, &self.ask.note);
        let mut case = Case::load(tx.conn, code)?;
        let at = moment(tx, "/at", at)?;
        case.step(tx, state, at, note)?;
        Ok(Answer::created(json!({"incident": code, "state": state.slug()})))
    }
}

impl Command for NewIncident {
    const KIND: &'static str = "incident";
    const TITLE: &'static str = "Declare an incident";
    const GIVERS: &'static [Role] = &[Role::IncidentOfficer];

    fn risk(&self) -> Risk {
        Risk::Free
    }

    fn check(&self) -> Result<(), Rejection> {
        IncidentKind::parse(&self.kind)?;
        if let Some(code) = &self.code {
            check_code(code)?;
        }
        check_free_text(&self.title, 120).map_err(|e| Rejection::invalid("/title", &self.title, e.to_string()))?;
        check_note("/note", &self.note)?;
        self.statement.as_ref().map_or(Ok(()), |statement| check_statement("/statement", statement))
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let mut known = incident::all(tx.conn)?;
        let code = declare(tx, self, &mut known)?;
        let state = if self.suspected { State::Suspected } else { State::Declared };
        Ok(Answer::created(json!({"incident": code, "state": state.slug()})))
    }
}

/// Queues a new incident, adds it to those that are known, and gives its code.
pub(in crate::service) fn declare(
    tx: &mut Tx<'_>,
    new: &NewIncident,
    known: &mut Vec<IncidentRow>,
) -> Result<String, StoreError> {
    let (at, kind) = (moment(tx, "/at", new.at)?, IncidentKind::parse(&new.kind)?);
    if new.occurred_at > at {
        let detail = "lies after the declaration; an incident is declared when it has happened";
        return Err(Rejection::invalid("/occurred_at", new.occurred_at, detail).into());
    }
    let code = match &new.code {
        Some(code) => code.clone(),
        None => next_code(day_of(new.occurred_at).year(), known.iter().map(|row| row.code.as_str())),
    };
    if known.iter().any(|row| row.code == code) {
        let detail = "there is an incident of this code already; leave the code out for the next free one";
        return Err(Rejection::new(OutcomeCode::AlreadyExists, "/code", code, detail).into());
    }
    let row = IncidentRow {
        id: known.last().map_or(1, |row| row.id.saturating_add(1)),
        code: code.clone(),
        kind: kind.slug().to_owned(),
        title: new.title.clone(),
        occurred_at: new.occurred_at.as_microsecond(),
        leaf: 0,
    };
    known.push(row.clone());
    tx.record(row);
    queue_step(tx, &code, if new.suspected { State::Suspected } else { State::Declared }, at, &new.note);
    if let Some(statement) = &new.statement {
        queue_statement(tx, &code, statement)?;
    }
    Ok(code)
}

fn check_statement(at: &str, statement: &NewStatement) -> Result<(), Rejection> {
    check_text(&format!("{at}/text"), &statement.text)?;
    check_free_text(&statement.by, 120).map_err(|e| Rejection::invalid(format!("{at}/by"), &statement.by, e.to_string()))
}

fn queue_statement(tx: &mut Tx<'_>, code: &str, new: &NewStatement) -> Result<Statement, StoreError> {
    let at = moment(tx, "/statement/at", new.at)?;
    let statement = Statement { text: new.text.clone(), by: new.by.clone(), at };
    tx.add_fact(STATEMENT, code, day_of(at), &statement);
    Ok(statement)
}

/// What has to be nothing before an incident is closed, with the mend.
const TO_SETTLE: [(crate::domain::account::AccountNo, &str); 4] = [
    (no::CASE_RESERVES, "approve the claims, or lower the case by a revised estimate"),
    (no::IBNR, "identify the claimants or release the IBNR by a revised estimate"),
    (no::CLAIMS_PAYABLE, "pay the approved claims"),
    (no::CLAIMS_PAYABLE_FIXED, "pay the approved claims"),
];

fn require_settled(tx: &mut Tx<'_>, refs: &Refs, case: &Case) -> Result<(), StoreError> {
    let accounts = TO_SETTLE.map(|(account, _)| account);
    let mut problems = Vec::new();
    for row in projection::balances_of_accounts(tx.conn, &accounts)? {
        let amounts = row.amounts();
        if row.incident() != Some(case.id()) || (amounts.quantity.is_zero() && amounts.value.is_zero()) {
            continue;
        }
        let mend = TO_SETTLE.iter().find(|(account, _)| *account == row.account()).map_or("", |(_, mend)| mend);
        let code = refs.code(row.asset());
        problems.push(Problem {
            pointer: format!("/accounts/{}/{code}", row.account()),
            detail: format!("is not settled yet; {mend}"),
            value: format!(
                "{} {code}, worth {}",
                format_minor_trimmed(amounts.quantity.negated().minor(), refs.scale(row.asset())),
                format_minor_trimmed(amounts.value.negated().minor(), VALUE_SCALE)
            ),
        });
    }
    if problems.is_empty() { Ok(()) } else { Err(Rejection { code: OutcomeCode::WrongState, problems }.into()) }
}

fn unapproved_claims(tx: &mut Tx<'_>, case: &Case) -> Result<i64, StoreError> {
    let approved = super::approvals::approved_ranges(tx.conn, case.row.id)?;
    let last = claim::last_no(tx.conn, case.row.id)?;
    Ok(approved.missing_until(last).count())
}
