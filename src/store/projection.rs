//! What is derived from postings and kept up to date in the same write: running balances, daily movements and lots. The
//! writer knows the balances and writes absolute values; `safu verify` recomputes all of it from the postings.

use super::bulk::{self, bulk_row};
use super::conn::{Conn, on_each};
use super::error::StoreError;
use super::journal::EntryRow;
use super::schema::{balance, balance_day, lot};
use super::types::{Minor, Money};
use crate::domain::account::AccountNo;
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::entry::{Balanced, Posting};
use crate::domain::ids::{IncidentId, LotId, WalletId};
use crate::domain::lot::Lot;
use crate::domain::price::Price;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use std::collections::BTreeMap;

/// The key of a running balance; 0 stands for no wallet and no incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BalanceKey {
    /// Account.
    pub account: i32,
    /// Asset.
    pub asset: i32,
    /// Wallet or 0.
    pub wallet: i32,
    /// Incident or 0.
    pub incident: i32,
}

impl BalanceKey {
    /// The key a posting moves.
    pub fn of(posting: &Posting) -> Self {
        Self {
            account: posting.account.0,
            asset: posting.asset.0,
            wallet: posting.dims.wallet.map_or(0, |id| id.0),
            incident: posting.dims.incident.map_or(0, |id| id.0),
        }
    }
}

/// Units and value together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// Units.
    pub quantity: Quantity,
    /// Functional value.
    pub value: Value,
}

impl Amounts {
    /// Adds, refusing what does not fit.
    pub fn add(&mut self, quantity: Quantity, value: Value) -> Result<(), StoreError> {
        let too_large = || StoreError::Damaged("a balance does not fit 128 bits".to_owned());
        self.quantity = self.quantity.checked_add(quantity).ok_or_else(too_large)?;
        self.value = self.value.checked_add(value).ok_or_else(too_large)?;
        Ok(())
    }
}

/// A stored running balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = balance)]
pub struct BalanceRow {
    /// Account.
    pub account_no: i32,
    /// Asset.
    pub asset_id: i32,
    /// Wallet or 0.
    pub wallet_id: i32,
    /// Incident or 0.
    pub incident_id: i32,
    /// Units.
    pub quantity: Minor,
    /// Value.
    pub value: Minor,
}

bulk_row!(BalanceRow, balance, {
    account_no: Integer, asset_id: Integer, wallet_id: Integer, incident_id: Integer, quantity: Money, value: Money,
}, replacing (account_no, asset_id, wallet_id, incident_id) set (quantity, value));

impl BalanceRow {
    const fn new(key: BalanceKey, amounts: Amounts) -> Self {
        Self {
            account_no: key.account,
            asset_id: key.asset,
            wallet_id: key.wallet,
            incident_id: key.incident,
            quantity: Minor(amounts.quantity.minor()),
            value: Minor(amounts.value.minor()),
        }
    }
    /// Its key.
    pub const fn key(&self) -> BalanceKey {
        BalanceKey { account: self.account_no, asset: self.asset_id, wallet: self.wallet_id, incident: self.incident_id }
    }
    /// Its amounts.
    pub const fn amounts(&self) -> Amounts {
        Amounts { quantity: self.quantity.quantity(), value: self.value.value() }
    }
    /// Account number of the domain.
    pub const fn account(&self) -> AccountNo {
        AccountNo(self.account_no)
    }
    /// Asset number of the domain.
    pub const fn asset(&self) -> AssetId {
        AssetId(self.asset_id)
    }
    /// Incident of the domain.
    pub fn incident(&self) -> Option<IncidentId> {
        (self.incident_id != 0).then_some(IncidentId(self.incident_id))
    }
}

/// What one business day moved on one account and asset, booked in one period.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = balance_day)]
pub struct BalanceDayRow {
    /// Business date.
    pub effective_on: String,
    /// Period booked in.
    pub period: String,
    /// Account.
    pub account_no: i32,
    /// Asset.
    pub asset_id: i32,
    /// Units.
    pub quantity: Minor,
    /// Value.
    pub value: Minor,
}

bulk_row!(BalanceDayRow, balance_day, {
    effective_on: Text, period: Text, account_no: Integer, asset_id: Integer, quantity: Money, value: Money,
}, replacing (effective_on, period, account_no, asset_id) set (quantity, value));

impl BalanceDayRow {
    const fn amounts(&self) -> Amounts {
        Amounts { quantity: self.quantity.quantity(), value: self.value.value() }
    }
}

/// A stored lot.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = lot)]
pub struct LotRow {
    /// Number.
    pub id: i64,
    /// Account that carries it.
    pub account_no: i32,
    /// Wallet that holds it.
    pub wallet_id: i32,
    /// Asset.
    pub asset_id: i32,
    /// Day of acquisition.
    pub acquired_on: String,
    /// Entry that opened it.
    pub opened_by: i64,
    /// Units left.
    pub quantity: Minor,
    /// Cost of the units left.
    pub cost: Minor,
    /// Unit price of the last mark.
    pub mark: Option<String>,
    /// 1 while units are left.
    pub is_open: i32,
}

bulk_row!(LotRow, lot, {
    id: BigInt, account_no: Integer, wallet_id: Integer, asset_id: Integer, acquired_on: Text, opened_by: BigInt,
    quantity: Money, cost: Money, mark: Nullable<Text>, is_open: Integer,
}, replacing (id) set (quantity, cost, is_open));

impl LotRow {
    /// Back to the domain's lot.
    pub fn to_domain(&self) -> Result<Lot, StoreError> {
        let damaged = |what: &str| StoreError::Damaged(format!("lot {}: {what}", self.id));
        Ok(Lot {
            id: LotId(self.id),
            account: AccountNo(self.account_no),
            wallet: WalletId(self.wallet_id),
            asset: AssetId(self.asset_id),
            acquired_on: self.acquired_on.parse().map_err(|_| damaged("acquired_on is not a date"))?,
            quantity: self.quantity.quantity(),
            cost: self.cost.value(),
            mark: self.mark.as_deref().map(Price::parse).transpose().map_err(|_| damaged("mark is not a price"))?,
        })
    }
}

/// Moves balances, daily movements and lots by one entry.
pub(super) fn apply(conn: &mut Conn, header: &EntryRow, entry: &Balanced) -> Result<(), StoreError> {
    let mut running: BTreeMap<BalanceKey, Amounts> = BTreeMap::new();
    let mut daily: BTreeMap<(i32, i32), Amounts> = BTreeMap::new();
    let mut lots: BTreeMap<LotId, Vec<&Posting>> = BTreeMap::new();
    for line in entry.lines() {
        running.entry(BalanceKey::of(line)).or_default().add(line.quantity, line.value)?;
        daily.entry((line.account.0, line.asset.0)).or_default().add(line.quantity, line.value)?;
        if let Some(id) = line.dims.lot {
            lots.entry(id).or_default().push(line);
        }
    }
    move_running(conn, running)?;
    move_daily(conn, header, daily)?;
    for (id, lines) in lots {
        move_lot(conn, header.no, id, &lines)?;
    }
    for (asset, price) in &entry.draft().marks {
        diesel::update(lot::table.filter(lot::is_open.eq(1)).filter(lot::asset_id.eq(asset.0)))
            .set(lot::mark.eq(Some(price.to_string())))
            .execute(conn)?;
    }
    Ok(())
}

fn move_running(conn: &mut Conn, moves: BTreeMap<BalanceKey, Amounts>) -> Result<(), StoreError> {
    let stored = running(conn, &moves)?;
    let rows = moves.into_iter().map(|(key, by)| {
        let mut amounts = stored.get(&key).copied().unwrap_or_default();
        amounts.add(by.quantity, by.value)?;
        Ok(BalanceRow::new(key, amounts))
    });
    bulk::insert(conn, &rows.collect::<Result<Vec<_>, StoreError>>()?)
}

/// What these balances stand at. On SQLite each is a look-up of its own, whose statement is kept; on PostgreSQL each would be a
/// round trip, so one statement asks for all keys that can be put together of their parts.
fn running(conn: &mut Conn, moves: &BTreeMap<BalanceKey, Amounts>) -> Result<BTreeMap<BalanceKey, Amounts>, StoreError> {
    match conn {
        Conn::Sqlite(_) => moves.keys().map(|key| Ok((*key, find_balance(conn, *key)?))).collect(),
        #[cfg(feature = "postgres")]
        Conn::Postgres(c) => {
            let parts = |part: fn(&BalanceKey) -> i32| moves.keys().map(part).collect::<Vec<i32>>();
            let rows: Vec<BalanceRow> = balance::table
                .filter(balance::account_no.eq_any(parts(|key| key.account)))
                .filter(balance::asset_id.eq_any(parts(|key| key.asset)))
                .filter(balance::wallet_id.eq_any(parts(|key| key.wallet)))
                .filter(balance::incident_id.eq_any(parts(|key| key.incident)))
                .select(BalanceRow::as_select())
                .load(c)?;
            Ok(rows.iter().map(|row| (row.key(), row.amounts())).collect())
        }
    }
}

fn move_daily(conn: &mut Conn, header: &EntryRow, moves: BTreeMap<(i32, i32), Amounts>) -> Result<(), StoreError> {
    let stored = daily(conn, header, &moves)?;
    let rows = moves.into_iter().map(|(key, by)| {
        let mut amounts = stored.get(&key).copied().unwrap_or_default();
        amounts.add(by.quantity, by.value)?;
        Ok(BalanceDayRow {
            effective_on: header.effective_on.clone(),
            period: header.period.clone(),
            account_no: key.0,
            asset_id: key.1,
            quantity: amounts.quantity.into(),
            value: amounts.value.into(),
        })
    });
    bulk::insert(conn, &rows.collect::<Result<Vec<_>, StoreError>>()?)
}

/// What the entry's day has moved in its period so far, by account and asset; asked for as [`running`] does.
fn daily(
    conn: &mut Conn,
    header: &EntryRow,
    moves: &BTreeMap<(i32, i32), Amounts>,
) -> Result<BTreeMap<(i32, i32), Amounts>, StoreError> {
    let of_day = balance_day::table
        .filter(balance_day::effective_on.eq(&header.effective_on))
        .filter(balance_day::period.eq(&header.period));
    let rows: Vec<BalanceDayRow> = match conn {
        Conn::Sqlite(c) => {
            let mut rows = Vec::with_capacity(moves.len());
            for (account, asset) in moves.keys() {
                let of_key = of_day.filter(balance_day::account_no.eq(account)).filter(balance_day::asset_id.eq(asset));
                rows.extend(of_key.select(BalanceDayRow::as_select()).first(c).optional()?);
            }
            rows
        }
        #[cfg(feature = "postgres")]
        Conn::Postgres(c) => of_day
            .filter(balance_day::account_no.eq_any(moves.keys().map(|key| key.0).collect::<Vec<_>>()))
            .filter(balance_day::asset_id.eq_any(moves.keys().map(|key| key.1).collect::<Vec<_>>()))
            .select(BalanceDayRow::as_select())
            .load(c)?,
    };
    Ok(rows.iter().map(|row| ((row.account_no, row.asset_id), row.amounts())).collect())
}

fn move_lot(conn: &mut Conn, entry_no: i64, id: LotId, lines: &[&Posting]) -> Result<(), StoreError> {
    let stored = lot::table.filter(lot::id.eq(id.0)).select(LotRow::as_select()).first(conn).optional()?;
    let damaged = |what: &str| StoreError::Damaged(format!("entry {entry_no} moves lot {id}, which {what}"));
    let mut row = match (stored, lines.iter().find_map(|line| line.opens.map(|opens| (line, opens)))) {
        (Some(row), None) => row,
        (None, Some((line, opens))) => LotRow {
            id: id.0,
            account_no: line.account.0,
            wallet_id: line.dims.wallet.map_or(0, |wallet| wallet.0),
            asset_id: line.asset.0,
            acquired_on: opens.acquired_on.to_string(),
            opened_by: entry_no,
            quantity: Minor(0),
            cost: Minor(0),
            mark: opens.mark.map(|mark| mark.to_string()),
            is_open: 1,
        },
        (Some(_), Some(_)) => return Err(damaged("is open already")),
        (None, None) => return Err(damaged("does not exist")),
    };
    let mut amounts = Amounts { quantity: row.quantity.quantity(), value: row.cost.value() };
    for line in lines {
        amounts.add(line.quantity, line.value)?;
    }
    if amounts.quantity.minor() < 0 || (amounts.quantity.is_zero() && !amounts.value.is_zero()) {
        return Err(damaged("would be left with less than nothing, or with a cost but no units"));
    }
    row.quantity = amounts.quantity.into();
    row.cost = amounts.value.into();
    row.is_open = i32::from(!amounts.quantity.is_zero());
    bulk::insert(conn, &[row])
}

/// One running balance; zero if it was never moved.
pub fn find_balance(conn: &mut Conn, key: BalanceKey) -> Result<Amounts, StoreError> {
    let wanted = balance::table
        .filter(balance::account_no.eq(key.account))
        .filter(balance::asset_id.eq(key.asset))
        .filter(balance::wallet_id.eq(key.wallet))
        .filter(balance::incident_id.eq(key.incident));
    let row: Option<BalanceRow> = on_each!(conn, c => wanted.select(BalanceRow::as_select()).first(c).optional())?;
    Ok(row.map_or_else(Amounts::default, |row| row.amounts()))
}

/// All running balances, by account, asset, wallet and incident.
pub fn balances(conn: &mut Conn) -> Result<Vec<BalanceRow>, StoreError> {
    Ok(balance::table
        .order((balance::account_no, balance::asset_id, balance::wallet_id, balance::incident_id))
        .select(BalanceRow::as_select())
        .load(conn)?)
}

/// All daily movements up to and including `as_of`, in order of the day.
pub fn movements_until(conn: &mut Conn, as_of: &str) -> Result<Vec<BalanceDayRow>, StoreError> {
    Ok(balance_day::table
        .filter(balance_day::effective_on.le(as_of))
        .order((balance_day::effective_on, balance_day::period, balance_day::account_no, balance_day::asset_id))
        .select(BalanceDayRow::as_select())
        .load(conn)?)
}

/// Open lots, all or of one asset, oldest first.
pub fn open_lots(conn: &mut Conn, asset: Option<AssetId>) -> Result<Vec<Lot>, StoreError> {
    let rows: Vec<LotRow> = match asset {
        Some(asset) => lot::table
            .filter(lot::is_open.eq(1))
            .filter(lot::asset_id.eq(asset.0))
            .order((lot::acquired_on, lot::id))
            .select(LotRow::as_select())
            .load(conn)?,
        None => {
            lot::table.filter(lot::is_open.eq(1)).order((lot::acquired_on, lot::id)).select(LotRow::as_select()).load(conn)?
        }
    };
    rows.iter().map(LotRow::to_domain).collect()
}

/// Lots by number, open or not.
pub fn lots_by_id(conn: &mut Conn, ids: &[LotId]) -> Result<Vec<Lot>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<LotRow> =
        on_each!(conn, c => lot::table.filter(lot::id.eq_any(&ids)).order(lot::id).select(LotRow::as_select()).load(c))?;
    rows.iter().map(LotRow::to_domain).collect()
}

/// Running balances of some accounts, by account, asset, wallet and incident.
pub fn balances_of_accounts(conn: &mut Conn, accounts: &[AccountNo]) -> Result<Vec<BalanceRow>, StoreError> {
    let numbers: Vec<i32> = accounts.iter().map(|account| account.0).collect();
    Ok(on_each!(conn, c => balance::table
        .filter(balance::account_no.eq_any(&numbers))
        .order((balance::account_no, balance::asset_id, balance::wallet_id, balance::incident_id))
        .select(BalanceRow::as_select())
        .load(c))?)
}

/// What was booked in one period, per account and asset.
pub fn booked_in(conn: &mut Conn, period: &str) -> Result<BTreeMap<(AccountNo, AssetId), Amounts>, StoreError> {
    let rows: Vec<BalanceDayRow> =
        balance_day::table.filter(balance_day::period.eq(period)).select(BalanceDayRow::as_select()).load(conn)?;
    fold_days(&rows)
}

/// What some accounts stand at after all that was booked in periods up to and including `period`.
pub fn booked_through(
    conn: &mut Conn,
    accounts: &[AccountNo],
    period: &str,
) -> Result<BTreeMap<(AccountNo, AssetId), Amounts>, StoreError> {
    let numbers: Vec<i32> = accounts.iter().map(|account| account.0).collect();
    let rows: Vec<BalanceDayRow> = on_each!(conn, c => balance_day::table
        .filter(balance_day::period.le(period))
        .filter(balance_day::account_no.eq_any(&numbers))
        .select(BalanceDayRow::as_select())
        .load(c))?;
    fold_days(&rows)
}

/// The units of some accounts together, per asset, after all entries with a business date up to and including `day`.
pub fn units_until(conn: &mut Conn, accounts: &[AccountNo], day: &str) -> Result<BTreeMap<AssetId, Quantity>, StoreError> {
    let numbers: Vec<i32> = accounts.iter().map(|account| account.0).collect();
    let rows: Vec<BalanceDayRow> = on_each!(conn, c => balance_day::table
        .filter(balance_day::effective_on.le(day))
        .filter(balance_day::account_no.eq_any(&numbers))
        .select(BalanceDayRow::as_select())
        .load(c))?;
    let mut sums: BTreeMap<AssetId, Quantity> = BTreeMap::new();
    for ((_, asset), amounts) in fold_days(&rows)? {
        let sum = sums.entry(asset).or_default();
        *sum = sum.checked_add(amounts.quantity).ok_or_else(|| StoreError::Damaged("a sum of units is too large".to_owned()))?;
    }
    Ok(sums)
}

fn fold_days(rows: &[BalanceDayRow]) -> Result<BTreeMap<(AccountNo, AssetId), Amounts>, StoreError> {
    let mut sums: BTreeMap<(AccountNo, AssetId), Amounts> = BTreeMap::new();
    for row in rows {
        let sum = sums.entry((AccountNo(row.account_no), AssetId(row.asset_id))).or_default();
        sum.add(row.quantity.quantity(), row.value.value())?;
    }
    Ok(sums)
}

/// The first period that anything was booked in.
pub fn first_period(conn: &mut Conn) -> Result<Option<String>, StoreError> {
    Ok(balance_day::table.order(balance_day::period).select(balance_day::period).first(conn).optional()?)
}

/// All daily movements.
pub fn all_movements(conn: &mut Conn) -> Result<Vec<BalanceDayRow>, StoreError> {
    movements_until(conn, "9999-12-31")
}

/// All lots as stored, empty ones included, by number.
pub fn all_lots(conn: &mut Conn) -> Result<Vec<LotRow>, StoreError> {
    Ok(lot::table.order(lot::id).select(LotRow::as_select()).load(conn)?)
}
