//! Commands as data: what somebody asks the book to do, in a form that can be hashed, kept, shown, approved and carried out
//! later. [`Book::give`] is the one entrance for them; it runs what it is given, or, where the book asks for approval, keeps it as
//! a proposal.

use super::clock::day_of;
use super::{Answer, Book, Call, Reply};
use crate::domain::outcome::Rejection;
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A command with all its content. Its canonical JSON, under its kind, is what an idempotency key stands for and what an
/// approval binds to.
pub trait Command: Serialize + DeserializeOwned + Clone + Send + 'static {
    /// Its kind, stable and unique.
    const KIND: &'static str;

    /// Refuses what is wrong whatever the book holds.
    ///
    /// # Errors
    /// `InvalidField` and other refusals of form.
    fn check(&self) -> Result<(), Rejection> {
        Ok(())
    }

    /// Decides, and queues what is to be recorded.
    ///
    /// # Errors
    /// What the book's state refuses, or the database's failure.
    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError>;
}

/// A command about one incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfIncident<T> {
    /// Its code.
    pub incident: String,
    /// What is asked.
    pub ask: T,
}

/// Terms that hold from a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct From<T> {
    /// First business date they hold on.
    pub effective_on: Date,
    /// The terms.
    pub terms: T,
}

impl Book {
    /// Gives a command.
    ///
    /// # Errors
    /// What [`Command::check`] and [`Command::decide`] refuse, or the database's failure.
    pub fn give<C: Command>(&self, call: &Call, command: C) -> Result<Reply, StoreError> {
        command.check()?;
        let content = json!({ C::KIND: &command });
        self.command(call, &content, move |tx| command.decide(tx))
    }
}

impl Tx<'_> {
    /// The day of recording, UTC.
    pub fn today(&self) -> Date {
        day_of(self.stamp.at)
    }
}
