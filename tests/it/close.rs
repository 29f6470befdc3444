//! Months close by a checklist, softly first, and are sealed; nothing goes into them afterwards, and what comes late is marked.

use crate::small_book::{call, close_month, done, lock, opened, person, refused, report, tick_all, typed};
use crate::support::database::TestDb;
use safu_ledger::domain::close::{Item, ItemState, MonthState};
use safu_ledger::domain::outcome::{OutcomeCode, Rejection};
use safu_ledger::report::doc::{Content, Doc};
use safu_ledger::service::approvals::{self, Decide};
use safu_ledger::service::verify::verify;
use safu_ledger::service::{Book, Call, Reply};
use safu_ledger::store::error::StoreError;
use safu_ledger::store::journal;
use serde_json::{Value, json};
use std::process::Command;

const MONTH: &str = "2019-01";

fn pointers(rejection: &Rejection) -> Vec<&str> {
    rejection.problems.iter().map(|problem| problem.pointer.as_str()).collect()
}

/// The sponsor's capital of a day; a command that has to be approved where anything has.
fn capital(book: &Book, call: &Call, on: &str, btc: &str) -> Result<Reply, StoreError> {
    let receipts = json!([{"wallet": "cold", "asset": "BTC", "quantity": btc}]);
    book.post_treasury(call, typed(json!({"event": "sponsor-capital", "on": on, "receipts": receipts})))
}

fn mark(book: &Book, item: &str, state: &str, note: &str) -> Result<Reply, StoreError> {
    book.mark_item(&call(), typed(json!({"period": MONTH, "item": item, "state": state, "note": note})))
}

fn state(book: &Book, item: Item) -> ItemState {
    book.checklist(MONTH).unwrap().items.into_iter().find(|view| view.item == item).unwrap().state
}

/// Capital on the first of January; the clock stands in February, and the last day is priced and valued.
fn january(db: &TestDb) -> Book {
    let book = opened(db);
    done(capital(&book, &call(), "2019-01-01", "3"));
    book.clock.set("2019-02-02T08:00:00Z".parse().unwrap());
    lock(&book, "2019-01-31", "5200");
    book
}

/// Period in which the entry of an answer is booked.
fn booked_in(book: &Book, answer: &Value) -> String {
    let no = safu_ledger::domain::ids::EntryNo(answer["entry"].as_i64().unwrap());
    book.read(|conn| journal::find(conn, no)).unwrap().unwrap().0.period
}

fn last_entry(book: &Book) -> journal::EntryRow {
    book.read(|conn| journal::headers_between(conn, 1, i64::MAX)).unwrap().pop().unwrap()
}

fn rows<'d>(doc: &'d Doc, table: &str) -> Vec<Vec<&'d Content>> {
    let table = doc.tables.iter().find(|one| one.id == table).unwrap_or_else(|| panic!("no table {table}"));
    table.rows.iter().map(|row| row.cells.iter().map(|cell| &cell.content).collect()).collect()
}

on_both_engines!(every_item_is_done_or_left_out_before_a_month_closes, |db| {
    let book = january(&db);
    let unmet = refused(book.close_period(&call(), MONTH));
    assert_eq!(unmet.code, OutcomeCode::OutOfOrder);
    let expected = ["/feeds", "/reconciliation", "/statements", "/estimates", "/changes", "/reports", "/state"];
    assert_eq!(pointers(&unmet), expected, "{unmet}");
    assert!(unmet.problems[0].detail.contains("31 days from 2019-01-01 to 2019-01-31"), "{unmet}");

    for (item, state, note, pointer) in [
        ("suspense", "done", "x", "/item"),
        ("suspense", "not-applicable", "x", "/item"),
        ("statements", "done", "", "/note"),
        ("statements", "nearly", "x", "/state"),
        ("weather", "done", "x", "/item"),
    ] {
        assert_eq!(pointers(&refused(mark(&book, item, state, note))), [pointer], "{item} {state}");
    }
    assert_eq!(refused(mark(&book, "valuation", "not-applicable", "x")).code, OutcomeCode::WrongState, "it holds");

    done(mark(&book, "statements", "done", "folder 2019-01"));
    assert_eq!(state(&book, Item::Statements), ItemState::Done);
    done(mark(&book, "statements", "open", ""));
    assert_eq!(state(&book, Item::Statements), ItemState::Open);
    person(&book, "tess", &["treasurer"]);
    done(book.mark_item(&call(), typed(json!({"period": MONTH, "item": "statements", "owner": "tess"}))));
    let nobody = typed(json!({"period": MONTH, "item": "statements", "owner": "nobody"}));
    assert_eq!(refused(book.mark_item(&call(), nobody)).code, OutcomeCode::NotFound);
    let statements = book.checklist(MONTH).unwrap().items.into_iter().find(|view| view.item == Item::Statements).unwrap();
    assert_eq!((statements.owner.as_str(), statements.state), ("tess", ItemState::Open));

    // A reason covers what the book had found by then, and nothing that it finds later.
    done(mark(&book, "feeds", "not-applicable", "the venue was not live"));
    assert_eq!(state(&book, Item::Feeds), ItemState::NotApplicable);
    done(book.add_venue(&call(), typed(json!({"code": "margin", "first_due": "2019-01-30"}))));
    assert_eq!(state(&book, Item::Feeds), ItemState::Open);
    tick_all(&book, MONTH);
    assert_eq!(pointers(&refused(book.close_period(&call(), MONTH))), ["/state"]);
    assert!(verify(&book).unwrap().is_good());
});

on_both_engines!(a_soft_close_keeps_out_what_nobody_approved, |db| {
    let book = january(&db);
    assert_eq!(refused(book.soft_close(&call(), "2019-02")).code, OutcomeCode::OutOfOrder, "not its turn");
    assert_eq!(refused(book.soft_close(&call(), "2019-1")).code, OutcomeCode::InvalidField);
    done(book.soft_close(&call(), MONTH));
    assert_eq!(book.checklist(MONTH).unwrap().state, MonthState::SoftClosed);
    assert_eq!(refused(book.soft_close(&call(), MONTH)).code, OutcomeCode::AlreadyExists);

    report(&book, 1, "10");
    let late = last_entry(&book);
    assert_eq!(
        (late.effective_on.as_str(), late.period.as_str()),
        ("2019-01-01", "2019-02"),
        "a job's report goes into February"
    );
    let given = done(capital(&book, &call(), "2019-01-31", "1"));
    assert_eq!(booked_in(&book, &given), MONTH, "a command with weight is approved, or the one hand's own");
    assert_eq!(state(&book, Item::Valuation), ItemState::Done, "capital comes at the price of its day");
    let sold = json!({"event": "rebalance", "on": "2019-01-31", "sold": {"wallet": "cold", "asset": "BTC", "quantity": "1"},
        "bought": {"wallet": "cold", "asset": "USDC", "quantity": "5100"}});
    let sold = done(book.post_treasury(&call(), typed(sold)));
    assert_eq!(booked_in(&book, &sold), MONTH);
    done(book.revalue(&call(), "2019-01-31".parse().unwrap()));
    assert_eq!(state(&book, Item::Valuation), ItemState::Done);

    let journal = book.report("journal", &[]).unwrap();
    let states: Vec<String> = rows(&journal, "journal").iter().map(|cells| format!("{:?}", cells[10])).collect();
    let marked = |words: &str| states.iter().filter(|state| state.contains(words)).count();
    assert!(marked("late for 2019-01") >= 2 && marked("after the soft close of 2019-01") >= 2, "{states:?}");
    let entry = book.report("entry", &[("entry".to_owned(), late.no.to_string())]).unwrap();
    assert!(rows(&entry, "record").iter().any(|cells| format!("{:?}", cells[1]).contains("late for 2019-01")));
    let trial = book.report("trial-balance", &[]).unwrap();
    assert!(trial.notes.iter().any(|note| note.starts_with("1 entry up to this day is late")), "{:?}", trial.notes);
    assert!(verify(&book).unwrap().is_good());
});

on_both_engines!(a_closed_month_is_sealed_and_shows_what_came_late, |db| {
    let book = january(&db);
    assert_eq!(refused(book.changes_doc(MONTH).map(|_| unreachable())).code, OutcomeCode::WrongState);
    let closed = close_month(&book, MONTH);
    assert_eq!((closed["event"].as_str(), closed["effective_on"].as_str()), (Some("E24"), Some("2019-01-31")));
    let root = closed["seal"]["root"].as_str().unwrap().to_owned();
    assert_eq!((root.len(), closed["seal"]["balances"].as_u64()), (64, Some(4)), "held, marked to market, capital, fund balance");
    assert_eq!(book.checklist(MONTH).unwrap().closed.unwrap().seal.unwrap().1.root, root);
    assert!(verify(&book).unwrap().is_good());
    for again in [book.close_period(&call(), MONTH), book.soft_close(&call(), MONTH)] {
        assert_eq!(refused(again).code, OutcomeCode::AlreadyExists);
    }
    assert_eq!(refused(mark(&book, "statements", "open", "")).code, OutcomeCode::PeriodClosed);
    let quiet = book.changes_doc(MONTH).unwrap();
    assert_eq!(quiet.finding.as_deref(), Some("Nothing came too late for the month."));
    assert!(rows(&quiet, "differences").is_empty());

    report(&book, 1, "10");
    let late = done(capital(&book, &call(), "2019-01-31", "1"));
    assert_eq!(booked_in(&book, &late), "2019-02", "nothing goes into a closed month, approved or not");
    let changes = book.changes_doc(MONTH).unwrap();
    assert_eq!(rows(&changes, "late").len(), 2);
    let reported = rows(&changes, "late-records");
    assert!(format!("{:?}", reported[0]).contains("spot-2019-01-01 version 1"), "{reported:?}");
    let differ = rows(&changes, "differences");
    assert!(differ.iter().any(|cells| format!("{:?}", cells[0]).contains("1110")), "{differ:?}");
    let page = book.period_doc(MONTH).unwrap();
    assert_eq!(rows(&page, "checklist").len(), Item::ALL.len(), "as it was signed off");
    assert!(format!("{:?}", rows(&page, "sign-off")).contains(&root));
    let months = book.periods_doc().unwrap();
    let listed: Vec<String> = rows(&months, "months").iter().map(|cells| format!("{:?} {:?}", cells[0], cells[1])).collect();
    assert!(listed[0].contains("2019-02") && listed[1].contains("2019-01") && listed[1].contains("closed"), "{listed:?}");
    assert!(verify(&book).unwrap().is_good());
});

fn unreachable() -> Reply {
    panic!("a month that is open has no changes since its close")
}

on_both_engines!(under_four_eyes_others_agree_to_a_close, |db| {
    let book = january(&db);
    for admin in ["ada", "abel"] {
        person(&book, admin, &["administrator"]);
    }
    let paula = person(&book, "paula", &["preparer"]);
    let [ann, ben] = ["ann", "ben"].map(|login| person(&book, login, &["approver"]));
    let terms = json!({"one_up_to": "1", "two_up_to": "2", "committee": 2, "expire_hours": 72, "ratify_hours": 24});
    done(book.set_approval_terms(&call(), "2019-02-02".parse().unwrap(), typed(terms)));
    let by = |person| Call::fresh(format!("person:{person}")).by(person, true);
    let seen = |answer: &Value| {
        let (id, now) = (answer["proposal"].as_i64().unwrap(), book.clock.now());
        let proposal = book.read(|conn| approvals::find(conn, id, now)).unwrap().unwrap();
        Decide { proposal: id, hash: proposal.hash, reason: "looked at".to_owned() }
    };
    tick_all(&book, MONTH);
    let soft = seen(&done(book.soft_close(&by(paula), MONTH)));
    assert_eq!(refused(book.approve(&by(paula), soft.clone())).code, OutcomeCode::Forbidden, "not by the one who asked");
    assert_eq!(done(book.approve(&by(ann), soft))["state"], "executed");

    let memo = typed(json!({"account": 9100, "asset": "BTC", "quantity": "1"}));
    let waiting = seen(&done(book.set_memo(&by(paula), "2019-01-20".parse().unwrap(), memo)));
    let unmet = refused(book.close_period(&by(paula), MONTH));
    assert_eq!(pointers(&unmet), ["/proposals"], "{unmet}");
    done(book.reject(&by(ann), waiting));

    let close = seen(&done(book.close_period(&by(paula), MONTH)));
    assert_eq!(done(book.approve(&by(ann), close.clone()))["state"], "submitted", "two must agree");
    let closed = done(book.approve(&by(ben), close));
    assert_eq!((closed["state"].as_str(), closed["did"]["event"].as_str()), (Some("executed"), Some("E24")));
    assert_eq!(book.checklist(MONTH).unwrap().state, MonthState::Closed);
    let verdict = verify(&book).unwrap();
    assert!(verdict.is_good(), "{:#?}", verdict.findings);
});

on_both_engines!(a_month_closes_at_the_command_line, |db| {
    drop(january(&db));
    let safu = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_safu")).args(args).env("SAFU_DATABASE_URL", db.url()).output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        (output.status.code(), format!("{out}{err}"))
    };
    let (code, words) = safu(&["periods", "close", MONTH]);
    assert!(code == Some(4) && words.contains("safu periods tick") && words.contains("safu periods soft-close"), "{words}");
    assert_eq!(safu(&["periods", "tick", MONTH, "statements"]).0, Some(2), "it must say how the item stands");
    assert_eq!(safu(&["periods", "tick", MONTH, "feeds", "--not-applicable", "not live yet"]).0, Some(0));
    assert_eq!(safu(&["periods", "tick", MONTH, "reconciliation", "--not-applicable", "no statement yet"]).0, Some(0));
    for item in ["statements", "estimates", "changes", "reports"] {
        let (code, words) = safu(&["periods", "tick", MONTH, item, "--done", "folder 2019-01"]);
        assert_eq!(code, Some(0), "{words}");
    }
    let (_, words) = safu(&["periods", "checklist", MONTH]);
    assert!(words.contains("close the month softly") && words.contains("folder 2019-01"), "{words}");
    assert_eq!(safu(&["periods", "soft-close", MONTH]).0, Some(0));
    let (code, words) = safu(&["periods", "close", MONTH]);
    assert!(code == Some(0) && words.contains("(E24)"), "{words}");
    assert!(safu(&["periods", "changes", MONTH]).1.contains("Nothing came too late"));
    assert!(safu(&["periods", "list"]).1.contains("closed"));
    assert_eq!(safu(&["verify"]).0, Some(0));
});
