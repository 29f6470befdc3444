//! A proposal read back from its steps.

use crate::domain::approval::{State, Step};
use crate::domain::person::PersonId;
use crate::proof::leaf::canonical;
use crate::proof::merkle::sha256;
use crate::service::command::{Kind, content};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::proposal::{self, ProposalRow, ProposalStepRow};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What a proposal was submitted under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Approvals it needs before it takes effect.
    pub needed: u8,
    /// Approvals it needs in all; more than `needed` in an emergency.
    pub ratify: u8,
    /// Sum of the debits it would book, as text with 8 decimals.
    pub amount: String,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Why it could not wait, and until when it has to be ratified.
    pub emergency: Option<(String, Timestamp)>,
    /// What it would have done when it was submitted.
    pub would: Json,
}

/// A step as it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepDone {
    /// Number from 1.
    pub no: i32,
    /// What happened.
    pub step: Step,
    /// Who.
    pub person: PersonId,
    /// When.
    pub at: Timestamp,
    /// The revision it is about.
    pub revision: i32,
    /// What goes with it.
    pub content: Json,
    /// Its leaf in the log.
    pub leaf: i64,
}

/// A proposal.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Number.
    pub id: i64,
    /// Kind of its command.
    pub kind: String,
    /// Who made it.
    pub maker: PersonId,
    /// Where it stands, its time considered.
    pub state: State,
    /// Revision of the command.
    pub revision: i32,
    /// The command.
    pub command: Json,
    /// SHA-256 of the command under its kind, canonical, hex.
    pub hash: String,
    /// What it was submitted under, once it was.
    pub submission: Option<Submission>,
    /// Who has approved this revision, before or after it took effect.
    pub voices: Vec<PersonId>,
    /// Every step.
    pub steps: Vec<StepDone>,
}

impl Proposal {
    /// The rules of its kind.
    ///
    /// # Errors
    /// `Damaged` for a kind that there is not.
    pub fn rules(&self) -> Result<Kind, StoreError> {
        super::kinds::find(&self.kind).ok_or_else(|| StoreError::Damaged(format!("proposal {}: kind {:?}", self.id, self.kind)))
    }

    /// Numbers of the first and the last entry it booked.
    pub fn entries(&self) -> Option<(i64, i64)> {
        let done = self.steps.iter().find(|step| step.step == Step::Execute)?;
        let number = |name: &str| done.content.get(name).and_then(Json::as_i64);
        number("first_entry").zip(number("last_entry"))
    }

    /// Approvals that are missing before it takes effect.
    pub fn missing(&self) -> usize {
        let needed = self.submission.as_ref().map_or(0, |submission| usize::from(submission.needed));
        needed.saturating_sub(self.voices.len())
    }

    /// Approvals that an emergency still has to get afterwards.
    pub fn to_ratify(&self) -> usize {
        let due = self.submission.as_ref().filter(|submission| submission.emergency.is_some() && self.state == State::Executed);
        due.map_or(0, |submission| usize::from(submission.ratify).saturating_sub(self.voices.len()))
    }

    fn read(row: &ProposalRow, rows: &[ProposalStepRow], now: Timestamp) -> Result<Self, StoreError> {
        let damaged = |what: &str| StoreError::Damaged(format!("proposal {}: {what}", row.id));
        let steps = rows.iter().map(step_done).collect::<Result<Vec<_>, _>>()?;
        let last = rows.last().ok_or_else(|| damaged("has no step"))?;
        let state = State::from_slug(&last.state).ok_or_else(|| damaged("state"))?;
        let command = steps.iter().rev().find(|step| step.step == Step::Draft).map(|step| step.content.clone());
        let command = command.ok_or_else(|| damaged("has no command"))?;
        let of_revision = |wanted: Step| steps.iter().filter(move |step| step.step == wanted && step.revision == last.revision);
        let submission = of_revision(Step::Submit).next_back();
        let submission: Option<Submission> =
            submission.map(|step| serde_json::from_value(step.content.clone())).transpose().map_err(|_| damaged("submission"))?;
        let voices = of_revision(Step::Approve).chain(of_revision(Step::Ratify)).map(|step| step.person).collect();
        let late = submission.as_ref().is_some_and(|submission| submission.expires_at <= now);
        let waits = matches!(state, State::Submitted | State::Approved);
        Ok(Self {
            id: row.id,
            kind: row.kind.clone(),
            maker: PersonId(row.maker),
            state: if waits && late { State::Expired } else { state },
            revision: last.revision,
            hash: hash_of(&row.kind, &command),
            command,
            submission,
            voices,
            steps,
        })
    }
}

/// What an approval binds to.
pub(super) fn hash_of(kind: &str, command: &Json) -> String {
    hex::encode(sha256(canonical(&content(kind, command)).as_bytes()))
}

fn step_done(row: &ProposalStepRow) -> Result<StepDone, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("proposal {}, step {}: {what}", row.proposal_id, row.no));
    Ok(StepDone {
        no: row.no,
        step: Step::from_slug(&row.step).ok_or_else(|| damaged("step"))?,
        person: PersonId(row.person),
        at: Timestamp::from_microsecond(row.recorded_at).map_err(|_| damaged("moment"))?,
        revision: row.revision,
        content: serde_json::from_str(&row.content).map_err(|_| damaged("content"))?,
        leaf: row.leaf,
    })
}

/// A proposal as it stands at a moment.
pub fn find(conn: &mut Conn, id: i64, now: Timestamp) -> Result<Option<Proposal>, StoreError> {
    let Some(row) = proposal::find(conn, id)? else { return Ok(None) };
    let steps = proposal::steps(conn, id)?;
    Proposal::read(&row, &steps, now).map(Some)
}

/// Proposals before a number, latest first.
pub fn list(conn: &mut Conn, before: Option<i64>, limit: i64, now: Timestamp) -> Result<Vec<Proposal>, StoreError> {
    let rows = proposal::page(conn, before, limit)?;
    let (Some(newest), Some(oldest)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
    let mut steps: BTreeMap<i64, Vec<ProposalStepRow>> = BTreeMap::new();
    for step in proposal::steps_of(conn, oldest.id, newest.id)? {
        steps.entry(step.proposal_id).or_default().push(step);
    }
    rows.iter().map(|row| Proposal::read(row, steps.get(&row.id).map_or(&[][..], Vec::as_slice), now)).collect()
}

/// Every proposal as it stood when the log had this many leaves, latest first.
pub fn all_before(conn: &mut Conn, leaves: i64, now: Timestamp) -> Result<Vec<Proposal>, StoreError> {
    let mut steps: BTreeMap<i64, Vec<ProposalStepRow>> = BTreeMap::new();
    for step in proposal::steps_of(conn, 0, i64::MAX)?.into_iter().filter(|step| step.leaf < leaves) {
        steps.entry(step.proposal_id).or_default().push(step);
    }
    let rows = proposal::page(conn, None, i64::MAX)?.into_iter().filter(|row| row.leaf < leaves);
    rows.map(|row| Proposal::read(&row, steps.get(&row.id).map_or(&[][..], Vec::as_slice), now)).collect()
}
