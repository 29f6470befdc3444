//! Whether the book takes commands: by hand it is made read-only and writable again, which is recorded like everything else; by itself it
//! is read-only while its database cannot be written. Logins go on, so that somebody can switch back.

use super::command::Command;
use super::{Answer, Book, Call, Reply};
use crate::domain::approval::Risk;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::report::format;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::tx::{Tx, format_instant};
use crate::store::{Store, fact};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use utoipa::ToSchema;

/// Kind of the facts that switch, and of the command.
pub const MODE: &str = "book.mode";
/// Longest reason.
const LONGEST_REASON: usize = 500;
/// Time between two looks of a watch.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Makes the book read-only, or writable again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMode {
    /// True for read-only.
    pub read_only: bool,
    /// Why; shown above every page while it lasts.
    pub reason: String,
}

/// What is recorded of a switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// True for read-only.
    pub read_only: bool,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When, UTC.
    pub at: String,
}

impl Switch {
    /// When, as people read it.
    pub fn since(&self) -> String {
        self.at.parse().map_or_else(|_| self.at.clone(), format::instant)
    }
}

/// Whether the book takes commands, and why not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    #[default]
    Open,
    /// This process was started read-only.
    Started,
    /// Somebody switched.
    Switched(Switch),
    /// Its database cannot be written; the text says why.
    Lost(String),
}

impl Mode {
    /// The mode at this moment. A database that cannot be written comes first, because nothing can be recorded whatever people say.
    ///
    /// # Errors
    /// When the book cannot be read.
    pub fn of(book: &Book) -> Result<Self, StoreError> {
        if let Some(why) = book.store.why_lost() {
            return Ok(Self::Lost(why));
        }
        if book.store.is_held() {
            return Ok(Self::Started);
        }
        let last = book.read(last)?;
        Ok(last.filter(|switch| switch.read_only).map_or(Self::Open, Self::Switched))
    }

    /// The word of machines: `open`, or how it became read-only.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Started => "started-read-only",
            Self::Switched(_) => "switched-read-only",
            Self::Lost(_) => "not-writable",
        }
    }

    /// What people are told above every page; nothing while commands are taken.
    pub fn banner(&self) -> Option<String> {
        match self {
            Self::Open => None,
            Self::Started => Some("Read-only: this server was started so. Nothing is recorded but logins.".to_owned()),
            Self::Switched(switch @ Switch { reason, by, .. }) => {
                let since = switch.since();
                Some(format!("Read-only since {since}, switched by {by}: {reason}. Nothing is recorded but logins."))
            }
            Self::Lost(_) => Some(
                "Read-only: the database cannot be written at present, so nothing is recorded. It is tried every second; writing \
                 goes on by itself once the cause is gone."
                    .to_owned(),
            ),
        }
    }
}

/// The last switch, whichever way.
fn last(conn: &mut Conn) -> Result<Option<Switch>, StoreError> {
    fact::last_of_kind(conn, MODE)?.map(|row| row.parse()).transpose()
}

/// Refuses a command while the book is read-only by hand. One that is lost refuses by itself.
pub(super) fn require_open(store: &Store, conn: &mut Conn) -> Result<(), StoreError> {
    if store.is_held() {
        return Err(refusal("this server was started read-only; give the command to one that is not").into());
    }
    match last(conn)?.filter(|switch| switch.read_only) {
        None => Ok(()),
        Some(switch) => {
            let (since, Switch { reason, by, .. }) = (switch.since(), switch);
            let detail = format!(
                "the book is read-only since {since}, switched by {by}: {reason}; an administrator makes it writable again"
            );
            Err(refusal(&detail).into())
        }
    }
}

/// What a command hears while nothing may be recorded.
pub(super) fn refusal(detail: &str) -> Rejection {
    Rejection::new(OutcomeCode::ReadOnly, "", "", format!("nothing was recorded: {detail}"))
}

impl Book {
    /// Makes the book read-only, or writable again. Taking commands away never waits for approval, and giving them back neither:
    /// what they need is asked for anew by each.
    ///
    /// # Errors
    /// `InvalidField` without a reason, `WrongState` where it is so already, `Forbidden` for persons who are no administrators.
    pub fn set_mode(&self, call: &Call, set: SetMode) -> Result<Reply, StoreError> {
        self.give(call, set)
    }
}

impl Command for SetMode {
    const KIND: &'static str = MODE;
    const TITLE: &'static str = "Make the book read-only, or writable again";
    const GIVERS: &'static [Role] = &[Role::Administrator];

    fn risk(&self) -> Risk {
        Risk::Free
    }

    fn check(&self) -> Result<(), Rejection> {
        if self.reason.trim().is_empty() || self.reason.chars().count() > LONGEST_REASON {
            return Err(Rejection::invalid("/reason", &self.reason, format!("say why, in 1 to {LONGEST_REASON} characters")));
        }
        Ok(())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        if last(tx.conn)?.is_some_and(|switch| switch.read_only) == self.read_only {
            let is = if self.read_only { "read-only" } else { "writable" };
            return Err(Rejection::new(OutcomeCode::WrongState, "/read_only", is, format!("the book is {is} already")).into());
        }
        let switch = Switch {
            read_only: self.read_only,
            reason: self.reason.trim().to_owned(),
            by: tx.stamp.actor.clone(),
            at: format_instant(tx.stamp.at),
        };
        let on = tx.today();
        let fact = tx.add_fact(MODE, "", on, &switch);
        Ok(Answer::created(json!({"fact": fact, "read_only": self.read_only, "reason": switch.reason})))
    }
}

/// Looks every second whether the book takes commands, for those who show it; other processes may have switched.
pub struct Watch {
    seen: Arc<RwLock<Mode>>,
    /// Dropped to end the thread.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Looks once, and starts to look.
    ///
    /// # Errors
    /// When the book cannot be read, or there is no thread to be had.
    pub fn start(book: &Book) -> Result<Self, StoreError> {
        let seen = Arc::new(RwLock::new(Mode::of(book)?));
        let (stop, stopped) = mpsc::channel();
        let (book, shown) = (book.clone(), Arc::clone(&seen));
        let thread = std::thread::Builder::new().name("safu-watch".to_owned()).spawn(move || {
            let mut unread = false;
            while stopped.recv_timeout(LOOK_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                unread = look(&book, &shown, unread);
            }
        });
        let thread = thread.map_err(|error| StoreError::Unavailable(format!("cannot start to watch the book: {error}")))?;
        Ok(Self { seen, stop: Some(stop), thread: Some(thread) })
    }

    /// What was seen last.
    pub fn mode(&self) -> Mode {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at once.
    pub fn look(&self, book: &Book) {
        look(book, &self.seen, false);
    }
}

/// True when the book could not be read. Twice in a row means that its database is gone: then it is not written either.
fn look(book: &Book, shown: &RwLock<Mode>, unread: bool) -> bool {
    let found = match Mode::of(book) {
        Ok(found) => found,
        Err(StoreError::Unavailable(why)) if unread => {
            book.store.lose(&why);
            Mode::Lost(why)
        }
        Err(error) => {
            tracing::warn!(%error, "whether the book takes commands cannot be read");
            return true;
        }
    };
    let mut shown = shown.write().unwrap_or_else(PoisonError::into_inner);
    if *shown != found {
        tracing::warn!(before = shown.word(), mode = found.word(), "the mode of the book has changed");
        *shown = found;
    }
    false
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to say; a panic in it has been said already.
            let _ = thread.join();
        }
    }
}
