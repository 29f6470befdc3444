//! The book at one pair of as-of and known-at: sums.

use crate::domain::account::AccountNo;
use crate::domain::asset::AssetId;
use crate::domain::ids::WalletId;
use crate::ledger::trial_balance::TrialBalance;
use crate::proof::tree::Tree;
use crate::report::source::{BookFacts, Movement};
use crate::service::clock::day_of;
use crate::service::periods::soft;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::journal::{EntryRow, PostingRow};
use crate::store::projection::{self, Amounts, BalanceDayRow};
use crate::store::tx::format_instant;
use crate::store::view::{self, Known};
use crate::store::{incident, journal, price, reference};
use jiff::{Timestamp, civil::Date};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Entries whose postings are read at a time.
const CHUNK: i64 = 2_000;
/// Before and after every business date.
const FIRST_DAY: &str = "0000-01-01";

/// Key of a daily movement: day, period, account, asset.
type DayKey = (Date, String, AccountNo, AssetId);
/// Daily movements folded from postings.
type Folded = BTreeMap<DayKey, Amounts>;

/// The book at one pair of as-of and known-at.
pub struct View<'c> {
    pub(super) conn: &'c mut Conn,
    pub(super) facts: BookFacts,
    pub(super) refs: Refs,
    pub(super) known: Known,
    pub(super) now: Timestamp,
    pub(super) tree: Arc<Mutex<Tree>>,
    late: Option<Folded>,
    closings: Option<Folded>,
    soft: Option<BTreeMap<String, i64>>,
}

pub(super) fn parse_day(text: &str) -> Result<Date, StoreError> {
    text.parse().map_err(|_| StoreError::Damaged(format!("{text:?} is not a date")))
}

impl<'c> View<'c> {
    /// Opens the view. Without `as_of` it stands on the last business date that has an entry or a price set (not after the day
    /// of `known_at`), and on today in an empty book.
    pub fn open(
        conn: &'c mut Conn,
        as_of: Option<Date>,
        known_at: Option<Timestamp>,
        now: Timestamp,
        tree: Arc<Mutex<Tree>>,
    ) -> Result<Self, StoreError> {
        let refs = Refs::load(conn)?;
        let known = match known_at {
            Some(at) => Known::at(conn, &format_instant(at))?,
            None => Known::ALL,
        };
        let as_of = match as_of {
            Some(day) => day,
            None => {
                let last = view::last_day(conn)?.map(|day| parse_day(&day)).transpose()?.unwrap_or_else(|| day_of(now));
                known_at.map_or(last, |at| last.min(day_of(at)))
            }
        };
        let facts = BookFacts {
            name: reference::book_row(conn)?.map(|book| book.name).unwrap_or_default(),
            as_of,
            known_at,
            first_day: view::first_day(conn)?.map(|day| parse_day(&day)).transpose()?,
            assets: refs.assets.clone(),
            accounts: refs.accounts.clone(),
            wallets: refs.wallets.iter().map(|(id, wallet)| (WalletId(id.0), wallet.code.clone())).collect(),
            incidents: incident::all(conn)?.into_iter().map(|row| (row.id, row.code)).collect(),
        };
        Ok(Self { conn, facts, refs, known, now: known_at.unwrap_or(now), tree, late: None, closings: None, soft: None })
    }

    /// What was recorded after the moment, by day; empty for the present.
    fn late(&mut self) -> Result<&Folded, StoreError> {
        if self.late.is_none() {
            let mut late = Folded::new();
            let mut after = self.known.last_entry;
            while after < i64::MAX {
                let last = after.saturating_add(CHUNK);
                let headers = journal::headers_between(self.conn, after.saturating_add(1), last)?;
                if headers.is_empty() {
                    break;
                }
                let postings = journal::postings_between(self.conn, after.saturating_add(1), last)?;
                fold(&mut late, &headers, &postings)?;
                after = last;
            }
            self.late = Some(late);
        }
        self.late.as_ref().ok_or_else(|| StoreError::Damaged("no late entries".to_owned()))
    }

    /// The last entry before each soft close, by month.
    pub(super) fn soft_closes(&mut self) -> Result<BTreeMap<String, i64>, StoreError> {
        if self.soft.is_none() {
            self.soft = Some(soft::last_entries(self.conn, self.known.leaves)?);
        }
        Ok(self.soft.clone().unwrap_or_default())
    }

    /// What period closes moved, by day.
    fn closings(&mut self) -> Result<&Folded, StoreError> {
        if self.closings.is_none() {
            let closed = price::closed_periods(self.conn)?;
            let known = closed.iter().filter(|p| p.leaf < self.known.leaves);
            let entries: Vec<i64> = known.filter_map(|p| p.closed_entry).collect();
            let postings = view::postings_of(self.conn, &entries)?;
            let mut headers = Vec::with_capacity(entries.len());
            for no in entries {
                headers.extend(journal::headers_between(self.conn, no, no)?);
            }
            let mut closings = Folded::new();
            fold(&mut closings, &headers, &postings)?;
            self.closings = Some(closings);
        }
        self.closings.as_ref().ok_or_else(|| StoreError::Damaged("no closings".to_owned()))
    }

    /// Balances of all accounts as of a day: running balances, less what came after the day or after the moment.
    pub(super) fn balances_as_of(&mut self, as_of: Date) -> Result<TrialBalance, StoreError> {
        let running = projection::balances(self.conn)?;
        let rows = running.iter().map(|row| (row.account(), row.asset(), row.quantity.quantity(), row.value.value()));
        let mut balance = TrialBalance::of_balances(rows).map_err(damaged)?;
        let mut subtract = |account: AccountNo, asset: AssetId, by: Amounts| {
            balance.add(account, asset, by.quantity.negated(), by.value.negated()).map_err(damaged)
        };
        if let Ok(next) = as_of.tomorrow() {
            for row in view::movements(self.conn, &next.to_string(), "9999-12-31")? {
                subtract(AccountNo(row.account_no), AssetId(row.asset_id), amounts(&row))?;
            }
        }
        for ((day, _, account, asset), by) in self.late()? {
            if *day <= as_of {
                subtract(*account, *asset, *by)?;
            }
        }
        Ok(balance)
    }

    /// Movements of the days `from..=to`, what period closes moved apart.
    pub(super) fn movements_between(&mut self, from: Option<Date>, to: Date) -> Result<Vec<Movement>, StoreError> {
        let first = from.map_or_else(|| FIRST_DAY.to_owned(), |day| day.to_string());
        let mut days = Folded::new();
        for row in view::movements(self.conn, &first, &to.to_string())? {
            let key = (parse_day(&row.effective_on)?, row.period.clone(), AccountNo(row.account_no), AssetId(row.asset_id));
            add(&mut days, key, amounts(&row))?;
        }
        let inside = |day: Date| day <= to && from.is_none_or(|from| day >= from);
        for (key, by) in self.late()?.iter().filter(|((day, ..), _)| inside(*day)) {
            add(&mut days, key.clone(), negated(*by))?;
        }
        let mut movements = Vec::with_capacity(days.len());
        for (key, by) in self.closings()?.iter().filter(|((day, ..), _)| inside(*day)) {
            add(&mut days, key.clone(), negated(*by))?;
            movements.push(movement(key, *by, true));
        }
        let moved = days.iter().filter(|(_, by)| !by.quantity.is_zero() || !by.value.is_zero());
        movements.extend(moved.map(|(key, by)| movement(key, *by, false)));
        movements.sort_by_key(|m| (m.day, m.account, m.asset, m.closing));
        Ok(movements)
    }
}

fn damaged(error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(error.to_string())
}

fn amounts(row: &BalanceDayRow) -> Amounts {
    Amounts { quantity: row.quantity.quantity(), value: row.value.value() }
}

const fn negated(by: Amounts) -> Amounts {
    Amounts { quantity: by.quantity.negated(), value: by.value.negated() }
}

fn add(days: &mut Folded, key: DayKey, by: Amounts) -> Result<(), StoreError> {
    days.entry(key).or_default().add(by.quantity, by.value)
}

fn movement((day, period, account, asset): &DayKey, by: Amounts, closing: bool) -> Movement {
    Movement {
        day: *day,
        period: period.clone(),
        account: *account,
        asset: *asset,
        quantity: by.quantity,
        value: by.value,
        closing,
    }
}

fn fold(into: &mut Folded, headers: &[EntryRow], postings: &[PostingRow]) -> Result<(), StoreError> {
    let headers: BTreeMap<i64, &EntryRow> = headers.iter().map(|header| (header.no, header)).collect();
    for row in postings {
        let header = headers.get(&row.entry_no).ok_or_else(|| damaged(format!("entry {} is missing", row.entry_no)))?;
        let key = (parse_day(&header.effective_on)?, header.period.clone(), AccountNo(row.account_no), AssetId(row.asset_id));
        add(into, key, Amounts { quantity: row.quantity.quantity(), value: row.value.value() })?;
    }
    Ok(())
}
