//! Reading the book as of a business date and as it was known at a moment. Sums come from running balances and daily movements;
//! postings are read only for what was recorded after the moment, and for journals.

use super::conn::{Conn, on_each};
use super::error::StoreError;
use super::journal::{EntryRow, PostingRow};
use super::projection::BalanceDayRow;
use super::schema::{balance_day, entry, log_leaf, posting, price_set};
use diesel::dsl::exists;
use diesel::prelude::*;

diesel::define_sql_function! {
    /// Lower case of ASCII letters at least.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// How much of the book was recorded at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Leaves below this index.
    pub leaves: i64,
    /// Entries up to this number.
    pub last_entry: i64,
}

impl Known {
    /// All that is recorded.
    pub const ALL: Self = Self { leaves: i64::MAX, last_entry: i64::MAX };

    /// What was recorded at `at` (as leaves write it: UTC, six decimals). Found by halving: leaves and entries are in order.
    pub fn at(conn: &mut Conn, at: &str) -> Result<Self, StoreError> {
        let leaves = count_of(conn, at)?;
        let last: Option<i64> = entry::table.select(diesel::dsl::max(entry::no)).first(conn)?;
        let (mut low, mut high) = (0_i64, last.unwrap_or(0));
        while low < high {
            let middle = low.midpoint(high.saturating_add(1));
            let leaf: Option<i64> = entry::table.filter(entry::no.eq(middle)).select(entry::leaf).first(conn).optional()?;
            if leaf.is_some_and(|leaf| leaf < leaves) {
                low = middle;
            } else {
                high = middle.saturating_sub(1);
            }
        }
        Ok(Self { leaves, last_entry: low })
    }
}

/// How many leaves were recorded at or before `at` (as leaves write it). Found by halving.
pub fn count_of(conn: &mut Conn, at: &str) -> Result<i64, StoreError> {
    let last: Option<i64> = log_leaf::table.select(diesel::dsl::max(log_leaf::idx)).first(conn)?;
    let (mut low, mut high) = (0_i64, last.map_or(0, |last| last.saturating_add(1)));
    while low < high {
        let middle = low.midpoint(high);
        let bytes: Option<String> =
            log_leaf::table.filter(log_leaf::idx.eq(middle)).select(log_leaf::bytes).first(conn).optional()?;
        let bytes = bytes.ok_or_else(|| StoreError::Damaged(format!("leaf {middle} is missing")))?;
        if recorded_at(&bytes).ok_or_else(|| StoreError::Damaged(format!("leaf {middle} has no time")))?.as_str() <= at {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn recorded_at(leaf: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Head {
        at: String,
    }
    serde_json::from_str::<Head>(leaf).ok().map(|head| head.at)
}

/// The first business date that has an entry.
pub fn first_day(conn: &mut Conn) -> Result<Option<String>, StoreError> {
    Ok(balance_day::table.select(diesel::dsl::min(balance_day::effective_on)).first(conn)?)
}

/// The last business date that has an entry or a price set.
pub fn last_day(conn: &mut Conn) -> Result<Option<String>, StoreError> {
    let moved: Option<String> = balance_day::table.select(diesel::dsl::max(balance_day::effective_on)).first(conn)?;
    let priced: Option<String> = price_set::table.select(diesel::dsl::max(price_set::cutoff_on)).first(conn)?;
    Ok(moved.max(priced))
}

/// Daily movements of the days `from..=to`, either side open, in order of the day.
pub fn movements(conn: &mut Conn, from: &str, to: &str) -> Result<Vec<BalanceDayRow>, StoreError> {
    Ok(balance_day::table
        .filter(balance_day::effective_on.between(from, to))
        .order((balance_day::effective_on, balance_day::period, balance_day::account_no, balance_day::asset_id))
        .select(BalanceDayRow::as_select())
        .load(conn)?)
}

/// Which entries are wanted; empty texts and `None` do not filter.
#[derive(Debug, Clone, Default)]
pub struct EntryFilter {
    /// Business dates from this day.
    pub from: Option<String>,
    /// Business dates up to this day.
    pub to: Option<String>,
    /// Event code.
    pub event: Option<String>,
    /// With a posting on one of these accounts; any where there is none.
    pub accounts: Vec<i32>,
    /// Booked in this period.
    pub period: Option<String>,
    /// Not of this event.
    pub except: Option<String>,
    /// With a posting in this asset.
    pub asset: Option<i32>,
    /// Lower-case pattern for memo or source, as LIKE takes it with `\` before `%`, `_` and `\`.
    pub pattern: Option<String>,
    /// Numbers up to this one.
    pub last: Option<i64>,
    /// Numbers from this one.
    pub first: i64,
}

/// The lowest and the highest number of the entries of the days `from..=to`; none where there are none. Lists go by number, so without
/// these bounds a list of old days would pass over everything that was recorded since. Read from an index alone.
pub fn numbers_between(conn: &mut Conn, from: &str, to: &str) -> Result<Option<(i64, i64)>, StoreError> {
    let of_days = entry::table.filter(entry::effective_on.between(from, to));
    let (first, last): (Option<i64>, Option<i64>) =
        of_days.select((diesel::dsl::min(entry::no), diesel::dsl::max(entry::no))).first(conn)?;
    Ok(first.zip(last))
}

/// Headers of at most `limit` entries, newest first.
pub fn entries(conn: &mut Conn, filter: &EntryFilter, limit: i64) -> Result<Vec<EntryRow>, StoreError> {
    on_each!(conn, c => {
        let mut query = entry::table.select(EntryRow::as_select()).order(entry::no.desc()).limit(limit).into_boxed();
        if let Some(last) = filter.last {
            query = query.filter(entry::no.le(last));
        }
        if filter.first > 1 {
            query = query.filter(entry::no.ge(filter.first));
        }
        if let Some(from) = &filter.from {
            query = query.filter(entry::effective_on.ge(from));
        }
        if let Some(to) = &filter.to {
            query = query.filter(entry::effective_on.le(to));
        }
        if let Some(event) = &filter.event {
            query = query.filter(entry::event.eq(event));
        }
        if let Some(except) = &filter.except {
            query = query.filter(entry::event.ne(except));
        }
        if let Some(period) = &filter.period {
            query = query.filter(entry::period.eq(period));
        }
        if let Some(pattern) = &filter.pattern {
            let found = lower(entry::memo).like(pattern).escape('\\').or(lower(entry::source).like(pattern).escape('\\'));
            query = query.filter(found);
        }
        let lines = posting::table.filter(posting::entry_no.eq(entry::no)).select(posting::line);
        let on_account = posting::account_no.eq_any(&filter.accounts);
        query = match (filter.accounts.is_empty(), filter.asset) {
            (true, None) => query,
            (false, None) => query.filter(exists(lines.filter(on_account))),
            (true, Some(asset)) => query.filter(exists(lines.filter(posting::asset_id.eq(asset)))),
            (false, Some(asset)) => query.filter(exists(lines.filter(on_account).filter(posting::asset_id.eq(asset)))),
        };
        Ok(query.load(c)?)
    })
}

/// Postings of several entries, in order.
pub fn postings_of(conn: &mut Conn, entries: &[i64]) -> Result<Vec<PostingRow>, StoreError> {
    let mut rows = Vec::new();
    for part in entries.chunks(500) {
        let part: Vec<PostingRow> = on_each!(conn, c => posting::table
            .filter(posting::entry_no.eq_any(part))
            .order((posting::entry_no, posting::line))
            .select(PostingRow::as_select())
            .load(c))?;
        rows.extend(part);
    }
    Ok(rows)
}

/// Which of these entries are reversed, as (reversed, by).
pub fn reversals_of(conn: &mut Conn, entries: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
    let mut pairs = Vec::new();
    for part in entries.chunks(500) {
        let part: Vec<(Option<i64>, i64)> = on_each!(conn, c => entry::table
            .filter(entry::reverses.eq_any(part))
            .select((entry::reverses, entry::no))
            .load(c))?;
        pairs.extend(part.into_iter().filter_map(|(reversed, by)| Some((reversed?, by))));
    }
    Ok(pairs)
}

/// Which postings of an account are wanted.
#[derive(Debug, Clone)]
pub struct AccountFilter {
    /// Account.
    pub account: i32,
    /// Only this asset.
    pub asset: Option<i32>,
    /// Business dates from this day.
    pub from: String,
    /// Business dates up to this day.
    pub to: String,
    /// Entries from this number.
    pub first: i64,
    /// Entries up to this number.
    pub last: i64,
    /// Only postings below this (entry, line).
    pub below: Option<(i64, i32)>,
}

/// At most `limit` postings of an account with the headers of their entries, newest first.
pub fn account_lines(conn: &mut Conn, filter: &AccountFilter, limit: i64) -> Result<Vec<(EntryRow, PostingRow)>, StoreError> {
    on_each!(conn, c => {
        let mut query = posting::table
            .inner_join(entry::table.on(entry::no.eq(posting::entry_no)))
            .filter(posting::account_no.eq(filter.account))
            .filter(posting::entry_no.between(filter.first, filter.last))
            .filter(entry::effective_on.between(&filter.from, &filter.to))
            .order((posting::entry_no.desc(), posting::line.desc()))
            .limit(limit)
            .select((EntryRow::as_select(), PostingRow::as_select()))
            .into_boxed();
        if let Some(asset) = filter.asset {
            query = query.filter(posting::asset_id.eq(asset));
        }
        if let Some((no, line)) = filter.below {
            query = query.filter(posting::entry_no.lt(no).or(posting::entry_no.eq(no).and(posting::line.lt(line))));
        }
        Ok(query.load(c)?)
    })
}

/// The accounts of several entries, as (entry, account) without doubles.
pub fn accounts_of(conn: &mut Conn, entries: &[i64]) -> Result<Vec<(i64, i32)>, StoreError> {
    let mut pairs = Vec::new();
    for part in entries.chunks(500) {
        let part: Vec<(i64, i32)> = on_each!(conn, c => posting::table
            .filter(posting::entry_no.eq_any(part))
            .select((posting::entry_no, posting::account_no))
            .distinct()
            .order((posting::entry_no, posting::account_no))
            .load(c))?;
        pairs.extend(part);
    }
    Ok(pairs)
}
