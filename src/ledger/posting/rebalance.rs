//! E06: the fund exchanges one asset for another.

use super::context::{Context, Header, Place, Receipt};
use super::entry::{EntryBuilder, sub};
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::outcome::Rejection;

/// An exchange of assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebalance {
    /// The wallet that gives.
    pub from: Place,
    /// The asset given.
    pub sold: AssetId,
    /// Units given, above zero.
    pub quantity: Quantity,
    /// What came back, and where.
    pub bought: Receipt,
}

/// Dr the new units at fair value in a new lot, Cr the old ones at lot cost with 4300 and the reversal leg; what the new units
/// are worth less than the old ones is the cost of the conversion (5210; a credit where they are worth more). Units go through
/// 3900.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`, `InsufficientUnits`.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &Rebalance) -> Result<Balanced, Rejection> {
    let Receipt { place, asset, quantity } = input.bought;
    if asset == input.sold {
        return Err(Rejection::invalid(
            "/bought/asset",
            ctx.assets.code(asset),
            "is the asset that is given; a transfer moves one asset",
        ));
    }
    let mut entry = EntryBuilder::new(ctx, Event::Rebalance, header);
    let given = entry.fair_value(input.sold, input.quantity, "/quantity")?;
    let got = entry.fair_value(asset, quantity, "/bought/quantity")?;
    entry.receive(place, asset, quantity, got)?;
    entry.debit_value(no::CONVERSION_COST, input.sold, sub(given, got)?);
    convert_units(&mut entry, (input.sold, input.quantity), (asset, quantity));
    entry.dispose(input.from, input.sold, input.quantity, given, "/quantity")?;
    entry.seal()
}

/// Units of `out` leave and units of `into` appear, through clearing: Dr 3900 in the one, Cr 3900 in the other, no value.
pub(super) fn convert_units(entry: &mut EntryBuilder<'_, '_>, out: (AssetId, Quantity), into: (AssetId, Quantity)) {
    let none = crate::domain::amount::Value::ZERO;
    entry.debit(no::CONVERSION, out.0, out.1, none);
    entry.credit(no::CONVERSION, into.0, into.1, none);
}
