//! E30: cost of handling claims is paid out of its reserve.

use super::context::{Carrying, Context, Header, Place};
use super::entry::{EntryBuilder, sub};
use super::payout::require_free;
use super::rebalance::convert_units;
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::Rejection;

/// A payment for claims handling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimsHandlingPayment {
    /// The incident.
    pub incident: IncidentId,
    /// What is settled, in units of the functional currency, above zero.
    pub amount: Quantity,
    /// What stands on 2170 for the incident (units of the functional currency); raise it first if the cost is higher.
    pub reserve: Carrying,
    /// The wallet or bank account that pays.
    pub from: Place,
    /// The asset it pays in; the functional currency at the bank.
    pub asset: AssetId,
    /// Units it pays, above zero; equal to `amount` in the functional currency.
    pub quantity: Quantity,
}

/// Dr 2170, Cr the bank, or the wallet at lot cost with 4300 and the reversal leg; units go through 3900 when another asset pays,
/// and what its fair value differs from the amount settled is conversion cost (5210).
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`, `InsufficientUnits` (reserve or source).
pub fn post(ctx: &mut Context<'_>, header: Header, input: &ClaimsHandlingPayment) -> Result<Balanced, Rejection> {
    require_free(input.from)?;
    let functional = ctx.assets.functional();
    let mut entry = EntryBuilder::new(ctx, Event::ClaimsHandlingPaid, header).for_incident(Some(input.incident));
    let mut reserve = input.reserve;
    let settled = entry.release(&mut reserve, no::CLAIMS_HANDLING, functional, input.amount, "/amount")?;
    let paid = entry.fair_value(input.asset, input.quantity, "/quantity")?;
    if input.asset == functional && input.quantity != input.amount {
        let text = entry.ctx.assets.text(input.asset, input.quantity);
        return Err(Rejection::invalid(
            "/quantity",
            text,
            "differs from the amount settled, in the same currency; give the same amount",
        ));
    }
    entry.debit(no::CLAIMS_HANDLING, functional, input.amount, settled);
    entry.debit_value(no::CONVERSION_COST, input.asset, sub(paid, settled)?);
    if input.asset != functional {
        convert_units(&mut entry, (input.asset, input.quantity), (functional, input.amount));
    }
    entry.dispose(input.from, input.asset, input.quantity, paid, "/quantity")?;
    entry.seal()
}
