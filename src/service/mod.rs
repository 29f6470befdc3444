//! Use cases: load a view, decide, write, record. One file a use case, one write transaction each.

pub mod approvals;
pub mod at;
pub mod audit;
pub mod backup;
pub mod clock;
pub mod command;
pub mod contributions;
pub mod desk;
pub mod doctor;
pub mod entries;
pub mod evidence;
pub mod identity;
pub mod incidents;
pub mod inclusion;
pub mod init;
pub mod keys;
pub mod memo;
pub mod mode;
pub mod paging;
pub mod people;
pub mod periods;
pub mod policies;
pub mod posting;
pub mod prices;
pub mod reconciliation;
pub mod refs;
pub mod registry;
pub mod reporting;
pub mod reversals;
pub mod secrets;
pub mod treasury;
pub mod valuation;
pub mod verify;

use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::domain::person::PersonId;
use crate::proof::leaf::canonical;
use crate::proof::merkle::{Hash, sha256};
use crate::proof::tree::Tree;
use crate::store::Store;
use crate::store::conn::{Conn, DatabaseUrl};
use crate::store::error::StoreError;
use crate::store::request::{self, Request};
use crate::store::tx::{Record, Stamp, Tx};
use clock::Clock;
use secrets::Secrets;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Contents up to this size are kept beside their hash, so that a conflict can name the field that differs.
const KEPT_CONTENT: usize = 4096;

/// An open book: its database, its clock, and where the key of its secrets is.
#[derive(Clone)]
pub struct Book {
    /// The database.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// The tree over the log as far as it was read, for proofs.
    tree: Arc<Mutex<Tree>>,
    /// What seals the secrets that persons log in with.
    pub secrets: Secrets,
}

/// Who calls, under which idempotency key.
#[derive(Debug, Clone)]
pub struct Call {
    /// `person:LOGIN`, `cli:NAME`, `key:NAME` or `job:NAME`.
    pub actor: String,
    /// Idempotency key, unique per actor.
    pub key: String,
    /// Decide and answer, but record nothing.
    pub dry_run: bool,
    /// The natural person who acts, or answers for the key that does; none for jobs and at the database's own machine.
    pub by: Option<By>,
}

/// The person behind a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub person: PersonId,
    /// True for somebody who has just shown the second factor again; approving needs it.
    pub stepped_up: bool,
    /// Why this cannot wait for all its approvals; they are asked for afterwards.
    pub emergency: Option<String>,
}

impl Call {
    /// A call under a fresh key, for people at a terminal and for jobs that cannot be repeated by accident.
    pub fn fresh(actor: impl Into<String>) -> Self {
        Self { actor: actor.into(), key: clock::fresh_id(), dry_run: false, by: None }
    }

    /// A call under a given key.
    pub fn keyed(actor: impl Into<String>, key: impl Into<String>) -> Self {
        Self { actor: actor.into(), key: key.into(), dry_run: false, by: None }
    }

    /// The same call by a person.
    #[must_use]
    pub fn by(mut self, person: PersonId, stepped_up: bool) -> Self {
        self.by = Some(By { person, stepped_up, emergency: None });
        self
    }

    /// True for a call of a program with a key.
    pub(crate) fn is_by_key(&self) -> bool {
        self.actor.starts_with("key:")
    }

    /// The same call as a dry run.
    #[must_use]
    pub fn dry(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }
}

/// What a use case answers when it succeeds.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status, as HTTP has it: 200, 201 or 202.
    pub status: u16,
    /// Body.
    pub body: Value,
}

impl Answer {
    /// Something new was recorded.
    pub const fn created(body: Value) -> Self {
        Self { status: 201, body }
    }
    /// Kept until others have approved it.
    pub const fn accepted(body: Value) -> Self {
        Self { status: 202, body }
    }
    /// Nothing new was needed.
    pub const fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }
}

/// What the caller gets: the answer's bytes, the same ones for every repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// JSON text.
    pub body: String,
    /// True when this is the kept answer of an earlier call.
    pub replayed: bool,
}

impl Reply {
    /// The body as a value; an answer this product made is always JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
    /// True for 2xx.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// This reply if it is a success, else the refusal that was kept under the key.
    pub fn success(self) -> Result<Self, Rejection> {
        if self.is_success() { Ok(self) } else { Err(self.rejection()) }
    }

    fn rejection(&self) -> Rejection {
        let body = self.json();
        let code = body.get("code").and_then(Value::as_str).and_then(OutcomeCode::from_slug).unwrap_or(OutcomeCode::Internal);
        let text = |problem: &Value, name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let problems = body.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let problem = |p: &Value| Problem { pointer: text(p, "pointer"), detail: text(p, "detail"), value: text(p, "value") };
        Rejection { code, problems: problems.iter().map(problem).collect() }
    }
}

impl Book {
    /// Opens the book at `url`.
    pub fn open(url: &DatabaseUrl, clock: Clock) -> Result<Self, StoreError> {
        Ok(Self { store: Store::open(url)?, clock, tree: Arc::default(), secrets: Secrets::beside(url) })
    }

    /// The same book with its key of secrets elsewhere.
    #[must_use]
    pub fn with_secrets(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    /// Runs one command: answers a known key with its kept answer, else decides, records and keeps the answer, all in one
    /// transaction. `content` is the canonical content that the key stands for.
    ///
    /// A refusal that depends on the state of the book is kept under the key and comes back as an `Ok` reply with its status;
    /// [`Reply::success`] turns it into the rejection again.
    ///
    /// # Errors
    /// A refusal that does not depend on the book's state, or the database's failure; then nothing was recorded.
    pub fn command<F>(&self, call: &Call, content: &Value, mut decide: F) -> Result<Reply, StoreError>
    where
        F: FnMut(&mut Tx<'_>) -> Result<Answer, StoreError> + Send + 'static,
    {
        let store = self.store.clone();
        self.command_in_any_mode(call, content, move |tx| {
            mode::require_open(&store, tx.conn)?;
            decide(tx)
        })
    }

    /// The same in a book that is read-only by hand: for the command that makes it writable again.
    fn command_in_any_mode<F>(&self, call: &Call, content: &Value, mut decide: F) -> Result<Reply, StoreError>
    where
        F: FnMut(&mut Tx<'_>) -> Result<Answer, StoreError> + Send + 'static,
    {
        check_key(&call.key)?;
        let content = canonical(content);
        let (call, clock) = (call.clone(), self.clock.clone());
        self.store.write(move |conn| {
            let key = KeyedContent::of_text(&call, &content);
            if let Some(reply) = key.kept_answer(conn)? {
                return Ok(reply);
            }
            let stamp = Stamp { at: clock.now(), actor: call.actor.clone(), request: call.key.clone() };
            let mut tx = Tx::begin(conn, stamp.clone())?;
            match decide(&mut tx) {
                Ok(answer) => key.record(tx, answer),
                Err(StoreError::Rejected(rejection)) if !call.dry_run && depends_on_state(&rejection) => {
                    key.record_refusal(conn, stamp, &rejection)
                }
                Err(error) => Err(error),
            }
        })
    }

    /// Reads in one state of the book.
    pub fn read<T>(&self, body: impl FnOnce(&mut Conn) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.store.read(body)
    }
}

/// Refusals that another state of the book would not give; those of form are not worth a record.
fn depends_on_state(rejection: &Rejection) -> bool {
    (1300..1600).contains(&rejection.code.number()) && rejection.code != OutcomeCode::BookMissing
}

fn check_key(key: &str) -> Result<(), StoreError> {
    let ok = (1..=128).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if ok {
        return Ok(());
    }
    Err(Rejection::new(
        OutcomeCode::IdempotencyKeyInvalid,
        "Idempotency-Key",
        key,
        "use 1 to 128 visible ASCII characters without spaces, for example a UUID",
    )
    .into())
}

struct KeyedContent<'a> {
    call: &'a Call,
    hash: Hash,
    /// The content itself where it is small.
    text: Option<&'a str>,
}

impl<'a> KeyedContent<'a> {
    fn of_text(call: &'a Call, content: &'a str) -> Self {
        Self { call, hash: sha256(content.as_bytes()), text: (content.len() <= KEPT_CONTENT).then_some(content) }
    }

    fn kept_answer(&self, conn: &mut Conn) -> Result<Option<Reply>, StoreError> {
        let Some(kept) = request::find(conn, &self.call.actor, &self.call.key)? else { return Ok(None) };
        if kept.content_hash == self.hash {
            let status = u16::try_from(kept.status).unwrap_or(500);
            return Ok(Some(Reply { status, body: kept.response, replayed: true }));
        }
        let field = kept.content.as_deref().zip(self.text).and_then(|(before, now)| first_difference(before, now));
        let pointer = field.clone().unwrap_or_default();
        let what = field.map_or_else(|| "its content".to_owned(), |f| format!("the field {f}"));
        Err(Rejection::new(
            OutcomeCode::IdempotencyConflict,
            pointer,
            &self.call.key,
            format!("this key was used before and {what} differs; use a new key for a new command"),
        )
        .into())
    }

    fn row(&self, at: jiff::Timestamp, status: u16, body: &str) -> Request {
        Request {
            actor: self.call.actor.clone(),
            key: self.call.key.clone(),
            content_hash: self.hash.to_vec(),
            content: self.text.map(str::to_owned),
            status: i32::from(status),
            response: body.to_owned(),
            recorded_at: at.as_microsecond(),
        }
    }

    fn record(&self, mut tx: Tx<'_>, answer: Answer) -> Result<Reply, StoreError> {
        let reply = Reply { status: answer.status, body: answer.body.to_string(), replayed: false };
        if !self.call.dry_run {
            tx.keep(self.row(tx.stamp.at, reply.status, &reply.body));
            tx.commit()?;
        }
        Ok(reply)
    }

    fn record_refusal(&self, conn: &mut Conn, stamp: Stamp, rejection: &Rejection) -> Result<Reply, StoreError> {
        let body = problem(rejection).to_string();
        let row = self.row(stamp.at, rejection.code.status(), &body);
        let mut tx = Tx::begin(conn, stamp)?;
        tx.record(Refusal { code: rejection.code, content: hex::encode(&row.content_hash) });
        tx.keep(row);
        tx.commit()?;
        Ok(Reply { status: rejection.code.status(), body, replayed: false })
    }
}

/// A refused command in the log: what was refused and why, not its content.
struct Refusal {
    code: OutcomeCode,
    content: String,
}

impl Record for Refusal {
    fn kind(&self) -> &'static str {
        "refusal"
    }
    fn body(&self) -> Value {
        json!({"code": self.code.slug(), "content_sha256": self.content})
    }
    fn insert(&self, _: &mut Conn, _: i64, _: &Stamp) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A rejection as `application/problem+json` (RFC 9457).
pub fn problem(rejection: &Rejection) -> Value {
    let code = rejection.code;
    json!({
        "type": format!("/problems/{}", code.slug()),
        "title": code.title(),
        "status": code.status(),
        "code": code.slug(),
        "number": code.number(),
        "detail": rejection.problems.first().map_or_else(|| code.title().to_owned(), |p| p.detail.clone()),
        "errors": rejection.problems,
    })
}

/// The JSON pointer of the first member in which two contents differ.
fn first_difference(before: &str, now: &str) -> Option<String> {
    fn walk(before: &Value, now: &Value, at: &str) -> Option<String> {
        match (before, now) {
            (Value::Object(a), Value::Object(b)) => a.keys().chain(b.keys()).find_map(|k| match (a.get(k), b.get(k)) {
                (Some(x), Some(y)) => walk(x, y, &format!("{at}/{k}")),
                _ => Some(format!("{at}/{k}")),
            }),
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                a.iter().zip(b).enumerate().find_map(|(i, (x, y))| walk(x, y, &format!("{at}/{i}")))
            }
            _ => (before != now).then(|| at.to_owned()),
        }
    }
    walk(&serde_json::from_str(before).ok()?, &serde_json::from_str(now).ok()?, "")
}
