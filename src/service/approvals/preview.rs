//! What a proposal, or a command that is still being written, would do if it took effect now: the decision itself, carried out and
//! taken back.

use super::act;
use super::terms;
use crate::domain::amount::Value;
use crate::report::doc::Doc;
use crate::service::Book;
use crate::service::command::{Command, Kind};
use crate::service::reporting::report_in;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::tx::{Stamp, Tx};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

/// What a proposal would do.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The command's own answer: the entries with their lines, or what else it records.
    pub did: Json,
    /// Coverage now.
    pub before: Doc,
    /// Coverage then.
    pub after: Doc,
}

/// What a command would do that is not a proposal yet.
#[derive(Debug, Clone)]
pub struct Rehearsed {
    /// What it would do.
    pub preview: Preview,
    /// Sum of the debits it would book.
    pub amount: Value,
    /// Approvals that it would need; none in a book in one hand.
    pub needs: u8,
}

impl Book {
    /// What a proposal would do if it took effect now.
    ///
    /// # Errors
    /// `NotFound`, and what the command itself refuses now.
    pub fn preview(&self, id: i64) -> Result<Preview, StoreError> {
        let (preview, ()) = self.try_out(|tx| {
            let proposal = act::load(tx, id)?;
            let answer = proposal.rules()?.decide(&proposal.command, tx)?;
            Ok((answer.body, ()))
        })?;
        Ok(preview)
    }

    /// What a command would do if it took effect now, and how many approvals it would need.
    ///
    /// # Errors
    /// What the command itself refuses now.
    pub fn rehearse<C: Command>(&self, command: &C) -> Result<Rehearsed, StoreError> {
        let (kind, body) = (Kind::of::<C>(), json!(command));
        let risk = kind.check(&body)?;
        let (preview, (amount, needs)) = self.try_out(|tx| {
            let terms = terms::in_force(tx.conn)?;
            let answer = kind.decide(&body, tx)?;
            let amount = tx.booked();
            Ok((answer.body, (amount, terms.map_or(0, |terms| terms.tiers().needed(risk, amount)))))
        })?;
        Ok(Rehearsed { preview, amount, needs })
    }

    /// Carries a decision out, reads what has become of coverage, and takes everything back.
    fn try_out<T>(&self, decide: impl FnOnce(&mut Tx<'_>) -> Result<(Json, T), StoreError>) -> Result<(Preview, T), StoreError> {
        let now = self.clock.now();
        self.store.rehearse(|conn| {
            let before = coverage(conn, now)?;
            let stamp = Stamp { at: now, actor: "preview".to_owned(), request: String::new() };
            let mut tx = Tx::begin(conn, stamp)?;
            let (did, more) = decide(&mut tx)?;
            tx.commit()?;
            Ok((Preview { did, before, after: coverage(conn, now)? }, more))
        })
    }
}

fn coverage(conn: &mut Conn, now: Timestamp) -> Result<Doc, StoreError> {
    report_in(conn, "coverage", &[], now)
}
