//! The book at one pair of as-of and known-at: sums.

use super::daily::{Daily, DayKey, Folded, add, fold, negated};
use crate::domain::ids::WalletId;
use crate::ledger::trial_balance::TrialBalance;
use crate::proof::tree::Tree;
use crate::report::source::{BookFacts, Movement};
use crate::service::clock::day_of;
use crate::service::periods::soft;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::projection::Amounts;
use crate::store::tx::format_instant;
use crate::store::view::{self, Known};
use crate::store::{incident, journal, price, reference};
use jiff::{Timestamp, civil::Date};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The book at one pair of as-of and known-at.
pub struct View<'c> {
    pub(super) conn: &'c mut Conn,
    pub(super) facts: BookFacts,
    pub(super) refs: Refs,
    pub(super) known: Known,
    pub(super) now: Timestamp,
    pub(super) tree: Arc<Mutex<Tree>>,
    daily: Daily,
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
        let daily = Daily::known(conn, known)?;
        Ok(Self { conn, facts, refs, known, now: known_at.unwrap_or(now), tree, daily, closings: None, soft: None })
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
            let headers = journal::headers_of(self.conn, &entries)?.into_iter();
            let headers: Vec<view::Entered> = headers.map(|row| (row.no, row.effective_on, row.period)).collect();
            let mut closings = Folded::new();
            fold(&mut closings, &headers, &postings)?;
            self.closings = Some(closings);
        }
        self.closings.as_ref().ok_or_else(|| StoreError::Damaged("no closings".to_owned()))
    }

    /// Balances of all accounts as of a day.
    pub(super) fn balances_as_of(&mut self, as_of: Date) -> Result<TrialBalance, StoreError> {
        self.daily.balances(self.conn, as_of)
    }

    /// Movements of the days `from..=to`, what period closes moved apart.
    pub(super) fn movements_between(&mut self, from: Option<Date>, to: Date) -> Result<Vec<Movement>, StoreError> {
        let mut days = self.daily.between(self.conn, from, to)?;
        let inside = |day: Date| day <= to && from.is_none_or(|from| day >= from);
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

pub(super) fn damaged(error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(error.to_string())
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
