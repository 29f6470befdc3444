//! E11 and E13: approved claims are paid in kind, and the network takes its fee.

use super::context::{Carrying, Context, Header, Place};
use super::entry::EntryBuilder;
use super::transfer::{NetworkFee, network_fee};
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::Rejection;

/// A payout batch in one asset from one wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payout {
    /// The incident.
    pub incident: IncidentId,
    /// The wallet that pays.
    pub from: Place,
    /// The asset.
    pub asset: AssetId,
    /// Units paid to claimants, above zero, without the network fee.
    pub quantity: Quantity,
    /// What stands on 2130 for the incident and asset, remeasured to the day's price (E09) before.
    pub payable: Carrying,
}

/// E11: Dr 2130 at fair value, Cr the wallet at lot cost, 4300 and the reversal leg.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`, `InsufficientUnits` (payable or wallet), `OutOfOrder` when 2130 does not stand
/// at the day's price.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &Payout) -> Result<Balanced, Rejection> {
    require_free(input.from)?;
    let mut entry = EntryBuilder::new(ctx, Event::PaidInKind, header).for_incident(Some(input.incident));
    entry.pay_in_kind(no::CLAIMS_PAYABLE, input.payable, input.from, input.asset, input.quantity)?;
    entry.seal()
}

/// E13: Dr 5200 at fair value, Cr the wallet at lot cost, 4300 and the reversal leg.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`, `InsufficientUnits`.
pub fn post_network_fee(
    ctx: &mut Context<'_>,
    header: Header,
    incident: IncidentId,
    fee: &NetworkFee,
) -> Result<Balanced, Rejection> {
    require_free(fee.place)?;
    let mut entry = EntryBuilder::new(ctx, Event::PayoutNetworkFee, header).for_incident(Some(incident));
    network_fee(&mut entry, fee, "/fee/quantity")?;
    entry.seal()
}

/// Encumbered units are released before anybody is paid with them.
pub(super) fn require_free(place: Place) -> Result<(), Rejection> {
    if place.account == no::ENCUMBERED {
        return Err(Rejection::invalid("/from/account", place.account, "is encumbered; release the units first"));
    }
    Ok(())
}
