//! E10: claims are approved and become payable in kind.

use super::context::{Carrying, Context, Header};
use super::entry::EntryBuilder;
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::Rejection;

/// A batch of approved claims in one asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approval {
    /// The incident.
    pub incident: IncidentId,
    /// The asset.
    pub asset: AssetId,
    /// Units of all claims of the batch, above zero.
    pub quantity: Quantity,
    /// What stands on 2110 for the incident and asset; raise the reserve (E08c) before approving more.
    pub case_reserve: Carrying,
}

/// Dr 2110, Cr 2130, pro rata of the carrying amount.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `InsufficientUnits`.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &Approval) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::ClaimsApproved, header).for_incident(Some(input.incident));
    entry.reclassify(no::CASE_RESERVES, no::CLAIMS_PAYABLE, input.case_reserve, input.asset, input.quantity)?;
    entry.seal()
}
