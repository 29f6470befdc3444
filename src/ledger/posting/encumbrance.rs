//! E27: units are encumbered, or released again, at lot cost.

use super::context::{Context, Header, Place};
use super::entry::EntryBuilder;
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::outcome::Rejection;

/// Units that move between a free account and 1150.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encumbrance {
    /// Where they lie. On 1150 this is a release, else an encumbrance.
    pub from: Place,
    /// Where they go; exactly one of the two accounts is 1150.
    pub to: Place,
    /// The asset.
    pub asset: AssetId,
    /// Units, above zero.
    pub quantity: Quantity,
}

/// Dr 1150, Cr 1110, or back: cost, day of acquisition and mark go along, nothing is realised.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `InsufficientUnits`.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &Encumbrance) -> Result<Balanced, Rejection> {
    let encumbers = input.to.account == no::ENCUMBERED;
    let releases = input.from.account == no::ENCUMBERED;
    if encumbers == releases {
        let detail = "exactly one of the two accounts is 1150: to encumber move there, to release move from there";
        return Err(Rejection::invalid("/to/account", input.to.account, detail));
    }
    let mut entry = EntryBuilder::new(ctx, Event::Encumbrance, header);
    entry.carry(input.from, input.to, input.asset, input.quantity, "/quantity")?;
    entry.seal()
}
