//! E26: units arrive from nobody knows whom, and are identified later.

use super::context::{Carrying, Context, Header, Receipt};
use super::entry::EntryBuilder;
use super::recovery::{RecoveryPosition, clear_recovery};
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::Rejection;

/// What an unidentified receipt turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// A contribution that was never accrued (4100).
    Contribution,
    /// A recovery of an incident (1240, as when a recovery is received).
    Recovery(IncidentId, RecoveryPosition),
    /// Capital of the sponsor (3200).
    Capital,
}

/// Units identified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identification {
    /// The asset.
    pub asset: AssetId,
    /// Units, above zero.
    pub quantity: Quantity,
    /// What stands on 2240 for the asset.
    pub suspense: Carrying,
    /// What they are.
    pub identity: Identity,
}

/// E26: Dr 1110 in a new lot, Cr 2240, at fair value.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`.
pub fn post_received(ctx: &mut Context<'_>, header: Header, receipt: &Receipt) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::SuspenseReceived, header);
    let value = entry.fair_value(receipt.asset, receipt.quantity, "/receipt/quantity")?;
    entry.receive(receipt.place, receipt.asset, receipt.quantity, value)?;
    entry.credit(no::SUSPENSE, receipt.asset, receipt.quantity, value);
    entry.seal()
}

/// E26b: Dr 2240 pro rata of its carrying amount, Cr what the units are.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `InsufficientUnits`.
pub fn post_identified(ctx: &mut Context<'_>, header: Header, input: &Identification) -> Result<Balanced, Rejection> {
    let (asset, quantity) = (input.asset, input.quantity);
    let mut entry = EntryBuilder::new(ctx, Event::SuspenseIdentified, header);
    let mut suspense = input.suspense;
    let value = entry.release(&mut suspense, no::SUSPENSE, asset, quantity, "/quantity")?;
    entry.debit(no::SUSPENSE, asset, quantity, value);
    match input.identity {
        Identity::Contribution => entry.credit(no::CONTRIBUTIONS, asset, quantity, value),
        Identity::Capital => entry.credit(no::SPONSOR_CAPITAL, asset, quantity, value),
        Identity::Recovery(incident, position) => {
            entry = entry.for_incident(Some(incident));
            clear_recovery(&mut entry, asset, quantity, value, position)?;
        }
    }
    entry.seal()
}
