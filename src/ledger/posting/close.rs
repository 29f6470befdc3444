//! E24: a period closes: income and expense go to the fund balance, in units and in value.

use super::context::{Context, Header};
use super::entry::{EntryBuilder, add, too_large};
use crate::domain::account::{AccountClass, AccountNo, no};
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::entry::{Balanced, Dims};
use crate::domain::event::Event;
use crate::domain::outcome::Rejection;
use std::collections::BTreeMap;

/// What stands on one income or expense account at the end of a period, signed as in the books (debit above zero).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosingBalance {
    /// An account of 4xxx or 5xxx.
    pub account: AccountNo,
    /// The asset.
    pub asset: AssetId,
    /// Dimensions the balance is kept by; the closing line takes the same.
    pub dims: Dims,
    /// Units.
    pub quantity: Quantity,
    /// Functional value.
    pub value: Value,
}

/// Brings every balance to zero against 3100, one line of 3100 for each asset. `None` when all are zero already.
///
/// # Errors
/// `InvalidField` for an account that is not income or expense, `AboveLimit` for more balances than an entry has lines.
pub fn post(ctx: &mut Context<'_>, header: Header, balances: &[ClosingBalance]) -> Result<Option<Balanced>, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::PeriodClose, header);
    let mut to_fund: BTreeMap<AssetId, (Quantity, Value)> = BTreeMap::new();
    for (at, balance) in balances.iter().enumerate() {
        if !AccountClass::of(balance.account).is_some_and(AccountClass::is_closed_each_period) {
            let pointer = format!("/balances/{at}/account");
            return Err(Rejection::invalid(
                pointer,
                balance.account,
                "is not an income or expense account; only those are closed",
            ));
        }
        let (quantity, value) = (balance.quantity.negated(), balance.value.negated());
        entry.draft.line(balance.account, balance.asset, quantity, value, balance.dims);
        let (units, worth) = to_fund.entry(balance.asset).or_default();
        *units = units.checked_add(balance.quantity).ok_or_else(too_large)?;
        *worth = add(*worth, balance.value)?;
    }
    for (asset, (quantity, value)) in to_fund {
        entry.debit(no::FUND_BALANCE, asset, quantity, value);
    }
    if entry.draft.is_empty() { Ok(None) } else { entry.seal().map(Some) }
}
