//! Requests in front of the writer. The first that comes into an empty queue calls for a turn of the writer; when the turn comes, all
//! that have arrived by then share it. So nothing stands between one commit and the next but the writer itself.

use super::batch::{Batch, Decision, Kept};
use super::events::{Group, Outcome, Request, stopped};
use super::known::Known;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::Book;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use tokio::sync::oneshot;

/// With so many events no further request joins a commit.
const GROUP_EVENTS: usize = 8_000;
/// Requests that share a commit at most; keeps the batch's leaf within its limit unless keys are long and full of escapes.
const GROUP_REQUESTS: usize = 200;
/// Requests that may wait before callers are refused.
const QUEUE_LIMIT: usize = 4_096;

/// A request, parsed and hashed, and who waits for its answer.
struct Pending {
    request: Request,
    reply: oneshot::Sender<Outcome>,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Pending>,
    /// True from the call for a turn until that turn has emptied the queue.
    called: bool,
}

/// The requests that wait for the writer.
pub(super) struct Queue {
    book: Book,
    waiting: Mutex<Waiting>,
    /// Handed on by a write that became durable only: after any other, it is read again.
    kept: Mutex<Option<Kept>>,
    done: mpsc::Sender<Done>,
}

impl Queue {
    /// Starts the thread that hands out answers; it ends with the queue.
    pub(super) fn start(book: &Book) -> Result<Arc<Self>, StoreError> {
        let (done, turns) = mpsc::channel::<Done>();
        std::thread::Builder::new()
            .name("safu-events".to_owned())
            .spawn(move || turns.into_iter().for_each(Done::answer))
            .map_err(|e| StoreError::Unavailable(format!("cannot start the event feed: {e}")))?;
        Ok(Arc::new(Self { book: book.clone(), waiting: Mutex::default(), kept: Mutex::default(), done }))
    }

    /// Puts a request at the end; the answer comes once it is durable.
    pub(super) fn join(self: &Arc<Self>, request: Request) -> Result<oneshot::Receiver<Outcome>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let mut waiting = self.waiting();
        if waiting.requests.len() >= QUEUE_LIMIT {
            let detail = "too many requests wait to be recorded; try again in a second with the same idempotency key";
            return Err(Rejection::new(OutcomeCode::Unavailable, "", "", detail).into());
        }
        waiting.requests.push_back(Pending { request, reply });
        let called = std::mem::replace(&mut waiting.called, true);
        drop(waiting);
        if !called {
            self.call();
        }
        Ok(answer)
    }

    /// Calls for a turn of the writer.
    fn call(self: &Arc<Self>) {
        let turn = Arc::new(Turn { queue: Arc::clone(self), taken: OnceLock::new(), is_over: AtomicBool::new(false) });
        let ran = Arc::clone(&turn);
        self.book.store.start_feed(move |conn| turn.run(conn), move |result| ran.end(result));
    }

    /// What shares the next commit.
    fn take(&self) -> Taken {
        let (mut requests, mut replies, mut events) = (Vec::new(), Vec::new(), 0_usize);
        let mut waiting = self.waiting();
        while requests.len() < GROUP_REQUESTS && events < GROUP_EVENTS {
            let Some(pending) = waiting.requests.pop_front() else { break };
            events = events.saturating_add(pending.request.rows.len());
            requests.push(pending.request);
            replies.push(pending.reply);
        }
        waiting.called = !waiting.requests.is_empty();
        let more = waiting.called;
        drop(waiting);
        Taken { group: Arc::new(Group::new(requests)), replies: Mutex::new(replies), more }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Requests that share a commit, and who waits for them.
struct Taken {
    group: Arc<Group>,
    replies: Mutex<Vec<oneshot::Sender<Outcome>>>,
    /// True if others were left in the queue, so that another turn has to be called for.
    more: bool,
}

/// One turn of the writer. Its requests are taken when it first runs, and the same ones again if it runs once more.
struct Turn {
    queue: Arc<Queue>,
    taken: OnceLock<Taken>,
    is_over: AtomicBool,
}

impl Turn {
    fn taken(&self) -> &Taken {
        self.taken.get_or_init(|| self.queue.take())
    }

    fn run(&self, conn: &mut Conn) -> Result<(Vec<Outcome>, Kept), StoreError> {
        let group = &self.taken().group;
        let before = self.queue.kept().take();
        record(&self.queue.book, conn, group, 0..group.requests.len(), before)
    }

    fn end(&self, result: Result<(Vec<Outcome>, Kept), StoreError>) {
        self.is_over.store(true, Ordering::Release);
        let outcomes = result.map(|(outcomes, kept)| {
            *self.queue.kept() = Some(kept);
            outcomes
        });
        let taken = self.taken();
        let replies = std::mem::take(&mut *taken.replies.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.more {
            self.queue.call();
        }
        let done = Done { book: self.queue.book.clone(), group: Arc::clone(&taken.group), replies, outcomes };
        // One answer costs the writer less than waking somebody for it.
        if done.replies.len() == 1 && done.outcomes.is_ok() {
            return done.answer();
        }
        // Nobody takes it where the process ends; then nobody waits either.
        let _ = self.queue.done.send(done);
    }
}

impl Drop for Turn {
    /// A turn that never came, because the writer has stopped or cannot take more, leaves nobody waiting.
    fn drop(&mut self) {
        if !self.is_over.load(Ordering::Acquire) {
            self.end(Err(stopped()));
        }
    }
}

/// A turn that is over, on its way to those who wait.
struct Done {
    book: Book,
    group: Arc<Group>,
    replies: Vec<oneshot::Sender<Outcome>>,
    outcomes: Result<Vec<Outcome>, StoreError>,
}

impl Done {
    /// Hands out the answers. If the database refused the group as a whole, each request is tried on its own.
    fn answer(self) {
        let requests = self.group.requests.len();
        let outcomes = match self.outcomes {
            Ok(outcomes) => outcomes,
            Err(error) if requests == 1 => vec![Err(error)],
            Err(_) => (0..requests).map(|at| alone(&self.book, &self.group, at)).collect(),
        };
        for (reply, outcome) in self.replies.into_iter().zip(outcomes) {
            // The caller may have gone away; what was committed stays committed.
            let _ = reply.send(outcome);
        }
    }
}

fn alone(book: &Book, group: &Arc<Group>, at: usize) -> Outcome {
    let (of, group) = (book.clone(), Arc::clone(group));
    let (mut outcomes, _) = book.store.write_feed(move |conn| record(&of, conn, &group, at..at.saturating_add(1), None))?;
    outcomes.pop().unwrap_or_else(|| Err(stopped()))
}

/// Decides these requests of a group and writes what comes of them.
fn record(
    book: &Book,
    conn: &mut Conn,
    group: &Group,
    which: Range<usize>,
    before: Option<Kept>,
) -> Result<(Vec<Outcome>, Kept), StoreError> {
    let known = Known::of(conn, group, &which)?;
    let tx = Tx::begin(conn, group.stamp(book.clock.now(), &which))?;
    let mut batch = Batch::begin(&book.store, tx, (group, known), before)?;
    let decided: Vec<Decision> = which.clone().map(|index| batch.decide(index)).collect::<Result<_, _>>()?;
    batch.finish(decided, which.start)
}
