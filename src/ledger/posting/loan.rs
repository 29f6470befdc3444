//! E19b and E19c: the fund borrows, and interest accrues. Borrowed units are not cover; the ratios take loans off.

use super::context::{Context, Header, Receipt};
use super::entry::EntryBuilder;
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::outcome::Rejection;

/// E19b: Dr 1110 in a new lot, Cr 2210 with the units owed back, at fair value.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`.
pub fn post_received(ctx: &mut Context<'_>, header: Header, receipt: &Receipt) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::Loan, header);
    let value = entry.fair_value(receipt.asset, receipt.quantity, "/receipt/quantity")?;
    entry.receive(receipt.place, receipt.asset, receipt.quantity, value)?;
    entry.credit(no::LOANS, receipt.asset, receipt.quantity, value);
    entry.seal()
}

/// E19c: Dr 5500, Cr 2220 with units of the asset that the loan is in, at fair value.
///
/// # Errors
/// As [`post_received`].
pub fn post_interest(ctx: &mut Context<'_>, header: Header, asset: AssetId, quantity: Quantity) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::LoanInterest, header);
    let value = entry.fair_value(asset, quantity, "/quantity")?;
    entry.debit(no::LOAN_INTEREST, asset, quantity, value);
    entry.credit(no::INTEREST_PAYABLE, asset, quantity, value);
    entry.seal()
}
