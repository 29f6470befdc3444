//! E15 and E21: claims against others that the fund took over, and their end.

use super::context::{Carrying, Context, Header};
use super::entry::{EntryBuilder, add, too_large};
use crate::domain::account::no;
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::{OutcomeCode, Rejection};

/// A claim taken over that is not yet probable to bring anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubrogatedClaim {
    /// The incident.
    pub incident: IncidentId,
    /// The asset.
    pub asset: AssetId,
    /// Units, above zero.
    pub quantity: Quantity,
}

/// A recovery that will not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOff {
    /// The incident.
    pub incident: IncidentId,
    /// The asset.
    pub asset: AssetId,
    /// Units, above zero.
    pub quantity: Quantity,
    /// What stands on 1240 for the incident and asset.
    pub gross: Carrying,
    /// What stands on 1249 for it (above zero).
    pub allowance: Carrying,
}

/// E15: Dr 1240 gross, Cr 1249 in full, at fair value.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &SubrogatedClaim) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::SubrogatedClaim, header).for_incident(Some(input.incident));
    let value = entry.fair_value(input.asset, input.quantity, "/quantity")?;
    entry.debit(no::RECOVERIES, input.asset, input.quantity, value);
    entry.credit(no::RECOVERIES_ALLOWANCE, input.asset, input.quantity, value);
    entry.seal()
}

/// E21: Cr 1240; Dr 1249 for what an allowance covers, taken first, and 5400 for what was carried without one.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `InsufficientUnits` when 1240 stands at less.
pub fn post_write_off(ctx: &mut Context<'_>, header: Header, input: &WriteOff) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::RecoveryWrittenOff, header).for_incident(Some(input.incident));
    let (asset, quantity) = (input.asset, input.quantity);
    entry.require_positive(asset, quantity, "/quantity")?;
    let mut allowed = input.allowance;
    let mut net = input.gross.without(input.allowance).ok_or_else(too_large)?;
    let from_allowed = quantity.min(allowed.quantity).max(Quantity::ZERO);
    let from_net = quantity.checked_sub(from_allowed).ok_or_else(too_large)?;
    if from_net > net.quantity {
        let detail = format!(
            "account {} stands at {}; write off at most that",
            no::RECOVERIES,
            entry.ctx.assets.text(asset, input.gross.quantity)
        );
        return Err(Rejection::new(OutcomeCode::InsufficientUnits, "/quantity", entry.ctx.assets.text(asset, quantity), detail));
    }
    let covered = if from_allowed.is_zero() { Value::ZERO } else { allowed.take(from_allowed).ok_or_else(too_large)? };
    let lost = if from_net.is_zero() { Value::ZERO } else { net.take(from_net).ok_or_else(too_large)? };
    entry.debit(no::RECOVERIES_ALLOWANCE, asset, from_allowed, covered);
    entry.debit(no::ASSET_LOSS, asset, from_net, lost);
    entry.credit(no::RECOVERIES, asset, quantity, add(covered, lost)?);
    entry.seal()
}
