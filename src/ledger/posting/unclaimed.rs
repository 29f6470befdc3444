//! E16a to E16c: compensation that cannot be delivered, and what becomes of it.

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

/// Units of compensation that change their standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unclaimed {
    /// The incident.
    pub incident: IncidentId,
    /// The asset.
    pub asset: AssetId,
    /// Units, above zero.
    pub quantity: Quantity,
    /// What stands on the account that they leave, for the incident and asset: 2130 when undeliverable, 2150 when expired, 2160
    /// when paid to the authority (remeasured to the day's price before).
    pub carrying: Carrying,
}

/// E16a: Dr 2130, Cr 2150, pro rata of the carrying amount.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `InsufficientUnits`.
pub fn post_undeliverable(ctx: &mut Context<'_>, header: Header, input: &Unclaimed) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::Undeliverable, header).for_incident(Some(input.incident));
    entry.reclassify(no::CLAIMS_PAYABLE, no::UNCLAIMED, input.carrying, input.asset, input.quantity)?;
    entry.seal()
}

/// E16b: Dr 2150, Cr 4500, pro rata of the carrying amount.
///
/// # Errors
/// As [`post_undeliverable`].
pub fn post_forfeited(ctx: &mut Context<'_>, header: Header, input: &Unclaimed) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::UnclaimedForfeited, header).for_incident(Some(input.incident));
    entry.reclassify(no::UNCLAIMED, no::FORFEITED, input.carrying, input.asset, input.quantity)?;
    entry.seal()
}

/// E16c: Dr 2150, Cr 2160, pro rata of the carrying amount.
///
/// # Errors
/// As [`post_undeliverable`].
pub fn post_escheated(ctx: &mut Context<'_>, header: Header, input: &Unclaimed) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::UnclaimedEscheated, header).for_incident(Some(input.incident));
    entry.reclassify(no::UNCLAIMED, no::ESCHEAT, input.carrying, input.asset, input.quantity)?;
    entry.seal()
}

/// E16c, the payment: Dr 2160 at fair value, Cr the wallet at lot cost, 4300 and the reversal leg.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`, `InsufficientUnits`, `OutOfOrder` when 2160 does not stand at the day's price.
pub fn post_escheat_paid(ctx: &mut Context<'_>, header: Header, from: Place, input: &Unclaimed) -> Result<Balanced, Rejection> {
    require_free(from)?;
    let mut entry = EntryBuilder::new(ctx, Event::UnclaimedEscheated, header).for_incident(Some(input.incident));
    entry.pay_in_kind(no::ESCHEAT, input.carrying, from, input.asset, input.quantity)?;
    entry.seal()
}
