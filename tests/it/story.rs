//! The worked story of the accounting rules, replayed through the product's own commands on both engines: every entry's totals by
//! account and asset, the lots, the trial balance and the ratios agree to the last digit.

#[path = "story/book.rs"]
pub mod book;
#[path = "../fixtures/fund_story.rs"]
mod fund_story;
#[path = "story/steps.rs"]
mod steps;

use crate::small_book::tick_all;
use book::{Story, units};
use safu_ledger::domain::account::no;
use safu_ledger::service::Call;
use safu_ledger::service::reversals::Reverse;
use safu_ledger::service::treasury::{IdentifiedAs, IncidentUnits, TreasuryEvent as E, Units};
use steps::Estimate;

const FIRST: &str = "INC-1";
const SECOND: &str = "INC-2";

on_both_engines!(the_worked_story_is_reproduced_through_the_commands, |db| {
    tell(&db).finish();
});

/// The whole story up to the close of its month; the clock stands on the day after.
pub fn tell(db: &crate::support::database::TestDb) -> Story {
    let mut story = Story::new(db);
    contributions(&mut story);
    capital_and_yield(&mut story);
    transfer_and_rebalance(&mut story);
    incident(&mut story);
    payouts(&mut story);
    recoveries(&mut story);
    shortfall(&mut story);
    losses_and_restatement(&mut story);
    suspense_to_handling(&mut story);
    story.check_trial_balance();
    story.set_day("2019-02-01");
    story.reply(|book, _| {
        tick_all(book, "2019-01");
        book.soft_close(&Call::fresh("cli:test"), "2019-01")
    });
    story.reply(|book, call| book.close_period(&call, "2019-01"));
    story.expect(&["E24"]);
    story
}

fn contributions(story: &mut Story) {
    story.venue();
    // The report of 1 January is priced by the set of the day before; its own set comes later (see the restatement).
    story.day("2018-12-31", &[("BTC", "6000"), ("BNB", "10"), ("USDC", "1")]);
    story.set_day("2019-01-02");
    story.report("2019-01-01", 1, &[("BNB", "100000"), ("BTC", "100"), ("USDC", "400000")]);
    story.expect(&["E01"]);

    story.day("2019-01-02", &[("BTC", "6100"), ("BNB", "10.5"), ("USDC", "1")]);
    let receipts = vec![units("cold", "BNB", "10000"), units("cold", "BTC", "10"), units("cold", "USDC", "40000")];
    story.treasury(E::Settlement { receipts });
    story.expect(&["E02"]);
}

fn capital_and_yield(story: &mut Story) {
    story.day("2019-01-03", &[("BTC", "6000"), ("BNB", "10.5"), ("USDC", "1")]);
    story.treasury(E::SponsorCapital { receipts: vec![units("cold", "BTC", "400"), units("cold", "USDC", "300000")] });
    story.expect(&["E19a"]);
    story.treasury(E::YieldAccrued { asset: "USDC".to_owned(), quantity: "1000".to_owned() });
    story.expect(&["E03a"]);
    story.treasury(E::YieldReceived { receipt: units("cold", "USDC", "1000") });
    story.expect(&["E03b"]);
    story.valued_day("2019-01-04", &[("BTC", "5850"), ("BNB", "12"), ("USDC", "1")]);
    story.expect(&["E04"]);
}

fn transfer_and_rebalance(story: &mut Story) {
    story.treasury(E::Transfer {
        from: "cold".to_owned(),
        to: "payout".to_owned(),
        asset: "BTC".to_owned(),
        quantity: "99.998".to_owned(),
        fee: Some(units("cold", "BTC", "0.002")),
    });
    story.expect(&["E05"]);
    assert_eq!(story.open_lots("payout", "BTC"), ["10 at 61000", "89.998 at 539988"], "lots move oldest first, at their cost");
    story.treasury(E::Rebalance { sold: units("cold", "BNB", "5000"), bought: units("cold", "BTC", "10.2") });
    story.expect(&["E06"]);
    assert_eq!(story.open_lots("cold", "BTC"), ["310 at 1860000", "10.2 at 59670"]);
}

fn incident(story: &mut Story) {
    let btc = Estimate { asset: "BTC", case: None, ibnr: None, identified: None };
    story.recognise(FIRST, Estimate { case: Some("300"), ibnr: Some("20"), ..btc }, Some("50000"));
    story.expect(&["E07"]);
    story.estimate(FIRST, Estimate { identified: Some("12"), ..btc });
    story.expect(&["E08a"]);
    story.estimate(FIRST, Estimate { ibnr: Some("5"), ..btc });
    story.expect(&["E08b"]);
    story.estimate(FIRST, Estimate { case: Some("317"), ..btc });
    story.expect(&["E08c"]);
    story.valued_day("2019-01-05", &[("BTC", "6200"), ("BNB", "12"), ("USDC", "1")]);
    story.expect(&["E09", "E09", "E04"]);
}

fn payouts(story: &mut Story) {
    story.approve(FIRST, "BTC", &["99.9", "30", "0.5", "99.6"]);
    story.expect(&["E10"]);
    story.treasury(E::FixedPriceElected {
        claims: IncidentUnits::new(FIRST, "BTC", "30"),
        fixed_price: "5846.34".to_owned(),
        stable: "USDC".to_owned(),
    });
    story.expect(&["E12a"]);
    story.pay(FIRST, "1", "payout", "BTC", Some("0.003"));
    story.expect(&["E11", "E13"]);
    story.treasury(E::FixedPricePaid { incident: FIRST.to_owned(), paid: units("cold", "USDC", "175390.2") });
    story.expect(&["E12b"]);
}

fn recoveries(story: &mut Story) {
    story.recognise_recovery(FIRST, "BTC", "40");
    story.expect(&["E14a"]);
    story.day("2019-01-06", &[("BTC", "6300"), ("BNB", "12"), ("USDC", "1")]);
    story.receive_recovery(FIRST, &units("cold", "BTC", "40"));
    story.expect(&["E14b"]);
    story.day("2019-01-07", &[("BTC", "6200"), ("BNB", "12"), ("USDC", "1")]);
    story.treasury(E::SubrogatedClaim { claims: IncidentUnits::new(FIRST, "BTC", "60") });
    story.expect(&["E15"]);
    story.treasury(E::Undeliverable { claims: IncidentUnits::new(FIRST, "BTC", "0.5") });
    story.expect(&["E16a"]);
    story.treasury(E::UnclaimedForfeited { claims: IncidentUnits::new(FIRST, "BTC", "0.2") });
    story.expect(&["E16b"]);
    story.treasury(E::UnclaimedEscheated { claims: IncidentUnits::new(FIRST, "BTC", "0.3") });
    story.expect(&["E16c"]);
}

fn shortfall(story: &mut Story) {
    let usdc = Estimate { asset: "USDC", case: Some("1000000"), ibnr: Some("0"), identified: None };
    story.recognise(SECOND, usdc, None);
    story.expect(&["E07b"]);
    story.approve(SECOND, "USDC", &["639330", "360670"]);
    story.expect(&["E10b"]);
    story.treasury(E::Shortfall { claims: IncidentUnits::new(SECOND, "USDC", "360670") });
    story.expect(&["E17"]);
    story.treasury(E::Loan { receipt: units("cold", "USDC", "700000") });
    story.expect(&["E19b"]);
    story.pay(SECOND, "1", "cold", "USDC", None);
    story.expect(&["E11b"]);
    story.treasury(E::RightsRedeemed { incident: SECOND.to_owned(), paid: units("cold", "USDC", "4260.23404") });
    story.expect(&["E18a"]);
    story.treasury(E::RightsConverted { claims: IncidentUnits::new(SECOND, "USDC", "100000") });
    story.expect(&["E18b"]);
    story.treasury(E::LoanInterest { asset: "USDC".to_owned(), quantity: "3500".to_owned() });
    story.expect(&["E19c"]);
}

fn losses_and_restatement(story: &mut Story) {
    story.treasury(E::AssetLoss { lost: units("cold", "USDC", "1000"), incident: None });
    story.expect(&["E20"]);
    story.treasury(E::RecoveryWrittenOff { claims: IncidentUnits::new(FIRST, "BTC", "60") });
    story.expect(&["E21"]);
    // The first report is restated: 600 BNB that were settled already are owed back, at the price of the day's own set.
    story.late_set("2019-01-01", &[("BTC", "6000"), ("BNB", "12"), ("USDC", "1")]);
    story.report("2019-01-01", 2, &[("BNB", "94000"), ("BTC", "100"), ("USDC", "400000")]);
    story.expect(&["E22"]);
    story.treasury(E::Offset { asset: "BNB".to_owned(), quantity: "600".to_owned() });
    story.expect(&["E22b"]);
    story.single_event("BNB", "20000");
    story.expect(&["E22c"]);
}

fn suspense_to_handling(story: &mut Story) {
    story.day("2019-01-31", &[("BTC", "6300"), ("BNB", "12"), ("USDC", "1")]);
    story.treasury(E::UnidentifiedReceipt { receipt: units("cold", "BTC", "1") });
    story.expect(&["E26a"]);
    story.treasury(E::Identified {
        asset: "BTC".to_owned(),
        quantity: "1".to_owned(),
        identity: IdentifiedAs::Contribution,
        incident: None,
    });
    story.expect(&["E26b"]);
    story.treasury(E::Encumber { units: units("cold", "BTC", "50"), to: None });
    story.expect(&["E27"]);
    story.treasury(E::SurplusReleased { against: no::SPONSOR_CAPITAL.0, units: units("cold", "USDC", "10000") });
    story.expect(&["E28"]);
    let wrong = story.treasury(E::HandlingReserveRaised { incident: FIRST.to_owned(), amount: "777".to_owned() })["entry"]
        .as_i64()
        .unwrap();
    story.expect(&["E29a"]);
    let on = story.today();
    story.reply(|book, call| book.reverse_entry(&call, Reverse { entry: wrong, on, reason: "wrong amount".to_owned() }));
    story.expect(&["E29b"]);
    story.treasury(E::ClaimsHandlingPaid {
        incident: FIRST.to_owned(),
        amount: "20000".to_owned(),
        paid: Units::new("cold", "USDC", "20000"),
    });
    story.expect(&["E30"]);
    story.reply(|book, call| book.revalue(&call, on));
    story.expect(&["E09", "E09", "E09", "E09", "E04"]);
    let again = story.reply(|book, call| book.revalue(&call, on));
    assert_eq!(again["entries"], serde_json::json!([]), "valuing again changes nothing");
}
