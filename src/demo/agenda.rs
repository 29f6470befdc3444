//! What is not ordinary, day by day.

use super::fees::{Correction, MARGIN, Report, SPOT};
use super::story::Story;
use super::{DemoError, setup, theft};
use crate::domain::amount::{Rounding, mul_div};
use crate::service::treasury::{IdentifiedAs, TreasuryCommand, TreasuryEvent, Units};
use jiff::civil::{Date, date};

/// When on its day something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hour {
    /// After the prices of the day before are locked.
    AfterPrices,
    /// After the reports of the night.
    AfterReports,
    /// After closing and settlement.
    Day,
}

/// One item of the agenda.
pub struct Item {
    /// The day.
    pub day: Date,
    hour: Hour,
    /// What happens, for people who watch.
    pub what: &'static str,
    /// What is done.
    pub act: fn(&mut Story<'_>) -> Result<(), DemoError>,
}

const fn item(day: Date, hour: Hour, what: &'static str, act: fn(&mut Story<'_>) -> Result<(), DemoError>) -> Item {
    Item { day, hour, what, act }
}

/// The report that comes two days late.
const LATE: (&str, Date) = (MARGIN, date(2018, 9, 11));
/// The report that never comes.
const MISSING: (&str, Date) = (MARGIN, date(2019, 2, 17));
/// The report whose first file is cut off.
const CUT_OFF: (&str, Date) = (SPOT, date(2018, 11, 20));
/// The report that comes a second time with other content.
const CONFLICT: Date = date(2019, 1, 22);
/// The report that is corrected down in the same month.
const LOWER: Date = date(2018, 10, 9);
/// The report that is corrected up after its month was closed.
const HIGHER: Date = date(2018, 10, 23);

const AGENDA: &[Item] = &[
    item(date(2018, 7, 16), Hour::Day, "the sponsor gives own tokens as capital", capital),
    item(date(2018, 9, 14), Hour::AfterReports, "a report comes two days late", late),
    item(date(2018, 10, 18), Hour::AfterReports, "a report of October is restated: less is owed", lower),
    item(date(2018, 11, 1), Hour::Day, "the fund gets a floor", setup::floor),
    item(date(2018, 11, 7), Hour::AfterReports, "a report of closed October is restated: more is owed", higher),
    item(date(2018, 11, 21), Hour::AfterReports, "a report is cut off, refused, and sent again whole", cut_off),
    item(date(2019, 1, 24), Hour::AfterReports, "a report comes again with other content: quarantined", conflict),
    item(date(2019, 2, 6), Hour::Day, "units arrive from nobody knows whom", unidentified),
    item(date(2019, 2, 8), Hour::Day, "the unknown sender is found: a contribution", identified),
    item(date(2019, 3, 12), Hour::Day, "rebalance: own token into BTC", rebalance),
    item(date(2019, 3, 13), Hour::Day, "rebalance: own token into USDC", rebalance_stable),
    item(date(2019, 5, 7), Hour::Day, "theft of 7,000 BTC, declared, and full compensation promised", theft::struck),
    item(date(2019, 5, 8), Hour::AfterPrices, "the loss is recognised at the close of the day", theft::recognised),
    item(date(2019, 5, 8), Hour::Day, "the loss is revised to 7,070.7 BTC; BTC is bought", theft::revised),
    item(date(2019, 5, 9), Hour::Day, "other exchanges block addresses; BTC is bought", theft::blocked),
    item(date(2019, 5, 10), Hour::Day, "BTC is bought", theft::bought),
    item(date(2019, 5, 12), Hour::Day, "20,000 claims are imported", theft::claimed),
    item(date(2019, 5, 13), Hour::Day, "claims are approved", theft::approved),
    item(date(2019, 5, 14), Hour::Day, "the last claims are approved; IBNR is released", theft::approved_rest),
    item(date(2019, 5, 15), Hour::Day, "claims are paid in kind", theft::paid),
    item(date(2019, 5, 20), Hour::Day, "cost of handling the claims is paid", theft::handled),
    item(date(2019, 6, 12), Hour::Day, "an exchange agrees to return what it blocked", theft::recoverable),
    item(date(2019, 6, 20), Hour::Day, "the recovery arrives", theft::recovered),
    item(date(2019, 6, 28), Hour::Day, "the incident is closed", theft::closed),
];

/// What the agenda has.
pub fn of(day: Date, hour: Hour) -> impl Iterator<Item = &'static Item> {
    AGENDA.iter().filter(move |item| item.day == day && item.hour == hour)
}

/// True for the reports of ordinary days.
pub fn comes_in_time(venue: &str, day: Date) -> bool {
    ![LATE, MISSING, CUT_OFF].contains(&(venue, day))
}

/// Own tokens that the sponsor puts in at the start.
const CAPITAL: &str = "200000";

fn capital(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(11, 0)?;
    let receipts = vec![Units::new("cold-bnb", "BNB", CAPITAL)];
    let command = TreasuryCommand::new(story.today, TreasuryEvent::SponsorCapital { receipts });
    story.treasury(command.memo("Capital of the sponsor in own tokens, synthetic").reference("synthetic-capital"))
}

fn late(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(4, 5)?;
    let report = Report::first(story.seed, MARGIN, LATE.1)?;
    story.submit(&report, 201)
}

fn lower(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(4, 15)?;
    let report = Report::corrected(story.seed, SPOT, LOWER, Correction::RebateForgotten)?;
    story.submit(&report, 201)
}

fn higher(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(4, 25)?;
    let report = Report::corrected(story.seed, MARGIN, HIGHER, Correction::TradesForgotten)?;
    story.submit(&report, 201)
}

fn cut_off(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(3, 0)?;
    let report = Report::first(story.seed, SPOT, CUT_OFF.1)?;
    story.submit_as(&format!("{}.cut-off", report.file_name()), &report.cut_off(), 422)?;
    story.at(3, 30)?;
    story.submit(&report, 201)
}

fn conflict(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(4, 45)?;
    let report = Report::first(story.seed, SPOT, CONFLICT)?.contradicting(story.seed)?;
    story.submit_as(&format!("{}.contradicting", report.file_name()), &report, 409)
}

fn unidentified(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(11, 20)?;
    let receipt = Units::new("cold-btc", "BTC", "2.75");
    let command = TreasuryCommand::new(story.today, TreasuryEvent::UnidentifiedReceipt { receipt });
    story.treasury(command.memo("2.75 BTC from an unknown sender, synthetic").reference("synthetic-receipt-unknown"))
}

fn identified(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(15, 0)?;
    let event = TreasuryEvent::Identified {
        asset: "BTC".to_owned(),
        quantity: "2.75".to_owned(),
        identity: IdentifiedAs::Contribution,
        incident: None,
    };
    story.treasury(TreasuryCommand::new(story.today, event).memo("Sender found: a contribution of the sponsor, synthetic"))
}

/// Own token sold in March for BTC.
const SOLD_FOR_BTC: i128 = 300_000;
/// Own token sold in March for USDC.
const SOLD_FOR_USDC: i128 = 60_000;
/// What a conversion brings, in thousandths of the market value.
const BRINGS: i128 = 998;

fn rebalance(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(13, 0)?;
    let close = story.close_before_today()?;
    // Units of 10^-8 BNB, prices in 10^-4 and 10^-2 USD: the quotient is in 10^-8 BTC after two more decimals.
    let sold = SOLD_FOR_BTC.saturating_mul(100_000_000);
    let value = mul_div(sold, close.bnb.saturating_mul(BRINGS), 100_000, Rounding::TowardZero).unwrap_or_default();
    let bought = mul_div(value, 1, close.btc, Rounding::TowardZero).unwrap_or_default();
    exchange(story, Units::new("cold-bnb", "BNB", &story.text("BNB", sold)?), ("cold-btc", "BTC", bought))
}

fn rebalance_stable(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(13, 0)?;
    let close = story.close_before_today()?;
    let sold = SOLD_FOR_USDC.saturating_mul(100_000_000);
    // 10^-8 BNB × 10^-4 USD are 10^-12 USD; USDC has six decimals.
    let bought = mul_div(sold, close.bnb.saturating_mul(BRINGS), 1_000_000_000, Rounding::TowardZero).unwrap_or_default();
    exchange(story, Units::new("cold-bnb", "BNB", &story.text("BNB", sold)?), ("cold-usdc", "USDC", bought))
}

/// Books an exchange of one asset for another.
pub fn exchange(story: &mut Story<'_>, sold: Units, bought: (&str, &str, i128)) -> Result<(), DemoError> {
    let (wallet, asset, minor) = bought;
    let memo = format!("Rebalance: {} into {asset}, synthetic", sold.asset);
    let reference = format!("synthetic-rebalance-{}-{}-{asset}", story.today, sold.asset);
    let bought = Units::new(wallet, asset, &story.text(asset, minor)?);
    let command = TreasuryCommand::new(story.today, TreasuryEvent::Rebalance { sold, bought });
    story.treasury(command.memo(memo).reference(reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agenda_is_in_order_and_inside_the_story() {
        assert!(AGENDA.is_sorted_by_key(|item| item.day));
        let inside = |day: Date| super::super::story::FIRST_DAY <= day && day <= super::super::LAST_DAY;
        assert!(AGENDA.iter().all(|item| inside(item.day)));
        assert!(!comes_in_time(MARGIN, MISSING.1) && comes_in_time(SPOT, MISSING.1));
    }
}
