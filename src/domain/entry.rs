//! Journal entries. A [`Draft`] is what a posting rule builds; only [`Draft::balance`] turns it into the [`Balanced`] entry
//! that can be posted, so an unbalanced entry cannot reach the book.

use super::account::{AccountClass, AccountNo, no};
use super::amount::{Quantity, Value};
use super::asset::AssetId;
use super::event::Event;
use super::ids::{EntryNo, IncidentId, LotId, ReportId, WalletId};
use super::price::Price;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// The most lines one entry may have.
pub const MAX_LINES: usize = 10_000;

/// Where a posting belongs besides its account and asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Dims {
    /// The fund's own wallet that holds the units.
    pub wallet: Option<WalletId>,
    /// The lot that the units belong to.
    pub lot: Option<LotId>,
    /// The incident that caused the posting.
    pub incident: Option<IncidentId>,
    /// The fee report that caused the posting.
    pub report: Option<ReportId>,
}

/// What a posting that opens a lot says about the new lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LotOpening {
    /// Day of acquisition; carried over by a transfer between own wallets.
    pub acquired_on: Date,
    /// Unit price the lot was last marked to, if it was; carried over by a transfer.
    pub mark: Option<Price>,
}

/// One line of an entry. Debit is positive, credit negative, in quantity and in value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Account.
    pub account: AccountNo,
    /// Asset whose units move, or (with quantity 0) that the value belongs to.
    pub asset: AssetId,
    /// Units, signed.
    pub quantity: Quantity,
    /// Functional value, signed.
    pub value: Value,
    /// Dimensions.
    pub dims: Dims,
    /// Set when this line opens the lot in `dims.lot`.
    pub opens: Option<LotOpening>,
}

/// An entry under construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The event that is booked.
    pub event: Event,
    /// Business date.
    pub effective_on: Date,
    /// What people read in the journal.
    pub memo: String,
    /// Lines so far.
    pub lines: Vec<Posting>,
    /// The entry that this one reverses.
    pub reverses: Option<EntryNo>,
    /// Unit prices that every open lot of these assets is marked to by this entry (mark to market only).
    pub marks: BTreeMap<AssetId, Price>,
}

/// Why a draft cannot be posted. Each is a fault of a posting rule or of its input, never of rounding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unbalanced {
    /// Fewer than two lines, or more than [`MAX_LINES`].
    #[error("an entry has 2 to {MAX_LINES} lines, this one has {0}")]
    Lines(usize),
    /// Units of one asset do not sum to zero.
    #[error("units of asset {asset:?} are off by {by:?}")]
    Units {
        /// The asset.
        asset: AssetId,
        /// The difference.
        by: Quantity,
    },
    /// Functional values do not sum to zero.
    #[error("functional value is off by {0}")]
    Value(Value),
    /// A line without units and without value, or on a memo account, or conversion clearing with value.
    #[error("line {line} on account {account} is not allowed: {why}")]
    Line {
        /// 1-based.
        line: usize,
        /// Its account.
        account: AccountNo,
        /// The rule.
        why: &'static str,
    },
    /// A sum does not fit.
    #[error("a sum is too large")]
    Overflow,
}

impl Draft {
    /// An empty draft.
    pub fn new(event: Event, effective_on: Date, memo: impl Into<String>) -> Self {
        Self { event, effective_on, memo: memo.into(), lines: Vec::new(), reverses: None, marks: BTreeMap::new() }
    }

    /// Adds a line; a line of no units and no value is left out.
    pub fn line(&mut self, account: AccountNo, asset: AssetId, quantity: Quantity, value: Value, dims: Dims) -> &mut Self {
        if !(quantity.is_zero() && value.is_zero()) {
            self.lines.push(Posting { account, asset, quantity, value, dims, opens: None });
        }
        self
    }

    /// Adds a line of value only (fair value, remeasurement, gains); nothing for zero.
    pub fn value_line(&mut self, account: AccountNo, asset: AssetId, value: Value, dims: Dims) -> &mut Self {
        self.line(account, asset, Quantity::ZERO, value, dims)
    }

    /// True while nothing has been added.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Checks everything an entry must satisfy and seals it.
    pub fn balance(self) -> Result<Balanced, Unbalanced> {
        if self.lines.len() < 2 || self.lines.len() > MAX_LINES {
            return Err(Unbalanced::Lines(self.lines.len()));
        }
        let mut units: BTreeMap<AssetId, Quantity> = BTreeMap::new();
        let mut value = Value::ZERO;
        for (index, line) in self.lines.iter().enumerate() {
            let refuse = |why| Unbalanced::Line { line: index.saturating_add(1), account: line.account, why };
            match AccountClass::of(line.account) {
                None => return Err(refuse("there is no such class of accounts")),
                Some(AccountClass::Memo) => return Err(refuse("memo accounts take no postings")),
                Some(_) => {}
            }
            if line.quantity.is_zero() && line.value.is_zero() {
                return Err(refuse("a line moves units or value"));
            }
            if line.account == no::CONVERSION && !line.value.is_zero() {
                return Err(refuse("conversion clearing carries units only"));
            }
            let sum = units.entry(line.asset).or_default();
            *sum = sum.checked_add(line.quantity).ok_or(Unbalanced::Overflow)?;
            value = value.checked_add(line.value).ok_or(Unbalanced::Overflow)?;
        }
        if let Some((&asset, &by)) = units.iter().find(|(_, by)| !by.is_zero()) {
            return Err(Unbalanced::Units { asset, by });
        }
        if !value.is_zero() {
            return Err(Unbalanced::Value(value));
        }
        Ok(Balanced { draft: self })
    }
}

/// An entry that balances in units of every asset and in functional value. Only [`Draft::balance`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balanced {
    draft: Draft,
}

impl Balanced {
    /// The sealed draft, to read.
    pub const fn draft(&self) -> &Draft {
        &self.draft
    }
    /// The lines.
    pub fn lines(&self) -> &[Posting] {
        &self.draft.lines
    }
    /// The sum of the debits in functional value; that of the credits is the same.
    pub fn debits(&self) -> Value {
        let debits = self.draft.lines.iter().map(|line| line.value).filter(|value| *value > Value::ZERO);
        // A balanced entry was summed when it was sealed, so the sum fits.
        Value::checked_sum(debits).unwrap_or(Value(i128::MAX))
    }
}
