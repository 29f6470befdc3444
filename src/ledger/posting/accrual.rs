//! E01: fee contributions become receivable, per fee asset at the day's price.

use super::context::{Context, Header};
use super::entry::{EntryBuilder, require_distinct, require_some};
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::ReportId;
use crate::domain::outcome::Rejection;

/// What a fee report, or a batch of single events, contributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accrual {
    /// The fee report, where there is one.
    pub report: Option<ReportId>,
    /// Contribution per asset, each above zero and each asset once. Leave assets of zero out.
    pub contributions: Vec<(AssetId, Quantity)>,
}

/// Dr 1210, Cr 4100 per asset, at fair value.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &Accrual) -> Result<Balanced, Rejection> {
    require_some(&input.contributions, "/contributions")?;
    require_distinct(&input.contributions, "/contributions", |(asset, _)| *asset)?;
    let mut entry = EntryBuilder::new(ctx, Event::Accrual, header).for_report(input.report);
    for (at, &(asset, quantity)) in input.contributions.iter().enumerate() {
        let value = entry.fair_value(asset, quantity, &format!("/contributions/{at}/quantity"))?;
        entry.debit(no::CONTRIBUTIONS_RECEIVABLE, asset, quantity, value);
        entry.credit(no::CONTRIBUTIONS, asset, quantity, value);
    }
    entry.seal()
}
