//! Coverage: what the fund is worth against what it owes. Pure ratios; each carries its numerator, denominator and formula, and
//! says why where it has no value. A ratio without a denominator is "n/a", never infinite and never 100 %.

mod ratios;

use super::amount::{Quantity, Value};
use super::asset::AssetId;
use super::price::Price;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Decimals of every ratio, rounded half-even.
pub const RATIO_DECIMALS: u32 = 6;
/// One in the unit of haircuts, shocks and shares.
pub const MILLION: i128 = 1_000_000;

/// The reason where nothing is owed.
pub const NOTHING_OWED: &str = "nothing is owed";

/// What the fund holds and owes in one asset.
#[derive(Debug, Clone)]
pub struct Position {
    /// The asset.
    pub asset: AssetId,
    /// Its code.
    pub code: String,
    /// Its decimals.
    pub scale: u8,
    /// True for the sponsor's own token.
    pub own_token: bool,
    /// Price in force; `None` where no locked set has one.
    pub price: Option<Price>,
    /// Units on 1110, 1120, 1130, 1140 and 1150.
    pub held: Quantity,
    /// Units on 1150.
    pub encumbered: Quantity,
    /// Units owed in kind, above zero.
    pub owed: Quantity,
    /// Carrying amount of all obligations in this asset, above zero.
    pub obligations: Value,
    /// Part of the value that does not count as liquid, in millionths.
    pub haircut: i128,
}

/// Balances over all assets, each above zero in its own direction.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    /// All assets of the balance sheet.
    pub assets: Value,
    /// All liabilities of the balance sheet.
    pub liabilities: Value,
    /// Unidentified receipts (2240).
    pub suspense: Value,
    /// Contributions refundable (2250).
    pub refundable: Value,
    /// Loans and their interest (2210, 2220).
    pub loans: Value,
}

/// A saved stress scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Name.
    pub name: String,
    /// How far the price of each asset falls, in millionths.
    pub shocks: BTreeMap<AssetId, i128>,
    /// A further loss owed to users.
    pub loss: Value,
}

/// What the policy in force measures the fund against.
#[derive(Debug, Clone, Default)]
pub struct Targets {
    /// What the fund should be worth.
    pub target: Option<Value>,
    /// Below this the alarm is raised.
    pub floor: Option<Value>,
    /// Part of the hot-wallet user assets that a stress takes as lost on top, in millionths.
    pub stress_payout_share: i128,
    /// Saved scenarios.
    pub scenarios: Vec<Scenario>,
}

/// Memo figures at the prices in force; the text says why there is none.
#[derive(Debug, Clone)]
pub struct Memo {
    /// User assets that the fund covers (9100).
    pub covered: Result<Value, String>,
    /// User assets in hot wallets (9110).
    pub hot_wallets: Result<Value, String>,
}

/// Mean flows a day over a window of days, apart from price movements.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flows {
    /// Days of the window; 0 when the book is younger than a day.
    pub days: i128,
    /// Contributions accrued in the window.
    pub contributions: Value,
    /// What left the holdings in the window, less what came in.
    pub net_outflow: Value,
}

/// Everything the ratios are made of.
#[derive(Debug, Clone)]
pub struct Input {
    /// One position an asset that is held or owed.
    pub positions: Vec<Position>,
    /// Balances over all assets.
    pub totals: Totals,
    /// The policy's levels.
    pub targets: Targets,
    /// Memo figures.
    pub memo: Memo,
    /// Flows.
    pub flows: Flows,
}

/// One side of a ratio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amount {
    /// Functional value.
    Value(Value),
    /// Units of an asset.
    Units {
        /// Minor units.
        quantity: Quantity,
        /// Decimals.
        scale: u8,
        /// Code.
        code: String,
    },
    /// Not known, with the reason.
    Unknown(String),
}

/// How a ratio reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A multiple such as 1.69.
    Multiple,
    /// A share of one.
    Share,
    /// Functional currency a unit.
    Price,
    /// Days.
    Days,
}

/// One ratio.
#[derive(Debug, Clone)]
pub struct Ratio {
    /// Stable key, for example `coverage` or `matched.BTC`.
    pub key: String,
    /// Label for people.
    pub label: String,
    /// The value with 6 decimals, or why there is none.
    pub value: Result<Decimal, String>,
    /// How it reads.
    pub kind: Kind,
    /// Above the line.
    pub numerator: Amount,
    /// Below the line.
    pub denominator: Amount,
    /// The formula in words.
    pub formula: String,
}

/// The fund's value in one asset.
#[derive(Debug, Clone)]
pub struct Holding {
    /// The asset.
    pub asset: AssetId,
    /// Its code.
    pub code: String,
    /// Value of all units held.
    pub value: Value,
}

/// The computed coverage.
#[derive(Debug, Clone)]
pub struct Coverage {
    /// Fair value of all holdings, or which price is missing.
    pub fund_value: Result<Value, String>,
    /// Value by asset, where there is a price.
    pub holdings: Vec<Holding>,
    /// Obligations.
    pub obligations: Value,
    /// Headline and further ratios in the order of the report.
    pub ratios: Vec<Ratio>,
    /// Matched ratio of each asset that is owed in kind, the lowest first.
    pub matched: Vec<Ratio>,
    /// One ratio a saved scenario, in the policy's order.
    pub stress: Vec<Ratio>,
}

impl Coverage {
    /// The ratio with this key.
    pub fn get(&self, key: &str) -> Option<&Ratio> {
        self.ratios.iter().chain(&self.matched).chain(&self.stress).find(|ratio| ratio.key == key)
    }
}

#[cfg(test)]
#[path = "coverage/tests.rs"]
mod tests;
