//! Prices that a second person looks at: set by hand, carried over, far from before, or far from a second source.

use crate::small_book::{call, done, opened, person, refused, typed};
use crate::support::database::TestDb;
use safu_ledger::domain::outcome::OutcomeCode;
use safu_ledger::domain::person::PersonId;
use safu_ledger::service::approvals::Decide;
use safu_ledger::service::prices::{LockPrices, governance};
use safu_ledger::service::verify::verify;
use safu_ledger::service::{Book, Call};
use serde_json::json;

fn prices(btc: &str, basis: &str) -> String {
    format!("date,asset,price,basis\n2019-01-02,BTC,{btc},{basis}\n2019-01-02,USDC,1,observed\n")
}

fn day() -> jiff::civil::Date {
    "2019-01-02".parse().unwrap()
}

fn imported() -> LockPrices {
    LockPrices::imported(day())
}

fn first(book: &Book, btc: &str, basis: &str) {
    done(book.import_prices(&call(), "exchange", prices(btc, basis).as_bytes()));
}

fn second(book: &Book, btc: &str) {
    done(book.import_second_prices(&call(), "index", prices(btc, "observed").as_bytes()));
}

on_both_engines!(two_sources_within_the_tolerance_lock_as_they_came, |db| {
    let book = opened(&db);
    first(&book, "5000", "observed");
    second(&book, "5050");
    let locked = done(book.lock_prices(&call(), imported()));
    let btc = &locked["compared"]["prices"]["BTC"];
    assert_eq!((&btc["difference"], &btc["within"], &btc["second"]), (&json!("0.01"), &json!(true), &json!("5050")));
    let shown = serde_json::to_string(&locked["compared"]).unwrap();
    assert!(shown.contains("\"second\":\"index\"") && shown.contains("\"source\":\"exchange\""), "{shown}");
    assert!(verify(&book).unwrap().is_good());
});

on_both_engines!(beyond_the_tolerance_a_reason_is_needed_where_nobody_approves, |db| {
    let book = opened(&db);
    first(&book, "5000", "observed");
    second(&book, "5050.01");
    let refusal = refused(book.lock_prices(&call(), imported()));
    assert_eq!((refusal.code, refusal.problems[0].pointer.as_str()), (OutcomeCode::PriceOutlier, "/prices/BTC"));
    assert!(refusal.problems[0].detail.contains("index has 5050.01") && refusal.problems[0].detail.contains("0.01"), "{refusal}");
    let waiting = book.read(|conn| governance::tables(conn, book.clock.now(), 31)).unwrap();
    assert_eq!(waiting[0].rows.len(), 1, "it waits");
    let locked = done(book.lock_prices(&call(), imported().because("the index was late")));
    assert_eq!(locked["accepted_for_a_reason"], json!(["/prices/BTC"]));
    let (tables, facts) = book.read(|conn| governance::of_day(conn, day(), book.clock.now())).unwrap();
    assert_eq!(tables[0].rows.len(), 2, "both assets stand beside each other");
    assert!(facts.iter().any(|(label, _)| label == "Reason") && facts.iter().any(|(label, _)| label == "Locked by"));
    assert!(verify(&book).unwrap().is_good());
});

on_both_engines!(a_wider_tolerance_lets_the_same_difference_pass, |db| {
    let book = opened(&db);
    let policy = json!({"max_age_hours": 48, "outlier_share": "0.5", "source_tolerance": "0.05"});
    done(book.set_price_policy(&call(), "2019-01-01".parse().unwrap(), typed(policy)));
    first(&book, "5000", "observed");
    second(&book, "5200");
    done(book.lock_prices(&call(), imported()));
});

on_both_engines!(prices_set_by_hand_or_carried_over_need_a_reason, |db| {
    let book = opened(&db);
    for basis in ["manual", "carried"] {
        first(&book, "5000", basis);
        let refusal = refused(book.lock_prices(&call(), imported()));
        assert_eq!(refusal.problems[0].pointer, "/prices/BTC", "{basis}");
    }
    let typed_in = json!({"day": "2019-01-02", "given": {"source": "phone", "prices": {
        "BTC": {"price": "5000", "basis": "manual"}, "USDC": {"price": "1"}}}});
    assert_eq!(refused(book.lock_prices(&call(), typed(typed_in.clone()))).code, OutcomeCode::PriceOutlier);
    let mut with_reason = typed_in;
    with_reason["reason"] = json!("the exchange was down");
    done(book.lock_prices(&call(), typed(with_reason)));
    assert!(verify(&book).unwrap().is_good());
});

on_both_engines!(two_sources_are_two, |db| {
    let book = opened(&db);
    first(&book, "5000", "observed");
    let same_name = refused(book.import_second_prices(&call(), "exchange", prices("5001", "observed").as_bytes()));
    let same_file = refused(book.import_second_prices(&call(), "index", prices("5000", "observed").as_bytes()));
    for refusal in [same_name, same_file] {
        assert_eq!((refusal.code, refusal.problems[0].pointer.as_str()), (OutcomeCode::InvalidField, "/source"));
    }
    second(&book, "5001");
    let late = refused(book.import_prices(&call(), "index", prices("5002", "observed").as_bytes()));
    assert_eq!(late.problems[0].pointer, "/source", "nor does the first become the second");
});

fn as_person(person: PersonId) -> Call {
    Call::fresh(format!("person:{person}")).by(person, true)
}

/// A book under four eyes: a preparer and an approver.
fn guarded(db: &TestDb) -> (Book, PersonId, PersonId) {
    let book = opened(db);
    for admin in ["ada", "abel"] {
        person(&book, admin, &["administrator"]);
    }
    let paula = person(&book, "paula", &["preparer"]);
    let ann = ["ann", "ben", "cleo"].map(|login| person(&book, login, &["approver"]))[0];
    let terms = json!({"one_up_to": "10000", "two_up_to": "1000000", "committee": 3, "expire_hours": 72, "ratify_hours": 24});
    done(book.set_approval_terms(&call(), "2019-01-03".parse().unwrap(), typed(terms)));
    (book, paula, ann)
}

on_both_engines!(under_four_eyes_another_agrees_to_exactly_these_prices, |db| {
    let (book, paula, ann) = guarded(&db);
    done(book.import_prices(&as_person(paula), "exchange", prices("5000", "observed").as_bytes()));
    done(book.import_second_prices(&as_person(paula), "index", prices("5500", "observed").as_bytes()));
    assert_eq!(refused(book.lock_prices(&as_person(paula), imported())).code, OutcomeCode::PriceOutlier);
    let asked = done(book.lock_prices(&as_person(paula), imported().because("the index was late")));
    assert_eq!((asked["state"].as_str(), asked["needs"].as_i64()), (Some("submitted"), Some(1)), "{asked}");
    assert_eq!(asked["would"]["compared"]["prices"]["BTC"]["difference"], "0.1", "the difference is in the preview");
    let ask = || Decide {
        proposal: asked["proposal"].as_i64().unwrap(),
        hash: asked["hash"].as_str().unwrap().to_owned(),
        reason: "looked at".to_owned(),
    };
    assert_eq!(refused(book.approve(&as_person(paula), ask())).code, OutcomeCode::Forbidden);
    // Another import meanwhile changes nothing of what was proposed.
    done(book.import_prices(&as_person(paula), "exchange", prices("4000", "observed").as_bytes()));
    let did = done(book.approve(&as_person(ann), ask()));
    assert_eq!((did["state"].as_str(), did["did"]["prices"]["BTC"].as_str()), (Some("executed"), Some("5000")), "{did}");
    let (_, facts) = book.read(|conn| governance::of_day(conn, day(), book.clock.now())).unwrap();
    assert!(format!("{facts:?}").contains("Person ann"), "{facts:?}");
    let verdict = verify(&book).unwrap();
    assert!(verdict.is_good(), "{:#?}", verdict.findings);
});

on_both_engines!(under_four_eyes_what_came_as_it_should_is_locked_at_once, |db| {
    let (book, paula, _) = guarded(&db);
    done(book.import_prices(&as_person(paula), "exchange", prices("5000", "observed").as_bytes()));
    done(book.import_second_prices(&as_person(paula), "index", prices("5001", "observed").as_bytes()));
    assert_eq!(done(book.lock_prices(&as_person(paula), imported()))["day"], "2019-01-02");
});
