//! What posting rules are given: assets, prices, open lots, and the words of the entry.

use crate::domain::account::{AccountNo, no};
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::ids::{LotId, WalletId};
use crate::domain::lot::Lot;
use crate::domain::outcome::Rejection;
use crate::domain::price::Price;
use crate::ledger::asset_table::AssetTable;
use crate::ledger::lots::LotQueues;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Business date and memo of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Business date; also the day of acquisition of lots that the entry opens.
    pub effective_on: Date,
    /// What people read in the journal.
    pub memo: String,
}

impl Header {
    /// A header.
    pub fn new(effective_on: Date, memo: impl Into<String>) -> Self {
        Self { effective_on, memo: memo.into() }
    }
}

/// Where units of the fund lie: a wallet and the account that carries it (1110 to 1150 in lots, or the bank 1160).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The wallet.
    pub wallet: WalletId,
    /// Its account.
    pub account: AccountNo,
}

impl Place {
    /// A place.
    pub const fn new(wallet: WalletId, account: AccountNo) -> Self {
        Self { wallet, account }
    }

    /// True where units are held in lots.
    pub fn holds_lots(self) -> bool {
        no::HOLDINGS.contains(&self.account)
    }

    /// True for the bank, which holds the functional currency without lots.
    pub fn is_bank(self) -> bool {
        self.account == no::BANK
    }
}

/// Units that arrive at a place of the fund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Where they arrive.
    pub place: Place,
    /// The asset.
    pub asset: AssetId,
    /// Units, above zero.
    pub quantity: Quantity,
}

/// What stands on an account for one asset (and incident, where it has one), in the account's own direction: a receivable or
/// an obligation that exists is above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carrying {
    /// Units.
    pub quantity: Quantity,
    /// Functional value.
    pub value: Value,
}

impl Carrying {
    /// From the signed balance of a debit account (receivables).
    pub const fn debit(quantity: Quantity, value: Value) -> Self {
        Self { quantity, value }
    }

    /// From the signed balance of a credit account (obligations, allowances, capital).
    pub const fn credit(quantity: Quantity, value: Value) -> Self {
        Self { quantity: quantity.negated(), value: value.negated() }
    }

    /// Takes units out pro rata of the value; the last units take the remainder. `None` when there are fewer units.
    pub fn take(&mut self, units: Quantity) -> Option<Value> {
        if units > self.quantity || units < Quantity::ZERO {
            return None;
        }
        let value = units.share_of(self.quantity, self.value)?;
        *self = Self { quantity: self.quantity.checked_sub(units)?, value: self.value.checked_sub(value)? };
        Some(value)
    }

    /// What is left after `part` was taken off: for a gross amount less its allowance.
    pub fn without(self, part: Self) -> Option<Self> {
        Some(Self { quantity: self.quantity.checked_sub(part.quantity)?, value: self.value.checked_sub(part.value)? })
    }
}

/// Gives out lot numbers. The service starts it at the book's next number and stores where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextLot(i64);

impl NextLot {
    /// The first number to give out.
    pub const fn starting_at(next: i64) -> Self {
        Self(next)
    }

    /// The number that comes next.
    pub const fn peek(self) -> LotId {
        LotId(self.0)
    }

    pub(super) fn allocate(&mut self) -> LotId {
        let id = LotId(self.0);
        self.0 = self.0.saturating_add(1);
        id
    }
}

/// What the rules may look at and use up: assets, the day's prices, open lots, bank balances and lot numbers.
///
/// One context serves all entries of one write, in order: lots taken or opened by one are seen by the next. After a rejection it
/// may be half used; throw it away with the write.
#[derive(Debug)]
pub struct Context<'a> {
    /// The book's assets.
    pub assets: &'a AssetTable,
    /// Unit prices of the day; the functional currency needs none.
    pub prices: &'a BTreeMap<AssetId, Price>,
    pub(super) lots: LotQueues,
    pub(super) bank: BTreeMap<WalletId, Quantity>,
    next_lot: NextLot,
}

impl<'a> Context<'a> {
    /// A context; `open_lots` are those of every place that the rules will take units from.
    pub fn new(
        assets: &'a AssetTable,
        prices: &'a BTreeMap<AssetId, Price>,
        open_lots: impl IntoIterator<Item = Lot>,
        next_lot: NextLot,
    ) -> Self {
        Self { assets, prices, lots: LotQueues::new(open_lots), bank: BTreeMap::new(), next_lot }
    }

    /// Adds what a bank account holds (units of the functional currency), so that it can be paid from.
    #[must_use]
    pub fn with_bank(mut self, wallet: WalletId, balance: Quantity) -> Self {
        self.bank.insert(wallet, balance);
        self
    }

    /// The lot number that comes next, to store after the last entry.
    pub const fn next_lot(&self) -> NextLot {
        self.next_lot
    }

    /// What units are worth at the day's price.
    ///
    /// # Errors
    /// `UnknownAsset`, `PriceMissing`, or `InvalidField` when the value does not fit.
    pub fn fair_value(&self, asset: AssetId, quantity: Quantity) -> Result<Value, Rejection> {
        self.assets.get(asset)?;
        self.assets.fair_value(asset, quantity, self.assets.price(self.prices, asset)?)
    }

    pub(super) fn allocate_lot(&mut self) -> LotId {
        self.next_lot.allocate()
    }
}
