//! Lots: units of one asset in one wallet, acquired together, at their cost.

use super::account::AccountNo;
use super::amount::{Quantity, Value};
use super::asset::AssetId;
use super::ids::{LotId, WalletId};
use super::price::Price;
use jiff::civil::Date;

/// An open lot. Units and cost are what remains of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lot {
    /// Number; lots are used up in the order of (`acquired_on`, `id`).
    pub id: LotId,
    /// Account that carries it.
    pub account: AccountNo,
    /// Wallet that holds it.
    pub wallet: WalletId,
    /// Asset.
    pub asset: AssetId,
    /// Day of acquisition.
    pub acquired_on: Date,
    /// Units left, above zero while open.
    pub quantity: Quantity,
    /// Cost of the units left.
    pub cost: Value,
    /// Unit price of the last mark to market since acquisition; `None` before the first.
    pub mark: Option<Price>,
}
