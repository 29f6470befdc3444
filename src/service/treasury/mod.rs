//! The treasury: settlements, yield, transfers, capital, loans, and the events of an incident that have no workflow of their own.
//! Each command posts one entry by its rule (and, before a payment in kind, the remeasurement of what is paid), and leaves a fact
//! with the command itself.

pub mod event;
mod rules;

use super::command::Command;
use super::desk::{self, Desk};
use super::{Answer, Book, Call, Reply};
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::approval::Risk;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::ids::EntryNo;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use crate::store::{fact, journal};
pub use event::{IdentifiedAs, IncidentUnits, TreasuryCommand, TreasuryEvent, Units};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Kind of the facts that hold treasury commands; the subject is the reference from outside, or empty.
pub const TREASURY: &str = "treasury";

/// A treasury command as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TreasuryFact {
    /// The command.
    pub command: TreasuryCommand,
    /// The entry it posted.
    pub entry: i64,
}

/// What a command comes to.
struct Decision {
    /// Remeasurement of what is paid, where the day's price asks for it.
    before: Option<Balanced>,
    /// The entry.
    entry: Balanced,
    /// Units that become contingent rights.
    contingent: Option<(AssetId, Quantity)>,
}

impl From<Balanced> for Decision {
    fn from(entry: Balanced) -> Self {
        Self { before: None, entry, contingent: None }
    }
}

impl Book {
    /// Posts one event of the treasury.
    ///
    /// # Errors
    /// What the posting rule of the event says, and `InvalidField`, `UnknownAsset`, `UnknownWallet`, `NotFound` (incident),
    /// `PriceMissing`, `PriceStale`, `AlreadyExists` (reference).
    pub fn post_treasury(&self, call: &Call, command: TreasuryCommand) -> Result<Reply, StoreError> {
        self.give(call, command)
    }
}

impl Command for TreasuryCommand {
    const KIND: &'static str = "treasury";
    const TITLE: &'static str = "Record an event of the treasury";
    const GIVERS: &'static [Role] = &[Role::Preparer, Role::Treasurer];

    fn risk(&self) -> Risk {
        self.event.risk()
    }

    fn check(&self) -> Result<(), Rejection> {
        for (pointer, text, max) in [("/memo", &self.memo, 500), ("/reference", &self.reference, 200)] {
            if let Some(text) = text {
                check_free_text(text, max).map_err(|e| Rejection::invalid(pointer, text, e.to_string()))?;
            }
        }
        Ok(())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        require_not_future("/on", self.on, tx.today())?;
        require_new_reference(tx, self)?;
        let desk = Desk::load(tx, self.on)?;
        let decision = rules::decide(tx, &desk, self)?;
        record(tx, &desk, self, decision)
    }
}

fn record(tx: &mut Tx<'_>, desk: &Desk, command: &TreasuryCommand, decision: Decision) -> Result<Answer, StoreError> {
    let source = format!("treasury:{}", tx.head.last_fact.saturating_add(1));
    let before = decision.before.map(|entry| tx.post_entry(entry, source.clone())).transpose()?;
    let no = tx.post_entry(decision.entry.clone(), source)?;
    let body = TreasuryFact { command: command.clone(), entry: no.0 };
    let id = tx.add_fact(TREASURY, command.reference.as_deref().unwrap_or_default(), command.on, &body);
    if let Some((asset, units)) = decision.contingent {
        let note = format!("released by entry {no}");
        super::memo::raise(tx, &desk.refs, command.on, (no::CONTINGENT_RIGHTS, asset), units, &note)?;
    }
    let mut answer = desk::describe(&desk.refs, no, &decision.entry);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("fact".to_owned(), json!(id));
        if let Some(before) = before {
            fields.insert("remeasured".to_owned(), json!(before.0));
        }
    }
    Ok(Answer::created(answer))
}

/// Refuses a business date that has not begun.
pub(super) fn require_not_future(pointer: &str, day: Date, today: Date) -> Result<(), Rejection> {
    if day <= today {
        return Ok(());
    }
    Err(Rejection::invalid(pointer, day, format!("has not begun; today is {today} (UTC)")))
}

// The same transaction on chain must not be booked twice under two idempotency keys; a reversed entry gives its reference back.
fn require_new_reference(tx: &mut Tx<'_>, command: &TreasuryCommand) -> Result<(), StoreError> {
    let Some(reference) = &command.reference else { return Ok(()) };
    for row in fact::of_subject(tx.conn, TREASURY, reference)? {
        let booked: TreasuryFact = row.parse()?;
        let no = EntryNo(booked.entry);
        if booked.command.event.event() == command.event.event() && journal::reversal_of(tx.conn, no)?.is_none() {
            let detail = format!("is booked already by entry {no}; reverse that entry first if it is wrong");
            return Err(Rejection::new(OutcomeCode::AlreadyExists, "/reference", reference, detail).into());
        }
    }
    Ok(())
}
