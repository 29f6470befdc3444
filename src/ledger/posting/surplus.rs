//! E28: surplus is released to the sponsor.

use super::context::{Context, Header, Place};
use super::entry::EntryBuilder;
use super::payout::require_free;
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::outcome::Rejection;

/// Units given back to the sponsor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surplus {
    /// 3200 (capital given back) or 3100 (accumulated balance distributed).
    pub against: AccountNo,
    /// The wallet that pays.
    pub from: Place,
    /// The asset.
    pub asset: AssetId,
    /// Units, above zero.
    pub quantity: Quantity,
}

/// Dr 3200 or 3100 at fair value, Cr the wallet at lot cost, 4300 and the reversal leg.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`, `InsufficientUnits`.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &Surplus) -> Result<Balanced, Rejection> {
    require_free(input.from)?;
    if ![no::SPONSOR_CAPITAL, no::FUND_BALANCE].contains(&input.against) {
        return Err(Rejection::invalid(
            "/against",
            input.against,
            "is not an account that surplus is released from; use 3200 or 3100",
        ));
    }
    let mut entry = EntryBuilder::new(ctx, Event::SurplusReleased, header);
    let value = entry.fair_value(input.asset, input.quantity, "/quantity")?;
    entry.debit(input.against, input.asset, input.quantity, value);
    entry.dispose(input.from, input.asset, input.quantity, value, "/quantity")?;
    entry.seal()
}
