//! Commands that were refused for their form or for want of a right. The book keeps none of these under their key, because they say
//! nothing of its state; an auditor wants them all the same.
//!
//! Whoever is refused must not be able to fill the log by it, nor slow down those who post. So only callers who are known (a person in a
//! session, a good key) are kept; a refusal is noted in memory where the answer is made, and a thread of its own writes what was noted
//! as one fact a caller. The first refusal of a caller is written within a second, and each next fact of the same caller waits twice as
//! long as the one before, up to [`LONGEST_WAIT`]; after that long without a refusal it is quick again. Refusals that are alike are
//! folded and counted, at most [`MAX_MET`] kinds a fact. A caller who is refused without end so makes about 150 facts a day. What was noted
//! and not yet written is lost if the process is killed, and only then.

use crate::service::Book;
use crate::service::clock::fresh_id;
use crate::store::error::StoreError;
use crate::store::tx::{Stamp, Tx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Kind of the facts; the subject is the actor.
pub const REFUSED: &str = "audit.refused";
/// Who writes them.
const WRITER: &str = "job:audit";
/// Kinds of refusal that one fact tells apart; more are only counted.
pub const MAX_MET: usize = 20;
/// Callers that are noted at a time; each is a person or a key that somebody made.
const MAX_CALLERS: usize = 1_000;
/// Characters of the reason that are kept.
const MAX_DETAIL: usize = 200;
/// Time until the first refusal of a caller is written.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest time between two facts about one caller, and the time after which a caller is forgotten.
pub const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// A refusal as it happens.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Who was refused, as the log names callers.
    pub actor: String,
    /// Short name of the session; empty for keys.
    pub session: String,
    /// What was asked: method and address.
    pub what: String,
    /// The outcome's word.
    pub code: String,
    /// Why, and how to mend it.
    pub detail: String,
    /// Id of the request.
    pub request_id: String,
}

/// Refusals that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    /// What was asked.
    pub what: String,
    /// The outcome's word.
    pub code: String,
    /// Why the first was refused.
    pub detail: String,
    /// Id of the first request.
    pub request_id: String,
    /// Session of the first; empty for keys.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// When the first was.
    pub first: Timestamp,
    /// When the last was.
    pub last: Timestamp,
    /// How many there were.
    pub count: u64,
}

/// What one fact says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Refusals in the order in which they were first met.
    pub refused: Vec<Met>,
    /// Refusals of further kinds, counted only.
    pub more: u64,
}

/// What is noted of one caller.
#[derive(Debug)]
struct Caller {
    body: Body,
    /// When it may be written.
    due: Instant,
    wait: Duration,
}

type Callers = BTreeMap<String, Caller>;

/// Takes refusals and writes them behind everybody's back. Dropping it writes the rest.
#[derive(Debug)]
pub struct Refusals {
    callers: Arc<Mutex<Callers>>,
    /// Held from taking what was noted until it is written, so that a flush ends after what was taken before it.
    writing: Arc<Mutex<()>>,
    stop: Option<mpsc::Sender<()>>,
    writer: Option<std::thread::JoinHandle<()>>,
}

fn locked(callers: &Mutex<Callers>) -> MutexGuard<'_, Callers> {
    callers.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Refusals {
    /// Starts the writer.
    ///
    /// # Errors
    /// `Unavailable` if no thread can be started.
    pub fn start(book: &Book) -> Result<Self, StoreError> {
        let callers = Arc::new(Mutex::new(Callers::new()));
        let (stop, stopped) = mpsc::channel();
        let writing = Arc::new(Mutex::new(()));
        let (book, shared, turn) = (book.clone(), Arc::clone(&callers), Arc::clone(&writing));
        let writer = std::thread::Builder::new()
            .name("safu-refusals".to_owned())
            .spawn(move || serve(&book, &shared, &turn, &stopped))
            .map_err(|e| StoreError::Unavailable(format!("cannot start the writer of refusals: {e}")))?;
        Ok(Self { callers, writing, stop: Some(stop), writer: Some(writer) })
    }

    /// Notes a refusal at a moment. Costs a lock and a few bytes; never waits for the database.
    pub fn note(&self, at: Timestamp, refused: Refused) {
        note(&mut locked(&self.callers), at, Instant::now(), refused);
    }
}

impl Refusals {
    /// Writes everything that was noted, now: for a server that ends.
    ///
    /// # Errors
    /// The database's failure; what was noted is lost then.
    pub fn flush(&self, book: &Book) -> Result<(), StoreError> {
        write_due(book, &self.callers, &self.writing, true)
    }
}

impl Drop for Refusals {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has said so in the log.
            let _ = writer.join();
        }
    }
}

fn note(callers: &mut Callers, at: Timestamp, now: Instant, refused: Refused) {
    if !callers.contains_key(&refused.actor) && callers.len() >= MAX_CALLERS {
        return;
    }
    let fresh = || Caller { body: Body::default(), due: now.checked_add(FIRST_WAIT).unwrap_or(now), wait: FIRST_WAIT };
    let caller = callers.entry(refused.actor.clone()).or_insert_with(fresh);
    let same = |met: &&mut Met| met.what == refused.what && met.code == refused.code;
    if let Some(met) = caller.body.refused.iter_mut().find(same) {
        met.count = met.count.saturating_add(1);
        met.last = at;
    } else if caller.body.refused.len() < MAX_MET {
        let detail = refused.detail.chars().take(MAX_DETAIL).collect();
        let Refused { session, what, code, request_id, .. } = refused;
        caller.body.refused.push(Met { what, code, detail, request_id, session, first: at, last: at, count: 1 });
    } else {
        caller.body.more = caller.body.more.saturating_add(1);
    }
}

/// Takes what may be written now, makes its callers wait longer, and forgets those who were quiet.
fn take_due(callers: &mut Callers, now: Instant, all: bool) -> Vec<(String, Body)> {
    let mut due = Vec::new();
    callers.retain(|actor, caller| {
        if caller.body.refused.is_empty() {
            // Its wait has run out and nothing came: the next refusal is a first one again.
            return now < caller.due.checked_add(LONGEST_WAIT).unwrap_or(now);
        }
        if all || caller.due <= now {
            due.push((actor.clone(), std::mem::take(&mut caller.body)));
            caller.wait = caller.wait.saturating_mul(2).min(LONGEST_WAIT);
            caller.due = now.checked_add(caller.wait).unwrap_or(now);
        }
        true
    });
    due
}

/// Writes what is due, or everything.
fn write_due(book: &Book, callers: &Mutex<Callers>, writing: &Mutex<()>, all: bool) -> Result<(), StoreError> {
    let _turn = writing.lock().unwrap_or_else(PoisonError::into_inner);
    let due = take_due(&mut locked(callers), Instant::now(), all);
    if due.is_empty() { Ok(()) } else { write(book, due) }
}

fn serve(book: &Book, callers: &Mutex<Callers>, writing: &Mutex<()>, stopped: &mpsc::Receiver<()>) {
    loop {
        let last = !matches!(stopped.recv_timeout(FIRST_WAIT), Err(RecvTimeoutError::Timeout));
        if let Err(error) = write_due(book, callers, writing, last) {
            tracing::error!(%error, "refusals could not be recorded");
        }
        if last {
            return;
        }
    }
}

fn write(book: &Book, due: Vec<(String, Body)>) -> Result<(), StoreError> {
    let clock = book.clock.clone();
    book.store.write(move |conn| {
        let stamp = Stamp { at: clock.now(), actor: WRITER.to_owned(), request: fresh_id() };
        let mut tx = Tx::begin(conn, stamp)?;
        let today = tx.today();
        for (actor, body) in &due {
            tx.add_fact(REFUSED, actor, today, body);
        }
        tx.commit()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(actor: &str, what: &str) -> Refused {
        let [session, code, detail, request_id] = ["", "forbidden", "no", "r"].map(str::to_owned);
        Refused { actor: actor.to_owned(), session, what: what.to_owned(), code, detail, request_id }
    }

    fn at() -> Timestamp {
        "2019-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn refusals_without_end_make_few_facts_and_small_ones() {
        let (mut callers, start) = (Callers::new(), Instant::now());
        let (mut facts, mut counted) = (0, 0);
        for second in 0..86_400_u64 {
            let now = start + Duration::from_secs(second);
            for kind in 0..30 {
                note(&mut callers, at(), now, refused("key:evil", &format!("POST /{kind}")));
            }
            for (_, body) in take_due(&mut callers, now, false) {
                facts += 1;
                assert!(body.refused.len() <= MAX_MET);
                counted += body.refused.iter().map(|met| met.count).sum::<u64>() + body.more;
            }
        }
        counted += take_due(&mut callers, start, true)
            .iter()
            .map(|(_, b)| b.more + b.refused.iter().map(|m| m.count).sum::<u64>())
            .sum::<u64>();
        assert!((100..200).contains(&facts), "{facts} facts a day");
        assert_eq!(counted, 86_400 * 30, "none is lost from the count");
    }

    #[test]
    fn a_caller_who_was_quiet_is_written_at_once_again() {
        let (mut callers, start) = (Callers::new(), Instant::now());
        for round in 0..12_u64 {
            note(&mut callers, at(), start, refused("key:a", "POST /"));
            let now = start + Duration::from_secs(round * 700);
            take_due(&mut callers, now, false);
        }
        let later = start + Duration::from_secs(12 * 700);
        take_due(&mut callers, later + LONGEST_WAIT * 3, true);
        assert!(take_due(&mut callers, later + LONGEST_WAIT * 9, false).is_empty() && callers.is_empty());
        note(&mut callers, at(), later, refused("key:a", "POST /"));
        assert_eq!(take_due(&mut callers, later + FIRST_WAIT, false).len(), 1);
    }

    #[test]
    fn callers_in_memory_are_bounded() {
        let mut callers = Callers::new();
        for no in 0..2 * MAX_CALLERS {
            note(&mut callers, at(), Instant::now(), refused(&format!("key:{no}"), "POST /"));
        }
        assert_eq!(callers.len(), MAX_CALLERS);
    }
}
