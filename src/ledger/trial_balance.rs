//! The trial balance: what stands on every account, per asset, in units and in value.

use crate::domain::account::AccountNo;
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::entry::Posting;
use crate::ledger::posting::Carrying;
use std::collections::BTreeMap;

/// Signed units and value (debit above zero).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// Units.
    pub quantity: Quantity,
    /// Functional value.
    pub value: Value,
}

impl Amounts {
    /// The sum, or `None` when it does not fit.
    pub fn plus(self, quantity: Quantity, value: Value) -> Option<Self> {
        Some(Self { quantity: self.quantity.checked_add(quantity)?, value: self.value.checked_add(value)? })
    }

    /// True when nothing is left of either.
    pub const fn is_zero(self) -> bool {
        self.quantity.is_zero() && self.value.is_zero()
    }

    /// The debit and the credit column; one of them is zero.
    pub fn columns(self) -> (Value, Value) {
        if self.value < Value::ZERO { (Value::ZERO, self.value.negated()) } else { (self.value, Value::ZERO) }
    }
}

/// A sum of the trial balance does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the balance of account {account} in asset {asset:?} does not fit")]
pub struct BalanceOverflow {
    /// The account.
    pub account: AccountNo,
    /// The asset.
    pub asset: AssetId,
}

/// Balances per account and asset. Rows that came to zero stay, so that an account that was used is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrialBalance {
    rows: BTreeMap<(AccountNo, AssetId), Amounts>,
}

impl TrialBalance {
    /// Folds postings.
    ///
    /// # Errors
    /// [`BalanceOverflow`].
    pub fn of_postings<'p>(postings: impl IntoIterator<Item = &'p Posting>) -> Result<Self, BalanceOverflow> {
        let mut balance = Self::default();
        for line in postings {
            balance.add(line.account, line.asset, line.quantity, line.value)?;
        }
        Ok(balance)
    }

    /// Folds balances as stored, by whatever further dimensions.
    ///
    /// # Errors
    /// [`BalanceOverflow`].
    pub fn of_balances(
        balances: impl IntoIterator<Item = (AccountNo, AssetId, Quantity, Value)>,
    ) -> Result<Self, BalanceOverflow> {
        let mut balance = Self::default();
        for (account, asset, quantity, value) in balances {
            balance.add(account, asset, quantity, value)?;
        }
        Ok(balance)
    }

    /// Adds one amount.
    ///
    /// # Errors
    /// [`BalanceOverflow`].
    pub fn add(&mut self, account: AccountNo, asset: AssetId, quantity: Quantity, value: Value) -> Result<(), BalanceOverflow> {
        let row = self.rows.entry((account, asset)).or_default();
        *row = row.plus(quantity, value).ok_or(BalanceOverflow { account, asset })?;
        Ok(())
    }

    /// The rows, by account and asset.
    pub fn rows(&self) -> impl Iterator<Item = (AccountNo, AssetId, Amounts)> {
        self.rows.iter().map(|(&(account, asset), &amounts)| (account, asset, amounts))
    }

    /// One row; zero where nothing was posted.
    pub fn get(&self, account: AccountNo, asset: AssetId) -> Amounts {
        self.rows.get(&(account, asset)).copied().unwrap_or_default()
    }

    /// A receivable or other debit account as rules take it.
    pub fn debit(&self, account: AccountNo, asset: AssetId) -> Carrying {
        let amounts = self.get(account, asset);
        Carrying::debit(amounts.quantity, amounts.value)
    }

    /// An obligation or other credit account as rules take it.
    pub fn credit(&self, account: AccountNo, asset: AssetId) -> Carrying {
        let amounts = self.get(account, asset);
        Carrying::credit(amounts.quantity, amounts.value)
    }

    /// Value of several accounts over all assets, signed; `None` when the sum does not fit.
    pub fn value_of(&self, accounts: &[AccountNo]) -> Option<Value> {
        Value::checked_sum(self.rows().filter(|(no, ..)| accounts.contains(no)).map(|(_, _, amounts)| amounts.value))
    }

    /// Units of one asset on several accounts, signed; `None` when the sum does not fit.
    pub fn units_of(&self, accounts: &[AccountNo], asset: AssetId) -> Option<Quantity> {
        let rows = self.rows().filter(|(no, of, _)| *of == asset && accounts.contains(no));
        Quantity::checked_sum(rows.map(|(_, _, amounts)| amounts.quantity))
    }

    /// Totals: units per asset and value over all. Every one is zero in a book that is whole; `None` when a sum does not fit.
    pub fn totals(&self) -> Option<(BTreeMap<AssetId, Quantity>, Value)> {
        let mut units: BTreeMap<AssetId, Quantity> = BTreeMap::new();
        let mut value = Value::ZERO;
        for (_, asset, amounts) in self.rows() {
            let sum = units.entry(asset).or_default();
            *sum = sum.checked_add(amounts.quantity)?;
            value = value.checked_add(amounts.value)?;
        }
        Some((units, value))
    }
}
