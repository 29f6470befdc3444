//! Every page there is, looked at: the table of addresses says which there are, and one that nobody looks at fails.

use super::book::empty_book;
use super::looks::Looks;
use super::{PAGES, axe};
use crate::people;
use crate::roles::House;
use crate::small_book::{done, typed};
use crate::support::browser::Browser;
use crate::support::database::TestDb;
use crate::support::server::TestServer;
use safu_ledger::service::mode::SetMode;
use safu_ledger::store::journal;
use safu_ledger::web::app::Limits;
use safu_ledger::web::operation::Method;
use safu_ledger::web::routes::{self, Reach};
use serde_json::json;

/// Who looks, under which name the pictures are kept, and where. The book is that of the table of roles, with work waiting in it.
const LOOKS: &[(&str, &str, &str)] = &[
    ("administrator", "own-account", "/account"),
    ("administrator", "persons-of-roles", "/people"),
    ("administrator", "keys-of-all", "/keys"),
    ("administrator", "operations", "/operations"),
    ("preparer", "entry-new", "/entries/new"),
    ("preparer", "entry-template", "/entries/new?template=Rent"),
    ("preparer", "entry-by-hand", "/entries/{hand}"),
    ("preparer", "entry-take-back", "/entries/{hand}/reverse"),
    ("preparer", "proposal-draft", "/approvals/1"),
    ("preparer", "proposal-own", "/approvals/2"),
    ("approver", "proposal-entry", "/approvals/2"),
    ("approver", "proposals", "/approvals"),
    ("preparer", "evidence-list", "/evidence"),
    ("preparer", "wallets", "/wallets"),
    ("treasurer", "wallets-treasurer", "/wallets"),
    ("treasurer", "reconciliation", "/reconciliation?period=2019-02"),
    ("treasurer", "reconciliation-january", "/reconciliation?period=2019-01"),
    ("preparer", "reconciliation-balances", "/reconciliation/balances"),
    ("treasurer", "reconciliation-break", "/reconciliation/breaks/1"),
    ("preparer", "prices-governed", "/prices"),
    ("preparer", "price-set-governed", "/prices/2019-01-31"),
    ("preparer", "close-months", "/close"),
    ("preparer", "close-closed", "/close/2019-01"),
    ("preparer", "close-open", "/close/2019-02"),
    ("approver", "close-read", "/close/2019-02"),
    ("auditor", "duties-of-persons", "/reports/duties"),
    ("auditor", "access-of-persons", "/reports/access-review"),
    ("auditor", "audit-log", "/audit"),
    ("auditor", "audit-refusals", "/audit?outcome=refused"),
    ("auditor", "audit-chain", "/audit/checks"),
    ("auditor", "audit-pack-form", "/audit/pack?from=2019-01-01&to=2019-01-31"),
    ("auditor", "api", "/api/docs"),
    ("auditor", "problems", "/problems/forbidden"),
];

/// Failures, as persons meet them; the browser's own remark about the status is taken off the console.
const FAILURES: &[(&str, &str, &str)] = &[
    ("preparer", "failure-nowhere", "/nothing"),
    ("preparer", "failure-filter", "/journal?from=x"),
    ("preparer", "failure-forbidden", "/people"),
    ("none", "failure-no-role", "/"),
];

/// Where a book begins that has nothing in it.
const NEW_BOOK: &[(&str, &str)] = &[
    ("dashboard", "/"),
    ("coverage", "/reports/coverage"),
    ("coverage-history", "/reports/coverage-history"),
    ("journal", "/journal"),
    ("contributions", "/contributions"),
    ("events", "/contributions/events"),
    ("incidents", "/incidents"),
    ("prices", "/prices"),
    ("wallets", "/wallets"),
    ("reconciliation", "/reconciliation"),
    ("balances", "/reconciliation/balances"),
    ("close", "/close"),
    ("approvals", "/approvals"),
    ("evidence", "/evidence"),
    ("reports", "/reports"),
    ("ageing", "/reports/ageing"),
    ("roll-forward", "/reports/roll-forward"),
    ("duties", "/reports/duties"),
    ("audit", "/audit"),
    ("audit-checks", "/audit/checks"),
];

/// Addresses that answer a GET with something other than a page of their own.
const NO_PAGES: &[&str] = &[
    "/account/provider",
    "/api/v1/openapi.json",
    "/assets/{name}",
    "/audit/pack.zip",
    "/contributions/reports/{report}/changes.csv",
    "/contributions/reports/{report}/failed.csv",
    "/evidence/{sha256}",
    "/favicon.ico",
    "/livez",
    "/login/provider",
    "/login/provider/callback",
    "/metrics",
    "/readyz",
];

/// The address of the table that takes this path.
fn pattern_of(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let takes = |pattern: &str| {
        let (parts, given): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
        parts.len() == given.len() && parts.iter().zip(&given).all(|(part, given)| part.starts_with('{') || part == given)
    };
    routes::all().into_iter().map(|route| route.path).find(|pattern| takes(pattern)).unwrap_or_else(|| panic!("{path}"))
}

#[test]
fn every_page_of_the_table_is_looked_at() {
    let own = LOOKS.iter().map(|(_, _, path)| path.replace("{hand}", "1"));
    let others = PAGES.iter().map(|(_, path)| (*path).to_owned()).chain(people::looked_at());
    let seen: Vec<String> = own.chain(others).map(|path| pattern_of(&path)).collect();
    let is_page = |route: &routes::Route| route.method == Method::Get && !matches!(route.reach, Reach::Key(_));
    let pages = routes::all().into_iter().filter(is_page).map(|route| route.path);
    let missed: Vec<String> = pages.filter(|path| !seen.contains(path) && !NO_PAGES.contains(&path.as_str())).collect();
    assert_eq!(missed, [] as [String; 0], "nobody looks at these; put them into LOOKS");
}

/// Work that waits: an entry to be approved, a template, a balance that differs, a day that two sources see differently. Gives the number
/// of the entry by hand that is booked.
fn work(house: &House) -> i64 {
    let book = &house.server.book;
    let by_hand = book.read(|conn| journal::headers_between(conn, 1, i64::MAX)).unwrap().pop().unwrap().no;
    let line = |account: i32, side: &str| json!({"account": account, "asset": "USD", "side": side, "units": "1250"});
    let rent = json!({"on": "2019-02-01", "memo": "Rent of February", "reason": "No event covers it",
        "lines": [line(5210, "debit"), line(2300, "credit")]});
    done(book.post_manual(&house.call("preparer"), typed(rent.clone())));
    let template = json!({"name": "Rent", "memo": rent["memo"], "reason": rent["reason"], "lines": rent["lines"]});
    done(book.save_template(&house.call("preparer"), typed(template)));
    let seen = "wallet,asset,network,quantity,block_height,observed_at,source\n\
        cold,BTC,test,5,576000,2019-02-01T00:00:00Z,node\npayout,BTC,test,3.499,576000,2019-02-01T00:00:00Z,node\n";
    done(book.import_balances(&house.call("treasurer"), "balances.csv", seen.as_bytes()));
    done(book.import_prices(&house.call("preparer"), "closes", b"date,BTC,USDC\n2019-02-01,5200,1\n"));
    done(book.import_second_prices(&house.call("preparer"), "other closes", b"date,BTC,USDC\n2019-02-01,5700,1\n"));
    by_hand
}

/// Looks as this person.
fn as_one(looks: &Looks, house: &House, who: &str) {
    let (token, _) = house.session(who);
    looks.browser.devtools("Network.setCookie", json!({"name": "safu", "value": token, "url": looks.origin}));
}

#[test]
fn every_page_holds_in_every_look() {
    let Some(axe) = axe::source() else { return };
    let Some(browser) = Browser::start() else { return };
    let db = TestDb::sqlite();
    let house = House::new(&db);
    let by_hand = work(&house);
    let looks = Looks::new(&browser, axe, &house.server.origin);
    for (who, name, path) in LOOKS {
        as_one(&looks, &house, who);
        looks.look(name, &path.replace("{hand}", &by_hand.to_string()));
    }
    for (who, name, path) in FAILURES {
        as_one(&looks, &house, who);
        looks.look_at_failure(name, path);
    }
    let reason = "The database moves to another machine on Saturday".to_owned();
    done(house.server.book.set_mode(&house.call("administrator"), SetMode { read_only: true, reason }));
    as_one(&looks, &house, "administrator");
    looks.look("read-only-operations", "/operations");
    as_one(&looks, &house, "preparer");
    looks.look("read-only-entry", "/entries/new");
    looks.assert_sound();
}

#[test]
fn every_page_of_a_new_book_says_what_comes_next() {
    let Some(axe) = axe::source() else { return };
    let Some(browser) = Browser::start() else { return };
    let db = TestDb::sqlite();
    let server = TestServer::serve(empty_book(&db), Limits::default());
    let looks = Looks::new(&browser, axe, &server.origin);
    for (name, path) in NEW_BOOK {
        looks.look(&format!("new-{name}"), path);
        let bare =
            browser.eval("return [...document.querySelectorAll('.empty')].filter(one => one.innerText.trim() === '').length");
        assert_eq!(bare, 0, "{path} has a table that says nothing");
    }
    looks.assert_sound();
}
