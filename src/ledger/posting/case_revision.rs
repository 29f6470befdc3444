//! E08c: the case reserve of an incident is raised or lowered.

use super::context::{Carrying, Context, Header};
use super::entry::EntryBuilder;
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::Rejection;

/// Which way the estimate went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revision {
    /// More is owed than estimated.
    Raise,
    /// Less is owed; with what stands on 2110 for the incident and asset.
    Lower(Carrying),
}

/// A revised case reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseRevision {
    /// The incident.
    pub incident: IncidentId,
    /// The asset.
    pub asset: AssetId,
    /// Units of the change, above zero.
    pub quantity: Quantity,
    /// Up or down.
    pub revision: Revision,
}

/// Raised: Dr 5120, Cr 2110 at fair value of the day. Lowered: Dr 2110, Cr 5120 pro rata of the carrying amount.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`, `InsufficientUnits`.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &CaseRevision) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::CaseRevised, header).for_incident(Some(input.incident));
    match input.revision {
        Revision::Raise => {
            let value = entry.fair_value(input.asset, input.quantity, "/quantity")?;
            entry.debit(no::DEVELOPMENT, input.asset, input.quantity, value);
            entry.credit(no::CASE_RESERVES, input.asset, input.quantity, value);
        }
        Revision::Lower(carrying) => {
            entry.reclassify(no::CASE_RESERVES, no::DEVELOPMENT, carrying, input.asset, input.quantity)?
        }
    }
    entry.seal()
}
