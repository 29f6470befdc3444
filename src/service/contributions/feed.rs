//! What one command knows while it posts reports.

use crate::domain::account::no;
use crate::domain::asset::AssetId;
use crate::domain::contribution::policy::PolicyBook;
use crate::domain::entry::Balanced;
use crate::ledger::asset_table::AssetTable;
use crate::ledger::posting::Carrying;
use crate::service::policies;
use crate::service::posting::Prices;
use crate::service::refs::{FUNCTIONAL, Refs};
use crate::store::error::StoreError;
use crate::store::projection::{self, Amounts, BalanceKey};
use crate::store::tx::Tx;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// What one command knows while it posts reports: reference data, policies, prices, and what it has moved itself.
pub(in crate::service) struct Feed {
    /// Reference data.
    pub refs: Refs,
    /// Contribution policies.
    pub policies: PolicyBook,
    /// The assets among them, with the currency of account.
    pub assets: AssetTable,
    /// A price set that this command is about to lock.
    fresh: Option<Prices>,
    /// Movements of the receivable that this command has queued; the stored balance does not have them yet.
    moved: BTreeMap<AssetId, Amounts>,
}

impl Feed {
    /// Loads what is in force; `fresh` is a price set that the same command locks.
    pub fn load(tx: &mut Tx<'_>, fresh: Option<&Prices>) -> Result<Self, StoreError> {
        let refs = Refs::load(tx.conn)?;
        let assets = AssetTable::new(FUNCTIONAL, refs.assets.values().cloned())?;
        let policies = policies::contribution_policies(tx.conn)?;
        Ok(Self { refs, policies, assets, fresh: fresh.cloned(), moved: BTreeMap::new() })
    }

    /// The latest set at or before the day, counting the one about to be locked.
    pub fn prices(&self, tx: &mut Tx<'_>, day: Date) -> Result<Prices, StoreError> {
        let stored = Prices::at(tx.conn, day)?;
        let newer = self.fresh.as_ref().filter(|fresh| fresh.cutoff_on.is_some_and(|cutoff| cutoff <= day));
        Ok(newer.filter(|fresh| fresh.cutoff_on >= stored.cutoff_on).cloned().unwrap_or(stored))
    }

    /// What stands on the receivable for an asset, with what this command has queued.
    pub fn receivable(&self, tx: &mut Tx<'_>, asset: AssetId) -> Result<Carrying, StoreError> {
        let key = BalanceKey { account: no::CONTRIBUTIONS_RECEIVABLE.0, asset: asset.0, wallet: 0, incident: 0 };
        let mut amounts = projection::find_balance(tx.conn, key)?;
        if let Some(moved) = self.moved.get(&asset) {
            amounts.add(moved.quantity, moved.value)?;
        }
        Ok(Carrying::debit(amounts.quantity, amounts.value))
    }

    /// Counts what an entry that was queued moves on the receivable.
    pub fn note_moved(&mut self, entry: &Balanced) -> Result<(), StoreError> {
        for line in entry.lines().iter().filter(|line| line.account == no::CONTRIBUTIONS_RECEIVABLE) {
            self.moved.entry(line.asset).or_default().add(line.quantity, line.value)?;
        }
        Ok(())
    }
}
