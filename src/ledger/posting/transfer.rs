//! E05: units move between wallets of the fund, with a network fee.

use super::context::{Context, Header, Place};
use super::entry::EntryBuilder;
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::outcome::Rejection;

/// What the network took for a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkFee {
    /// The wallet that paid it.
    pub place: Place,
    /// The asset it was paid in; not always the one that moved.
    pub asset: AssetId,
    /// Units, above zero.
    pub quantity: Quantity,
}

/// A transfer between own wallets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// Where the units come from.
    pub from: Place,
    /// Where they go.
    pub to: Place,
    /// The asset.
    pub asset: AssetId,
    /// Units that arrive, above zero; the fee comes on top.
    pub quantity: Quantity,
    /// The network fee, where there was one. Paid from the same wallet and asset, it takes the units after those that move.
    pub fee: Option<NetworkFee>,
}

/// Dr the receiving account, Cr the giving one at lot cost: cost, day of acquisition and mark go along, one new lot for each lot
/// touched. The fee is an expense at fair value (5200), with its gain or loss against cost.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing` (of the fee's asset), `InsufficientUnits`.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &Transfer) -> Result<Balanced, Rejection> {
    if input.from == input.to {
        return Err(Rejection::invalid("/to", input.to.wallet, "is where the units are already; name another wallet or account"));
    }
    if input.from.account == no::ENCUMBERED || input.to.account == no::ENCUMBERED {
        return Err(Rejection::invalid("/to", no::ENCUMBERED, "encumber and release units with their own event"));
    }
    let mut entry = EntryBuilder::new(ctx, Event::Transfer, header);
    entry.carry(input.from, input.to, input.asset, input.quantity, "/quantity")?;
    if let Some(fee) = &input.fee {
        network_fee(&mut entry, fee, "/fee/quantity")?;
    }
    entry.seal()
}

/// Dr 5200 at fair value, Cr the wallet at lot cost, 4300 and the reversal leg.
pub(super) fn network_fee(entry: &mut EntryBuilder<'_, '_>, fee: &NetworkFee, pointer: &str) -> Result<(), Rejection> {
    let value = entry.fair_value(fee.asset, fee.quantity, pointer)?;
    entry.debit(no::NETWORK_FEES, fee.asset, fee.quantity, value);
    entry.dispose(fee.place, fee.asset, fee.quantity, value, pointer)
}
