//! The figures that a demo shows first, read from the finished book by its own reports.

use super::{DemoError, LAST_DAY, THEFT_DAY};
use crate::domain::amount::{VALUE_SCALE, format_minor};
use crate::report::fund::Fund;
use crate::report::params::Params;
use crate::report::registry;
use crate::service::Book;
use crate::store::log::Head;
use crate::store::{claim, payout};
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

/// The low of the crash, when the fund was below its floor.
const CRASH_DAY: Date = date(2018, 12, 15);

/// What a demo shows first. Amounts are texts in USD, ratios with six decimals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Fund value on the evening of the theft.
    pub fund_value: String,
    /// What was owed then.
    pub obligations: String,
    /// Coverage then.
    pub coverage: String,
    /// Bitcoin held over Bitcoin owed then.
    pub matched_btc: String,
    /// 1 − floor / fund value at the low of the crash.
    pub floor_distance: String,
    /// Fund value at the end.
    pub fund_value_at_end: String,
    /// Claims.
    pub claims: i64,
    /// Claims paid.
    pub claims_paid: i64,
    /// Bitcoin paid to claimants.
    pub btc_paid: String,
    /// Fee reports.
    pub reports: i64,
    /// Journal entries.
    pub entries: i64,
    /// Leaves of the log.
    pub log_size: u64,
    /// Root of the log, hex.
    pub log_root: String,
}

/// Reads the figures.
pub fn of(book: &Book) -> Result<Figures, DemoError> {
    let theft = fund(book, THEFT_DAY)?;
    let crash = fund(book, CRASH_DAY)?;
    let (head, claims, batches) = book.read(|conn| Ok((Head::load(conn)?, claim::count(conn)?, payout::batches(conn)?)))?;
    let paid = batches.iter().fold(0_i128, |sum, batch| sum.saturating_add(batch.quantity.quantity().minor()));
    let money = |value: crate::domain::amount::Value| format_minor(value.minor(), VALUE_SCALE);
    let ratio = |fund: &Fund, key: &str| {
        let found = fund.coverage.get(key).map(|ratio| ratio.value.clone());
        match found {
            Some(Ok(value)) => Ok(value.to_string()),
            Some(Err(why)) => Err(DemoError::Unexpected(format!("{key} has no value: {why}"))),
            None => Err(DemoError::Unexpected(format!("the coverage report has no {key}"))),
        }
    };
    let value = |fund: &Fund| fund.coverage.fund_value.clone().map(money).map_err(DemoError::Unexpected);
    Ok(Figures {
        fund_value: value(&theft)?,
        obligations: money(theft.coverage.obligations),
        coverage: ratio(&theft, "coverage")?,
        matched_btc: ratio(&theft, "matched.BTC")?,
        floor_distance: ratio(&crash, "distance_to_floor")?,
        fund_value_at_end: value(&fund(book, LAST_DAY)?)?,
        claims,
        claims_paid: batches.iter().map(|batch| batch.claim_count).fold(0, i64::saturating_add),
        btc_paid: format_minor(paid, 8),
        reports: head.last_report,
        entries: head.last_entry,
        log_size: head.log.size(),
        log_root: hex::encode(head.log.root()),
    })
}

fn fund(book: &Book, day: Date) -> Result<Fund, DemoError> {
    let query = [("as_of".to_owned(), day.to_string())];
    let params = Params::new(registry::find("coverage")?, &query)?;
    Ok(book.at(&params, |source| Fund::load(source, day))?)
}

/// Checks that a book is the one these figures were read from, or has grown from it.
pub fn confirm(book: &Book, figures: &Figures) -> Result<(), DemoError> {
    let head = book.read(Head::load)?;
    let same = head.log.size() != figures.log_size || hex::encode(head.log.root()) == figures.log_root;
    if head.log.size() >= figures.log_size && same {
        return Ok(());
    }
    let detail = "the book is not the one that was built here; remove the folder and run the demo again";
    Err(DemoError::Unexpected(detail.to_owned()))
}
