//! Treasury, prices, valuation, closing, reversals and policies as a user meets them, on both engines.

use crate::small_book::tick_all;
use crate::story::book::{given, new_book, units};
use safu_ledger::domain::outcome::{OutcomeCode, Rejection};
use safu_ledger::service::memo::{self, MemoFigure};
use safu_ledger::service::policies::{self, ContributionTerms, CoveragePolicy, PricePolicy, Ratio};
use safu_ledger::service::prices::LockPrices;
use safu_ledger::service::refs::Refs;
use safu_ledger::service::registry::NewVenue;
use safu_ledger::service::reversals::Reverse;
use safu_ledger::service::treasury::{TreasuryCommand, TreasuryEvent as E};
use safu_ledger::service::{Book, Call, Reply};
use safu_ledger::store::error::StoreError;
use safu_ledger::store::{journal, projection};
use serde_json::{Value as Json, json};

fn day(text: &str) -> jiff::civil::Date {
    text.parse().unwrap()
}

fn set_day(book: &Book, text: &str) {
    book.clock.set(format!("{text}T12:00:00Z").parse().unwrap());
}

fn call() -> Call {
    Call::fresh("cli:test")
}

fn done(reply: Result<Reply, StoreError>) -> Json {
    reply.unwrap().success().unwrap_or_else(|refused| panic!("{refused}")).json()
}

fn refused(reply: Result<Reply, StoreError>) -> Rejection {
    match reply {
        Ok(reply) => reply.success().expect_err("this must be refused"),
        Err(StoreError::Rejected(rejection)) => rejection,
        Err(other) => panic!("{other}"),
    }
}

const PRICES: [(&str, &str); 3] = [("BTC", "6000"), ("BNB", "10"), ("USDC", "1")];

fn lock(book: &Book, on: &str, prices: &[(&str, &str)]) -> Result<Reply, StoreError> {
    set_day(book, on);
    book.lock_prices(&call(), LockPrices::given(day(on), given(prices)))
}

fn capital(on: &str, asset: &str, quantity: &str) -> TreasuryCommand {
    TreasuryCommand::new(day(on), E::SponsorCapital { receipts: vec![units("cold", asset, quantity)] })
}

fn last_entry(book: &Book) -> i64 {
    book.read(|conn| Ok(journal::headers_between(conn, 1, i64::MAX)?.last().map_or(0, |entry| entry.no))).unwrap()
}

on_both_engines!(two_threads_cannot_spend_the_same_units, |db| {
    let book = new_book(&db);
    done(lock(&book, "2019-01-01", &PRICES));
    done(book.post_treasury(&call(), capital("2019-01-01", "BTC", "1")));
    let spend = |quantity: &str| {
        let event = E::SurplusReleased { against: 3200, units: units("cold", "BTC", quantity) };
        TreasuryCommand::new(day("2019-01-01"), event)
    };
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (book, command) = (book.clone(), spend("0.7"));
                scope.spawn(move || book.post_treasury(&call(), command).unwrap().success())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "one effect");
    assert!(outcomes.iter().flat_map(|outcome| outcome.as_ref().err()).all(|e| e.code == OutcomeCode::InsufficientUnits));
    let lots = book.read(|conn| projection::open_lots(conn, None)).unwrap();
    assert_eq!(lots.iter().map(|lot| lot.quantity.minor()).collect::<Vec<_>>(), [30_000_000]);
});

on_both_engines!(a_repeated_command_is_answered_byte_for_byte, |db| {
    let book = new_book(&db);
    done(lock(&book, "2019-01-01", &PRICES));
    let keyed = Call::keyed("cli:test", "capital-1");
    let first = book.post_treasury(&keyed, capital("2019-01-01", "BTC", "1")).unwrap();
    let again = book.post_treasury(&keyed, capital("2019-01-01", "BTC", "1")).unwrap();
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert!(again.replayed && last_entry(&book) == 1);
    let other = refused(book.post_treasury(&keyed, capital("2019-01-01", "BTC", "2")));
    assert_eq!(other.code, OutcomeCode::IdempotencyConflict);
    assert_eq!(other.problems[0].pointer, "/treasury/receipts/0/quantity");
    // A refusal that depends on the state of the book is kept too.
    let keyed = Call::keyed("cli:test", "too-much");
    let event = E::SurplusReleased { against: 3200, units: units("cold", "BTC", "5") };
    let command = TreasuryCommand::new(day("2019-01-01"), event);
    let first = book.post_treasury(&keyed, command.clone()).unwrap();
    done(book.post_treasury(&call(), capital("2019-01-01", "BTC", "9")));
    let again = book.post_treasury(&keyed, command).unwrap();
    assert_eq!((first.status, first.body), (again.status, again.body));
    // A dry run decides the same and records nothing.
    let dry = book.post_treasury(&call().dry(true), capital("2019-01-01", "BTC", "1")).unwrap();
    assert_eq!((dry.status, last_entry(&book)), (201, 2));
});

on_both_engines!(a_reference_is_booked_once_until_its_entry_is_reversed, |db| {
    let book = new_book(&db);
    done(lock(&book, "2019-01-01", &PRICES));
    let command = || capital("2019-01-01", "BTC", "1").reference("txid-1");
    let entry = done(book.post_treasury(&call(), command()))["entry"].as_i64().unwrap();
    assert_eq!(refused(book.post_treasury(&call(), command())).code, OutcomeCode::AlreadyExists);
    let reverse = Reverse { entry, on: day("2019-01-01"), reason: "another wallet".to_owned() };
    done(book.reverse_entry(&call(), reverse));
    done(book.post_treasury(&call(), command()));
});

on_both_engines!(an_event_needs_a_price_that_is_there_and_fresh, |db| {
    let book = new_book(&db);
    set_day(&book, "2019-01-10");
    let missing = refused(book.post_treasury(&call(), capital("2019-01-10", "BTC", "1")));
    assert_eq!((missing.code, missing.problems[0].pointer.as_str()), (OutcomeCode::PriceMissing, "/prices/BTC"));
    done(lock(&book, "2019-01-10", &PRICES));
    set_day(&book, "2019-01-13");
    done(book.post_treasury(&call(), capital("2019-01-12", "BTC", "1")));
    let stale = refused(book.post_treasury(&call(), capital("2019-01-13", "BTC", "1")));
    assert_eq!((stale.code, stale.problems[0].value.as_str()), (OutcomeCode::PriceStale, "2019-01-10"));
    done(book.set_price_policy(&call(), day("2019-01-13"), PricePolicy { max_age_hours: 72, ..PricePolicy::default() }));
    done(book.post_treasury(&call(), capital("2019-01-13", "BTC", "1")));
    let future = refused(book.post_treasury(&call(), capital("2019-01-14", "BTC", "1")));
    assert_eq!((future.code, future.problems[0].pointer.as_str()), (OutcomeCode::InvalidField, "/on"));
    // What needs no price needs no set.
    set_day(&book, "2019-03-01");
    done(book.post_treasury(
        &call(),
        TreasuryCommand::new(day("2019-03-01"), E::Encumber { units: units("cold", "BTC", "1"), to: None }),
    ));
});

on_both_engines!(a_price_set_is_whole_and_near_the_one_before, |db| {
    let book = new_book(&db);
    done(lock(&book, "2019-01-01", &PRICES));
    done(book.post_treasury(&call(), capital("2019-01-01", "BTC", "1")));
    assert_eq!(refused(lock(&book, "2019-01-01", &PRICES)).code, OutcomeCode::AlreadyExists);
    let incomplete = refused(lock(&book, "2019-01-02", &[("BNB", "10")]));
    assert_eq!((incomplete.code, incomplete.problems[0].pointer.as_str()), (OutcomeCode::PriceMissing, "/prices/BTC"));
    assert_eq!(refused(lock(&book, "2019-01-02", &[("BTC", "6000"), ("ETH", "1")])).code, OutcomeCode::UnknownAsset);
    assert_eq!(refused(lock(&book, "2019-01-02", &[("BTC", "0")])).code, OutcomeCode::InvalidField);
    assert_eq!(refused(lock(&book, "2019-01-02", &[("BTC", "6000"), ("USD", "1.1")])).code, OutcomeCode::InvalidField);
    let far = [("BTC", "60"), ("BNB", "10")];
    let outlier = refused(lock(&book, "2019-01-02", &far));
    assert_eq!((outlier.code, outlier.problems.len()), (OutcomeCode::PriceOutlier, 1));
    let accepted = LockPrices::given(day("2019-01-02"), given(&far));
    let silent = LockPrices { accept_outliers: true, ..accepted.clone() };
    assert_eq!(refused(book.lock_prices(&call(), silent)).problems[0].pointer, "/reason");
    let locked = done(book.lock_prices(&call(), accepted.accepting_outliers("the market crashed")));
    assert_eq!(locked["accepted_outliers"], json!(["/prices/BTC"]));
    assert_eq!(locked["entries"][0]["event"], "E04");
    // A set for a day before the latest one valued may fill a gap, but it values nothing.
    let gap = LockPrices::given(day("2018-12-31"), given(&PRICES));
    assert_eq!(refused(book.lock_prices(&call(), gap.clone())).code, OutcomeCode::OutOfOrder);
    assert_eq!(done(book.lock_prices(&call(), gap.without_valuation()))["entries"], json!([]));
});

on_both_engines!(imported_prices_wait_until_they_are_locked, |db| {
    let book = new_book(&db);
    set_day(&book, "2019-01-05");
    let imported = done(book.import_prices(&call(), "closes.csv", b"date,BTC,BNB\n2019-01-01,6000,10\n2019-01-02,6100,11\n"));
    assert_eq!((imported["days"].as_i64(), imported["last"].as_str()), (Some(2), Some("2019-01-02")));
    let locked = done(book.lock_prices(&call(), LockPrices::imported(day("2019-01-02"))));
    assert_eq!(locked["prices"]["BTC"], "6100");
    assert_eq!(refused(book.lock_prices(&call(), LockPrices::imported(day("2019-01-03")))).code, OutcomeCode::PriceMissing);
    assert_eq!(refused(book.import_prices(&call(), "x", b"date,ETH\n2019-01-01,1\n")).code, OutcomeCode::UnknownAsset);
});

on_both_engines!(months_close_in_order_when_all_is_settled, |db| {
    let book = new_book(&db);
    assert_eq!(refused(book.close_period(&call(), "2019-01")).code, OutcomeCode::OutOfOrder);
    done(lock(&book, "2019-01-15", &PRICES));
    let receipt = TreasuryCommand::new(day("2019-01-15"), E::UnidentifiedReceipt { receipt: units("cold", "BTC", "1") });
    done(book.post_treasury(&call(), receipt));
    done(book.post_treasury(&call(), TreasuryCommand::new(day("2019-01-15"), yield_of("100"))));

    let unmet = refused(book.close_period(&call(), "2019-02"));
    let mut pointers: Vec<_> = unmet.problems.iter().map(|p| p.pointer.as_str()).collect();
    let people = ["/reconciliation", "/statements", "/estimates", "/changes", "/reports"];
    pointers.retain(|pointer| !people.contains(pointer));
    let expected = ["/period", "/period", "/suspense", "/prices", "/valuation", "/state"];
    assert_eq!(pointers, expected, "every unmet condition is named");
    assert_eq!(unmet.problems.len(), expected.len() + people.len());
    let capital = E::Identified {
        asset: "BTC".to_owned(),
        quantity: "1".to_owned(),
        identity: safu_ledger::service::treasury::IdentifiedAs::Capital,
        incident: None,
    };
    done(book.post_treasury(&call(), TreasuryCommand::new(day("2019-01-15"), capital)));
    set_day(&book, "2019-02-10");
    let last = LockPrices::given(day("2019-01-31"), given(&PRICES)).without_valuation();
    done(book.lock_prices(&call(), last));
    assert_eq!(refused(book.close_period(&call(), "2019-01")).problems[1].pointer, "/valuation");
    done(book.soft_close(&call(), "2019-01"));
    done(book.revalue(&call(), day("2019-01-31")));
    tick_all(&book, "2019-01");
    // What February booked already stays out of January's close.
    done(lock(&book, "2019-02-10", &PRICES));
    done(book.post_treasury(&call(), TreasuryCommand::new(day("2019-02-10"), yield_of("7"))));
    let closed = done(book.close_period(&call(), "2019-01"));
    assert_eq!((closed["event"].as_str(), closed["effective_on"].as_str()), (Some("E24"), Some("2019-01-31")));
    let yields: Vec<_> = closed["lines"].as_array().unwrap().iter().filter(|line| line["account"] == 4200).collect();
    assert_eq!(yields.len(), 1);
    assert_eq!((yields[0]["quantity"].as_str(), yields[0]["value"].as_str()), (Some("100"), Some("100")));

    assert_eq!(refused(book.close_period(&call(), "2019-01")).code, OutcomeCode::AlreadyExists);
    // A late item keeps its date and lands in the open month; prices and policies of a closed month stand.
    let late = done(book.post_treasury(&call(), TreasuryCommand::new(day("2019-01-31"), yield_of("1"))));
    let (header, _) = book.read(|conn| journal::find(conn, entry_no(&late))).unwrap().unwrap();
    assert_eq!((header.effective_on.as_str(), header.period.as_str()), ("2019-01-31", "2019-02"));
    let gap = LockPrices::given(day("2019-01-30"), given(&PRICES)).without_valuation();
    assert_eq!(refused(book.lock_prices(&call(), gap)).code, OutcomeCode::PeriodClosed);
    assert_eq!(refused(book.revalue(&call(), day("2019-01-31"))).code, OutcomeCode::PeriodClosed);
    assert_eq!(refused(book.close_period(&call(), "2019-02")).problems[0].pointer, "/period", "February is not over");
});

fn yield_of(quantity: &str) -> E {
    E::YieldAccrued { asset: "USDC".to_owned(), quantity: quantity.to_owned() }
}

fn entry_no(answer: &Json) -> safu_ledger::domain::ids::EntryNo {
    safu_ledger::domain::ids::EntryNo(answer["entry"].as_i64().unwrap())
}

on_both_engines!(an_entry_is_reversed_once_and_only_if_it_was_posted_by_hand, |db| {
    let book = new_book(&db);
    done(lock(&book, "2019-01-01", &PRICES));
    let received = entry_no(&done(book.post_treasury(&call(), capital("2019-01-01", "BTC", "1")))).0;
    set_day(&book, "2019-01-02");
    let reverse = |entry: i64, on: &str| book.reverse_entry(&call(), Reverse { entry, on: day(on), reason: "wrong".to_owned() });
    assert_eq!(refused(reverse(99, "2019-01-02")).code, OutcomeCode::NotFound);
    assert_eq!(refused(reverse(received, "2018-12-31")).problems[0].pointer, "/on");
    assert_eq!(refused(reverse(received, "2019-01-03")).problems[0].pointer, "/on");

    let move_all = E::Transfer {
        from: "cold".to_owned(),
        to: "payout".to_owned(),
        asset: "BTC".to_owned(),
        quantity: "0.4".to_owned(),
        fee: None,
    };
    let moved = entry_no(&done(book.post_treasury(&call(), TreasuryCommand::new(day("2019-01-02"), move_all)))).0;
    assert_eq!(refused(reverse(received, "2019-01-02")).code, OutcomeCode::WrongState, "units of it were used since");
    let back = done(reverse(moved, "2019-01-02"));
    assert_eq!(back["reverses"].as_i64(), Some(moved));
    assert_eq!(refused(reverse(moved, "2019-01-02")).code, OutcomeCode::AlreadyReversed);
    assert_eq!(refused(reverse(entry_no(&back).0, "2019-01-02")).code, OutcomeCode::WrongState);
    done(reverse(received, "2019-01-02"));
    let balances = book.read(projection::balances).unwrap();
    assert!(balances.iter().all(|row| row.quantity.0 == 0 && row.value.0 == 0), "nothing is left of what was reversed");

    done(book.post_treasury(&call(), capital("2019-01-02", "BTC", "1")));
    let valued = done(lock(&book, "2019-01-03", &[("BTC", "6500")]));
    let mark = valued["entries"][0]["entry"].as_i64().unwrap();
    assert_eq!(refused(reverse(mark, "2019-01-03")).code, OutcomeCode::WrongState, "a valuation is replaced by the next");
});

on_both_engines!(policies_and_memo_figures_hold_from_their_day, |db| {
    let book = new_book(&db);
    set_day(&book, "2019-06-01");
    let venue = NewVenue { code: "spot".to_owned(), first_due: day("2019-01-01") };
    done(book.add_venue(&call(), venue));
    done(book.set_contribution_policy(&call(), day("2019-01-01"), ContributionTerms::of_all_venues("0.1")));
    let own = ContributionTerms { venue: Some("spot".to_owned()), ..ContributionTerms::of_all_venues("0.05") };
    done(book.set_contribution_policy(&call(), day("2019-03-01"), own.clone()));
    let unknown = ContributionTerms { venue: Some("moon".to_owned()), ..own };
    assert_eq!(refused(book.set_contribution_policy(&call(), day("2019-03-01"), unknown)).code, OutcomeCode::UnknownVenue);
    let in_force = book.read(policies::contribution_policies).unwrap();
    assert_eq!(in_force.in_force("spot", day("2019-02-28")).unwrap().share.to_string(), "0.1");
    assert_eq!(in_force.in_force("spot", day("2019-03-01")).unwrap().share.to_string(), "0.05");

    let terms = json!({"target": "1000000000", "floor": "900000000", "minimum_coverage": "1", "haircuts": {"BNB": "0.5"},
        "bands": [{"below": "1", "name": "alarm"}, {"below": "1.5", "name": "watch"}],
        "scenarios": [{"name": "crash", "shocks": {"BTC": "0.6", "BNB": "0.8"}, "loss": "1000"}]});
    let policy: CoveragePolicy = serde_json::from_value(terms).unwrap();
    done(book.set_coverage_policy(&call(), day("2019-02-01"), policy.clone()));
    assert_eq!(book.read(|conn| policies::coverage_policy(conn, day("2019-01-31"))).unwrap(), None);
    assert_eq!(
        book.read(|conn| policies::coverage_policy(conn, day("2019-02-01"))).unwrap(),
        Some((day("2019-02-01"), policy.clone()))
    );
    let wrong = CoveragePolicy { haircuts: [("BNB".to_owned(), Ratio::parse("1.1").unwrap())].into(), ..policy };
    assert_eq!(refused(book.set_coverage_policy(&call(), day("2019-02-01"), wrong)).problems[0].pointer, "/haircuts/BNB");

    let figure = |quantity: &str| MemoFigure { account: 9100, asset: None, quantity: quantity.to_owned(), note: None };
    done(book.set_memo(&call(), day("2019-01-01"), figure("5000.25")));
    done(book.set_memo(&call(), day("2019-05-01"), figure("6000")));
    let covered = |on: &str| {
        let on = day(on);
        let found = book.read(|conn| Refs::load(conn).and_then(|refs| memo::in_force(conn, &refs, on))).unwrap();
        found.iter().map(|m| m.quantity.minor()).collect::<Vec<_>>()
    };
    assert_eq!((covered("2018-12-31"), covered("2019-04-30"), covered("2019-05-01")), (vec![], vec![500_025], vec![600_000]));
    let posted_on = MemoFigure { account: 1110, ..figure("1") };
    assert_eq!(refused(book.set_memo(&call(), day("2019-01-01"), posted_on)).code, OutcomeCode::UnknownAccount);
});
