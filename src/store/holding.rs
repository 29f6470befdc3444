//! What wallets hold by the book, in units: as of a business date, by day, and as it was known at a leaf of the log.

use super::conn::{Conn, on_each};
use super::error::StoreError;
use super::projection;
use super::schema::{entry, posting};
use super::types::Minor;
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::ids::WalletId;
use diesel::prelude::*;
use std::collections::BTreeMap;

/// Units by wallet and asset.
pub type Held = BTreeMap<(WalletId, AssetId), Quantity>;

/// The accounts whose units lie in wallets and bank accounts.
fn accounts() -> Vec<i32> {
    no::HOLDINGS.into_iter().chain([no::BANK]).map(|account: AccountNo| account.0).collect()
}

/// What every wallet holds after all entries with a business date up to and including `day`. Found from the running balances by
/// taking back what moved later, because mostly a late day is asked for.
pub fn held_on(conn: &mut Conn, day: &str) -> Result<Held, StoreError> {
    let mut held = Held::new();
    let wanted: Vec<AccountNo> = accounts().into_iter().map(AccountNo).collect();
    for row in projection::balances_of_accounts(conn, &wanted)?.iter().filter(|row| row.wallet_id != 0) {
        add(&mut held, (WalletId(row.wallet_id), row.asset()), row.quantity.quantity())?;
    }
    let accounts = accounts();
    let later: Vec<(Option<i32>, i32, Minor)> = on_each!(conn, c => posting::table
        .inner_join(entry::table.on(entry::no.eq(posting::entry_no)))
        .filter(entry::effective_on.gt(day))
        .filter(posting::account_no.eq_any(&accounts))
        .filter(posting::wallet_id.is_not_null())
        .select((posting::wallet_id, posting::asset_id, posting::quantity))
        .load(c))?;
    for (wallet, asset, quantity) in later {
        let key = (WalletId(wallet.unwrap_or_default()), AssetId(asset));
        add(&mut held, key, quantity.quantity().negated())?;
    }
    Ok(held)
}

/// What moved in one wallet and asset, by business date.
pub fn moved_by_day(conn: &mut Conn, wallet: WalletId, asset: AssetId) -> Result<BTreeMap<String, Quantity>, StoreError> {
    let accounts = accounts();
    let moved: Vec<(String, Minor)> = on_each!(conn, c => posting::table
        .inner_join(entry::table.on(entry::no.eq(posting::entry_no)))
        .filter(posting::account_no.eq_any(&accounts))
        .filter(posting::wallet_id.eq(wallet.0))
        .filter(posting::asset_id.eq(asset.0))
        .select((entry::effective_on, posting::quantity))
        .load(c))?;
    let mut days: BTreeMap<String, Quantity> = BTreeMap::new();
    for (day, quantity) in moved {
        let sum = days.entry(day).or_default();
        *sum = sum.checked_add(quantity.quantity()).ok_or_else(too_large)?;
    }
    Ok(days)
}

/// What an entry moved in a wallet.
#[derive(Debug, Clone)]
pub struct Moved {
    /// Leaf of the entry.
    pub leaf: i64,
    /// Its business date.
    pub day: String,
    /// Wallet and asset.
    pub key: (WalletId, AssetId),
    /// Units, signed.
    pub quantity: Quantity,
}

/// All that ever moved in wallets, in the order of the leaves: for checking what was known when.
pub fn all_moved(conn: &mut Conn) -> Result<Vec<Moved>, StoreError> {
    let accounts = accounts();
    let moved: Vec<(i64, String, Option<i32>, i32, Minor)> = on_each!(conn, c => posting::table
        .inner_join(entry::table.on(entry::no.eq(posting::entry_no)))
        .filter(posting::account_no.eq_any(&accounts))
        .filter(posting::wallet_id.is_not_null())
        .select((entry::leaf, entry::effective_on, posting::wallet_id, posting::asset_id, posting::quantity))
        .order(entry::leaf)
        .load(c))?;
    let moved = moved.into_iter().map(|(leaf, day, wallet, asset, quantity)| {
        let key = (WalletId(wallet.unwrap_or_default()), AssetId(asset));
        Moved { leaf, day, key, quantity: quantity.quantity() }
    });
    Ok(moved.collect())
}

/// The last business date of `from..=to` on which anything moved, by wallet and asset.
pub fn last_moved(conn: &mut Conn, from: &str, to: &str) -> Result<BTreeMap<(WalletId, AssetId), String>, StoreError> {
    let accounts = accounts();
    let moved: Vec<(Option<i32>, i32, String)> = on_each!(conn, c => posting::table
        .inner_join(entry::table.on(entry::no.eq(posting::entry_no)))
        .filter(entry::effective_on.between(from, to))
        .filter(posting::account_no.eq_any(&accounts))
        .filter(posting::wallet_id.is_not_null())
        .select((posting::wallet_id, posting::asset_id, entry::effective_on))
        .distinct()
        .order(entry::effective_on)
        .load(c))?;
    Ok(moved.into_iter().map(|(wallet, asset, day)| ((WalletId(wallet.unwrap_or_default()), AssetId(asset)), day)).collect())
}

/// What one entry moved in one wallet and asset.
pub fn moved_by_entry(conn: &mut Conn, entry_no: i64, wallet: WalletId, asset: AssetId) -> Result<Quantity, StoreError> {
    let accounts = accounts();
    let moved: Vec<Minor> = on_each!(conn, c => posting::table
        .filter(posting::entry_no.eq(entry_no))
        .filter(posting::account_no.eq_any(&accounts))
        .filter(posting::wallet_id.eq(wallet.0))
        .filter(posting::asset_id.eq(asset.0))
        .select(posting::quantity)
        .load(c))?;
    Quantity::checked_sum(moved.iter().map(|minor| minor.quantity())).ok_or_else(too_large)
}

fn add(held: &mut Held, key: (WalletId, AssetId), quantity: Quantity) -> Result<(), StoreError> {
    let sum = held.entry(key).or_default();
    *sum = sum.checked_add(quantity).ok_or_else(too_large)?;
    Ok(())
}

fn too_large() -> StoreError {
    StoreError::Damaged("what a wallet holds does not fit".to_owned())
}
