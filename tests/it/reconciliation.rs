//! Observed balances, breaks and sign-offs, as a finance team meets them, on both engines.

use crate::small_book::{call, done, lock, opened, person, refused, typed};
use crate::support::database::TestDb;
use safu_ledger::domain::outcome::OutcomeCode;
use safu_ledger::domain::period::Period;
use safu_ledger::domain::person::PersonId;
use safu_ledger::service::approvals::Decide;
use safu_ledger::service::reconciliation::{self, breaks, statement};
use safu_ledger::service::verify::verify;
use safu_ledger::service::{Book, Call, Reply};
use safu_ledger::store::error::StoreError;
use serde_json::{Value, json};

const HEADER: &str = "wallet,asset,network,quantity,block_height,observed_at,source\n";

fn file(rows: &[&str]) -> String {
    rows.iter().fold(HEADER.to_owned(), |file, row| format!("{file}{row}\n"))
}

fn import(book: &Book, rows: &[&str]) -> Value {
    done(book.import_balances(&call(), "balances.csv", file(rows).as_bytes()))
}

/// Capital of 10 BTC at `cold` on the first of January; now is the third of February.
fn funded(db: &TestDb) -> Book {
    let book = opened(db);
    capital(&book, "2019-01-01", "BTC", "10");
    book.clock.set("2019-02-03T12:00:00Z".parse().unwrap());
    book
}

fn capital(book: &Book, on: &str, asset: &str, quantity: &str) -> i64 {
    let receipts = json!([{"wallet": "cold", "asset": asset, "quantity": quantity}]);
    let event = json!({"event": "sponsor-capital", "on": on, "receipts": receipts});
    done(book.post_treasury(&call(), typed(event)))["entry"].as_i64().unwrap()
}

fn january() -> Period {
    Period::parse("2019-01").unwrap()
}

fn hash(book: &Book) -> String {
    book.read(|conn| statement::statement(conn, january())).unwrap().hash()
}

fn sign(book: &Book, call: &Call, note: &str) -> Result<Reply, StoreError> {
    book.sign_off(call, typed(json!({"period": "2019-01", "statement": hash(book), "note": note})))
}

fn explain(book: &Book, number: i64, kind: &str, difference: &str, entries: &[i64]) -> Result<Reply, StoreError> {
    let ask = json!({"break": number, "explanation": kind, "reason": "looked at", "difference": difference, "entries": entries});
    book.explain_break(&call(), typed(ask))
}

fn standing(book: &Book) -> Vec<breaks::BreakNow> {
    book.read(breaks::standing).unwrap()
}

fn verified(book: &Book) {
    let verdict = verify(book).unwrap();
    assert!(verdict.is_good(), "{:#?}", verdict.findings);
}

const END: &str = "cold,BTC,test,10,576000,2019-02-01T00:00:00Z,node";

on_both_engines!(what_is_observed_as_booked_matches_and_is_signed_off, |db| {
    let book = funded(&db);
    let open = book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap();
    assert_eq!(open.iter().map(|open| open.of.as_str()).collect::<Vec<_>>(), ["BTC@cold"], "nothing was observed yet");
    assert_eq!(refused(sign(&book, &call(), "alone")).code, OutcomeCode::OutOfOrder);
    let answer = import(&book, &[END]);
    assert_eq!((answer["recorded"].as_i64(), answer["breaks"].as_array().unwrap().len()), (Some(1), 0), "{answer}");
    assert!(book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap().is_empty());
    assert_eq!(book.read(|conn| reconciliation::signed_off(conn, january())).unwrap(), None);
    assert_eq!(refused(sign(&book, &call(), "")).code, OutcomeCode::InvalidField, "the preparer signs for a reason only");
    let stale = json!({"period": "2019-01", "statement": "0".repeat(64), "note": ""});
    assert_eq!(refused(book.sign_off(&Call::fresh("cli:other"), typed(stale))).code, OutcomeCode::WrongState);
    done(sign(&book, &Call::fresh("cli:other"), ""));
    assert_eq!(refused(sign(&book, &Call::fresh("cli:other"), "")).code, OutcomeCode::AlreadyExists);
    let signed = book.read(|conn| reconciliation::signed_off(conn, january())).unwrap().unwrap();
    assert!(signed.is_current && signed.signed.by == "cli:other" && signed.signed.prepared_by.contains("cli:test"));
    // What is recorded for the month afterwards shows: the sign-off is no longer of what there is.
    capital(&book, "2019-01-02", "BTC", "1");
    assert!(!book.read(|conn| reconciliation::signed_off(conn, january())).unwrap().unwrap().is_current);
    verified(&book);
});

on_both_engines!(an_unknown_outflow_drafts_one_incident_that_names_its_break, |db| {
    let book = funded(&db);
    let answer = import(&book, &["cold,BTC,test,9.5,,2019-01-30T10:00:00Z,node", "cold,BTC,test,9.5,,2019-01-31T10:00:00Z,node"]);
    assert_eq!(answer["breaks"], json!([1]), "a second look at the same difference is the same break");
    let code = answer["incidents"][0].as_str().unwrap().to_owned();
    let (view, refs) = book
        .read(|conn| {
            let at = safu_ledger::service::at::At::NOW;
            Ok((
                safu_ledger::service::incidents::view::incident(conn, &code, &at)?,
                safu_ledger::service::refs::Refs::load(conn)?,
            ))
        })
        .unwrap();
    assert_eq!(view.steps[0].state, "suspected");
    assert!(view.steps[0].note.contains("Break 1") && view.steps[0].note.contains("0.5 BTC"), "{}", view.steps[0].note);
    let now = &standing(&book)[0];
    assert_eq!((now.pair.text(now.difference).as_str(), now.one.incident().unwrap().0), ("-0.5", code.as_str()));
    assert_eq!(refused(sign(&book, &Call::fresh("cli:other"), "")).problems[0].pointer, "/breaks/1");
    // The same shortfall drafts no second incident; a larger one does once the first was found to be none.
    assert_eq!(import(&book, &["cold,BTC,test,9.5,,2019-02-01T10:00:00Z,node"])["incidents"], json!([]));
    assert_eq!(import(&book, &["cold,BTC,test,9,,2019-02-01T11:00:00Z,node"])["incidents"], json!([]), "it is looked at already");
    let step = json!({"state": "rejected", "at": null, "note": "a late booking"});
    done(book.give(
        &call(),
        safu_ledger::service::command::OfIncident::<safu_ledger::service::incidents::declare::StepIncident> {
            incident: code,
            ask: typed(step),
        },
    ));
    assert_eq!(import(&book, &["cold,BTC,test,8,,2019-02-01T12:00:00Z,node"])["incidents"].as_array().unwrap().len(), 1);
    assert_eq!(standing(&book).len(), 1, "{refs:?}");
    verified(&book);
});

on_both_engines!(a_reason_covers_exactly_the_difference_it_was_given_for, |db| {
    let book = funded(&db);
    import(&book, &["cold,BTC,test,10.5,,2019-01-31T10:00:00Z,node"]);
    assert_eq!(refused(explain(&book, 1, "timing", "0.4", &[])).code, OutcomeCode::WrongState);
    assert_eq!(refused(explain(&book, 2, "timing", "0.5", &[])).code, OutcomeCode::NotFound);
    done(explain(&book, 1, "timing", "0.5", &[]));
    assert!(book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap().is_empty());
    import(&book, &["cold,BTC,test,10.7,,2019-01-31T20:00:00Z,node"]);
    let open = book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap();
    assert_eq!((open[0].number, open[0].difference.as_deref()), (Some(1), Some("0.7")), "{open:?}");
    // Back to what was explained, and the reason holds again.
    import(&book, &["cold,BTC,test,10.5,,2019-01-31T21:00:00Z,node"]);
    assert!(book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap().is_empty());
    // Once it matched, the break has ended and a new difference is a new break without a reason.
    import(&book, &["cold,BTC,test,10,,2019-01-31T22:00:00Z,node", "cold,BTC,test,10.5,,2019-01-31T23:00:00Z,node"]);
    let open = book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap();
    assert_eq!(open[0].number, Some(2));
    assert_eq!(refused(explain(&book, 1, "timing", "0.5", &[])).code, OutcomeCode::WrongState, "it has ended");
    verified(&book);
});

on_both_engines!(an_entry_ends_a_break_or_explains_it, |db| {
    let book = funded(&db);
    import(&book, &["cold,BTC,test,10.5,,2019-01-31T10:00:00Z,node"]);
    // Later in date: it accounts for the break if it moves exactly what differs.
    lock(&book, "2019-02-02", "5000");
    let wrong = capital(&book, "2019-02-02", "USDC", "5");
    let less = capital(&book, "2019-02-02", "BTC", "0.2");
    let rest = capital(&book, "2019-02-02", "BTC", "0.3");
    assert_eq!(refused(explain(&book, 1, "entry", "0.5", &[])).problems[0].pointer, "/entries");
    assert_eq!(refused(explain(&book, 1, "entry", "0.5", &[wrong])).problems[0].pointer, "/entries/0");
    assert_eq!(refused(explain(&book, 1, "entry", "0.5", &[less])).problems[0].pointer, "/entries", "too little");
    assert_eq!(refused(explain(&book, 1, "entry", "0.5", &[less, less])).problems[0].pointer, "/entries/1", "twice the same");
    assert_eq!(refused(explain(&book, 1, "entry", "0.5", &[99])).code, OutcomeCode::NotFound);
    done(explain(&book, 1, "entry", "0.5", &[less, rest]));
    assert!(book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap().is_empty());
    // The reason falls with the entry.
    let reverse = json!({"entry": rest, "on": "2019-02-02", "reason": "wrong"});
    done(book.reverse_entry(&call(), typed(reverse)));
    assert_eq!(book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap().len(), 1);
    // An entry for the day itself ends the break without anybody's word.
    capital(&book, "2019-01-02", "BTC", "0.5");
    assert!(standing(&book).is_empty());
    assert!(book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap().is_empty());
    verified(&book);
});

on_both_engines!(an_entry_after_the_match_makes_a_break_when_matched_again, |db| {
    let book = funded(&db);
    import(&book, &[END]);
    capital(&book, "2019-01-02", "BTC", "1");
    let open = book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap();
    assert_eq!((open[0].number, open[0].difference.as_deref()), (None, Some("-1")));
    let again = |book: &Book| done(book.match_balances(&call(), typed(json!({"period": "2019-01"}))));
    let answer = again(&book);
    assert_eq!((&answer["breaks"], answer["incidents"].as_array().unwrap().len()), (&json!([1]), 1));
    assert_eq!(again(&book)["breaks"], json!([]), "once");
    verified(&book);
});

on_both_engines!(what_moved_after_the_last_look_is_not_signed_off, |db| {
    let book = funded(&db);
    import(&book, &["cold,BTC,test,10,,2019-01-20T10:00:00Z,node"]);
    assert!(book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap().is_empty(), "nothing moved since");
    lock(&book, "2019-01-25", "5000");
    capital(&book, "2019-01-25", "BTC", "1");
    let open = book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap();
    assert!(open[0].mend.contains("moved after"), "{open:?}");
    import(&book, &["cold,BTC,test,11,,2019-01-25T23:00:00Z,node"]);
    assert!(book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap().is_empty());
});

on_both_engines!(hostile_files_are_refused_whole, |db| {
    let book = funded(&db);
    done(book.describe_wallet(&call(), typed(json!({"wallet": "payout", "purpose": "Payouts", "network": "test"}))));
    done(book.add_asset(&call(), typed(json!({"code": "ETH", "network": "ethereum", "scale": 18}))));
    let good = "cold,BTC,test,10,1,2019-01-31T10:00:00Z,node";
    let cases: [(&str, OutcomeCode, &str); 11] = [
        ("cellar,BTC,test,10,1,2019-01-31T10:00:00Z,node", OutcomeCode::UnknownWallet, "row 2, column wallet"),
        ("cold,DOGE,test,10,1,2019-01-31T10:00:00Z,node", OutcomeCode::UnknownAsset, "row 2, column asset"),
        ("cold,BTC,bitcoin,10,1,2019-01-31T11:00:00Z,node", OutcomeCode::InvalidRow, "row 2, column network"),
        ("payout,ETH,ethereum,10,1,2019-01-31T11:00:00Z,node", OutcomeCode::InvalidRow, "row 2, column network"),
        (good, OutcomeCode::DuplicateRow, "row 2, column observed_at"),
        ("payout,BTC,test,-1,1,2019-01-31T10:00:00Z,node", OutcomeCode::InvalidRow, "row 2, column quantity"),
        ("payout,BTC,test,1.123456789,1,2019-01-31T10:00:00Z,node", OutcomeCode::InvalidRow, "row 2, column quantity"),
        ("payout,BTC,test,1e5,1,2019-01-31T10:00:00Z,node", OutcomeCode::InvalidRow, "row 2, column quantity"),
        ("payout,BTC,test,1,1,2019-02-03T12:00:01Z,node", OutcomeCode::InvalidRow, "row 2, column observed_at"),
        ("payout,BTC,test,1,-1,2019-01-31T10:00:00Z,node", OutcomeCode::InvalidRow, "row 2, column block_height"),
        ("payout,BTC,test,1,1,2019-01-31T10:00:00Z,", OutcomeCode::InvalidRow, "row 2, column source"),
    ];
    for (row, code, pointer) in cases {
        let rejection = refused(book.import_balances(&call(), "hostile.csv", file(&[good, row]).as_bytes()));
        assert_eq!((rejection.code, rejection.problems[0].pointer.as_str()), (code, pointer), "{row}: {rejection}");
    }
    for bytes in [&b"\xff\xfe"[..], b"", b"[]", b"wallet;asset", br#"[{"wallet":"cold"}]"#] {
        assert_eq!(refused(book.import_balances(&call(), "hostile", bytes)).code, OutcomeCode::Malformed);
    }
    let empty = book.read(|conn| statement::statement(conn, january())).unwrap();
    assert!(empty.lines.iter().all(|line| line.seen.is_none()), "nothing was kept of any of them");
    verified(&book);
});

on_both_engines!(the_same_file_has_one_effect_and_another_story_is_named, |db| {
    let book = funded(&db);
    let first = import(&book, &[END, "cold,USDC,test,0,,2019-02-01T00:00:00Z,node"]);
    let again = import(&book, &[END, "cold,USDC,test,0,,2019-02-01T00:00:00Z,node"]);
    assert_eq!((&again["sha256"], &again["recorded"], &again["already_imported"]), (&first["sha256"], &json!(2), &json!(true)));
    // A longer file with what is known and one more balance.
    let more = import(&book, &[END, "payout,BTC,test,0,,2019-02-01T00:00:00Z,node"]);
    assert_eq!((&more["rows"], &more["recorded"]), (&json!(2), &json!(1)));
    let other = file(&["payout,USDC,test,0,,2019-02-01T00:00:00Z,node", "cold,BTC,test,9,576000,2019-02-01T00:00:00Z,explorer"]);
    let conflict = refused(book.import_balances(&call(), "other.csv", other.as_bytes()));
    assert_eq!(conflict.code, OutcomeCode::ObservationConflict);
    assert_eq!(conflict.problems[0].pointer, "row 2, column quantity");
    assert!(conflict.problems[0].detail.contains("row 1 of balances.csv said 10 BTC at block 576000"), "{conflict}");
    let json = r#"[{"wallet":"cold","asset":"BTC","network":"test","quantity":"10","observed_at":"2019-02-02T00:00:00Z","source":"node"}]"#;
    assert_eq!(done(book.import_balances(&call(), "balances.json", json.as_bytes()))["recorded"], 1);
    verified(&book);
});

on_both_engines!(parallel_sign_offs_have_one_effect, |db| {
    let book = funded(&db);
    import(&book, &[END]);
    let command = json!({"period": "2019-01", "statement": hash(&book), "note": ""});
    let signed: Vec<bool> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|at| {
                let (book, command) = (book.clone(), typed(command.clone()));
                scope.spawn(move || book.sign_off(&Call::fresh(format!("cli:other-{at}")), command).unwrap().success().is_ok())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(signed.iter().filter(|done| **done).count(), 1);
    verified(&book);
});

fn as_person(person: PersonId) -> Call {
    Call::fresh(format!("person:{person}")).by(person, true)
}

on_both_engines!(under_four_eyes_the_preparer_never_signs_alone, |db| {
    let book = funded(&db);
    for admin in ["ada", "abel"] {
        person(&book, admin, &["administrator"]);
    }
    let (paula, tess) = (person(&book, "paula", &["preparer"]), person(&book, "tess", &["treasurer"]));
    let approvers = ["ann", "ben", "cleo"].map(|login| person(&book, login, &["approver"]));
    let terms = json!({"one_up_to": "10000", "two_up_to": "1000000", "committee": 3, "expire_hours": 72, "ratify_hours": 24});
    done(book.set_approval_terms(&call(), "2019-02-03".parse().unwrap(), typed(terms)));
    let rows = file(&["cold,BTC,test,10.5,,2019-02-01T00:00:00Z,node"]);
    done(book.import_balances(&as_person(paula), "b.csv", rows.as_bytes()));
    assert_eq!(refused(book.import_balances(&as_person(approvers[0]), "c.csv", rows.as_bytes())).code, OutcomeCode::Forbidden);
    let assign = |owner: &str| json!({"break": 1, "owner": owner});
    assert_eq!(refused(book.assign_break(&as_person(paula), typed(assign("nobody")))).code, OutcomeCode::InvalidField);
    done(book.assign_break(&as_person(paula), typed(assign("tess"))));
    assert_eq!(standing(&book)[0].one.owner(), Some("tess"));
    // Accepting a difference needs another person; saying that it is a matter of time does not.
    let ask = |kind: &str| json!({"break": 1, "explanation": kind, "reason": "dust", "difference": "0.5"});
    let accepted = done(book.explain_break(&as_person(tess), typed(ask("accepted"))));
    assert_eq!(accepted["state"], "submitted");
    assert_eq!(book.read(|conn| reconciliation::open_breaks(conn, january())).unwrap().len(), 1);
    let seen = |answer: &Value| Decide {
        proposal: answer["proposal"].as_i64().unwrap(),
        hash: answer["hash"].as_str().unwrap().to_owned(),
        reason: "looked at".to_owned(),
    };
    done(book.approve(&as_person(approvers[0]), seen(&accepted)));
    let asked = done(sign(&book, &as_person(paula), ""));
    assert_eq!(asked["state"], "submitted", "{asked}");
    assert_eq!(refused(book.approve(&as_person(paula), seen(&asked))).code, OutcomeCode::Forbidden);
    // What changed meanwhile voids it.
    done(book.explain_break(&as_person(tess), typed(ask("timing"))));
    let late = done(book.approve(&as_person(approvers[1]), seen(&asked)));
    assert_eq!(late["not_executed"]["code"], "wrong-state", "{late}");
    let asked = done(sign(&book, &as_person(paula), ""));
    let did = done(book.approve(&as_person(approvers[1]), seen(&asked)));
    assert_eq!(did["state"], "executed", "{did}");
    assert!(book.read(|conn| reconciliation::signed_off(conn, january())).unwrap().unwrap().is_current);
    verified(&book);
});

#[test]
fn an_edited_observation_is_found() {
    let db = TestDb::sqlite();
    let book = funded(&db);
    import(&book, &["cold,BTC,test,9.5,,2019-02-01T00:00:00Z,node"]);
    verified(&book);
    db.execute("DROP TRIGGER fact_no_update").unwrap();
    db.execute(
        "UPDATE fact SET body = replace(body, '\"quantity\":\"9.5\"', '\"quantity\":\"10\"') WHERE kind = 'balance.observed'",
    )
    .unwrap();
    let verdict = verify(&book).unwrap();
    let said: Vec<String> = verdict.findings.iter().map(|found| format!("{}: {}", found.subject, found.detail)).collect();
    assert!(said.iter().any(|text| text.contains("(fact)")), "the leaf: {said:#?}");
    assert!(said.iter().any(|text| text.contains("(break 1)") && text.contains("observed")), "the break: {said:#?}");
}
