//! One asset at one wallet over time: what was observed, what the book had on the same days, and the breaks between the two.

use super::{BREAK, Explanation, OBSERVED, Pair, STEP, too_large};
use crate::domain::amount::Quantity;
use crate::domain::observation::day_of_observation;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact::{self, FactRow};
use crate::store::holding;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An observation as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// Code of the wallet.
    pub wallet: String,
    /// Code of the asset.
    pub asset: String,
    /// Units.
    pub quantity: String,
    /// Block, where there are blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_height: Option<u64>,
    /// When.
    pub observed_at: Timestamp,
    /// Who says so.
    pub source: String,
    /// Name of the file it came in.
    pub file: String,
    /// SHA-256 of that file, hex.
    pub sha256: String,
    /// Its row there, from 1.
    pub row: u32,
    /// Who recorded it.
    pub by: String,
}

/// An observation with its number and units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Number of the fact.
    pub id: i64,
    /// Units.
    pub quantity: Quantity,
    /// The rest.
    pub observation: Observation,
}

impl Seen {
    pub(in crate::service) fn of_row(pair: &Pair, row: &FactRow) -> Result<Self, StoreError> {
        let observation: Observation = row.parse()?;
        Ok(Self { id: row.id, quantity: pair.units(&observation.quantity)?, observation })
    }

    /// When.
    pub const fn at(&self) -> Timestamp {
        self.observation.observed_at
    }

    /// The business day whose end it speaks of.
    pub fn day(&self) -> Date {
        day_of_observation(self.at())
    }
}

/// The latest observation of a pair up to a day.
pub fn latest(conn: &mut Conn, pair: &Pair, day: Date) -> Result<Option<Seen>, StoreError> {
    let rows = fact::of_latest_day(conn, OBSERVED, &pair.subject(), &day.to_string())?;
    let seen = rows.iter().map(|row| Seen::of_row(pair, row)).collect::<Result<Vec<_>, _>>()?;
    Ok(seen.into_iter().max_by_key(Seen::at))
}

/// How a break began, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// Asset and wallet, as `BTC@cold`.
    pub of: String,
    /// Number of the observation that differed first.
    pub observation: i64,
    /// When that was made.
    pub observed_at: Timestamp,
    /// Units observed.
    pub observed: String,
    /// Units in the book for the same day, as they were known then.
    pub book: String,
    /// Observed less book.
    pub difference: String,
    /// Who recorded it.
    pub by: String,
}

/// What happened to a break since, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum BreakStep {
    /// An incident was drafted because of it.
    Incident {
        /// Its code.
        incident: String,
        /// The difference then.
        difference: String,
        /// Who recorded it.
        by: String,
    },
    /// Somebody is to clear it up.
    Assign {
        /// Who.
        owner: String,
        /// Remark.
        note: String,
        /// Who recorded it.
        by: String,
    },
    /// It has a reason.
    Explain {
        /// Of which kind.
        explanation: Explanation,
        /// In words.
        reason: String,
        /// Entries that explain it.
        entries: Vec<i64>,
        /// The difference that is explained, no other.
        difference: String,
        /// Who recorded it.
        by: String,
        /// When.
        at: Timestamp,
    },
}

/// A break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// Number from 1.
    pub number: i64,
    /// How it began.
    pub opened: Opened,
    /// Its steps with the numbers of their facts, in recording order.
    pub steps: Vec<(i64, BreakStep)>,
}

impl Break {
    /// Who is to clear it up.
    pub fn owner(&self) -> Option<&str> {
        self.steps.iter().rev().find_map(|(_, step)| match step {
            BreakStep::Assign { owner, .. } => Some(owner.as_str()),
            _ => None,
        })
    }

    /// The incident drafted last, with the difference then.
    pub fn incident(&self) -> Option<(&str, &str)> {
        self.steps.iter().rev().find_map(|(_, step)| match step {
            BreakStep::Incident { incident, difference, .. } => Some((incident.as_str(), difference.as_str())),
            _ => None,
        })
    }

    /// The latest explanation of exactly this difference, with the number of its fact.
    pub fn explanation(&self, difference: &str) -> Option<(i64, Explanation, &str, &[i64])> {
        self.steps.iter().rev().find_map(|(id, step)| match step {
            BreakStep::Explain { explanation, reason, entries, difference: of, .. } if of == difference => {
                Some((*id, *explanation, reason.as_str(), entries.as_slice()))
            }
            _ => None,
        })
    }
}

/// All breaks by number.
pub fn breaks(conn: &mut Conn) -> Result<Vec<Break>, StoreError> {
    let damaged = |row: &FactRow| StoreError::Damaged(format!("fact {}: {:?} is no number of a break", row.id, row.subject));
    let mut found: BTreeMap<i64, Break> = BTreeMap::new();
    for row in fact::of_kind(conn, BREAK)? {
        let number = row.subject.parse().map_err(|_| damaged(&row))?;
        found.insert(number, Break { number, opened: row.parse()?, steps: Vec::new() });
    }
    for row in fact::of_kind(conn, STEP)? {
        let of = row.subject.parse().ok().and_then(|number: i64| found.get_mut(&number));
        of.ok_or_else(|| damaged(&row))?.steps.push((row.id, row.parse()?));
    }
    Ok(found.into_values().collect())
}

/// Observations of a pair from a day on, and all that moved there.
pub struct History {
    /// The pair.
    pub pair: Pair,
    /// Observations by their moment.
    pub seen: Vec<Seen>,
    moved: BTreeMap<String, Quantity>,
}

impl History {
    /// Loads what was observed from a day on.
    pub fn load(conn: &mut Conn, pair: Pair, from: Date) -> Result<Self, StoreError> {
        let moved = holding::moved_by_day(conn, pair.wallet, pair.asset)?;
        let rows = fact::since_day(conn, OBSERVED, &pair.subject(), &from.to_string())?;
        let mut seen = rows.iter().map(|row| Seen::of_row(&pair, row)).collect::<Result<Vec<_>, _>>()?;
        seen.sort_by_key(Seen::at);
        Ok(Self { pair, seen, moved })
    }

    /// Units in the book at the end of a day.
    pub fn book_on(&self, day: Date) -> Result<Quantity, StoreError> {
        let day = day.to_string();
        Quantity::checked_sum(self.moved.range(..=day).map(|(_, units)| *units)).ok_or_else(too_large)
    }

    /// Observed less book.
    pub fn difference(&self, seen: &Seen) -> Result<Quantity, StoreError> {
        seen.quantity.checked_sub(self.book_on(seen.day())?).ok_or_else(too_large)
    }

    /// The break that an observation that differs belongs to: the last one that began at or before it, unless something between the
    /// two matches.
    pub fn running<'b>(&self, breaks: &'b [Break], at: &Seen) -> Result<Option<&'b Break>, StoreError> {
        let subject = self.pair.subject();
        let begun = breaks.iter().filter(|one| one.opened.of == subject && one.opened.observed_at <= at.at());
        let Some(last) = begun.max_by_key(|one| (one.opened.observed_at, one.number)) else { return Ok(None) };
        for between in self.seen.iter().filter(|seen| (last.opened.observed_at..at.at()).contains(&seen.at())) {
            if self.difference(between)?.is_zero() {
                return Ok(None);
            }
        }
        Ok(Some(last))
    }
}
