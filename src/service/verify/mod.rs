//! `safu verify`: replays the log, rebuilds every leaf from the rows it covers, recomputes every balance, lot and sub-ledger
//! and compares. It trusts nothing that is derived and writes nothing.
//!
//! Cost: one pass over leaves, entries and postings, one over the rows of files; memory grows with balances and lots only.

mod claims;
mod contributions;
mod evidence;
mod journal;
mod leaves;
mod reconciliation;
mod reports;
mod seals;
mod stops;

use super::Book;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use serde::Serialize;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// Findings that are listed; more are only counted.
const LISTED: usize = 200;

/// Something stored that differs from what the log says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What differs, for example `balance 1210 BTC` or `entry 12, line 3`.
    pub subject: String,
    /// How it differs.
    pub detail: String,
}

/// What was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Leaves of the log.
    pub leaves: u64,
    /// Entries.
    pub entries: u64,
    /// Postings.
    pub postings: u64,
    /// Running balances.
    pub balances: u64,
    /// Lots.
    pub lots: u64,
    /// Single contributions.
    pub contributions: u64,
    /// Rows of fee reports.
    pub fee_rows: u64,
    /// Claims.
    pub claims: u64,
    /// Payouts.
    pub payouts: u64,
    /// Files of evidence.
    pub evidence: u64,
    /// Observed balances.
    pub observations: u64,
    /// Breaks.
    pub breaks: u64,
}

/// The verdict on a book.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Leaves in the log.
    pub log_size: u64,
    /// Root of the log, hex.
    pub log_root: String,
    /// What was checked.
    pub counts: Counts,
    /// What differs; at most 200 are listed.
    pub findings: Vec<Finding>,
    /// How many findings there are in all.
    pub finding_count: usize,
}

impl Verdict {
    /// True when nothing differs.
    pub const fn is_good(&self) -> bool {
        self.finding_count == 0
    }

    /// Takes over what a part of the work has found.
    fn merge(&mut self, part: Self) {
        self.finding_count = self.finding_count.saturating_add(part.finding_count);
        let room = LISTED.saturating_sub(self.findings.len());
        self.findings.extend(part.findings.into_iter().take(room));
        self.counts.contributions = self.counts.contributions.saturating_add(part.counts.contributions);
    }

    fn add(&mut self, subject: impl Into<String>, detail: impl Into<String>) {
        self.finding_count = self.finding_count.saturating_add(1);
        if self.findings.len() < LISTED {
            self.findings.push(Finding { subject: subject.into(), detail: detail.into() });
        }
    }
}

/// How far a verification is, for those who wait for it. The leaves are counted; the steps after them are named.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicI64,
    of: AtomicI64,
    step: AtomicUsize,
}

/// What is done one after the other.
const STEPS: [&str; 5] =
    ["leaves of the log", "entries and balances", "single contributions", "fee reports", "claims and payouts"];

impl Progress {
    fn begin(&self, step: usize) {
        self.step.store(step, Ordering::Relaxed);
    }

    fn leaf(&self, done: i64, of: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.of.store(i64::try_from(of).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// What is done now.
    pub fn step(&self) -> &'static str {
        STEPS.get(self.step.load(Ordering::Relaxed)).copied().unwrap_or("the end")
    }

    /// Leaves that were looked at, and how many there are.
    pub fn leaves(&self) -> (i64, i64) {
        (self.done.load(Ordering::Relaxed), self.of.load(Ordering::Relaxed))
    }

    /// About how much is done, 0 to 99.
    pub fn percent(&self) -> u64 {
        let share = u64::try_from(STEPS.len()).ok().and_then(|steps| 100_u64.checked_div(steps)).unwrap_or_default();
        let step = u64::try_from(self.step.load(Ordering::Relaxed)).unwrap_or_default();
        let (done, of) = self.leaves();
        let part = if step > 0 {
            0
        } else {
            done.max(0).unsigned_abs().saturating_mul(share).checked_div(of.max(1).unsigned_abs()).unwrap_or(0)
        };
        step.saturating_mul(share).saturating_add(part).min(99)
    }
}

/// Verifies a book in one state of it.
///
/// # Errors
/// Only if the database cannot be read; whatever can be read and is wrong is a finding.
pub fn verify(book: &Book) -> Result<Verdict, StoreError> {
    verify_with(book, &Progress::default())
}

/// The same for somebody who watches.
///
/// # Errors
/// As [`verify`].
pub fn verify_with(book: &Book, progress: &Progress) -> Result<Verdict, StoreError> {
    book.read(|conn| {
        let mut verdict = Verdict::default();
        match walk(conn, progress, &mut verdict) {
            // A row that cannot even be read as what it should be is a finding like any other.
            Err(StoreError::Damaged(detail)) => verdict.add("book", detail),
            other => other?,
        }
        Ok(verdict)
    })
}

fn walk(conn: &mut Conn, progress: &Progress, verdict: &mut Verdict) -> Result<(), StoreError> {
    let log = leaves::check(conn, progress, verdict)?;
    progress.begin(1);
    let replay = journal::replay(conn, &log, verdict)?;
    let stops = stops::check(conn, &replay, verdict)?;
    progress.begin(2);
    contributions::check(conn, &replay, &stops, verdict)?;
    progress.begin(3);
    reports::check(conn, &replay, &stops, verdict)?;
    progress.begin(4);
    claims::check(conn, &replay, verdict)?;
    evidence::check(conn, verdict)?;
    reconciliation::check(conn, verdict)
}

fn count(n: impl TryInto<u64>) -> u64 {
    n.try_into().unwrap_or(u64::MAX)
}
