//! The audit log: everything recorded and every refused command of a known caller, filtered and in pages; what it changed; the check of
//! the chain, which stops nobody.

use crate::small_book::{call, done, full, opened, person, typed};
use crate::support::database::TestDb;
use crate::support::server::{Answer, TestServer};
use safu_ledger::domain::outcome::OutcomeCode;
use safu_ledger::domain::person::PersonId;
use safu_ledger::report::doc::Doc;
use safu_ledger::report::render::display;
use safu_ledger::service::audit::check;
use safu_ledger::service::audit::check::{CHECK, Checks};
use safu_ledger::service::audit::line::{Line, Outcome};
use safu_ledger::service::audit::list::{self, Filter};
use safu_ledger::service::audit::refused::REFUSED;
use safu_ledger::service::identity::invite::Enrolment;
use safu_ledger::service::identity::totp::{Secret, step_at};
use safu_ledger::service::identity::{Visitor, keyed_hash};
use safu_ledger::service::verify::{Progress, verify};
use safu_ledger::service::{Answer as Done, Book, Call};
use safu_ledger::store::trail;
use safu_ledger::web::app::Limits;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn filter(pairs: &[(&str, &str)]) -> Filter {
    Filter::parse(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>()).unwrap()
}

/// Everything a filter finds, page by page.
fn all(book: &Book, pairs: &[(&str, &str)], limit: i64) -> Vec<Line> {
    let (filter, mut below, mut lines) = (filter(pairs), None, Vec::new());
    loop {
        let page = book.read(|conn| list::page(conn, &filter, below, limit)).unwrap();
        lines.extend(page.lines);
        match page.next {
            Some(next) => {
                assert!(below.is_none_or(|below| next < below), "a cursor goes on");
                below = Some(next);
            }
            None => return lines,
        }
    }
}

on_both_engines!(every_record_is_a_line_and_filters_find_theirs, |db| {
    let book = full(&db);
    let refused = book.close_period(&Call::keyed("cli:bob", "close-again"), "2019-01");
    assert!(!refused.unwrap().is_success(), "it is closed");
    let lines = all(&book, &[], 7);
    let leaves = book.read(trail::count).unwrap();
    let found: Vec<i64> = lines.iter().map(|line| line.leaf).collect();
    assert_eq!(found, (0..leaves).rev().collect::<Vec<_>>(), "each record once, the latest first");
    assert_eq!(all(&book, &[], 1_000), lines, "whatever the length of a page");
    let entries = all(&book, &[("kind", "entry")], 100);
    assert_eq!(entries.len() as u64, verify(&book).unwrap().counts.entries);
    assert!(entries.iter().all(|line| line.link.as_deref() == Some(&format!("/entries/{}", line.subject))));

    let refused = all(&book, &[("outcome", "refused")], 100);
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].outcome, Outcome::Refused("already-exists".to_owned()));
    assert_eq!((refused[0].actor.as_str(), refused[0].request.as_str()), ("cli:bob", "close-again"));
    assert!(!refused[0].reason.is_empty() && !refused[0].title.is_empty(), "{:?}", refused[0]);
    assert_eq!(all(&book, &[("actor", "cli:b")], 100), refused, "by the beginning of the actor");
    assert_eq!(all(&book, &[("actor", "key:")], 100).len(), 0);

    let months: Vec<usize> = ["2019-01", "2019-02", "2019-03"].map(|month| all(&book, &[("period", month)], 100).len()).to_vec();
    assert_eq!((months[0] + months[1], months[2]), (lines.len(), 0), "{months:?}");
    let day = all(&book, &[("from", "2019-02-01"), ("to", "2019-02-01")], 100);
    assert_eq!(day, lines[..day.len()], "the last day is at the top");
    assert!(all(&book, &[("text", "THEFT")], 100).iter().any(|line| line.kind == "incident"), "letters of either case");
    let of_paula = all(&book, &[("subject", "paula")], 100);
    assert!(of_paula.iter().any(|line| line.title == "Person made known") && of_paula.len() >= 2, "{of_paula:?}");
    assert!(all(&book, &[("kind", "policy")], 100).iter().all(|line| line.kind.starts_with("policy.")));
});

on_both_engines!(policies_roles_and_figures_say_what_they_were, |db| {
    let book = opened(&db);
    let day = |text: &str| text.parse().unwrap();
    done(book.set_contribution_policy(&call(), day("2019-01-02"), typed(json!({"share": "0.25"}))));
    done(book.set_memo(&call(), day("2019-01-02"), typed(json!({"account": 9100, "asset": "BTC", "quantity": "360000"}))));
    let short = |kind: &str| all(&book, &[("kind", kind)], 1)[0].change.as_ref().unwrap().in_short();
    let share = short("policy.contribution");
    assert!(share.contains("share: 0.1 → 0.25") && share.contains("effective on: 2019-01-01 → 2019-01-02"), "{share}");
    assert!(short("memo").contains("quantity: 350000 → 360000"), "{}", short("memo"));
    person(&book, "paula", &["preparer"]);
    assert_eq!(short("person.role"), "roles: nothing → preparer");
    done(book.set_role(&call(), typed(json!({"login": "paula", "role": "treasurer", "held": true, "reason": "moves funds"}))));
    let role = all(&book, &[("kind", "person.role")], 1).remove(0);
    assert_eq!(
        (role.change.unwrap().in_short().as_str(), role.reason.as_str()),
        ("roles: preparer → preparer, treasurer", "moves funds")
    );
    let one = book.audit_record(role.leaf).unwrap();
    let table = |id: &str| one.tables.iter().find(|table| table.id == id).unwrap();
    assert_eq!(texts(&table("change").rows[0].cells), ["roles", "preparer", "preparer, treasurer"]);
    assert!(table("command").rows.iter().any(|row| texts(&row.cells)[1] == "moves funds"), "the command as it was given");
    assert!(table("proof").rows.len() > 4);
});

fn texts(cells: &[safu_ledger::report::doc::Cell]) -> Vec<String> {
    cells.iter().map(|cell| display::exact(&cell.content)).collect()
}

on_both_engines!(refusals_of_known_callers_are_kept_folded, |db| {
    let server = TestServer::start(&db);
    let book = server.book.clone();
    for no in 0..5 {
        let wrong = server.command("/api/v1/treasury", &format!("k{no}"), &json!({"nonsense": no}));
        assert!((400..500).contains(&wrong.status), "{}", wrong.text());
    }
    let forbidden = server.post("/api/v1/treasury").key(&server.feed_key).idempotent("f").json(&json!({})).send();
    forbidden.refused("forbidden");
    for _ in 0..5 {
        server.post("/api/v1/treasury").key("safu_bad_key").idempotent("u").json(&json!({})).send().refused("unauthenticated");
    }
    assert_eq!(server.get("/api/v1/fee-reports/77").key(&server.operate_key).send().status, 404, "no command, no refusal");
    drop(server);
    let lines = all(&book, &[("kind", REFUSED)], 100);
    let of = |actor: &str| lines.iter().filter(|line| line.actor == actor).collect::<Vec<_>>();
    assert_eq!(of("key:feeder").len(), 1, "{lines:?}");
    assert_eq!(of("key:feeder")[0].outcome, Outcome::Refused("forbidden".to_owned()));
    assert_eq!(of("key:feeder")[0].title, "POST /api/v1/treasury");
    let facts: Vec<Value> = book
        .read(|conn| {
            Ok(safu_ledger::store::fact::of_kind(conn, REFUSED)?
                .iter()
                .map(|row| serde_json::from_str(&row.body).unwrap())
                .collect())
        })
        .unwrap();
    let counted: u64 =
        facts.iter().flat_map(|fact: &Value| fact["refused"].as_array().unwrap()).map(|met| met["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, 6, "five folded and one: {facts:?}");
    assert_eq!(lines.len() - 1, of("key:operator").len(), "nobody else is noted: {lines:?}");
    assert!(of("key:operator").iter().all(|line| !line.reason.is_empty() && !line.request.is_empty()));
    assert_eq!(all(&book, &[("outcome", "refused"), ("actor", "key:feeder")], 100).len(), 1);
    assert!(verify(&book).unwrap().is_good());
});

/// A person with a session: token and short name.
fn signed(book: &Book, login: &str, roles: &[&str]) -> (PersonId, String) {
    let id = person(book, login, roles);
    let token = book.invite(&call(), login).unwrap();
    let secret = Secret::fresh().unwrap();
    let code = secret.code(step_at(book.clock.now()));
    let password = "four plain words here".to_owned();
    let chosen = Enrolment { login: login.to_owned(), name: login.to_owned(), password, secret, code };
    (id, book.enrol(&Visitor::default(), &token, chosen).unwrap().token)
}

fn get(server: &TestServer, token: &str, path: &str) -> Answer {
    server.get(path).header("Cookie", &format!("safu={token}")).send()
}

fn post(server: &TestServer, token: &str, path: &str, key: &str) -> Answer {
    let body = format!("csrf={}&key={key}", keyed_hash(token.as_bytes(), "form"));
    let ask = server.post(path).header("Cookie", &format!("safu={token}"));
    ask.body("application/x-www-form-urlencoded", body).send()
}

#[test]
fn a_person_checks_the_chain_on_the_page_and_the_session_is_in_the_log() {
    let db = TestDb::sqlite();
    let book = full(&db);
    let (_, auditor) = signed(&book, "olga", &["auditor"]);
    let (_, treasurer) = signed(&book, "tess", &["treasurer"]);
    let server = TestServer::serve(book, Limits::default());
    let page = get(&server, &auditor, "/audit?kind=entry").text();
    assert!(page.contains("Check the chain") && page.contains("Audit log") && page.contains("/entries/1"));
    assert_eq!(post(&server, "forged", "/audit/checks", "k").status, 303, "to the login");
    assert_eq!(post(&server, &auditor, "/audit/checks", "check-1").status, 303);
    let done = (0..200).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        let found = all(&server.book, &[("kind", CHECK)], 10);
        found.into_iter().next()
    });
    let line = done.expect("the check ends");
    assert_eq!((line.actor.as_str(), line.session.len()), ("person:olga", 12), "{line:?}");
    assert_eq!(line.request, format!("{}.check-1", line.session));
    let page = get(&server, &auditor, "/audit/checks").text();
    assert!(page.contains("verified") && page.contains("everything was as the log says"), "{page}");
    assert_eq!(get(&server, &auditor, &format!("/audit/records/{}", line.leaf)).status, 200);
    assert_eq!(get(&server, &auditor, "/audit/records/999999").status, 404);
    for format in ["csv", "xlsx", "json"] {
        assert_eq!(get(&server, &auditor, &format!("/audit?format={format}&limit=1000")).status, 200, "{format}");
    }
    let pack = "/audit/pack.zip?from=2019-01-01&to=2019-02-28";
    assert_eq!(get(&server, &treasurer, pack).status, 403, "for auditors");
    let answer = get(&server, &auditor, pack);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/zip")));
    assert!(get(&server, &treasurer, "/audit?outcome=refused").status == 200);
}

on_both_engines!(a_check_is_kept_with_size_and_root_and_stops_nobody, |db| {
    let book = full(&db);
    let checks = Arc::new(Checks::default());
    let asked = Call::keyed("cli:test", "check-1");
    assert_eq!(book.begin_check(&asked, &checks).unwrap().status, 202);
    for no in 0..40 {
        let figure = json!({"account": 9110, "asset": "BTC", "quantity": no.to_string()});
        done(book.set_memo(&call(), "2019-02-01".parse().unwrap(), typed(figure)));
    }
    for _ in 0..400 {
        if checks.running().is_none() {
            break;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    assert_eq!(checks.failed(), None);
    let kept = book.read(check::last).unwrap().expect("a result");
    let size: usize = kept.done.log_size.parse().unwrap();
    let hashes = book.read(safu_ledger::store::log::leaf_hashes).unwrap();
    let root = safu_ledger::proof::merkle::root_of(hashes[..size].iter().copied());
    assert_eq!((kept.done.log_root.as_str(), kept.done.is_good()), (hex::encode(root).as_str(), true), "{:?}", kept.done);
    let again = book.begin_check(&asked, &checks).unwrap();
    assert!(
        again.replayed && again.status == 201 && again.json()["log_size"] == kept.done.log_size,
        "the same key, the same result"
    );
    let doc: Doc = book.read(|conn| check::doc(conn, Some(&checks))).unwrap();
    assert_eq!(doc.tables[0].rows.len(), 1);
    assert!(verify(&book).unwrap().is_good());
});

#[test]
fn a_check_that_states_a_root_the_log_never_had_is_found() {
    let db = TestDb::sqlite();
    let book = full(&db);
    let mut forged = serde_json::to_value(book.check_chain(&call(), &Progress::default()).unwrap()).unwrap();
    assert!(verify(&book).unwrap().is_good());
    forged["log_root"] = json!("00".repeat(32));
    let asked = json!({"forged": true});
    done(book.command(&call(), &asked, move |tx| {
        let today = tx.today();
        tx.add_fact(CHECK, "", today, &forged);
        Ok(Done::created(json!({})))
    }));
    let verdict = verify(&book).unwrap();
    assert!(verdict.findings.iter().any(|finding| finding.detail.contains("had the root")), "{:?}", verdict.findings);
}

#[test]
fn a_filter_that_is_wrong_is_refused_and_one_that_finds_nothing_says_so() {
    let db = TestDb::sqlite();
    let server = TestServer::start(&db);
    let ask = |path: &str| server.get(path).key(&server.operate_key).send();
    ask("/api/v1/audit?outcome=maybe").refused(OutcomeCode::InvalidField.slug());
    ask("/api/v1/audit?colour=red").refused(OutcomeCode::UnknownField.slug());
    let none = ask("/api/v1/audit?text=zzzzz").json();
    assert_eq!((none["tables"][0]["rows"].as_array().unwrap().len(), &none["tables"][0]["next"]), (0, &Value::Null));
    let page = ask("/api/v1/audit?limit=3").json();
    assert_eq!(page["tables"][0]["rows"].as_array().unwrap().len(), 3);
    let next = page["tables"][0]["next"].as_str().unwrap().to_owned();
    let first = ask(&format!("/api/v1/audit?limit=1&cursor={next}")).json();
    assert_eq!(first["tables"][0]["rows"][0]["cells"]["record"], (next.parse::<i64>().unwrap() - 1).to_string());
}
