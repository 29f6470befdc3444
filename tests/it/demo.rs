//! The demo: it builds, shows what it is meant to show, is verified, can be taken elsewhere, and is found again.

use crate::reporting::accepted_elsewhere;
use crate::support::browser::Browser;
use crate::support::guard::Guard;
use crate::support::server::TestServer;
use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use safu_ledger::demo::people::{Member, PASSWORD, PEOPLE};
use safu_ledger::demo::{self, Demo, Figures, Folder, SEED, THEFT_DAY};
use safu_ledger::domain::account::no;
use safu_ledger::domain::close::{Item, ItemState, MonthState};
use safu_ledger::domain::period::Period;
use safu_ledger::service::Book;
use safu_ledger::service::approvals;
use safu_ledger::service::contributions::{calendar::calendars, view};
use safu_ledger::service::reconciliation::open_breaks;
use safu_ledger::service::verify::verify;
use safu_ledger::store::projection;
use safu_ledger::web::app::Limits;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};

fn safu(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_safu");
    Command::new(program).args(arguments).env_remove("SAFU_LISTEN").output().unwrap_or_else(|e| panic!("{program}: {e}"))
}

#[test]
fn the_story_is_told_verified_and_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("demo");
    let mut told = Vec::new();
    let demo =
        demo::build(Folder::take(&at).unwrap(), SEED, &mut |progress| told.extend(progress.happens.map(str::to_owned))).unwrap();
    assert!(!demo.reused && told.len() > 20, "{told:?}");
    let book = demo.book().unwrap();
    shows_the_theft(&demo.figures);
    balances(&book);
    pays_every_claim_once(&book, &demo.figures);
    shows_every_state_of_a_report(&book);
    keeps_its_inputs(&at);
    let verdict = verify(&book).unwrap();
    assert!(verdict.is_good(), "{:?}", verdict.findings);
    accepted_elsewhere(&book);
    leaves_work_to_do(&book);
    is_found_again(&at, &demo);
    serves(&at);
    two_people_finish_an_approval(&demo);
}

/// An open month with a part of its checklist done, breaks, and proposals in every queue.
fn leaves_work_to_do(book: &Book) {
    let june = book.checklist("2019-06").unwrap();
    let state = |item: Item| june.items.iter().find(|view| view.item == item).unwrap().state;
    assert_eq!((june.state, state(Item::Statements), state(Item::Changes)), (MonthState::Open, ItemState::Done, ItemState::Open));
    let june: Period = Period::parse("2019-06").unwrap();
    let breaks = book.read(|conn| open_breaks(conn, june)).unwrap();
    assert_eq!(breaks.iter().filter(|one| one.number.is_some()).count(), 2, "{breaks:?}");
    let now = book.clock.now();
    let proposals = book.read(|conn| approvals::list(conn, None, 20, now)).unwrap();
    let states: Vec<&str> = proposals.iter().map(|one| one.state.slug()).collect();
    assert_eq!(states, ["draft", "submitted", "submitted", "submitted", "executed"]);
    let december = book.checklist("2018-12").unwrap();
    assert!(december.state == MonthState::Closed && december.closed.unwrap().seal.is_some(), "the year 2018 is closed");
}

/// What the readme says: log in with the printed password and the code of now, and agree to what waits for one more.
fn two_people_finish_an_approval(demo: &Demo) {
    let Some(browser) = Browser::start() else { return };
    let server = TestServer::serve(demo.book().unwrap(), Limits::default());
    let page = |path: &str| format!("{}{path}", server.origin);
    let now = server.book.clock.now();
    let all = server.book.read(|conn| approvals::list(conn, None, 20, now)).unwrap();
    let transfer = all.iter().find(|one| one.missing() == 1 && one.voices.len() == 1).expect("it waits for one more").id;
    let log_in = |login: &str| {
        browser.goto(&page("/login"));
        browser.fill("input[name=login]", login);
        browser.fill("input[name=password]", PASSWORD);
        browser.fill("input[name=code]", &Member::find(login).unwrap().code(Timestamp::now()));
        browser.follow(".entry button");
        assert!(!browser.url().contains("/login"), "{}", browser.text("main"));
    };
    log_in("tess");
    browser.screenshot("demo-first-screen");
    browser.goto(&page(&format!("/approvals/{transfer}")));
    assert!(!browser.text(".deeds").contains("second factor"), "not by the one who asked: {}", browser.text("main"));
    browser.goto(&page("/close/2019-06"));
    browser.screenshot("demo-june");
    browser.follow(".user button");
    log_in("ben");
    browser.goto(&page("/approvals"));
    browser.screenshot("demo-queue");
    browser.goto(&page(&format!("/approvals/{transfer}")));
    browser.follow(".deed button");
    // Each code is good once; that of the next half minute is taken a little early.
    let soon = Timestamp::now() + SignedDuration::from_secs(30);
    browser.fill("input[name=code]", &Member::find("ben").unwrap().code(soon));
    browser.follow(".entry button");
    browser.follow(".deed button");
    assert!(browser.text("main").contains("it took effect"), "{}", browser.text("main"));
    browser.screenshot("demo-approved");
    browser.assert_quiet(&server.origin);
    assert!(verify(&server.book).unwrap().is_good());
}

/// The same seed gives these figures everywhere; whoever changes the story changes them here.
fn shows_the_theft(figures: &Figures) {
    let number = |text: &str| text.parse::<f64>().unwrap();
    assert!((1.5..1.7).contains(&number(&figures.coverage)), "{figures:?}");
    assert!((0.35..0.45).contains(&number(&figures.matched_btc)), "{figures:?}");
    assert!((-0.3..0.0).contains(&number(&figures.floor_distance)), "the crash raises the alarm: {figures:?}");
    assert!(number(&figures.fund_value_at_end) > 10e6, "something is left: {figures:?}");
    assert_eq!((figures.coverage.as_str(), figures.matched_btc.as_str()), ("1.582042", "0.396726"));
}

fn balances(book: &Book) {
    let rows = book.read(projection::balances).unwrap();
    let mut units: BTreeMap<_, i128> = BTreeMap::new();
    for row in &rows {
        *units.entry(row.asset_id).or_default() += row.quantity.quantity().minor();
    }
    assert_eq!(units.len(), 4);
    assert!(units.values().all(|sum| *sum == 0), "{units:?}");
    assert_eq!(rows.iter().map(|row| row.value.value().minor()).sum::<i128>(), 0);
    let suspense =
        rows.iter().filter(|row| row.account() == no::SUSPENSE).map(|row| row.quantity.quantity().minor()).sum::<i128>();
    assert_eq!(suspense, 0, "the unknown sender was found");
}

fn pays_every_claim_once(book: &Book, figures: &Figures) {
    assert_eq!((figures.claims, figures.claims_paid, figures.btc_paid.as_str()), (20_000, 20_000, "7070.70000000"));
    let paid = book.read(|conn| safu_ledger::store::payout::paid(conn, 1, &(1..=20_000))).unwrap();
    let claims: BTreeSet<i64> = paid.iter().map(|row| row.claim_no).collect();
    assert_eq!((paid.len(), claims.len()), (20_000, 20_000));
    let owed = book.read(|conn| projection::balances_of_accounts(conn, &no::OBLIGATIONS)).unwrap();
    assert!(owed.iter().all(|row| row.quantity.quantity().is_zero() && row.value.value().minor() == 0), "{owed:?}");
}

fn shows_every_state_of_a_report(book: &Book) {
    let count = |state: &str| {
        let filter = view::ReportFilter { state: Some(state.to_owned()), limit: view::MAX_PAGE, ..view::ReportFilter::default() };
        book.read(|conn| view::reports(conn, &filter)).unwrap().items.len()
    };
    assert_eq!((count("rejected"), count("quarantined"), count("superseded")), (1, 1, 2));
    assert_eq!(count("accepted"), 2 * 352 - 1, "one never came");
    let calendars = book.read(|conn| calendars(conn, None, None, date(2019, 6, 30), book.clock.now())).unwrap();
    let days = calendars.iter().flat_map(|venue| &venue.days);
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for day in days {
        *states.entry(day.state.slug()).or_default() += 1;
    }
    assert_eq!((states.get("missing"), states.get("late")), (Some(&1), Some(&1)), "{states:?}");
}

fn keeps_its_inputs(at: &Path) {
    let prices = std::fs::read_to_string(at.join("inputs/prices/2019-05-06.csv")).unwrap();
    assert!(prices.contains("BTC,5747.79,observed"), "{prices}");
    let prices = std::fs::read_to_string(at.join("inputs/prices/2019-05-01.csv")).unwrap();
    assert!(prices.contains(",interpolated") && !prices.contains("observed"), "{prices}");
    let rows = std::fs::read_to_string(at.join("inputs/fee-reports/synthetic-spot/2018-10-09.v2.csv")).unwrap();
    assert!(rows.lines().skip(1).all(|line| line.starts_with("synthetic-")), "{rows}");
}

fn is_found_again(at: &Path, first: &Demo) {
    let again = demo::build(Folder::take(at).unwrap(), SEED, &mut |_| panic!("it must not be told again")).unwrap();
    assert!(again.reused);
    assert_eq!(again.figures, first.figures);
    let output = safu(&["demo", "--no-serve", "--dir", at.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    for member in PEOPLE {
        assert!(text.contains(member.login) && text.contains(&member.secret().text()) && text.contains(PASSWORD), "{text}");
        let code = safu(&["demo", "--code", member.login]);
        assert_eq!(String::from_utf8(code.stdout).unwrap().trim().len(), 6);
    }
    assert_eq!(safu(&["demo", "--code", "nobody"]).status.code(), Some(2));
    assert!(output.status.success() && text.contains(&THEFT_DAY.to_string()) && text.contains("verified"), "{text}");
}

fn serves(at: &Path) {
    let start = "\"$1\" demo --dir \"$2\" --listen 127.0.0.1:0 </dev/null & program=$!";
    let program = env!("CARGO_BIN_EXE_safu");
    let mut guard = Guard::spawn(start, "kill $program", &[program, at.to_str().unwrap()]).unwrap();
    let address = std::iter::from_fn(|| guard.line()).find_map(|line| Some(line.strip_prefix("http://")?.replace('/', "")));
    let mut stream = TcpStream::connect(address.expect("the address is printed")).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_folder_with_other_things_in_it_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("book.db"), "mine").unwrap();
    let output = safu(&["demo", "--no-serve", "--dir", dir.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not a demo"));
    assert_eq!(std::fs::read_to_string(dir.path().join("book.db")).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let output = safu(&["demo", "--dir", dir.path().to_str().unwrap(), "--listen", "0.0.0.0:0"]);
    assert_eq!(output.status.code(), Some(2), "everybody knows its passwords");
}
