//! Proposals and their steps. Both are append-only; where a proposal stands is in its last step. The keys of the steps order
//! those who act at the same time: one of them takes the next number, the others run again and see what has become of it.

use super::conn::Conn;
use super::error::StoreError;
use super::reference::record_row;
use super::schema::{proposal, proposal_step};
use super::tx::{Record, Stamp};
use diesel::prelude::*;
use serde_json::{Value, json};

/// A stored proposal.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = proposal)]
pub struct ProposalRow {
    /// Number.
    pub id: i64,
    /// Kind of its command.
    pub kind: String,
    /// Person who made it.
    pub maker: i32,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    /// Leaf.
    pub leaf: i64,
}

record_row!(ProposalRow, proposal, "proposal", p => json!({
    "id": p.id, "kind": p.kind, "maker": p.maker, "recorded_at": p.recorded_at.to_string(),
}));

/// A step of a proposal's life.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = proposal_step)]
pub struct ProposalStepRow {
    /// The proposal.
    pub proposal_id: i64,
    /// Number of the step, from 1.
    pub no: i32,
    /// Who made the proposal.
    pub maker: i32,
    /// What happened; see [`crate::domain::approval::Step`].
    pub step: String,
    /// Who did it.
    pub person: i32,
    /// The revision of the command it is about, from 1.
    pub revision: i32,
    /// Where the proposal stands after it; see [`crate::domain::approval::State`].
    pub state: String,
    /// Canonical JSON: the command of a draft, terms of a submission, reasons, entries.
    pub content: String,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    /// Leaf.
    pub leaf: i64,
}

record_row!(ProposalStepRow, proposal_step, "proposal_step", s => json!({
    "proposal": s.proposal_id, "no": s.no, "maker": s.maker, "step": s.step, "person": s.person, "revision": s.revision,
    "state": s.state, "content": serde_json::from_str::<Value>(&s.content).unwrap_or(Value::Null),
    "recorded_at": s.recorded_at.to_string(),
}));

/// A proposal by its number.
pub fn find(conn: &mut Conn, id: i64) -> Result<Option<ProposalRow>, StoreError> {
    Ok(proposal::table.filter(proposal::id.eq(id)).select(ProposalRow::as_select()).first(conn).optional()?)
}

/// Proposals that were asked for at or after this moment, by number.
pub fn asked_since(conn: &mut Conn, micros: i64) -> Result<Vec<i64>, StoreError> {
    Ok(proposal_step::table
        .filter(proposal_step::step.eq("submit"))
        .filter(proposal_step::recorded_at.ge(micros))
        .select(proposal_step::proposal_id)
        .distinct()
        .order(proposal_step::proposal_id)
        .load(conn)?)
}

/// The last number; 0 before the first proposal.
pub fn last(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(proposal::table.select(diesel::dsl::max(proposal::id)).first::<Option<i64>>(conn)?.unwrap_or(0))
}

/// The steps of a proposal in their order.
pub fn steps(conn: &mut Conn, id: i64) -> Result<Vec<ProposalStepRow>, StoreError> {
    Ok(proposal_step::table
        .filter(proposal_step::proposal_id.eq(id))
        .order(proposal_step::no)
        .select(ProposalStepRow::as_select())
        .load(conn)?)
}

/// Proposals before a number, latest first, at most `limit`; all without a number.
pub fn page(conn: &mut Conn, before: Option<i64>, limit: i64) -> Result<Vec<ProposalRow>, StoreError> {
    Ok(proposal::table
        .filter(proposal::id.lt(before.unwrap_or(i64::MAX)))
        .order(proposal::id.desc())
        .limit(limit)
        .select(ProposalRow::as_select())
        .load(conn)?)
}

/// The steps of several proposals, by proposal and number.
pub fn steps_of(conn: &mut Conn, first: i64, last: i64) -> Result<Vec<ProposalStepRow>, StoreError> {
    Ok(proposal_step::table
        .filter(proposal_step::proposal_id.between(first, last))
        .order((proposal_step::proposal_id, proposal_step::no))
        .select(ProposalStepRow::as_select())
        .load(conn)?)
}
