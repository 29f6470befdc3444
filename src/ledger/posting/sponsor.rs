//! E19a and E19d: the sponsor gives capital, or comes to owe it.

use super::context::{Context, Header, Receipt};
use super::entry::{EntryBuilder, require_some};
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::outcome::Rejection;

/// E19a: Dr 1110 in new lots, Cr 3200, per receipt at fair value.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`.
pub fn post_capital(ctx: &mut Context<'_>, header: Header, receipts: &[Receipt]) -> Result<Balanced, Rejection> {
    require_some(receipts, "/receipts")?;
    let mut entry = EntryBuilder::new(ctx, Event::SponsorCapital, header);
    for (at, &Receipt { place, asset, quantity }) in receipts.iter().enumerate() {
        let value = entry.fair_value(asset, quantity, &format!("/receipts/{at}/quantity"))?;
        entry.receive(place, asset, quantity, value)?;
        entry.credit(no::SPONSOR_CAPITAL, asset, quantity, value);
    }
    entry.seal()
}

/// E19d: Dr 1250, Cr 3200 for an enforceable undertaking of `amount` units of the functional currency. It never counts as cover.
///
/// # Errors
/// `InvalidField`.
pub fn post_enforceable(ctx: &mut Context<'_>, header: Header, amount: Quantity) -> Result<Balanced, Rejection> {
    let functional = ctx.assets.functional();
    let mut entry = EntryBuilder::new(ctx, Event::TopUpEnforceable, header);
    let value = entry.fair_value(functional, amount, "/amount")?;
    entry.debit(no::TOP_UP_RECEIVABLE, functional, amount, value);
    entry.credit(no::SPONSOR_CAPITAL, functional, amount, value);
    entry.seal()
}
