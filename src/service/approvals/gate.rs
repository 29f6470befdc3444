//! The gate that every command passes: at once, as a proposal, or not at all.

use super::act;
use super::terms::{self, ApprovalTerms};
use crate::domain::amount::Value;
use crate::domain::approval::Risk;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::service::command::Kind;
use crate::service::people::{self, Person};
use crate::service::{Answer, By, Call};
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use serde_json::{Value as Json, json};

/// Takes a command: decides it where the book is in one hand or the command is free, else keeps it as a proposal of its giver.
pub(in crate::service) fn give(tx: &mut Tx<'_>, call: &Call, kind: &Kind, body: &Json) -> Result<Answer, StoreError> {
    let risk = kind.check(body)?;
    // A role is asked for from the first person on, not only from the first terms on.
    require_giver(tx, call, kind.givers)?;
    let Some(terms) = terms::in_force(tx.conn)? else {
        tx.approved = risk != Risk::Free;
        return kind.decide(body, tx);
    };
    // What keeps persons and keys is nothing for a program, however free it is: a stolen key must not make another.
    let is_program_keeping_access = call.by.is_none() && call.is_by_key() && kind.givers == [Role::Administrator];
    if risk == Risk::Free && !is_program_keeping_access {
        return kind.decide(body, tx);
    }
    let Some(by) = &call.by else { return Err(nobody(kind).into()) };
    let rehearsal = rehearse(tx, &terms, kind, body)?;
    if call.dry_run {
        return Ok(Answer::ok(json!({"needs": rehearsal.needed, "would": rehearsal.would})));
    }
    act::propose(tx, by.person, by, &terms, kind, body, rehearsal)
}

/// What a command would do, and how many approvals that needs.
pub(super) struct Rehearsal {
    pub(super) needed: u8,
    pub(super) amount: Value,
    pub(super) would: Json,
}

/// Runs the real decision and keeps nothing of it.
pub(super) fn rehearse(tx: &mut Tx<'_>, terms: &ApprovalTerms, kind: &Kind, body: &Json) -> Result<Rehearsal, StoreError> {
    let risk = kind.check(body)?;
    tx.approved = true;
    let (answer, amount) = tx.rehearse(|tx| kind.decide(body, tx))?;
    Ok(Rehearsal { needed: terms.tiers().needed(risk, amount), amount, would: answer.body })
}

/// Refuses a person who holds none of the roles that a command asks for; a call without a person comes from the machine or from a
/// key that nobody answers for, which give only what is free under four eyes.
pub(in crate::service) fn require_giver(tx: &mut Tx<'_>, call: &Call, roles: &[Role]) -> Result<(), StoreError> {
    match &call.by {
        Some(by) => require(tx, by, roles).map(|_| ()),
        None => Ok(()),
    }
}

/// The person behind a call, who must hold one of these roles.
pub(super) fn require(tx: &mut Tx<'_>, by: &By, roles: &[Role]) -> Result<Person, StoreError> {
    let unknown = || StoreError::Damaged(format!("person {} acts but is not known", by.person));
    let person = people::find(tx.conn, by.person)?.ok_or_else(unknown)?;
    if person.holds(roles) {
        return Ok(person);
    }
    let wanted: Vec<&str> = roles.iter().map(|role| role.slug()).collect();
    let detail = format!("{} does not hold the role this needs: {}", person.login, wanted.join(" or "));
    Err(Rejection::new(OutcomeCode::Forbidden, "", "", detail).into())
}

fn nobody(kind: &Kind) -> Rejection {
    let detail = "give it on the pages after logging in, or with a key that a person answers for (SAFU_KEY)";
    Rejection::new(OutcomeCode::ApprovalNeeded, "", kind.kind, detail)
}
