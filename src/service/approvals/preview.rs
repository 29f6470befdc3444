//! What a proposal would do if it took effect now: the decision itself, carried out and taken back.

use super::act;
use crate::report::doc::Doc;
use crate::service::Book;
use crate::service::reporting::report_in;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::tx::{Stamp, Tx};
use jiff::Timestamp;
use serde_json::Value as Json;

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

impl Book {
    /// What a proposal would do if it took effect now.
    ///
    /// # Errors
    /// `NotFound`, and what the command itself refuses now.
    pub fn preview(&self, id: i64) -> Result<Preview, StoreError> {
        let now = self.clock.now();
        self.store.rehearse(|conn| {
            let before = coverage(conn, now)?;
            let stamp = Stamp { at: now, actor: "preview".to_owned(), request: String::new() };
            let mut tx = Tx::begin(conn, stamp)?;
            let proposal = act::load(&mut tx, id)?;
            let answer = proposal.rules()?.decide(&proposal.command, &mut tx)?;
            tx.commit()?;
            Ok(Preview { did: answer.body, before, after: coverage(conn, now)? })
        })
    }
}

fn coverage(conn: &mut Conn, now: Timestamp) -> Result<Doc, StoreError> {
    report_in(conn, "coverage", &[], now)
}
