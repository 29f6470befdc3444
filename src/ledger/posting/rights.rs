//! E18a and E18b: recovery rights are redeemed, or become capital.

use super::context::{Carrying, Context, Header, Place};
use super::entry::EntryBuilder;
use super::payout::require_free;
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::Rejection;

/// Recovery rights that end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// The incident.
    pub incident: IncidentId,
    /// The asset.
    pub asset: AssetId,
    /// Units, above zero.
    pub quantity: Quantity,
    /// What stands on 2140 for the incident and asset; for a redemption remeasured to the day's price (E09) before.
    pub rights: Carrying,
}

/// E18a: Dr 2140 at fair value, Cr the wallet at lot cost, 4300 and the reversal leg.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`, `InsufficientUnits`, `OutOfOrder` when 2140 does not stand at the day's price.
pub fn post_redeemed(ctx: &mut Context<'_>, header: Header, from: Place, input: &Rights) -> Result<Balanced, Rejection> {
    require_free(from)?;
    let mut entry = EntryBuilder::new(ctx, Event::RightsRedeemed, header).for_incident(Some(input.incident));
    entry.pay_in_kind(no::RECOVERY_RIGHTS, input.rights, from, input.asset, input.quantity)?;
    entry.seal()
}

/// E18b: Dr 2140, Cr 3200, pro rata of the carrying amount.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `InsufficientUnits`.
pub fn post_converted(ctx: &mut Context<'_>, header: Header, input: &Rights) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::RightsConverted, header).for_incident(Some(input.incident));
    entry.reclassify(no::RECOVERY_RIGHTS, no::SPONSOR_CAPITAL, input.rights, input.asset, input.quantity)?;
    entry.seal()
}
