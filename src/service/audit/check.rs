//! The check of the whole chain on somebody's wish: the replay that `safu verify` does, in the background, with its progress and with its
//! result kept as a fact. It reads one state of the book in a read transaction, so nobody who writes waits for it.

use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::report::doc::{Cell, Column, Doc, Figure, Row, Table, Tone};
use crate::report::{format, link};
use crate::service::verify::{Progress, Verdict, verify_with};
use crate::service::{Answer, Book, Call, Reply};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact::{self, FactRow};
use crate::store::{request, trail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Kind of the facts.
pub const CHECK: &str = "audit.check";
/// Findings that are kept with a result; `safu verify` lists more.
const KEPT_FINDINGS: usize = 20;
/// Results on a page.
const SHOWN: usize = 50;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckDone {
    /// Leaves of the log that was checked.
    pub log_size: String,
    /// Its root, hex, recomputed from the leaves.
    pub log_root: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, milliseconds.
    pub took_ms: u64,
    /// Entries that were replayed.
    pub entries: u64,
    /// How many findings there are.
    pub finding_count: u64,
    /// The first of them.
    pub findings: Vec<String>,
}

impl CheckDone {
    fn new(verdict: &Verdict, started_at: Timestamp, took: std::time::Duration) -> Self {
        let findings = verdict.findings.iter().take(KEPT_FINDINGS);
        Self {
            log_size: verdict.log_size.to_string(),
            log_root: verdict.log_root.clone(),
            started_at,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            entries: verdict.counts.entries,
            finding_count: u64::try_from(verdict.finding_count).unwrap_or(u64::MAX),
            findings: findings.map(|finding| format!("{}: {}", finding.subject, finding.detail)).collect(),
        }
    }

    /// True when nothing differed.
    pub const fn is_good(&self) -> bool {
        self.finding_count == 0
    }
}

/// A check that runs.
#[derive(Debug, Clone)]
pub struct Running {
    /// Who asked for it, and under which key.
    pub actor: String,
    key: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How far it is.
    pub progress: Arc<Progress>,
}

/// The checks of one server: one runs at a time.
#[derive(Debug, Default)]
pub struct Checks {
    running: Mutex<Option<Running>>,
    /// Why the last one left no fact, if it did not.
    failed: Mutex<Option<String>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Checks {
    /// The check that runs now.
    pub fn running(&self) -> Option<Running> {
        locked(&self.running).clone()
    }

    /// Why the last check could not be finished or recorded.
    pub fn failed(&self) -> Option<String> {
        locked(&self.failed).clone()
    }
}

impl Book {
    /// Checks the chain and records what was found.
    ///
    /// # Errors
    /// If the book cannot be read or the result not be recorded.
    pub fn check_chain(&self, call: &Call, progress: &Progress) -> Result<CheckDone, StoreError> {
        let (started_at, watch) = (self.clock.now(), std::time::Instant::now());
        let verdict = verify_with(self, progress)?;
        let done = CheckDone::new(&verdict, started_at, watch.elapsed());
        let recorded = done.clone();
        let asked = json!({"audit.check": {"started_at": started_at}});
        let reply = self.command(call, &asked, move |tx| {
            let today = tx.today();
            tx.add_fact(CHECK, "", today, &recorded);
            Ok(Answer::created(json!(recorded)))
        })?;
        reply.success()?;
        Ok(done)
    }

    /// Begins a check in the background. The same key asks for the same check.
    ///
    /// # Errors
    /// `WrongState` while another one runs; else the database's failure.
    pub fn begin_check(&self, call: &Call, checks: &Arc<Checks>) -> Result<Reply, StoreError> {
        crate::service::check_key(&call.key)?;
        if let Some(kept) = self.read(|conn| request::find(conn, &call.actor, &call.key))? {
            let status = u16::try_from(kept.status).unwrap_or(500);
            return Ok(Reply { status, body: kept.response, replayed: true });
        }
        let begun = |running: &Running| Reply {
            status: 202,
            body: json!({"state": "running", "by": running.actor, "started_at": running.started_at}).to_string(),
            replayed: false,
        };
        let mut slot = locked(&checks.running);
        if let Some(running) = &*slot {
            if (&running.actor, &running.key) == (&call.actor, &call.key) {
                return Ok(begun(running));
            }
            let detail =
                format!("{} has begun one at {}; look at its result", running.actor, format::instant(running.started_at));
            return Err(Rejection::new(OutcomeCode::WrongState, "", "a check runs already", detail).into());
        }
        let running =
            Running { actor: call.actor.clone(), key: call.key.clone(), started_at: self.clock.now(), progress: Arc::default() };
        if call.dry_run {
            return Ok(Reply { status: 200, ..begun(&running) });
        }
        let (book, call, shared, progress) = (self.clone(), call.clone(), Arc::clone(checks), Arc::clone(&running.progress));
        std::thread::Builder::new()
            .name("safu-check".to_owned())
            .spawn(move || {
                let failed = book.check_chain(&call, &progress).err().map(|error| error.to_string());
                *locked(&shared.failed) = failed;
                *locked(&shared.running) = None;
            })
            .map_err(|e| StoreError::Unavailable(format!("cannot start the check: {e}")))?;
        let reply = begun(&running);
        *slot = Some(running);
        Ok(reply)
    }
}

/// A result with where it stands in the log.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its leaf.
    pub leaf: i64,
    /// Result.
    pub done: CheckDone,
}

fn kept(row: &FactRow) -> Result<Kept, StoreError> {
    Ok(Kept { leaf: row.leaf, done: row.parse()? })
}

/// The last result.
pub fn last(conn: &mut Conn) -> Result<Option<Kept>, StoreError> {
    fact::of_kind(conn, CHECK)?.last().map(kept).transpose()
}

/// What the last check found, in one sentence.
pub fn finding(last: Option<&Kept>) -> String {
    match last {
        None => "Nobody has asked for a check of the chain yet.".to_owned(),
        Some(kept) => {
            let at = format::instant(kept.done.started_at);
            let found = if kept.done.is_good() { "everything was as the log says".to_owned() } else { findings(&kept.done) };
            format!("The chain was last checked at {at}: {found}.")
        }
    }
}

fn findings(done: &CheckDone) -> String {
    format::how_many(i64::try_from(done.finding_count).unwrap_or(i64::MAX), "thing differs", "things differ")
}

/// The checks: the one that runs, and the results, latest first.
///
/// # Errors
/// The database's failure.
pub fn doc(conn: &mut Conn, checks: Option<&Checks>) -> Result<Doc, StoreError> {
    let all = fact::of_kind(conn, CHECK)?.iter().rev().take(SHOWN).map(kept).collect::<Result<Vec<_>, _>>()?;
    let mut rows = Vec::new();
    for one in &all {
        let by = trail::find(conn, one.leaf)?.map(|trace| trace.actor).unwrap_or_default();
        rows.push(row(one, &by));
    }
    let columns = vec![
        Column::text("record", "Record"),
        Column::text("started_at", "Began"),
        Column::text("by", "Asked for by"),
        Column::number("took_ms", "Took (ms)"),
        Column::number("log_size", "Log size"),
        Column::text("log_root", "Log root"),
        Column::number("entries", "Entries replayed"),
        Column::text("result", "Result"),
    ];
    let running = checks.and_then(Checks::running);
    let mut notes: Vec<String> = all.first().map(|one| one.done.findings.clone()).unwrap_or_default();
    if let Some(failed) = checks.and_then(Checks::failed) {
        notes.push(format!("The last check could not be finished or recorded: {failed}"));
    }
    notes.push(
        "`safu verify` does the same at the terminal and records nothing; docs/PROOFS.md says what is recomputed.".to_owned(),
    );
    Ok(Doc {
        name: "audit-checks".to_owned(),
        title: "Checks of the chain".to_owned(),
        finding: Some(match &running {
            Some(running) => format!("A check runs, asked for by {}; load this page again to see how far it is.", running.actor),
            None => finding(all.first()),
        }),
        figures: running.iter().flat_map(figures).collect(),
        tables: vec![Table::new("checks", "Results, the latest first", columns, rows, "Nobody has asked for a check yet.")],
        notes,
        ..Doc::default()
    })
}

fn row(one: &Kept, by: &str) -> Row {
    let (done, own) = (&one.done, link::audit(one.leaf));
    let result = if done.is_good() { Cell::state("verified", Tone::Good) } else { Cell::state(findings(done), Tone::Bad) };
    Row::body(vec![
        Cell::text(one.leaf.to_string()).to(&own),
        Cell::time(done.started_at),
        Cell::text(by),
        Cell::count(done.took_ms).to(&own),
        Cell::count(done.log_size.parse::<i64>().unwrap_or_default()).to(&own),
        Cell::code(&done.log_root),
        Cell::count(done.entries).to(&own),
        result,
    ])
}

fn figures(running: &Running) -> Vec<Figure> {
    let figure = |key: &str, label: &str, cell: Cell| Figure {
        key: key.to_owned(),
        label: label.to_owned(),
        cell,
        state: None,
        formula: None,
        parts: None,
        hint: None,
    };
    let (done, of) = running.progress.leaves();
    let hint = format!("{} of {} leaves", format::count(done), format::count(of));
    let step = Figure { hint: Some(hint), ..figure("step", "Now", Cell::text(running.progress.step())) };
    vec![
        figure("progress", "Done", Cell::text(format!("{} %", running.progress.percent()))),
        step,
        figure("began", "Began", Cell::time(running.started_at)),
    ]
}
