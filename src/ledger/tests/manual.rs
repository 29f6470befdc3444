//! Manual entries: which lines make one, and that every line that is wrong is named with what to use instead.

use super::book::{BANK, BTC, Book, USD};
use crate::domain::account::AccountNo;
use crate::domain::amount::Value;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::WalletId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::ledger::posting::manual::{self, ManualLine};
use crate::ledger::posting::sponsor;

/// A book with 1,000 USD at the bank.
fn book() -> Book {
    let mut book = Book::new();
    let receipt = book.receipt(BANK, USD, "1000");
    book.post(|ctx, header| sponsor::post_capital(ctx, header, &[receipt])).unwrap();
    book
}

fn line(book: &Book, account: i32, asset: crate::domain::asset::AssetId, units: &str, value: &str) -> ManualLine {
    let quantity = book.units(asset, units);
    ManualLine { account: AccountNo(account), asset, quantity, value: Value::parse(value).unwrap(), wallet: None }
}

fn at_bank(mut line: ManualLine, wallet: WalletId) -> ManualLine {
    line.wallet = Some(wallet);
    line
}

fn post(book: &mut Book, lines: &[ManualLine]) -> Result<Balanced, Rejection> {
    book.post(|ctx, header| manual::post(ctx, header, lines))
}

#[test]
fn what_balances_is_posted_as_it_was_written() {
    let mut book = book();
    let lines = [line(&book, 5300, USD, "40", "40"), line(&book, 2300, USD, "-40", "-40")];
    let entry = post(&mut book, &lines).unwrap();
    assert_eq!((entry.draft().event, entry.lines().len(), entry.debits()), (Event::Manual, 2, Value::parse("40").unwrap()));
    let yields = [line(&book, 1230, BTC, "0.5", "2500"), line(&book, 4200, BTC, "-0.5", "-2500")];
    assert!(post(&mut book, &yields).is_ok());
    let paid = [line(&book, 2300, USD, "40", "40"), at_bank(line(&book, 1160, USD, "-40", "-40"), BANK.wallet)];
    assert!(post(&mut book, &paid).is_ok());
}

#[test]
fn every_line_that_is_wrong_is_named() {
    let mut book = book();
    let lines = [
        line(&book, 1110, BTC, "1", "5000"),
        line(&book, 2130, BTC, "-1", "-5000"),
        line(&book, 1160, USD, "1", "1"),
        at_bank(line(&book, 2300, USD, "-1", "-1"), BANK.wallet),
        line(&book, 5300, USD, "1", "2"),
        line(&book, 5300, USD, "0", "0"),
    ];
    let refused = post(&mut book, &lines).unwrap_err();
    let places: Vec<&str> = refused.problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(
        places,
        ["/lines/0/account", "/lines/1/account", "/lines/2/wallet", "/lines/3/wallet", "/lines/4/value", "/lines/5/units"]
    );
    assert!(refused.problems[0].detail.contains("lots of wallets") && refused.problems[1].detail.contains("safu claims approve"));
}

#[test]
fn what_does_not_balance_says_by_how_much_and_on_which_side() {
    let mut book = book();
    let lines = [line(&book, 1230, BTC, "0.5", "2500"), line(&book, 4200, BTC, "-0.4", "-2000")];
    let refused = post(&mut book, &lines).unwrap_err();
    let said: Vec<&str> = refused.problems.iter().map(|problem| problem.detail.as_str()).collect();
    assert!(said[0].starts_with("the debits of BTC are higher by 0.1 BTC"), "{said:?}");
    assert!(said[1].starts_with("the debits are higher by 500"), "{said:?}");
}

#[test]
fn a_bank_account_is_not_overdrawn() {
    let mut book = book();
    let lines =
        [line(&book, 5300, USD, "1000.01", "1000.01"), at_bank(line(&book, 1160, USD, "-1000.01", "-1000.01"), BANK.wallet)];
    let refused = post(&mut book, &lines).unwrap_err();
    assert_eq!((refused.code, refused.problems[0].pointer.as_str()), (OutcomeCode::InsufficientUnits, "/lines/1/units"));
}
