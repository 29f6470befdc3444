//! A command at work: it reads, decides, and queues what is to be recorded; everything is written at the end, in one go.

use super::conn::Conn;
use super::error::StoreError;
use super::journal::NewEntry;
use super::log::Head;
use super::request::{self, Request};
use crate::domain::amount::Value;
use crate::proof::leaf::{Envelope, encode};
use jiff::Timestamp;
use serde_json::Value as Json;

/// Who records, when, on which request.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Moment of recording, whole microseconds.
    pub at: Timestamp,
    /// Who: `person:LOGIN`, `cli:NAME`, `key:NAME` or `job:NAME`.
    pub actor: String,
    /// Idempotency key.
    pub request: String,
}

impl Stamp {
    /// The moment as log text, UTC with six decimals.
    pub fn at_text(&self) -> String {
        format_instant(self.at)
    }
}

/// A moment as it stands in the log: UTC with exactly six decimals.
pub fn format_instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Something that is recorded: a row (or several) and the leaf that proves it.
pub trait Record: Send {
    /// Kind of the leaf.
    fn kind(&self) -> &'static str;
    /// Body of the leaf; rebuilt from the stored rows by `safu verify`.
    fn body(&self) -> Json;
    /// Writes the rows; `leaf` is the index of the leaf that covers them.
    fn insert(&self, conn: &mut Conn, leaf: i64, stamp: &Stamp) -> Result<(), StoreError>;
}

/// The transaction of one command.
pub struct Tx<'a> {
    /// For reading; what this command queued is not there yet.
    pub conn: &'a mut Conn,
    /// Numbers and log; taken numbers are only used up if the command succeeds.
    pub head: Head,
    /// Who, when, which request.
    pub stamp: Stamp,
    /// True for a command that somebody else has approved, or that a book in one hand takes as such.
    pub approved: bool,
    queue: Vec<Box<dyn Record>>,
    answers: Vec<Request>,
    booked: Value,
}

impl<'a> Tx<'a> {
    /// Loads the head and starts with nothing queued.
    pub fn begin(conn: &'a mut Conn, stamp: Stamp) -> Result<Self, StoreError> {
        let head = Head::load(conn)?;
        Ok(Self { conn, head, stamp, approved: false, queue: Vec::new(), answers: Vec::new(), booked: Value::ZERO })
    }

    /// For the very first command of a book: there is no head yet.
    pub fn genesis(conn: &'a mut Conn, stamp: Stamp) -> Result<Self, StoreError> {
        Head::default().create(conn)?;
        Self::begin(conn, stamp)
    }

    /// Queues a record.
    pub fn record(&mut self, record: impl Record + 'static) {
        self.queue.push(Box::new(record));
    }

    /// The leaf that the next record will be: every record is one.
    pub fn next_leaf(&self) -> u64 {
        self.head.log.size().saturating_add(u64::try_from(self.queue.len()).unwrap_or(u64::MAX))
    }

    /// Queues an entry.
    pub fn post(&mut self, entry: NewEntry) {
        self.booked = entry.balanced.debits().checked_add(self.booked).unwrap_or(Value(i128::MAX));
        self.queue.push(Box::new(entry));
    }

    /// Sum of the debits of all queued entries, in functional value.
    pub const fn booked(&self) -> Value {
        self.booked
    }

    /// Runs a decision and keeps what it queued only if it succeeds.
    pub fn attempt<T>(&mut self, decide: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let (head, queued, answers, booked) = (self.head.clone(), self.queue.len(), self.answers.len(), self.booked);
        let decided = decide(self);
        if decided.is_err() {
            self.back_to(head, queued, answers, booked);
        }
        decided
    }

    /// Runs a decision and keeps nothing of it but its result and what it would have booked.
    pub fn rehearse<T>(&mut self, decide: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<(T, Value), StoreError> {
        let (head, queued, answers, booked) = (self.head.clone(), self.queue.len(), self.answers.len(), self.booked);
        self.booked = Value::ZERO;
        let decided = decide(self).map(|result| (result, self.booked));
        self.back_to(head, queued, answers, booked);
        decided
    }

    fn back_to(&mut self, head: Head, queued: usize, answers: usize, booked: Value) {
        self.head = head;
        self.queue.truncate(queued);
        self.answers.truncate(answers);
        self.booked = booked;
    }

    /// Queues an answer that is kept under its key.
    pub fn keep(&mut self, answer: Request) {
        self.answers.push(answer);
    }

    /// True when something is queued.
    pub fn has_changes(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Writes what is queued so far, for rows that follow and refer to it. Only where nothing is attempted or rehearsed: what is
    /// written is undone by the end of the whole transaction alone.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        let at = self.stamp.at_text();
        for record in std::mem::take(&mut self.queue) {
            let kind = record.kind();
            let envelope = Envelope { at: &at, actor: &self.stamp.actor, request: &self.stamp.request, kind };
            let leaf = self.head.append(self.conn, kind, &encode(envelope, &record.body()))?;
            record.insert(self.conn, leaf, &self.stamp)?;
        }
        Ok(())
    }

    /// Writes all that is queued, with its leaves, and the kept answers.
    pub fn commit(mut self) -> Result<(), StoreError> {
        self.flush()?;
        request::insert(self.conn, &self.answers)?;
        self.head.save(self.conn)
    }
}
