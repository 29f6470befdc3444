//! What persons do with proposals. Every act names the revision and the hash that its actor has seen; if the proposal is another by
//! now, the act is refused.

use super::gate::{self, Rehearsal};
use super::proposal::{self, Proposal, Submission, hash_of};
use super::terms::{self, ApprovalTerms};
use crate::domain::approval::{State, Step};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::PersonId;
use crate::domain::text::check_free_text;
use crate::proof::leaf::canonical;
use crate::service::command::Kind;
use crate::service::people::Person;
use crate::service::{Answer, Book, By, Call, Reply, problem};
use crate::store::error::StoreError;
use crate::store::proposal::{ProposalRow, ProposalStepRow};
use crate::store::tx::Tx;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

/// A command that its maker keeps before asking for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// Kind of the command.
    pub kind: String,
    /// The command.
    #[schema(value_type = Object)]
    pub command: Json,
}

/// A new revision of an own proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revise {
    /// Number of the proposal.
    pub proposal: i64,
    /// The hash of the revision that was edited; if it is another by now, somebody was faster.
    pub hash: String,
    /// The command as it shall be.
    #[schema(value_type = Object)]
    pub command: Json,
}

/// An act on a proposal as its actor has seen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// Number of the proposal.
    pub proposal: i64,
    /// The hash that the actor has seen.
    pub hash: String,
    /// Why; required for a refusal.
    #[serde(default)]
    pub reason: String,
}

impl Book {
    /// Keeps a command as a draft of its maker.
    ///
    /// # Errors
    /// `InvalidField`, `Forbidden`, `ApprovalNeeded` without a person.
    pub fn draft(&self, call: &Call, new: Draft) -> Result<Reply, StoreError> {
        let rules = super::kinds::require(&new.kind)?;
        rules.check(&new.command)?;
        let by = person(call)?;
        self.command(call, &json!({"draft": &new}), move |tx| {
            let giver = gate::require(tx, &by, rules.givers)?;
            let id = begin(tx, giver.id, &rules, &new.command)?;
            Ok(Answer::created(json!({"proposal": id, "state": State::Draft, "hash": hash_of(rules.kind, &new.command)})))
        })
    }

    /// Keeps another command in an own proposal that is a draft, or that waits: it is a draft again then, and what was approved counts
    /// no more. Of two who edit the same revision one is too late.
    ///
    /// # Errors
    /// `InvalidField`, `Forbidden`, `ApprovalNeeded` without a person, `NotFound`, `WrongState`.
    pub fn revise(&self, call: &Call, new: Revise) -> Result<Reply, StoreError> {
        let by = person(call)?;
        self.command(call, &json!({"revise": &new}), move |tx| {
            let seen_as = Decide { proposal: new.proposal, hash: new.hash.clone(), reason: String::new() };
            let (proposal, rules) = seen(tx, &seen_as)?;
            let giver = gate::require(tx, &by, rules.givers)?;
            require_maker(&proposal, &giver)?;
            rules.check(&new.command)?;
            let next = move_to(&proposal, Step::Draft, false)?;
            let revision = proposal.revision.saturating_add(1);
            step(tx, &proposal, (Step::Draft, next), giver.id, revision, &new.command);
            let hash = hash_of(rules.kind, &new.command);
            Ok(Answer::created(json!({"proposal": proposal.id, "state": next, "revision": revision, "hash": hash})))
        })
    }

    /// Asks for approval of an own draft.
    ///
    /// # Errors
    /// `NotFound`, `WrongState`, `Forbidden`, and what the command itself refuses now.
    pub fn submit(&self, call: &Call, ask: Decide) -> Result<Reply, StoreError> {
        let by = person(call)?;
        self.command(call, &json!({"submit": &ask}), move |tx| {
            let (proposal, rules) = seen(tx, &ask)?;
            let giver = gate::require(tx, &by, rules.givers)?;
            require_maker(&proposal, &giver)?;
            let terms = required_terms(tx)?;
            let rehearsal = gate::rehearse(tx, &terms, &rules, &proposal.command)?;
            let submission = submission(tx.stamp.at, &terms, rehearsal, &by)?;
            let next = move_to(&proposal, Step::Submit, false)?;
            step(tx, &proposal, (Step::Submit, next), giver.id, proposal.revision, &submission);
            Ok(Answer::created(submitted(proposal.id, &proposal.hash, &submission)))
        })
    }

    /// Approves a proposal; the last approval that it needs carries it out in the same transaction.
    ///
    /// If the command is refused at that moment (its period has closed, say), the proposal stays approved, with the reason, and can
    /// be carried out later with [`Book::execute`].
    ///
    /// # Errors
    /// `StepUpNeeded`, `Forbidden` (also for the maker), `NotFound`, `WrongState`, `AlreadyExists` when the person has approved
    /// this revision before.
    pub fn approve(&self, call: &Call, ask: Decide) -> Result<Reply, StoreError> {
        let by = stepped_up(call)?;
        self.command(call, &json!({"approve": &ask}), move |tx| {
            let (proposal, rules) = seen(tx, &ask)?;
            let approver = other_person(tx, &by, &proposal, &rules)?;
            let ratifies = proposal.to_ratify() > 0;
            let enough = proposal.missing() <= 1;
            let what = if ratifies { Step::Ratify } else { Step::Approve };
            let next = move_to(&proposal, what, enough)?;
            let mut no = step(tx, &proposal, (what, next), approver.id, proposal.revision, &json!({"hash": proposal.hash}));
            let mut body = json!({"proposal": proposal.id, "state": next, "missing": proposal.missing().saturating_sub(1)});
            if next == State::Approved {
                match carry_out(tx, &proposal, &rules, approver.id, &mut no) {
                    Ok(done) => body = done,
                    Err(StoreError::Rejected(refusal)) => extend(&mut body, "not_executed", problem(&refusal)),
                    Err(error) => return Err(error),
                }
            }
            Ok(Answer::created(body))
        })
    }

    /// Refuses a proposal of somebody else.
    ///
    /// # Errors
    /// `InvalidField` without a reason, `Forbidden`, `NotFound`, `WrongState`.
    pub fn reject(&self, call: &Call, ask: Decide) -> Result<Reply, StoreError> {
        check_free_text(&ask.reason, 500).map_err(|e| Rejection::invalid("/reason", &ask.reason, e.to_string()))?;
        let by = person(call)?;
        self.command(call, &json!({"reject": &ask}), move |tx| {
            let (proposal, rules) = seen(tx, &ask)?;
            let approver = other_person(tx, &by, &proposal, &rules)?;
            let next = move_to(&proposal, Step::Reject, false)?;
            step(tx, &proposal, (Step::Reject, next), approver.id, proposal.revision, &json!({"reason": ask.reason}));
            Ok(Answer::created(json!({"proposal": proposal.id, "state": next})))
        })
    }

    /// Takes an own proposal back.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `WrongState`.
    pub fn withdraw(&self, call: &Call, ask: Decide) -> Result<Reply, StoreError> {
        let by = person(call)?;
        self.command(call, &json!({"withdraw": &ask}), move |tx| {
            let (proposal, rules) = seen(tx, &ask)?;
            let giver = gate::require(tx, &by, rules.givers)?;
            require_maker(&proposal, &giver)?;
            let next = move_to(&proposal, Step::Withdraw, false)?;
            step(tx, &proposal, (Step::Withdraw, next), giver.id, proposal.revision, &json!({"reason": ask.reason}));
            Ok(Answer::created(json!({"proposal": proposal.id, "state": next})))
        })
    }

    /// Carries out a proposal that has its approvals.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `WrongState`, and what the command itself refuses now.
    pub fn execute(&self, call: &Call, ask: Decide) -> Result<Reply, StoreError> {
        let by = person(call)?;
        self.command(call, &json!({"execute": &ask}), move |tx| {
            let (proposal, rules) = seen(tx, &ask)?;
            let allowed = [rules.givers, rules.approvers].concat();
            let person = gate::require(tx, &by, &allowed)?;
            move_to(&proposal, Step::Execute, true)?;
            let mut no = last_no(&proposal);
            carry_out(tx, &proposal, &rules, person.id, &mut no).map(Answer::created)
        })
    }
}

/// Keeps a command that was given directly as a submitted proposal.
pub(super) fn propose(
    tx: &mut Tx<'_>,
    maker: PersonId,
    by: &By,
    terms: &ApprovalTerms,
    rules: &Kind,
    command: &Json,
    rehearsal: Rehearsal,
) -> Result<Answer, StoreError> {
    let id = begin(tx, maker, rules, command)?;
    let submission = submission(tx.stamp.at, terms, rehearsal, by)?;
    queue(tx, (id, maker), (2, Step::Submit, State::Submitted), maker, 1, &submission);
    Ok(Answer::accepted(submitted(id, &hash_of(rules.kind, command), &submission)))
}

fn submitted(id: i64, hash: &str, submission: &Submission) -> Json {
    json!({
        "proposal": id, "state": State::Submitted, "hash": hash, "needs": submission.needed,
        "expires_at": submission.expires_at, "would": submission.would,
    })
}

fn submission(now: Timestamp, terms: &ApprovalTerms, rehearsal: Rehearsal, by: &By) -> Result<Submission, StoreError> {
    let later = |hours: u32| {
        now.checked_add(SignedDuration::from_hours(i64::from(hours)))
            .map_err(|_| StoreError::Damaged("the clock is at the end of time".to_owned()))
    };
    let emergency = match &by.emergency {
        Some(reason) => {
            check_free_text(reason, 500).map_err(|e| Rejection::invalid("/emergency", reason, e.to_string()))?;
            Some((reason.clone(), later(terms.ratify_hours)?))
        }
        None => None,
    };
    let needed = if emergency.is_some() { rehearsal.needed.min(1) } else { rehearsal.needed };
    Ok(Submission {
        needed,
        ratify: rehearsal.needed,
        amount: rehearsal.amount.to_string(),
        expires_at: later(terms.expire_hours)?,
        emergency,
        would: rehearsal.would,
    })
}

/// Queues a new proposal with its draft.
fn begin(tx: &mut Tx<'_>, maker: PersonId, rules: &Kind, command: &Json) -> Result<i64, StoreError> {
    let id = crate::store::proposal::last(tx.conn)?.saturating_add(1);
    let recorded_at = tx.stamp.at.as_microsecond();
    tx.record(ProposalRow { id, kind: rules.kind.to_owned(), maker: maker.0, recorded_at, leaf: 0 });
    queue(tx, (id, maker), (1, Step::Draft, State::Draft), maker, 1, command);
    Ok(id)
}

/// Decides the command and marks the proposal as carried out; nothing of either is kept if the command is refused.
fn carry_out(tx: &mut Tx<'_>, proposal: &Proposal, rules: &Kind, by: PersonId, no: &mut i32) -> Result<Json, StoreError> {
    let first = tx.head.last_entry.saturating_add(1);
    tx.approved = true;
    let answer = tx.attempt(|tx| rules.decide(&proposal.command, tx))?;
    let last = tx.head.last_entry;
    let entries = if last < first { json!({}) } else { json!({"first_entry": first, "last_entry": last}) };
    *no = no.saturating_add(1);
    queue(tx, (proposal.id, proposal.maker), (*no, Step::Execute, State::Executed), by, proposal.revision, &entries);
    Ok(json!({"proposal": proposal.id, "state": State::Executed, "missing": 0, "did": answer.body}))
}

/// Queues the next step of a proposal and gives its number.
fn step(
    tx: &mut Tx<'_>,
    proposal: &Proposal,
    (what, state): (Step, State),
    person: PersonId,
    revision: i32,
    content: &impl Serialize,
) -> i32 {
    let no = last_no(proposal).saturating_add(1);
    queue(tx, (proposal.id, proposal.maker), (no, what, state), person, revision, content);
    no
}

fn queue(
    tx: &mut Tx<'_>,
    (id, maker): (i64, PersonId),
    (no, step, state): (i32, Step, State),
    person: PersonId,
    revision: i32,
    content: &impl Serialize,
) {
    let row = ProposalStepRow {
        proposal_id: id,
        no,
        maker: maker.0,
        step: step.slug().to_owned(),
        person: person.0,
        revision,
        state: state.slug().to_owned(),
        content: canonical(&json!(content)),
        recorded_at: tx.stamp.at.as_microsecond(),
        leaf: 0,
    };
    tx.record(row);
}

fn last_no(proposal: &Proposal) -> i32 {
    proposal.steps.last().map_or(0, |step| step.no)
}

pub(super) fn load(tx: &mut Tx<'_>, id: i64) -> Result<Proposal, StoreError> {
    let now = tx.stamp.at;
    let missing = || Rejection::new(OutcomeCode::NotFound, "/proposal", id, "is not a proposal of this book");
    Ok(proposal::find(tx.conn, id, now)?.ok_or_else(missing)?)
}

/// The proposal, if it still is what the actor has seen.
fn seen(tx: &mut Tx<'_>, ask: &Decide) -> Result<(Proposal, Kind), StoreError> {
    let proposal = load(tx, ask.proposal)?;
    if proposal.hash != ask.hash {
        let detail = "the proposal was changed since you looked at it; look at it again";
        return Err(Rejection::new(OutcomeCode::WrongState, "/hash", &ask.hash, detail).into());
    }
    let rules = proposal.rules()?;
    Ok((proposal, rules))
}

fn move_to(proposal: &Proposal, step: Step, enough: bool) -> Result<State, Rejection> {
    proposal.state.after(step, enough).ok_or_else(|| {
        let detail = format!("is {}, which does not allow this", proposal.state);
        Rejection::new(OutcomeCode::WrongState, "/proposal", proposal.id, detail)
    })
}

fn require_maker(proposal: &Proposal, person: &Person) -> Result<(), Rejection> {
    if proposal.maker == person.id {
        return Ok(());
    }
    let detail = "was made by somebody else; only its maker may do this";
    Err(Rejection::new(OutcomeCode::Forbidden, "/proposal", proposal.id, detail))
}

/// The person who decides on a proposal: with the role for it, and not the one who made it or has decided on it before.
fn other_person(tx: &mut Tx<'_>, by: &By, proposal: &Proposal, rules: &Kind) -> Result<Person, StoreError> {
    if by.person == proposal.maker {
        let detail = "was made by you; somebody else has to decide on it";
        return Err(Rejection::new(OutcomeCode::Forbidden, "/proposal", proposal.id, detail).into());
    }
    let person = gate::require(tx, by, rules.approvers)?;
    if proposal.voices.contains(&person.id) {
        let detail = "was approved by you already; somebody else has to decide on it";
        return Err(Rejection::new(OutcomeCode::AlreadyExists, "/proposal", proposal.id, detail).into());
    }
    Ok(person)
}

fn required_terms(tx: &mut Tx<'_>) -> Result<ApprovalTerms, StoreError> {
    let detail = "this book has no approval terms yet; give the command directly, or set the terms first";
    Ok(terms::in_force(tx.conn)?.ok_or_else(|| Rejection::new(OutcomeCode::OutOfOrder, "", "", detail))?)
}

fn person(call: &Call) -> Result<By, Rejection> {
    let detail = "needs a person; log in, or use a key that a person answers for";
    call.by.clone().ok_or_else(|| Rejection::new(OutcomeCode::ApprovalNeeded, "", "", detail))
}

fn stepped_up(call: &Call) -> Result<By, Rejection> {
    let by = person(call)?;
    if by.stepped_up {
        return Ok(by);
    }
    let detail = "show the second factor once more, then approve; a key can never approve";
    Err(Rejection::new(OutcomeCode::StepUpNeeded, "", "", detail))
}

fn extend(body: &mut Json, name: &str, value: Json) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}
