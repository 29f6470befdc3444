//! E20: units of the fund itself are lost.

use super::context::{Context, Header, Place};
use super::entry::EntryBuilder;
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::Rejection;

/// Units that are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssetLoss {
    /// The incident, where one is open.
    pub incident: Option<IncidentId>,
    /// Where they lay.
    pub place: Place,
    /// The asset.
    pub asset: AssetId,
    /// Units, above zero.
    pub quantity: Quantity,
}

/// Dr 5400, Cr the wallet at lot cost, and the reversal leg. Nothing is realised: the units were not sold.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `InsufficientUnits`.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &AssetLoss) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::FundAssetLost, header).for_incident(input.incident);
    let cost = entry.remove(input.place, input.asset, input.quantity, "/quantity")?;
    entry.debit(no::ASSET_LOSS, input.asset, input.quantity, cost);
    entry.seal()
}
