//! E07: an incident is recognised: what it costs by the best estimate becomes an obligation.

use super::context::{Context, Header};
use super::entry::{EntryBuilder, require_distinct};
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::Rejection;

/// The best estimate in one asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// The asset that is owed in kind.
    pub asset: AssetId,
    /// Units owed to claimants that are known; zero or more.
    pub case: Quantity,
    /// Units owed to claimants that are not identified yet; zero or more.
    pub ibnr: Quantity,
}

/// What is recognised of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognition {
    /// The incident.
    pub incident: IncidentId,
    /// Estimates, each asset once.
    pub estimates: Vec<Estimate>,
    /// Expected cost of handling the claims, in units of the functional currency; zero or more.
    pub handling: Quantity,
}

/// Dr 5100, Cr 2110 (case) and Dr 5110, Cr 2120 (IBNR) in kind at fair value; Dr 5300, Cr 2170 for handling.
///
/// # Errors
/// `InvalidField` (also when nothing is recognised), `UnknownAsset`, `PriceMissing`.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &Recognition) -> Result<Balanced, Rejection> {
    require_distinct(&input.estimates, "/estimates", |estimate| estimate.asset)?;
    let functional = ctx.assets.functional();
    let mut entry = EntryBuilder::new(ctx, Event::IncidentRecognised, header).for_incident(Some(input.incident));
    for (at, estimate) in input.estimates.iter().enumerate() {
        let pointer = |field| format!("/estimates/{at}/{field}");
        incur(&mut entry, (no::INCURRED_CASE, no::CASE_RESERVES), estimate.asset, estimate.case, &pointer("case"))?;
        incur(&mut entry, (no::INCURRED_IBNR, no::IBNR), estimate.asset, estimate.ibnr, &pointer("ibnr"))?;
    }
    incur(&mut entry, (no::CLAIMS_HANDLING_EXPENSE, no::CLAIMS_HANDLING), functional, input.handling, "/handling")?;
    if entry.draft.is_empty() {
        return Err(Rejection::invalid("/estimates", "", "recognises nothing; give at least one amount above zero"));
    }
    entry.seal()
}

fn incur(
    entry: &mut EntryBuilder<'_, '_>,
    (expense, obligation): (AccountNo, AccountNo),
    asset: AssetId,
    quantity: Quantity,
    pointer: &str,
) -> Result<(), Rejection> {
    if quantity.is_zero() {
        return Ok(());
    }
    let value = entry.fair_value(asset, quantity, pointer)?;
    entry.debit(expense, asset, quantity, value);
    entry.credit(obligation, asset, quantity, value);
    Ok(())
}
