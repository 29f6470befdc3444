//! Incidents from declaration to closing, through the commands, on both engines.

#[path = "incidents/terminal.rs"]
mod terminal;
#[path = "incidents/theft.rs"]
pub mod theft;

use diesel::prelude::*;
use safu_ledger::domain::amount::{Quantity, Value};
use safu_ledger::domain::incident::claims::ControlTotals;
use safu_ledger::domain::incident::life::State;
use safu_ledger::domain::outcome::OutcomeCode;
use safu_ledger::service::Call;
use safu_ledger::service::at::At;
use safu_ledger::service::incidents::payouts::PaidBy;
use safu_ledger::service::incidents::recoveries::{NewRecovery, NewRecoveryReceipt, RecoveryMemo};
use safu_ledger::service::incidents::view::{self, ClaimState};
use safu_ledger::store::{claim, log, payout};
use theft::{CODE, HEADER, Theft, accepted, btc, call, claims_file, refused};

fn value(text: &str) -> Value {
    Value::parse(text).unwrap()
}

on_both_engines!(twenty_thousand_claims_go_the_whole_way, |db| {
    let theft = Theft::recognised(&db, "7000", "100");
    // The next day the loss is measured: 7,070.7 BTC; 30 of the IBNR are identified.
    theft.day("2019-05-09", "6000");
    let mut revised = btc("7070.7", "");
    revised.identified = Some("30".to_owned());
    let answer = accepted(theft.estimate(vec![revised]));
    let events: Vec<&str> = answer["entries"].as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["E08a", "E08c"]);
    assert_eq!(answer["assets"]["BTC"]["ibnr"], "70");

    let total = 707_070_000_000;
    let control = ControlTotals { row_count: Some(20_000), totals: [("BTC".to_owned(), "7070.7".to_owned())].into() };
    let imported = accepted(theft.import_with(&call(), &claims_file(20_000, total), control));
    assert_eq!((imported["first_claim"].as_i64(), imported["last_claim"].as_i64()), (Some(1), Some(20_000)));
    assert_eq!(imported["state"], "claims-open");

    let approved = accepted(theft.approve(&call(), Some("1-12000")));
    assert_eq!(approved["claims"], 12_000);
    accepted(theft.approve(&call(), None));
    theft.day("2019-05-15", "7000");
    let mut first = theft.payout(Some("1-5000"));
    first.network_fee = Some("0.25".to_owned());
    let paid = accepted(theft.book.pay_claims(&call(), CODE, first, PaidBy::One("tx-1".to_owned())));
    let events: Vec<&str> = paid["entries"].as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["E09", "E11", "E13"]);
    let list: String = (5_001..=5_004).map(|no| format!("c-{no},tx-{}\n", no % 2)).collect();
    let file = PaidBy::File(format!("claim_id,txid\n{list}").into_bytes());
    let paid = accepted(theft.book.pay_claims(&call(), CODE, theft.payout(None), file));
    assert_eq!((paid["claims"].as_i64(), paid["transactions"].as_i64()), (Some(4), Some(2)));
    let paid = accepted(theft.pay(&call(), None));
    assert_eq!(paid["claims"], 14_996);
    assert_eq!(paid["entries"].as_array().unwrap().len(), 1, "2130 stands at the day's price already");

    let open = refused(theft.book.close_incident(&call(), CODE, theft.book.clock.today(), ""));
    assert_eq!(open.code, OutcomeCode::WrongState);
    assert!(open.to_string().contains("IBNR"), "{open}");
    let answer = accepted(theft.estimate(vec![btc("", "0")]));
    assert_eq!(answer["entries"][0]["event"], "E08b");
    accepted(theft.book.close_incident(&call(), CODE, theft.book.clock.today(), "all paid"));

    let shown = theft.book.read(|conn| view::incident(conn, CODE, &At::NOW)).unwrap();
    assert_eq!(shown.summary.life.state, State::Closed);
    assert_eq!(shown.summary.reserves, []);
    assert_eq!(shown.statements[0].by, "the exchange");
    let states: Vec<&str> = shown.steps.iter().map(|step| step.state.as_str()).collect();
    assert_eq!(states, ["declared", "assessed", "recognised", "claims-open", "paying", "closed"]);
    assert_eq!(shown.estimates.len(), 3);
    assert_eq!((shown.claims.count, shown.claims.approved_count, shown.claims.paid_count), (20_000, 20_000, 20_000));
    let of = &shown.claims.assets[0];
    assert_eq!((of.claimed, of.approved, of.paid), (Quantity(total), Quantity(total), Quantity(total)));
    assert_eq!(shown.batches.len(), 3);
    assert_eq!(shown.summary.loss.gross, value("49494900"), "what was paid is what it cost: 7,070.7 × 7,000");

    let one = theft.book.read(|conn| view::claim(conn, CODE, "c-5002", &At::NOW)).unwrap();
    assert_eq!(one.state, ClaimState::Paid { batch: 2, txid: "tx-0".to_owned() });
    let page = theft.book.read(|conn| view::claims(conn, CODE, 4_999, 3, &At::NOW)).unwrap();
    assert_eq!(page.iter().map(|c| c.claim.no).collect::<Vec<_>>(), [5_000, 5_001, 5_002]);

    // What is stored proves what the log says.
    theft
        .book
        .read(|conn| {
            for file in claim::files(conn)? {
                assert_eq!(claim::stored_rows_root(conn, &file)?.to_vec(), file.rows_root);
            }
            for batch in payout::batches(conn)? {
                assert_eq!(payout::stored_rows_root(conn, &batch)?.to_vec(), batch.rows_root);
            }
            let leaves = log::leaves(conn, 0, i64::MAX)?;
            for private in ["user-1", "bc1q", "\"c-1\""] {
                assert!(leaves.iter().all(|leaf| !leaf.bytes.contains(private)), "{private} is in the log");
            }
            let file = &claim::files(conn)?[0];
            let secret = hex::encode(&file.salt_key);
            assert!(leaves.iter().all(|leaf| !leaf.bytes.contains(&secret)));
            Ok(())
        })
        .unwrap();
});

on_both_engines!(one_bad_row_of_ten_thousand_posts_nothing, |db| {
    let theft = Theft::recognised(&db, "7000", "0");
    let before = theft.leaves();
    let good = claims_file(10_000, 700_000_000_000);
    let bad = good.replace("c-7777,user-7777,BTC,", "c-7777,user-7777,BTC,+");
    let rejection = refused(theft.import(&call(), &bad));
    assert_eq!((rejection.code, rejection.problems.len()), (OutcomeCode::InvalidRow, 1));
    assert_eq!(rejection.problems[0].pointer, "row 7777, column quantity");
    let short = ControlTotals { row_count: Some(10_001), totals: Default::default() };
    assert_eq!(refused(theft.import_with(&call(), &good, short)).code, OutcomeCode::RowCountMismatch);
    assert_eq!(theft.leaves(), before, "nothing was recorded");
    assert_eq!(theft.book.read(|conn| view::claims(conn, CODE, 0, 10, &At::NOW)).unwrap(), []);
    accepted(theft.import(&call(), &good));
});

on_both_engines!(a_claim_is_taken_once_per_incident_claimant_and_asset, |db| {
    let theft = Theft::recognised(&db, "7000", "0");
    let first = format!("{HEADER}\na,u-1,BTC,1,\nb,u-2,BTC,2,\n");
    accepted(theft.import(&call(), &first));
    let again = accepted(theft.import(&call(), &first));
    assert_eq!((again["already_imported"].as_bool(), again["file"].as_i64()), (Some(true), Some(1)));
    for (row, pointer) in [("a,u-9,BTC,1,", "row 1, column claim_id"), ("c,u-2,BTC,1,", "row 1, column claimant_ref")] {
        let rejection = refused(theft.import(&call(), &format!("{HEADER}\n{row}\n")));
        assert_eq!((rejection.code, rejection.problems[0].pointer.as_str()), (OutcomeCode::DuplicateClaim, pointer));
    }
    let second = accepted(theft.import(&call(), &format!("{HEADER}\nc,u-1,USDC,5,\nd,u-4,BTC,1,\n")));
    assert_eq!(second["first_claim"], 3);
    let approved = refused(theft.approve(&call(), None));
    assert_eq!(approved.code, OutcomeCode::InsufficientUnits, "there is no reserve in USDC");
    assert!(approved.to_string().contains("revise the estimate first"), "{approved}");
    accepted(theft.approve(&call(), Some("1-2,4")));
});

on_both_engines!(what_is_out_of_turn_is_refused_with_the_mend, |db| {
    let theft = Theft::fund(&db, "us-gaap");
    assert_eq!(refused(theft.recognise()).code, OutcomeCode::NotFound);
    accepted(theft.declare());
    let twice = refused(theft.book.step_incident(&call(), CODE, State::Declared, None, "again"));
    assert_eq!(twice.code, OutcomeCode::WrongState);
    assert_eq!(refused(theft.recognise()).code, OutcomeCode::WrongState, "not assessed yet");
    assert_eq!(refused(theft.import(&call(), &format!("{HEADER}\na,u,BTC,1,\n"))).code, OutcomeCode::WrongState);
    accepted(theft.estimate(vec![btc("10", "1")]));
    accepted(theft.estimate(vec![btc("11", "1")]));
    accepted(theft.recognise());
    assert_eq!(refused(theft.approve(&call(), None)).code, OutcomeCode::WrongState);
    accepted(theft.import(&call(), &format!("{HEADER}\na,u-1,BTC,6,\nb,u-2,BTC,5,\nc,u-3,BTC,1,\n")));
    assert_eq!(refused(theft.pay(&call(), None)).code, OutcomeCode::WrongState, "nothing is approved");
    let all = refused(theft.approve(&call(), None));
    assert!(all.to_string().contains("12 BTC") && all.to_string().contains("11 BTC"), "{all}");
    accepted(theft.approve(&call(), Some("1-2")));
    assert_eq!(refused(theft.approve(&call(), Some("2-3"))).code, OutcomeCode::WrongState);
    assert_eq!(refused(theft.approve(&call(), Some("3-4"))).code, OutcomeCode::NotFound);
    assert_eq!(refused(theft.approve(&call(), Some("3-"))).code, OutcomeCode::InvalidField);
    let lowered = refused(theft.estimate(vec![btc("10", "1")]));
    assert_eq!(lowered.code, OutcomeCode::InsufficientUnits, "11 are approved");
    assert_eq!(lowered.problems[0].pointer, "/assets/BTC/case");
    let open = refused(theft.pay(&call(), Some("1-3")));
    assert_eq!((open.code, open.problems[0].value.as_str()), (OutcomeCode::WrongState, "3"));
    let mut identified = btc("", "");
    identified.identified = Some("2".to_owned());
    assert_eq!(refused(theft.estimate(vec![identified])).code, OutcomeCode::InvalidField);
    let raised = accepted(theft.estimate(vec![btc("12", "3")]));
    assert_eq!(raised["entries"][0]["event"], "E07", "IBNR raised");
    accepted(theft.approve(&call(), None));
    theft.book.clock.set("2019-05-12T00:00:00Z".parse().unwrap());
    assert_eq!(refused(theft.pay(&call(), None)).code, OutcomeCode::PriceStale);
    let mut tomorrow = theft.payout(None);
    tomorrow.on = "2019-05-13".parse().unwrap();
    let by = PaidBy::One("t".to_owned());
    assert_eq!(refused(theft.book.pay_claims(&call(), CODE, tomorrow, by)).code, OutcomeCode::InvalidField);
});

on_both_engines!(files_of_transactions_are_checked_against_the_claims, |db| {
    let theft = Theft::recognised(&db, "7000", "0");
    accepted(theft.import(&call(), &format!("{HEADER}\na,u-1,BTC,1,\nb,u-2,BTC,2,\nc,u-3,BTC,3,\nd,u-4,BTC,4,\n")));
    accepted(theft.approve(&call(), Some("1-3")));
    let before = theft.entries();
    let pay = |claims: Option<&str>, rows: &str| {
        let file = PaidBy::File(format!("claim_id,txid\n{rows}").into_bytes());
        theft.book.pay_claims(&call(), CODE, theft.payout(claims), file)
    };
    assert_eq!(refused(pay(Some("1-2"), "a,t1\n")).code, OutcomeCode::InvalidField, "b has no transaction");
    for strange in ["z", "d"] {
        let rejection = refused(pay(None, &format!("a,t1\n{strange},t2\n")));
        assert_eq!((rejection.code, rejection.problems[0].value.as_str()), (OutcomeCode::WrongState, strange));
    }
    assert_eq!(refused(pay(None, "a,t1\na,t2\n")).code, OutcomeCode::DuplicateRow);
    assert_eq!(theft.entries(), before);
    accepted(pay(None, "b,t1\n"));
    assert_eq!(refused(pay(None, "a,t2\nb,t2\n")).code, OutcomeCode::AlreadyPaid);
    accepted(pay(Some("1,3"), "a,t2\nc,t2\n"));
});

on_both_engines!(a_claim_is_paid_once_whatever_the_code_believes, |db| {
    let theft = Theft::recognised(&db, "7000", "0");
    accepted(theft.import(&call(), &format!("{HEADER}\na,u-1,BTC,1,\nb,u-2,BTC,2,\n")));
    accepted(theft.approve(&call(), None));
    accepted(theft.pay(&call(), Some("1")));
    let again = refused(theft.pay(&call(), Some("1-2")));
    assert_eq!((again.code, again.problems.len()), (OutcomeCode::AlreadyPaid, 1));
    assert_eq!((again.problems[0].pointer.as_str(), again.problems[0].value.as_str()), ("/claims/1", "a"));
    accepted(theft.pay(&call(), None));
    assert_eq!(refused(theft.pay(&call(), None)).code, OutcomeCode::AlreadyPaid);
    let sql = "INSERT INTO payout (incident_id, claim_no, batch_id, transaction_no) VALUES (1, 1, 2, 1)";
    let error = match db.url().split_once("://").unwrap() {
        ("sqlite", path) => diesel::sql_query(sql).execute(&mut SqliteConnection::establish(path).unwrap()).unwrap_err(),
        #[cfg(feature = "postgres")]
        _ => diesel::sql_query(sql).execute(&mut PgConnection::establish(db.url()).unwrap()).unwrap_err(),
        #[cfg(not(feature = "postgres"))]
        other => panic!("{other:?}"),
    };
    use diesel::result::{DatabaseErrorKind, Error};
    assert!(matches!(error, Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)), "{error}");
});

on_both_engines!(two_who_pay_the_same_claims_have_one_effect, |db| {
    let theft = Theft::recognised(&db, "7000", "0");
    accepted(theft.import(&call(), &claims_file(500, 50_000_000_000)));
    accepted(theft.approve(&call(), None));
    let replies: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| theft.pay(&call(), Some("1-500")).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert!(replies.iter().filter(|reply| reply.status != 201).all(|reply| reply.body.contains("already-paid")));
    let shown = theft.book.read(|conn| view::incident(conn, CODE, &At::NOW)).unwrap();
    assert_eq!((shown.batches.len(), shown.claims.paid_count), (1, 500));
});

on_both_engines!(dry_runs_write_nothing_and_replays_are_byte_identical, |db| {
    let theft = Theft::recognised(&db, "7000", "0");
    let text = claims_file(100, 700_000_000);
    let before = theft.leaves();
    let dry = theft.import(&call().dry(true), &text).unwrap();
    assert_eq!(theft.leaves(), before);
    let key = Call::keyed("cli:ana", "import-1");
    let first = theft.import(&key, &text).unwrap();
    assert_eq!(first.body, dry.body, "a dry run answers what the run answers");
    let again = theft.import(&key, &text).unwrap();
    assert_eq!((again.replayed, again.body), (true, first.body));
    let other = refused(theft.import(&key, &claims_file(99, 700_000_000)));
    assert_eq!(other.code, OutcomeCode::IdempotencyConflict);

    let (approve, pay) = (Call::keyed("cli:ana", "approve-1"), Call::keyed("cli:ana", "pay-1"));
    let before = theft.leaves();
    accepted(theft.approve(&approve.clone().dry(true), None));
    assert_eq!(theft.leaves(), before);
    let approved = theft.approve(&approve, None).unwrap();
    let before = theft.leaves();
    accepted(theft.pay(&pay.clone().dry(true), None));
    assert_eq!(theft.leaves(), before);
    let paid = theft.pay(&pay, None).unwrap();
    let before = theft.leaves();
    assert_eq!(theft.approve(&approve, None).unwrap().body, approved.body);
    assert_eq!(theft.pay(&pay, None).unwrap().body, paid.body);
    assert_eq!(theft.leaves(), before);
});

fn recovery(quantity: &str, virtually_certain: bool) -> NewRecovery {
    NewRecovery {
        on: "2019-05-08".parse().unwrap(),
        asset: "BTC".to_owned(),
        quantity: quantity.to_owned(),
        channel: "exchange-a".to_owned(),
        virtually_certain,
        note: String::new(),
    }
}

on_both_engines!(recoveries_are_shown_apart_and_never_exceed_the_loss, |db| {
    let theft = Theft::recognised(&db, "100", "0");
    let day: jiff::civil::Date = "2019-05-08".parse().unwrap();
    let memo = |channel: &str, quantity: &str| RecoveryMemo {
        channel: channel.to_owned(),
        asset: "BTC".to_owned(),
        quantity: quantity.to_owned(),
        note: "frozen".to_owned(),
    };
    accepted(theft.book.record_recovery_memo(&call(), CODE, day, memo("exchange-a", "40")));
    accepted(theft.book.record_recovery_memo(&call(), CODE, day, memo("police", "5")));
    let traced = accepted(theft.book.record_recovery_memo(&call(), CODE, day, memo("exchange-a", "30")));
    assert_eq!(traced["traced_in_all"], "35");
    accepted(theft.book.recognise_recovery(&call(), CODE, recovery("40", false)));
    let receipt = |quantity: &str| NewRecoveryReceipt {
        on: day,
        asset: "BTC".to_owned(),
        quantity: quantity.to_owned(),
        wallet: "cold".to_owned(),
        channel: "exchange-a".to_owned(),
        note: String::new(),
    };
    accepted(theft.book.receive_recovery(&call(), CODE, receipt("50")));
    let loss = theft.book.read(|conn| view::incident(conn, CODE, &At::NOW)).unwrap().summary.loss;
    assert_eq!((loss.gross, loss.recovered, loss.net), (value("580000"), value("290000"), value("290000")));
    accepted(theft.book.recognise_recovery(&call(), CODE, recovery("70", false)));
    let loss = theft.book.read(|conn| view::incident(conn, CODE, &At::NOW)).unwrap().summary.loss;
    assert_eq!((loss.recovered, loss.net), (value("580000"), Value::ZERO));
    let over = refused(theft.book.recognise_recovery(&call(), CODE, recovery("1", false)));
    assert_eq!(over.code, OutcomeCode::AboveLimit);
    let list = theft.book.read(|conn| view::list(conn, &At::NOW)).unwrap();
    assert_eq!((list.len(), list[0].code.as_str(), list[0].life.state), (1, CODE, State::Recognised));
});

on_both_engines!(under_ifrs_a_recovery_must_be_virtually_certain, |db| {
    let theft = Theft::fund(&db, "ifrs");
    accepted(theft.declare());
    accepted(theft.estimate(vec![btc("100", "0")]));
    let early = refused(theft.book.recognise_recovery(&call(), CODE, recovery("1", true)));
    assert_eq!(early.code, OutcomeCode::WrongState);
    accepted(theft.recognise());
    let rejection = refused(theft.book.recognise_recovery(&call(), CODE, recovery("40", false)));
    assert_eq!(rejection.problems[0].pointer, "/virtually_certain");
    accepted(theft.book.recognise_recovery(&call(), CODE, recovery("40", true)));
});
