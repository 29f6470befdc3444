//! Templates: entries that come again, kept under a name. A template books nothing; it fills the form.

use super::{GivenLine, PREPARE};
use crate::domain::approval::Risk;
use crate::domain::manual::MAX_MANUAL_LINES;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::service::command::Command;
use crate::service::registry::parsed_facts;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Kind of the facts that hold templates; the subject is the name. The latest of a name holds.
pub const TEMPLATE: &str = "entry.template";

/// An entry that comes again. Amounts may be left empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryTemplate {
    /// Its name, for example `Custody fee`.
    pub name: String,
    /// What people will read in the journal.
    #[serde(default)]
    pub memo: String,
    /// Why no other event covers it.
    #[serde(default)]
    pub reason: String,
    /// The lines; none retires the template.
    pub lines: Vec<GivenLine>,
}

impl Book {
    /// Keeps a template, or replaces the one of its name; without lines it retires it.
    ///
    /// # Errors
    /// `InvalidField`, `AboveLimit`, `NotFound` for one to retire that is not there.
    pub fn save_template(&self, call: &Call, template: EntryTemplate) -> Result<Reply, StoreError> {
        self.give(call, template)
    }
}

impl Command for EntryTemplate {
    const KIND: &'static str = TEMPLATE;
    const TITLE: &'static str = "Keep a template of an entry";
    const GIVERS: &'static [Role] = PREPARE;

    fn risk(&self) -> Risk {
        Risk::Free
    }

    fn check(&self) -> Result<(), Rejection> {
        check_free_text(&self.name, 80).map_err(|e| Rejection::invalid("/name", &self.name, e.to_string()))?;
        for (pointer, text) in [("/memo", &self.memo), ("/reason", &self.reason)] {
            if !text.is_empty() {
                check_free_text(text, 500).map_err(|e| Rejection::invalid(pointer, text, e.to_string()))?;
            }
        }
        if self.lines.len() > MAX_MANUAL_LINES {
            let detail = format!("at most {MAX_MANUAL_LINES} are kept");
            return Err(Rejection::new(OutcomeCode::AboveLimit, "/lines", self.lines.len(), detail));
        }
        Ok(())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        if self.lines.is_empty() && find(tx.conn, &self.name)?.is_none() {
            let detail = "is not a template, so it cannot be retired; one with lines is kept";
            return Err(Rejection::new(OutcomeCode::NotFound, "/name", &self.name, detail).into());
        }
        let today = tx.today();
        let fact = tx.add_fact(TEMPLATE, &self.name, today, self);
        Ok(Answer::created(json!({"fact": fact, "name": self.name, "lines": self.lines.len()})))
    }
}

/// The templates that hold, by name.
pub fn all(conn: &mut Conn) -> Result<Vec<EntryTemplate>, StoreError> {
    let mut latest = BTreeMap::new();
    for (_, name, template) in parsed_facts::<EntryTemplate>(conn, TEMPLATE)? {
        latest.insert(name, template);
    }
    Ok(latest.into_values().filter(|template| !template.lines.is_empty()).collect())
}

/// The template of this name.
pub fn find(conn: &mut Conn, name: &str) -> Result<Option<EntryTemplate>, StoreError> {
    Ok(all(conn)?.into_iter().find(|template| template.name == name))
}
