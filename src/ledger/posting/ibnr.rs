//! E08a and E08b: claimants of an incident are identified, or it turns out that there are fewer.

use super::context::{Carrying, Context, Header};
use super::entry::EntryBuilder;
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::Rejection;

/// Units leaving the IBNR provision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IbnrChange {
    /// The incident.
    pub incident: IncidentId,
    /// The asset.
    pub asset: AssetId,
    /// Units, above zero.
    pub quantity: Quantity,
    /// What stands on 2120 for the incident and asset.
    pub ibnr: Carrying,
}

/// E08a: Dr 2120, Cr 2110, pro rata of the carrying amount.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `InsufficientUnits`.
pub fn post_identified(ctx: &mut Context<'_>, header: Header, input: &IbnrChange) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::ClaimantIdentified, header).for_incident(Some(input.incident));
    entry.reclassify(no::IBNR, no::CASE_RESERVES, input.ibnr, input.asset, input.quantity)?;
    entry.seal()
}

/// E08b: Dr 2120, Cr 5110, pro rata of the carrying amount.
///
/// # Errors
/// As [`post_identified`].
pub fn post_released(ctx: &mut Context<'_>, header: Header, input: &IbnrChange) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::IbnrReleased, header).for_incident(Some(input.incident));
    entry.reclassify(no::IBNR, no::INCURRED_IBNR, input.ibnr, input.asset, input.quantity)?;
    entry.seal()
}
