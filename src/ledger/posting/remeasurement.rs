//! E09: obligations owed in kind are remeasured to the day's price.

use super::context::{Carrying, Context, Header};
use super::entry::{EntryBuilder, require_distinct, sub};
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::Value;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::Rejection;

/// One obligation owed in kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obligation {
    /// One of the in-kind accounts (2110, 2120, 2130, 2140, 2150, 2160).
    pub account: AccountNo,
    /// The asset it is owed in.
    pub asset: AssetId,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
    /// What stands on the account for it.
    pub carrying: Carrying,
}

/// Per obligation, 5130 against the account so that it carries quantity × price. One entry for all, `None` when nothing changes.
///
/// # Errors
/// `InvalidField` for an account that is not owed in kind or an obligation given twice, `UnknownAsset`, `PriceMissing`.
pub fn post(ctx: &mut Context<'_>, header: Header, obligations: &[Obligation]) -> Result<Option<Balanced>, Rejection> {
    require_distinct(obligations, "/obligations", |o| (o.account, o.asset, o.incident))?;
    let mut entry = EntryBuilder::new(ctx, Event::Remeasured, header);
    for (at, obligation) in obligations.iter().enumerate() {
        if !no::IN_KIND.contains(&obligation.account) {
            let pointer = format!("/obligations/{at}/account");
            return Err(Rejection::invalid(pointer, obligation.account, "is not an account of obligations owed in kind"));
        }
        let fair = match obligation.carrying.quantity {
            quantity if quantity.is_zero() => Value::ZERO,
            quantity => entry.ctx.fair_value(obligation.asset, quantity)?,
        };
        let change = sub(fair, obligation.carrying.value)?;
        entry = entry.for_incident(obligation.incident);
        entry.debit_value(no::REMEASUREMENT, obligation.asset, change);
        entry.credit_value(obligation.account, obligation.asset, change);
    }
    if entry.draft.is_empty() { Ok(None) } else { entry.seal().map(Some) }
}
