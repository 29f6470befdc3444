//! Commands as data: what somebody asks the book to do, in a form that can be hashed, kept, shown, approved and carried out
//! later. [`Book::give`] is the one entrance for them; it runs what it is given, or, where the book asks for approval, keeps it as
//! a proposal.

use super::approvals::gate;
use super::clock::day_of;
use super::mode::MODE;
use super::{Answer, Book, Call, Reply};
use crate::domain::approval::Risk;
use crate::domain::outcome::Rejection;
use crate::domain::person::Role;
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A command with all its content. Its canonical JSON, under its kind, is what an idempotency key stands for and what an
/// approval binds to.
pub trait Command: Serialize + DeserializeOwned + Clone + Send + 'static {
    /// Its kind, stable and unique.
    const KIND: &'static str;
    /// What it does, for people: a verb and its object.
    const TITLE: &'static str;
    /// Who may give it.
    const GIVERS: &'static [Role];
    /// Who may approve it.
    const APPROVERS: &'static [Role] = &[Role::Approver];

    /// How much approval it needs. What says nothing needs the most.
    fn risk(&self) -> Risk {
        Risk::Committee
    }

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
        let body = json!(command);
        let (given_by, kind) = (call.clone(), Kind::of::<C>());
        let content = content(C::KIND, &body);
        let decide = move |tx: &mut Tx<'_>| gate::give(tx, &given_by, &kind, &body);
        if C::KIND == MODE && !self.store.is_held() {
            return self.command_in_any_mode(call, &content, decide);
        }
        self.command(call, &content, decide)
    }
}

/// What an idempotency key stands for and an approval binds to: the command under its kind.
pub fn content(kind: &str, body: &Value) -> Value {
    json!({ kind: body })
}

/// A kind of command, with what is done with commands of it.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Stable word.
    pub kind: &'static str,
    /// What it does, for people.
    pub title: &'static str,
    /// Who may give it.
    pub givers: &'static [Role],
    /// Who may approve it.
    pub approvers: &'static [Role],
    check: fn(&Value) -> Result<Risk, Rejection>,
    decide: fn(&Value, &mut Tx<'_>) -> Result<Answer, StoreError>,
}

impl Kind {
    /// The kind of a type of command.
    pub const fn of<C: Command>() -> Self {
        Self {
            kind: C::KIND,
            title: C::TITLE,
            givers: C::GIVERS,
            approvers: C::APPROVERS,
            check: |body| {
                let command: C = read(body)?;
                command.check()?;
                Ok(command.risk())
            },
            decide: |body, tx| read::<C>(body)?.decide(tx),
        }
    }

    /// Checks the form of a command and says how much approval it needs.
    ///
    /// # Errors
    /// What [`Command::check`] refuses; `InvalidField` for what is no command of this kind.
    pub fn check(&self, body: &Value) -> Result<Risk, Rejection> {
        (self.check)(body)
    }

    /// Decides, as [`Command::decide`].
    ///
    /// # Errors
    /// What the command's own decision refuses.
    pub fn decide(&self, body: &Value, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        (self.decide)(body, tx)
    }
}

fn read<C: Command>(body: &Value) -> Result<C, Rejection> {
    serde_json::from_value(body.clone())
        .map_err(|error| Rejection::invalid("/command", C::KIND, format!("cannot be read as this command: {error}")))
}

impl Tx<'_> {
    /// The day of recording, UTC.
    pub fn today(&self) -> Date {
        day_of(self.stamp.at)
    }
}
