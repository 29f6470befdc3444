//! Reading the book as of a business date and as it was known at a moment. Sums come from running balances and daily movements;
//! postings are read only for what was recorded after the moment, and for journals.

use super::conn::{Conn, on_each};
use super::error::StoreError;
use super::journal::{EntryRow, PostingRow};
use super::projection::BalanceDayRow;
use super::schema::{balance, balance_day, entry, log_leaf, posting, price_set};
use diesel::dsl::exists;
use diesel::prelude::*;

/// Postings that are read without a thought.
const FEW: i64 = 10_000;

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
    /// Read the postings of the accounts first instead of asking each entry for its postings. It finds the same.
    pub accounts_first: bool,
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

/// Which entries of some days are wanted, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbered {
    /// Those above this number.
    Above(i64),
    /// Those from the first to the last number.
    Between(i64, i64),
}

/// Number, business date and period of an entry.
pub type Entered = (i64, String, String);

/// The entries of the days `from..=to` with these numbers. Entries are recorded nearly in the order of their dates, so those on the wrong
/// side of a day are few; an index alone finds them.
pub fn numbered(conn: &mut Conn, from: &str, to: &str, wanted: Numbered) -> Result<Vec<Entered>, StoreError> {
    let (first, last) = match wanted {
        Numbered::Above(number) => (number.saturating_add(1), i64::MAX),
        Numbered::Between(first, last) => (first, last),
    };
    if first > last || from > to {
        return Ok(Vec::new());
    }
    Ok(entry::table
        .filter(entry::effective_on.between(from, to))
        .filter(entry::no.between(first, last))
        .select((entry::no, entry::effective_on, entry::period))
        .load(conn)?)
}

/// Business dates of the entries `first..=last`, in their order.
pub fn days_of(conn: &mut Conn, first: i64, last: i64) -> Result<Vec<String>, StoreError> {
    let days = entry::table.filter(entry::no.between(first, last)).select(entry::effective_on);
    Ok(days.order(entry::effective_on).load(conn)?)
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
            (false, asset) if filter.accounts_first => {
                let mut of_account = posting::table.filter(on_account).select(posting::entry_no).into_boxed();
                if let Some(asset) = asset {
                    of_account = of_account.filter(posting::asset_id.eq(asset));
                }
                query.filter(entry::no.eq_any(of_account))
            }
            (false, None) => query.filter(exists(lines.filter(on_account))),
            (true, Some(asset)) => query.filter(exists(lines.filter(posting::asset_id.eq(asset)))),
            (false, Some(asset)) => query.filter(exists(lines.filter(on_account).filter(posting::asset_id.eq(asset)))),
        };
        Ok(query.load(c)?)
    })
}

/// The accounts on which an asset ever moved.
pub fn accounts_with(conn: &mut Conn, asset: i32) -> Result<Vec<i32>, StoreError> {
    Ok(balance::table.filter(balance::asset_id.eq(asset)).select(balance::account_no).distinct().load(conn)?)
}

/// True where accounts have so few postings that reading all of them is less than asking each entry for its postings.
pub fn has_few_postings(conn: &mut Conn, accounts: &[i32]) -> Result<bool, StoreError> {
    if accounts.is_empty() {
        return Ok(false);
    }
    let found: Option<i64> = on_each!(conn, c => posting::table
        .filter(posting::account_no.eq_any(accounts))
        .select(posting::entry_no)
        .offset(FEW)
        .limit(1)
        .first(c)
        .optional())?;
    Ok(found.is_none())
}

/// Postings of several entries, in order.
pub fn postings_of(conn: &mut Conn, entries: &[i64]) -> Result<Vec<PostingRow>, StoreError> {
    postings(conn, None, entries)
}

/// Postings of several entries on one account, in order within each part that is read at a time.
pub fn postings_on(conn: &mut Conn, account: i32, entries: &[i64]) -> Result<Vec<PostingRow>, StoreError> {
    postings(conn, Some(account), entries)
}

fn postings(conn: &mut Conn, account: Option<i32>, entries: &[i64]) -> Result<Vec<PostingRow>, StoreError> {
    let mut rows = Vec::new();
    for part in entries.chunks(500) {
        let part: Vec<PostingRow> = on_each!(conn, c => {
            let mut query = posting::table.filter(posting::entry_no.eq_any(part)).into_boxed();
            if let Some(account) = account {
                query = query.filter(posting::account_no.eq(account));
            }
            query.order((posting::entry_no, posting::line)).select(PostingRow::as_select()).load(c)
        })?;
        rows.extend(part);
    }
    Ok(rows)
}

/// Headers of the entries of these events, and of all reversals, of the days up to `to` and with numbers up to `last`.
pub fn of_events(conn: &mut Conn, events: &[&str], to: &str, last: i64) -> Result<Vec<EntryRow>, StoreError> {
    on_each!(conn, c => {
        let counts = || entry::effective_on.le(to).and(entry::no.le(last));
        let mut found: Vec<EntryRow> =
            entry::table.filter(entry::event.eq_any(events)).filter(counts()).select(EntryRow::as_select()).load(c)?;
        let reversals = entry::table.filter(entry::reverses.ge(1)).filter(entry::event.ne_all(events)).filter(counts());
        found.extend(reversals.select(EntryRow::as_select()).load::<EntryRow>(c)?);
        Ok(found)
    })
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
