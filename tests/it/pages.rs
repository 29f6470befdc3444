//! The pages as people meet them: over HTTP, and in a browser.

#[path = "pages/axe.rs"]
pub mod axe;
#[path = "pages/book.rs"]
pub mod book;
#[path = "pages/every.rs"]
mod every;
#[path = "pages/linked.rs"]
mod linked;
#[path = "pages/links.rs"]
mod links;
#[path = "pages/looks.rs"]
pub mod looks;
#[path = "pages/topbar.rs"]
pub mod topbar;

use crate::support::browser::Browser;
use crate::support::database::TestDb;
use crate::support::server::{self, TestServer};
use book::{CODE, HOSTILE, full_book};
use linked::Exception;
use links::{Crawl, decoded, table_rows};
use safu_ledger::web::app::Limits;
use serde_json::Value;

/// A page of each kind of the full book.
pub const PAGES: &[(&str, &str)] = &[
    ("dashboard", "/"),
    ("reports", "/reports"),
    ("coverage", "/reports/coverage"),
    ("coverage-history", "/reports/coverage-history"),
    ("trial-balance", "/reports/trial-balance"),
    ("balance-sheet", "/reports/balance-sheet"),
    ("changes-in-fund", "/reports/changes-in-fund"),
    ("roll-forward", "/reports/roll-forward"),
    ("comparison", "/reports/balance-sheet?compare_as_of=2019-05-08"),
    ("ageing", "/reports/ageing"),
    ("duties", "/reports/duties"),
    ("access-review", "/reports/access-review"),
    ("audit", "/audit"),
    ("audit-refused", "/audit?outcome=refused"),
    ("audit-record", "/audit/records/2"),
    ("audit-checks", "/audit/checks"),
    ("audit-pack", "/audit/pack?from=2019-05-01&to=2019-05-31"),
    ("journal", "/journal"),
    ("account", "/accounts/1120?asset=BTC"),
    ("entry", "/entries/1"),
    ("contributions", "/contributions"),
    ("fee-report", "/contributions/reports/2"),
    ("fee-report-refused", "/contributions/reports/4"),
    ("fee-report-rejected", "/contributions/reports/5"),
    ("events", "/contributions/events"),
    ("batch", "/contributions/events/1"),
    ("incidents", "/incidents"),
    ("incident", "/incidents/INC-2019-001"),
    ("claims", "/incidents/INC-2019-001/claims"),
    ("payouts", "/incidents/INC-2019-001/payouts"),
    ("payout", "/incidents/INC-2019-001/payouts/1"),
    ("evidence", "/evidence"),
    ("prices", "/prices"),
    ("price-set", "/prices/2019-05-09"),
    ("close", "/close"),
    ("close-month", "/close/2019-05"),
    ("problem", "/problems/hash-mismatch"),
];

fn serve(db: &TestDb) -> TestServer {
    TestServer::serve(full_book(db), Limits::default())
}

on_both_engines!(every_link_leads_somewhere_and_says_so, |db| {
    let server = serve(&db);
    let crawl = Crawl::from(&server, &PAGES.iter().map(|(_, path)| *path).collect::<Vec<_>>(), 400);
    assert_eq!(crawl.broken, [] as [String; 0]);
    assert!(crawl.seen.len() > 120, "only {} pages were found", crawl.seen.len());
    for wanted in ["/entries/2", "/accounts/2130", "/incidents/INC-2019-001/payouts/2", "/prices/2019-05-07"] {
        assert!(crawl.seen.iter().any(|path| path.starts_with(wanted)), "nothing leads to {wanted}");
    }
});

/// What leads nowhere, as reviewed.
const LEAD_NOWHERE: &[Exception] = &[
    Exception { table: "policy", column: "Value", row: "", why: "set by people; the caption says so" },
    Exception { table: "memo", column: "Units", row: "", why: "typed in to compare with; the caption says so" },
    Exception { table: "traced", column: "Units", row: "", why: "traced, not in the books; the caption says so" },
    Exception { table: "journal", column: "Debit", row: "total", why: "sums this list over all its pages; a note says so" },
    Exception { table: "journal", column: "Credit", row: "total", why: "the same" },
    Exception { table: "postings", column: "Debit", row: "total", why: "sums the rows above it" },
    Exception { table: "postings", column: "Credit", row: "total", why: "the same" },
    Exception { table: "account", column: "Balance", row: "total", why: "the postings below it, on this page and the next" },
    Exception { table: "rows", column: "Volume", row: "", why: "what the venue traded; nothing of it is in the books" },
    Exception { table: "totals", column: "Control total", row: "", why: "a refused report: the title says nothing is posted" },
    Exception { table: "facts", column: "Share of the fees", row: "", why: "a policy of people" },
];

#[test]
fn every_amount_and_every_mark_leads_somewhere() {
    let db = TestDb::sqlite();
    let server = serve(&db);
    let more = [
        "/?as_of=2019-05-08",
        "/reports/coverage?as_of=2019-05-08",
        "/reports/balance-sheet?compare=2019-05-08",
        "/reports/trial-balance?compare_as_of=2019-05-08",
        "/accounts/2110?from=2019-05-12",
    ];
    let mut used = vec![false; LEAD_NOWHERE.len()];
    for path in PAGES.iter().map(|(_, path)| *path).chain(more) {
        let mut stray = linked::unlinked(&server.get(path).send().text());
        stray.retain(|one| match LEAD_NOWHERE.iter().position(|known| known.covers(one)) {
            Some(at) => {
                used[at] = true;
                false
            }
            None => true,
        });
        assert_eq!(stray, [], "{path}");
    }
    for (exception, used) in LEAD_NOWHERE.iter().zip(used) {
        let Exception { table, column, why, .. } = exception;
        assert!(used, "{table}, {column} ({why}) is linked everywhere: take the exception out");
    }
}

on_both_engines!(a_file_holds_what_the_page_shows, |db| {
    let server = serve(&db);
    let (code, text, json) = ("text/csv; charset=utf-8; header=present", "csv", "json");
    let pages = ["/incidents/INC-2019-001/claims?cursor=100", "/journal", "/reports/trial-balance", "/incidents", "/prices"];
    for path in pages {
        let shown = table_rows(&server.get(path).send().text());
        let join = if path.contains('?') { '&' } else { '?' };
        let csv = server.get(&format!("{path}{join}format={text}")).send();
        assert_eq!((csv.status, csv.header("content-type")), (200, Some(code)), "{path}");
        assert!(csv.header("content-disposition").unwrap().starts_with("attachment"), "{csv:?}");
        let mut lines = csv::ReaderBuilder::new().from_reader(csv.body.as_slice());
        let kept = lines.records().count();
        assert_eq!(kept, shown, "{path}: the file has {kept} rows, the page {shown}");
        let json: Value = server.get(&format!("{path}{join}format={json}")).send().json();
        assert_eq!(json["tables"][0]["rows"].as_array().map(Vec::len), Some(shown), "{path}");
        let xlsx = server.get(&format!("{path}{join}format=xlsx")).send();
        assert!(xlsx.body.starts_with(b"PK"), "{path}");
    }
    let refused = server.get("/journal?format=pdf").send();
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("is not a format of pages"));
});

on_both_engines!(what_is_not_there_is_said_on_a_page, |db| {
    let server = serve(&db);
    let nowhere =
        ["/nothing", "/incidents/INC-1999-001", "/entries/999999", "/entries/x", "/accounts/1", "/reports/nothing", "/prices/x"];
    for path in nowhere {
        let page = server.get(path).send();
        assert!(matches!(page.status, 404 | 422), "{path}: {}", page.status);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert!(page.text().contains("class=\"head failure\""), "{path}");
    }
    let other = server.get("/incidents/INC-2019-002/payouts/1").send();
    assert_eq!(other.status, 404, "a batch of another incident: {}", other.text());
});

on_both_engines!(words_of_others_stay_words, |db| {
    let server = serve(&db);
    let entry = server.get("/journal?text=alert").send().text();
    assert!(!entry.contains("<script>alert"), "a memo became a script");
    assert!(decoded(&entry).contains(HOSTILE), "the memo is not shown at all");
    for (_, path) in PAGES {
        let page = server.get(path).send();
        let text = page.text();
        assert!(!text.contains("<img src=x"), "{path}");
        assert!(!text.contains("=\"javascript:"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(text.contains("Nobody can log in to this book yet"), "{path} does not say that it is open");
    }
});

on_both_engines!(the_command_on_the_page_of_an_entry_works, |db| {
    let server = serve(&db);
    for no in [1, 5] {
        let page = server.get(&format!("/entries/{no}")).send().text();
        let shown = page.split("<code>").find_map(|rest| rest.strip_prefix("safu ")).expect("a command");
        let args = decoded(shown.split("</code>").next().unwrap());
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_safu"));
        let done = command.args(args.split_whitespace()).env("SAFU_DATABASE_URL", db.url()).output().unwrap();
        let text = String::from_utf8(done.stdout).unwrap();
        assert!(done.status.success(), "safu {args}: {}", String::from_utf8_lossy(&done.stderr));
        assert!(text.contains(&format!("Entry {no}")), "{text}");
    }
});

on_both_engines!(a_report_shows_what_became_of_it, |db| {
    let server = serve(&db);
    let page = |id: i64| server.get(&format!("/contributions/reports/{id}")).send().text();
    let restated = page(2);
    assert!(restated.contains("Rows that differ from version 1") && restated.contains("BTC-USDC"), "no diff");
    let all = server.get("/contributions/reports/2/changes.csv").send();
    assert!(restated.contains("/contributions/reports/2/changes.csv") && all.text().contains("changed,BTC-USDC,BTC"), "{all:?}");
    assert!(page(1).contains("Superseded"));
    assert!(page(4).contains("Download the failed rows"));
    let failed = server.get("/contributions/reports/4/failed.csv").send();
    assert!(failed.text().contains("0.010"), "{failed:?}");
    assert_eq!(server.get("/contributions/reports/1/failed.csv").send().status, 409);
    let refused = server.get("/contributions?state=rejected").send().text();
    let list = refused.split("id=\"reports\"").nth(1).expect("the list of reports");
    assert_eq!(table_rows(list), 2);
    for part in ["Rejected by", "Rejected because", "&#60;script&#62;alert(1)", "came before with SHA-256"] {
        assert!(page(5).contains(part), "{part}: {}", page(5));
    }
    assert!(!page(5).contains("Download the failed rows"), "all of its rows are kept");
    assert!(page(6).contains("safu contributions reject 6 --reason"), "how to end the quarantine");
    let feed = server.get("/contributions").send().text();
    assert!(feed.contains("2019-05-05: Missing"), "the strip does not show the missing day");
});

on_both_engines!(claims_are_found_by_id_number_and_page, |db| {
    let server = serve(&db);
    let page = |query: &str| server.get(&format!("/incidents/{CODE}/claims{query}")).send().text();
    assert_eq!(table_rows(&page("")), 100);
    assert_eq!(table_rows(&page("?cursor=200")), 50);
    assert_eq!(table_rows(&page("?claim=c-7")), 1);
    assert_eq!(table_rows(&page("?claim=7")), 1);
    assert!(page("?claim=nobody").contains("No claim has this id"));
});

on_both_engines!(pages_go_back_to_a_day_and_to_a_moment, |db| {
    let server = serve(&db);
    let page = |path: &str| server.get(path).send();
    let figure = |path: &str, key: &str| {
        let document = page(path).json();
        let figures = document["figures"].as_array().expect("figures").clone();
        figures.iter().find(|figure| figure["key"] == key).unwrap_or_else(|| panic!("{path}: no {key}"))["value"].clone()
    };
    // What an incident owes is what the books owe, on every day and as it was known at every moment.
    for basis in ["as_of=2019-05-08", "as_of=2019-05-09", "as_of=2019-05-14", "as_of=2019-05-15", "known_at=2019-05-09T08:00:00Z"]
    {
        let owed = figure(&format!("/incidents/{CODE}?{basis}&format=json"), "owed");
        assert_eq!(owed, figure(&format!("/reports/coverage?{basis}&format=json"), "obligations"), "{basis}");
        assert_ne!(owed, "0", "{basis}");
    }
    assert_eq!(figure(&format!("/incidents/{CODE}?as_of=2019-05-14&format=json"), "paid"), 0);
    assert_eq!(figure(&format!("/incidents/{CODE}?format=json"), "paid"), 150);
    let early = page(&format!("/incidents/{CODE}/claims?as_of=2019-05-14")).text();
    assert!(!early.contains("tx-1") && early.contains("approved"), "a claim is paid before its day");
    assert!(page("/incidents?as_of=2019-05-06").text().contains("No incident has been declared"));
    assert_eq!(page(&format!("/incidents/{CODE}?as_of=2019-05-06")).status, 404);
    assert!(page("/?as_of=2019-05-08").text().contains(CODE), "the first screen of that day does not show the incident");
    assert!(page("/?as_of=2019-05-06").text().contains("No incident is open"));
    let feed = page("/contributions?known_at=2019-05-09T08:00:00Z").text();
    assert!(feed.contains("No fee report here") && feed.contains("2019-05-07: Missing"), "a report is known before it came");
    for path in
        ["/contributions/reports/2", "/contributions/events", "/contributions/events/1", "/incidents/INC-2019-001/payouts/1"]
    {
        let shown = page(&format!("{path}?as_of=2019-05-08")).text();
        assert!(shown.contains("change nothing here"), "{path} does not say that it shows the present");
        assert!(!page(path).text().contains("change nothing here"), "{path}");
    }
});

#[test]
fn a_new_book_leads_on() {
    let db = TestDb::sqlite();
    let server = TestServer::serve(book::empty_book(&db), Limits::default());
    for path in
        ["/", "/reports", "/reports/coverage", "/journal", "/contributions", "/contributions/events", "/incidents", "/prices"]
    {
        let page = server.get(path).send();
        assert_eq!(page.status, 200, "{path}: {}", page.text());
    }
    assert!(server.get("/incidents").send().text().contains("safu incidents declare"));
    assert!(server.get("/").send().text().contains("The way to the first entry"));
    let Some(browser) = Browser::start() else { return };
    for (name, path) in
        [("dashboard", "/"), ("journal", "/journal"), ("incidents", "/incidents"), ("contributions", "/contributions")]
    {
        browser.goto(&format!("{}{path}", server.origin));
        browser.screenshot(&format!("empty-{name}"));
        browser.assert_quiet(&server.origin);
    }
}

#[test]
fn every_page_holds_in_a_browser() {
    let db = TestDb::sqlite();
    let server = serve(&db);
    let Some(browser) = Browser::start() else { return };
    let looks = looks::Looks::new(&browser, String::new(), &server.origin);
    for (name, path) in PAGES {
        let url = format!("{}{path}", server.origin);
        browser.viewport(1280, 900);
        for scheme in ["light", "dark"] {
            browser.media("screen", scheme);
            browser.goto(&url);
            browser.screenshot(&format!("{name}-{scheme}"));
            browser.assert_quiet(&server.origin);
            assert!(!browser.scrolls_sideways(), "{path} scrolls sideways at 1280 px");
        }
        browser.viewport(390, 844);
        browser.media("screen", "light");
        browser.goto(&url);
        assert!(!browser.scrolls_sideways(), "{path} scrolls sideways at 390 px");
        browser.screenshot(&format!("{name}-phone"));
        looks.print(name, path);
        browser.assert_quiet(&server.origin);
    }
    looks.assert_sound();
    browser.media("screen", "light");
    browser.viewport(1280, 900);
    browser.scripts(false);
    browser.goto(&format!("{}/journal", server.origin));
    browser.fill("input[name=from]", "2019-05-09");
    browser.follow(".filter button");
    assert!(browser.url().contains("from=2019-05-09"), "{}", browser.url());
    browser.follow("td a");
    assert!(!browser.url().contains("/journal"), "{}", browser.url());
    assert_eq!(browser.eval("return document.querySelectorAll('h1').length"), 1);
}

#[test]
fn axe_finds_nothing_wrong_on_any_page() {
    let Some(axe) = axe::source() else { return };
    let db = TestDb::sqlite();
    let server = serve(&db);
    let Some(browser) = Browser::start() else { return };
    let others = [("description", "/api/docs"), ("nowhere", "/nothing"), ("wrong", "/journal?from=x")];
    for (_, path) in PAGES.iter().chain(&others) {
        for scheme in ["light", "dark"] {
            browser.media("screen", scheme);
            browser.goto(&format!("{}{path}", server.origin));
            assert_eq!(axe::violations(&browser, &axe), [] as [String; 0], "{path}, {scheme}");
        }
    }
}

#[test]
fn keys_move_through_a_page() {
    let db = TestDb::sqlite();
    let server = serve(&db);
    let Some(browser) = Browser::start() else { return };
    browser.goto(&format!("{}/", server.origin));
    // Tab, Escape and the right arrow are the signs U+E004, U+E00C and U+E014 of WebDriver.
    let press = |key: &str| browser.press(key);
    let focused = || browser.eval("return document.activeElement.className + ' ' + document.activeElement.tagName");
    press("\u{e004}");
    assert_eq!(focused(), "skip A");
    let top = "return document.activeElement.getBoundingClientRect().top";
    assert!(browser.eval(top).as_f64().unwrap() >= 0.0, "the skip link is not seen when it has the focus");
    press("?");
    assert_eq!(browser.eval("return document.getElementById('keys').open"), true);
    press("\u{e00c}");
    assert_eq!(browser.eval("return document.getElementById('keys').open"), false);
    press("/");
    assert_eq!(browser.eval("return document.activeElement.name"), "as_of");
    browser.eval("document.querySelector('.plot svg.wide a.mark[tabindex=\"0\"]').focus()");
    let first = browser.eval("return document.activeElement.querySelector('title').textContent");
    press("\u{e014}");
    let second = browser.eval("return document.activeElement.querySelector('title').textContent");
    assert_ne!(first, second, "the arrow does not go to the next mark");
    browser.eval("document.activeElement.blur()");
    press("j");
    assert_eq!(browser.eval("return document.activeElement.closest('tr').className"), "body at");
}

#[test]
fn the_server_of_other_tests_has_pages_too() {
    let db = TestDb::sqlite();
    let server = TestServer::serve(server::new_book(&db), Limits::default());
    assert_eq!(server.get("/").send().status, 200);
    assert_eq!(server.ask("HEAD", "/journal").send().status, 200);
}
