//! E22: a fee report is restated, and refundable contributions are offset at the next settlement.

use super::context::{Carrying, Context, Header};
use super::entry::{EntryBuilder, add, require_distinct, require_some, too_large};
use crate::domain::account::no;
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::ReportId;
use crate::domain::outcome::Rejection;

/// What a higher version of a report changes in one asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Units that more is owed, above zero.
    Up(Quantity),
    /// Units that less is owed, above zero, with what stands on 1210 for the asset: that much is unsettled and taken off first.
    Down(Quantity, Carrying),
}

/// The difference between two versions of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restatement {
    /// The new version.
    pub report: Option<ReportId>,
    /// Changes, each asset once. Leave unchanged assets out.
    pub changes: Vec<(AssetId, Change)>,
}

/// Refundable contributions that are set off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// The asset.
    pub asset: AssetId,
    /// Units, above zero.
    pub quantity: Quantity,
    /// What stands on 2250 for the asset.
    pub refundable: Carrying,
}

/// Up: Dr 1210, Cr 4110 at fair value. Down: Cr 1210 pro rata for the unsettled units and Cr 2250 at fair value for those settled
/// already, Dr 4110.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &Restatement) -> Result<Balanced, Rejection> {
    require_some(&input.changes, "/changes")?;
    require_distinct(&input.changes, "/changes", |(asset, _)| *asset)?;
    let mut entry = EntryBuilder::new(ctx, Event::Restatement, header).for_report(input.report);
    for (at, &(asset, change)) in input.changes.iter().enumerate() {
        let pointer = format!("/changes/{at}/quantity");
        match change {
            Change::Up(quantity) => {
                let value = entry.fair_value(asset, quantity, &pointer)?;
                entry.debit(no::CONTRIBUTIONS_RECEIVABLE, asset, quantity, value);
                entry.credit(no::RESTATEMENTS, asset, quantity, value);
            }
            Change::Down(quantity, receivable) => take_down(&mut entry, asset, quantity, receivable, &pointer)?,
        }
    }
    entry.seal()
}

fn take_down(
    entry: &mut EntryBuilder<'_, '_>,
    asset: AssetId,
    quantity: Quantity,
    mut receivable: Carrying,
    pointer: &str,
) -> Result<(), Rejection> {
    entry.require_positive(asset, quantity, pointer)?;
    let unsettled = quantity.min(receivable.quantity).max(Quantity::ZERO);
    let settled = quantity.checked_sub(unsettled).ok_or_else(too_large)?;
    let off_receivable = if unsettled.is_zero() { Value::ZERO } else { receivable.take(unsettled).ok_or_else(too_large)? };
    let refundable = if settled.is_zero() { Value::ZERO } else { entry.fair_value(asset, settled, pointer)? };
    entry.debit(no::RESTATEMENTS, asset, quantity, add(off_receivable, refundable)?);
    entry.credit(no::CONTRIBUTIONS_RECEIVABLE, asset, unsettled, off_receivable);
    entry.credit(no::REFUNDABLE, asset, settled, refundable);
    Ok(())
}

/// Dr 2250, Cr 1210 pro rata of what stands on 2250. The receivable may stand below zero until the next accrual.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `InsufficientUnits`.
pub fn post_offset(ctx: &mut Context<'_>, header: Header, input: &Offset) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::Restatement, header);
    entry.reclassify(no::REFUNDABLE, no::CONTRIBUTIONS_RECEIVABLE, input.refundable, input.asset, input.quantity)?;
    entry.seal()
}
