//! E14a and E14b: part of a loss can be recovered, and is.

use super::context::{Carrying, Context, Header, Receipt};
use super::entry::{EntryBuilder, add, sub, too_large};
use crate::domain::account::no;
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::{OutcomeCode, Rejection};

/// A recovery that may be recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryRecognised {
    /// The incident.
    pub incident: IncidentId,
    /// The asset.
    pub asset: AssetId,
    /// Units expected, above zero.
    pub quantity: Quantity,
    /// The loss recognised for the incident, less the recoveries recognised so far.
    pub loss_room: Value,
}

/// What stands on the books against recoveries of one incident and asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecoveryPosition {
    /// 1240, gross.
    pub gross: Carrying,
    /// 1249, the allowance (above zero).
    pub allowance: Carrying,
    /// The loss recognised for the incident, less the recoveries recognised so far.
    pub loss_room: Value,
}

/// A recovery that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryReceived {
    /// The incident.
    pub incident: IncidentId,
    /// What arrived, and where.
    pub receipt: Receipt,
    /// What stands on the books against it.
    pub position: RecoveryPosition,
}

/// E14a: Dr 1240, Cr 5150 at fair value, at most the loss recognised: units above it are carried without further value.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`, `AboveLimit` when no recognised loss is left.
pub fn post_recognised(ctx: &mut Context<'_>, header: Header, input: &RecoveryRecognised) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::RecoveryRecognised, header).for_incident(Some(input.incident));
    let fair = entry.fair_value(input.asset, input.quantity, "/quantity")?;
    if input.loss_room <= Value::ZERO {
        let detail = "the recognised loss is recovered in full; record the rest as a subrogated claim, or when it arrives";
        let text = entry.ctx.assets.text(input.asset, input.quantity);
        return Err(Rejection::new(OutcomeCode::AboveLimit, "/quantity", text, detail));
    }
    let value = fair.min(input.loss_room);
    entry.debit(no::RECOVERIES, input.asset, input.quantity, value);
    entry.credit(no::LOSS_RECOVERIES, input.asset, input.quantity, value);
    entry.seal()
}

/// E14b: Dr 1110 in a new lot at fair value, Cr 1240 pro rata; the rest to 5150 up to the loss, above it to 4400.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`.
pub fn post_received(ctx: &mut Context<'_>, header: Header, input: &RecoveryReceived) -> Result<Balanced, Rejection> {
    let Receipt { place, asset, quantity } = input.receipt;
    let mut entry = EntryBuilder::new(ctx, Event::RecoveryReceived, header).for_incident(Some(input.incident));
    let value = entry.fair_value(asset, quantity, "/receipt/quantity")?;
    entry.receive(place, asset, quantity, value)?;
    clear_recovery(&mut entry, asset, quantity, value, input.position)?;
    entry.seal()
}

/// Credits `quantity` worth `value` against recoveries: what is carried without allowance first, then what an allowance covers
/// (which the allowance gives up), then nothing. What the value exceeds the net amount cleared is income, or less if it falls
/// short.
pub(super) fn clear_recovery(
    entry: &mut EntryBuilder<'_, '_>,
    asset: AssetId,
    quantity: Quantity,
    value: Value,
    position: RecoveryPosition,
) -> Result<(), Rejection> {
    let mut net = position.gross.without(position.allowance).ok_or_else(too_large)?;
    let mut allowed = position.allowance;
    let from_net = quantity.min(net.quantity).max(Quantity::ZERO);
    let after_net = quantity.checked_sub(from_net).ok_or_else(too_large)?;
    let from_allowed = after_net.min(allowed.quantity).max(Quantity::ZERO);
    let cleared = if from_net.is_zero() { Value::ZERO } else { net.take(from_net).ok_or_else(too_large)? };
    let given_up = if from_allowed.is_zero() { Value::ZERO } else { allowed.take(from_allowed).ok_or_else(too_large)? };

    let off_gross = from_net.checked_add(from_allowed).ok_or_else(too_large)?;
    entry.credit(no::RECOVERIES, asset, off_gross, add(cleared, given_up)?);
    entry.debit(no::RECOVERIES_ALLOWANCE, asset, from_allowed, given_up);

    let rest = sub(value, cleared)?;
    let to_loss = rest.min(position.loss_room.max(Value::ZERO));
    let above = sub(rest, to_loss)?;
    // The units that no recognised receivable stood for arose from the income line that carries value.
    let only_above = to_loss.is_zero() && !above.is_zero();
    let (loss_units, above_units) = if only_above { (Quantity::ZERO, after_net) } else { (after_net, Quantity::ZERO) };
    entry.credit(no::LOSS_RECOVERIES, asset, loss_units, to_loss);
    entry.credit(no::RECOVERIES_ABOVE_LOSS, asset, above_units, above);
    Ok(())
}
