//! The reconciliation of one month: every asset at every wallet with what the book has, what was observed last, and what explains
//! the difference. The close asks it what is still open.

use super::history::{Break, History, Seen, breaks, latest};
use super::{Explanation, OBSERVED, Pair, too_large};
use crate::domain::amount::Quantity;
use crate::domain::ids::EntryNo;
use crate::domain::observation::day_of_observation;
use crate::domain::period::Period;
use crate::proof::leaf::canonical;
use crate::proof::merkle::sha256;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::holding::{self, Held};
use crate::store::{fact, journal};
use jiff::civil::Date;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Why a difference stands as it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Number of the fact.
    pub fact: i64,
    /// Of which kind.
    pub explanation: Explanation,
    /// In words.
    pub text: String,
    /// Entries that it names.
    pub entries: Vec<i64>,
}

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was observed in the month.
    Unobserved,
    /// Units moved after the last observation, within the month.
    MovedSince,
    /// Observed is what the book has.
    Matched,
    /// They differ and nobody has said why.
    Open,
    /// They differ for a reason.
    Explained(Reason),
}

/// One asset at one wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is about.
    pub pair: Pair,
    /// The last observation of the month.
    pub seen: Option<Seen>,
    /// Units in the book at the end of the day of that observation; of the month where there is none.
    pub book: Quantity,
    /// Observed less book.
    pub difference: Option<Quantity>,
    /// Number of the break that the difference belongs to.
    pub number: Option<i64>,
    /// Where it stands.
    pub standing: Standing,
}

impl Line {
    /// True for what keeps the month from being signed off.
    pub const fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Unobserved | Standing::MovedSince | Standing::Open)
    }

    /// What has to be done about an open line.
    pub fn mend(&self) -> String {
        let of = self.pair.subject();
        match &self.standing {
            Standing::Unobserved => format!("{of} was not observed in the month; import a balance of its last day"),
            Standing::MovedSince => format!("{of} moved after it was last observed; import a balance of the month's last day"),
            Standing::Open if self.number.is_none() => format!("{of} differs and has no break yet; match the month again"),
            Standing::Open => format!("{of} differs and nobody has said why; explain its break"),
            Standing::Matched | Standing::Explained(_) => String::new(),
        }
    }
}

/// The reconciliation of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The month.
    pub period: Period,
    /// Its lines by wallet and asset.
    pub lines: Vec<Line>,
    /// All breaks of the book.
    pub breaks: Vec<Break>,
}

impl Statement {
    /// What is compared, line by line: a sign-off keeps it, and its hash is what a sign-off binds to.
    pub fn content(&self) -> Json {
        let line = |line: &Line| {
            let mut shown = json!({
                "of": line.pair.subject(),
                "book": line.pair.text(line.book),
                "observed": line.seen.as_ref().map(|seen| line.pair.text(seen.quantity)),
                "observation": line.seen.as_ref().map(|seen| seen.id),
            });
            if let (Some(number), Standing::Explained(reason), Some(fields)) =
                (line.number, &line.standing, shown.as_object_mut())
            {
                fields.insert("break".to_owned(), json!(number));
                fields.insert("reason".to_owned(), json!(reason.fact));
            }
            shown
        };
        json!({"period": self.period.to_string(), "lines": self.lines.iter().map(line).collect::<Vec<_>>()})
    }

    /// SHA-256 of [`Self::content`], hex.
    pub fn hash(&self) -> String {
        hash_of(&self.content())
    }
}

/// SHA-256 of the canonical form, hex.
pub fn hash_of(content: &Json) -> String {
    hex::encode(sha256(canonical(content).as_bytes()))
}

/// Makes the reconciliation of a month as things stand now.
///
/// # Errors
/// The database's failure.
pub fn statement(conn: &mut Conn, period: Period) -> Result<Statement, StoreError> {
    let (refs, breaks) = (Refs::load(conn)?, breaks(conn)?);
    let last = period.last_day();
    let mut books = Books { by_day: BTreeMap::new() };
    let at_end = books.on(conn, last)?.clone();
    let moved = holding::last_moved(conn, &period.first_day().to_string(), &last.to_string())?;
    let mut pairs: BTreeMap<Pair, Option<Seen>> = BTreeMap::new();
    for ((wallet, asset), units) in &at_end {
        if !units.is_zero() || moved.contains_key(&(*wallet, *asset)) {
            pairs.insert(Pair::of(&refs, *wallet, *asset)?, None);
        }
    }
    for subject in fact::subjects(conn, OBSERVED)? {
        let pair = Pair::of_subject(&refs, &subject)?;
        if let Some(seen) = latest(conn, &pair, last)?.filter(|seen| seen.day() >= period.first_day()) {
            pairs.insert(pair, Some(seen));
        }
    }
    let mut lines = Vec::new();
    for (pair, seen) in pairs {
        let day = seen.as_ref().map_or(last, Seen::day);
        let key = (pair.wallet, pair.asset);
        let book = books.on(conn, day)?.get(&key).copied().unwrap_or_default();
        let moved_since = moved.get(&key).is_some_and(|moved| *moved > day.to_string());
        lines.push(line(conn, &breaks, pair, seen, book, moved_since)?);
    }
    Ok(Statement { period, lines, breaks })
}

/// What wallets held at the ends of a few days.
struct Books {
    by_day: BTreeMap<Date, Held>,
}

impl Books {
    fn on(&mut self, conn: &mut Conn, day: Date) -> Result<&Held, StoreError> {
        match self.by_day.entry(day) {
            std::collections::btree_map::Entry::Occupied(known) => Ok(known.into_mut()),
            std::collections::btree_map::Entry::Vacant(new) => Ok(new.insert(holding::held_on(conn, &day.to_string())?)),
        }
    }
}

fn line(
    conn: &mut Conn,
    breaks: &[Break],
    pair: Pair,
    seen: Option<Seen>,
    book: Quantity,
    moved_since: bool,
) -> Result<Line, StoreError> {
    let Some(seen) = seen else {
        return Ok(Line { pair, seen: None, book, difference: None, number: None, standing: Standing::Unobserved });
    };
    let difference = seen.quantity.checked_sub(book).ok_or_else(too_large)?;
    let (number, reason) = if difference.is_zero() { (None, None) } else { why(conn, breaks, &pair, &seen, difference)? };
    let standing = match reason {
        _ if moved_since => Standing::MovedSince,
        _ if difference.is_zero() => Standing::Matched,
        Some(reason) => Standing::Explained(reason),
        None => Standing::Open,
    };
    Ok(Line { pair, seen: Some(seen), book, difference: Some(difference), number, standing })
}

/// The break that a difference belongs to, and the reason that stands for it.
pub(super) fn why(
    conn: &mut Conn,
    breaks: &[Break],
    pair: &Pair,
    seen: &Seen,
    difference: Quantity,
) -> Result<(Option<i64>, Option<Reason>), StoreError> {
    let subject = pair.subject();
    let begun = breaks.iter().filter(|one| one.opened.of == subject && one.opened.observed_at <= seen.at());
    let Some(from) = begun.map(|one| day_of_observation(one.opened.observed_at)).max() else { return Ok((None, None)) };
    let history = History::load(conn, pair.clone(), from)?;
    let Some(running) = history.running(breaks, seen)? else { return Ok((None, None)) };
    Ok((Some(running.number), reason(conn, running, &pair.text(difference))?))
}

/// The reason given for a difference, unless it rests on an entry that was reversed since.
pub(super) fn reason(conn: &mut Conn, one: &Break, difference: &str) -> Result<Option<Reason>, StoreError> {
    let Some((fact, explanation, text, entries)) = one.explanation(difference) else { return Ok(None) };
    for entry in entries {
        if journal::reversal_of(conn, EntryNo(*entry))?.is_some() {
            return Ok(None);
        }
    }
    Ok(Some(Reason { fact, explanation, text: text.to_owned(), entries: entries.to_vec() }))
}

/// Something that keeps a month from being signed off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenBreak {
    /// Asset and wallet, as `BTC@cold`.
    pub of: String,
    /// Number of the break, where there is one.
    pub number: Option<i64>,
    /// Observed less book; none where nothing was observed.
    pub difference: Option<String>,
    /// What has to be done.
    pub mend: String,
}

/// What keeps a month from being signed off: breaks without a reason, and what was not observed at its end.
///
/// # Errors
/// The database's failure.
pub fn open_breaks(conn: &mut Conn, period: Period) -> Result<Vec<OpenBreak>, StoreError> {
    Ok(of_statement(&statement(conn, period)?))
}

pub(super) fn of_statement(statement: &Statement) -> Vec<OpenBreak> {
    let open = statement.lines.iter().filter(|line| line.is_open());
    open.map(|line| OpenBreak {
        of: line.pair.subject(),
        number: line.number,
        difference: line.difference.map(|difference| line.pair.text(difference)),
        mend: line.mend(),
    })
    .collect()
}
