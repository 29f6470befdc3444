//! Is the place where a book lies fit for it? Quick checks for before and beside running it; whether the book itself is what its
//! log says is the work of [`super::verify`].

use super::clock::Clock;
use crate::report::doc::{Cell, Column, Doc, Row, Table, Tone};
use crate::report::format;
use crate::store::conn::{Conn, DatabaseUrl};
use crate::store::error::StoreError;
use crate::store::health::{self, Ends};
use crate::store::log::Head;
use crate::store::{migrate, reference};
use jiff::{SignedDuration, Timestamp};

/// Below this a write may fail at any moment.
const LEAST_FREE: u64 = 64 << 20;
/// Below this somebody should look.
const LITTLE_FREE: u64 = 1 << 30;
/// How far the clocks of this machine and of the database's server may be apart.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(5);

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Good,
    /// It works, but somebody should look.
    Warning,
    /// It must be mended.
    Bad,
    /// It cannot be told here.
    Unknown,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Stable name.
    pub name: String,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found, and the mend where there is something to mend.
    pub found: String,
}

/// All checks of one database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// In the order in which they were made; later ones are left out where an earlier one makes them pointless.
    pub checks: Vec<Check>,
}

/// Examines the database of a book.
pub fn examine(url: &DatabaseUrl, clock: &Clock) -> Findings {
    let mut findings = Findings::default();
    match reach(url) {
        Ok((mut conn, found)) => {
            findings.note("database", Outcome::Good, found);
            let examined = findings.inside(&mut conn, url, clock.now());
            findings.absorb("database", examined);
        }
        Err(error) => findings.note("database", Outcome::Bad, error.to_string()),
    }
    findings
}

fn reach(url: &DatabaseUrl) -> Result<(Conn, String), StoreError> {
    if url.path().is_some_and(|path| !path.exists()) {
        let detail = format!("{}: there is no such file; make a book with `safu init`", url.display());
        return Err(StoreError::Unavailable(detail));
    }
    let mut conn = url.connect()?;
    let found = format!("{} at {}", health::version(&mut conn)?, url.display());
    Ok((conn, found))
}

impl Findings {
    /// How many must be mended.
    pub fn bad(&self) -> usize {
        self.checks.iter().filter(|check| check.outcome == Outcome::Bad).count()
    }

    fn note(&mut self, name: &str, outcome: Outcome, found: impl Into<String>) {
        self.checks.push(Check { name: name.to_owned(), outcome, found: found.into() });
    }

    fn absorb(&mut self, name: &str, result: Result<(), StoreError>) {
        if let Err(error) = result {
            self.note(name, Outcome::Bad, error.to_string());
        }
    }

    fn inside(&mut self, conn: &mut Conn, url: &DatabaseUrl, now: Timestamp) -> Result<(), StoreError> {
        if !migrate::is_current(conn)? {
            self.note("schema", Outcome::Bad, "is not of this version; run `safu migrate` after a backup");
            return Ok(());
        }
        self.note("schema", Outcome::Good, "is of this version");
        let Some(book) = reference::book_row(conn)? else {
            self.note("book", Outcome::Bad, "the database holds none; make one with `safu init`");
            return Ok(());
        };
        self.note("book", Outcome::Good, book.name);
        let writable = health::try_write(conn);
        match writable {
            Ok(()) => self.note("writable", Outcome::Good, "a write can begin"),
            Err(error) => self.note("writable", Outcome::Bad, error.to_string()),
        }
        for setting in health::settings(conn)? {
            let good = setting.wanted.contains(&setting.found.as_str());
            let wanted = if good { String::new() } else { format!("; it must be {}", setting.wanted.join(" or ")) };
            self.note(setting.name, if good { Outcome::Good } else { Outcome::Bad }, format!("{}{wanted}", setting.found));
        }
        self.triggers(health::missing_triggers(conn)?);
        let ends = health::ends(conn)?;
        let head = Head::load(conn).map(|head| head_matches(&head, &ends));
        match head {
            Ok(Ok(found)) => self.note("head", Outcome::Good, found),
            Ok(Err(found)) => self.note("head", Outcome::Bad, found),
            Err(error) => self.note("head", Outcome::Bad, format!("{error}; run `safu verify`")),
        }
        self.clock(now, ends.recorded_at, health::server_clock(conn)?);
        let (outcome, found) = space(u64::try_from(health::size(conn)?).unwrap_or_default(), health::free_space(url));
        self.note("disk", outcome, found);
        Ok(())
    }

    fn triggers(&mut self, (missing, all): (Vec<&str>, usize)) {
        let (outcome, found) = match missing.as_slice() {
            [] => (Outcome::Good, format!("all {all} are there")),
            none if none.len() == all => {
                (Outcome::Warning, "there are none; `safu migrate` adds them where the engine has triggers".to_owned())
            }
            [first, ..] => {
                (Outcome::Bad, format!("{} of {all} are missing, the first is {first}; somebody removed them", missing.len()))
            }
        };
        self.note("triggers", outcome, found);
    }

    fn clock(&mut self, now: Timestamp, recorded_at: Option<i64>, server: Option<i64>) {
        let last = recorded_at.and_then(|at| Timestamp::from_microsecond(at).ok());
        let (outcome, found) = match last {
            Some(last) if last > now => {
                let ahead = format::span(last.duration_since(now));
                (Outcome::Bad, format!("{now} is {ahead} before the last entry was recorded; set the clock"))
            }
            _ => (Outcome::Good, format::instant(now)),
        };
        self.note("clock", outcome, found);
        let Some(server) = server.and_then(|at| Timestamp::from_microsecond(at).ok()) else { return };
        let apart = now.duration_since(server).abs();
        let words = format!("{} from this machine's", format::span(apart));
        self.note("server clock", if apart > CLOCK_TOLERANCE { Outcome::Warning } else { Outcome::Good }, words);
    }

    /// The checks as a table.
    pub fn doc(&self) -> Doc {
        let row = |check: &Check| {
            let (word, tone) = match check.outcome {
                Outcome::Good => ("good", Tone::Good),
                Outcome::Warning => ("look", Tone::Warn),
                Outcome::Bad => ("bad", Tone::Bad),
                Outcome::Unknown => ("unknown", Tone::Neutral),
            };
            Row::body(vec![Cell::text(&check.name), Cell::state(word, tone), Cell::text(&check.found)])
        };
        let columns = vec![Column::text("check", "Check"), Column::text("state", "State"), Column::text("found", "Found")];
        let bad = i64::try_from(self.bad()).unwrap_or(i64::MAX);
        let finding = match bad {
            0 => "Nothing needs to be mended.".to_owned(),
            _ => format!("{} must be mended.", format::how_many(bad, "thing", "things")),
        };
        Doc {
            name: "doctor".to_owned(),
            title: "Doctor".to_owned(),
            finding: Some(finding),
            tables: vec![Table::new("checks", "Checks", columns, self.checks.iter().map(row).collect(), "")],
            notes: vec!["Whether the book is what its log says is for `safu verify`.".to_owned()],
            ..Doc::default()
        }
    }
}

/// The head speaks of as many leaves and entries as there are.
fn head_matches(head: &Head, ends: &Ends) -> Result<String, String> {
    let size = i64::try_from(head.log.size()).unwrap_or(i64::MAX);
    let (last_leaf, last_entry) = (size.checked_sub(1).filter(|last| *last >= 0), ends.last_entry.unwrap_or(0));
    if ends.leaves != size || ends.last_leaf != last_leaf {
        return Err(format!("says {size} leaves, the log has {}; run `safu verify`", ends.leaves));
    }
    if head.last_entry != last_entry {
        return Err(format!("says entry {}, the last one is {last_entry}; run `safu verify`", head.last_entry));
    }
    Ok(format!("{size} leaves, {} entries", head.last_entry))
}

/// A backup with `VACUUM INTO` needs as much again as the book takes.
fn space(taken: u64, free: Option<u64>) -> (Outcome, String) {
    let mib = |bytes: u64| format::how_many(i64::try_from(bytes >> 20).unwrap_or(i64::MAX), "MiB", "MiB");
    match free {
        None => (Outcome::Unknown, format!("the book takes {}; what is free is known on the server", mib(taken))),
        Some(free) if free < LEAST_FREE => (Outcome::Bad, format!("{} free; make room before a write fails", mib(free))),
        Some(free) if free < LITTLE_FREE.max(taken) => {
            (Outcome::Warning, format!("{} free beside a book of {}; a backup may not fit", mib(free), mib(taken)))
        }
        Some(free) => (Outcome::Good, format!("{} free beside a book of {}", mib(free), mib(taken))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_space_is_said_before_writes_fail() {
        assert_eq!(space(1 << 20, None).0, Outcome::Unknown);
        assert_eq!(space(1 << 20, Some(LEAST_FREE - 1)).0, Outcome::Bad);
        assert_eq!(space(1 << 20, Some(LITTLE_FREE - 1)).0, Outcome::Warning);
        assert_eq!(space(8 << 30, Some(4 << 30)).0, Outcome::Warning, "a backup does not fit");
        assert_eq!(space(1 << 30, Some(4 << 30)), (Outcome::Good, "4,096 MiB free beside a book of 1,024 MiB".to_owned()));
    }

    #[test]
    fn a_head_that_speaks_of_other_leaves_or_entries_is_found() {
        let ends = Ends::default();
        assert!(head_matches(&Head::default(), &ends).is_ok());
        assert!(head_matches(&Head::default(), &Ends { leaves: 1, last_leaf: Some(0), ..ends }).is_err());
        assert!(head_matches(&Head { last_entry: 2, ..Head::default() }, &Ends { last_entry: Some(3), ..ends }).is_err());
    }

    #[test]
    fn a_clock_before_the_last_entry_and_clocks_apart_are_found() {
        let now: Timestamp = "2019-05-07T17:15:24Z".parse().unwrap();
        let outcomes = |recorded: Option<i64>, server: Option<i64>| {
            let mut findings = Findings::default();
            findings.clock(now, recorded, server);
            findings.checks.into_iter().map(|check| check.outcome).collect::<Vec<_>>()
        };
        let at = now.as_microsecond();
        assert_eq!(outcomes(None, None), [Outcome::Good]);
        assert_eq!(outcomes(Some(at), Some(at + 1_000_000)), [Outcome::Good, Outcome::Good]);
        assert_eq!(outcomes(Some(at + 1), Some(at - 6_000_000)), [Outcome::Bad, Outcome::Warning]);
    }
}
