//! Reports over books made by commands, on both engines: what was published can be made again as it was known, every figure of
//! the worked story, pages without gaps, and journals that other programs recompute.

use crate::incidents::theft::Theft;
use crate::story::{book::new_book, book::units, tell};
use crate::support::database::TestDb;
use crate::support::tools;
use jiff::civil::Date;
use safu_ledger::report::export::JournalFormat;
use safu_ledger::report::registry::REPORTS;
use safu_ledger::report::render::{self, Format, Look};
use safu_ledger::service::treasury::{TreasuryCommand, TreasuryEvent};
use safu_ledger::service::{Book, Call};
use safu_ledger::store::view::{self, EntryFilter};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// A report as JSON.
fn report(book: &Book, name: &str, query: &[(&str, &str)]) -> Json {
    let query: Vec<(String, String)> = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let doc = book.report(name, &query).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_slice(&render::render(&doc, Format::Json, Look::default()).unwrap()).unwrap()
}

fn table<'j>(report: &'j Json, id: &str) -> &'j Vec<Json> {
    let tables = report["tables"].as_array().unwrap();
    tables.iter().find(|table| table["id"] == id).unwrap_or_else(|| panic!("no table {id}"))["rows"].as_array().unwrap()
}

/// The cell `column` of the row whose `key` cell is `value`.
fn cell<'j>(report: &'j Json, id: &str, (key, value): (&str, &str), column: &str) -> &'j Json {
    let row = table(report, id).iter().find(|row| row["cells"][key] == value);
    &row.unwrap_or_else(|| panic!("{id}: no row with {key} {value}"))["cells"][column]
}

fn post(book: &Book, on: &str, event: TreasuryEvent) {
    let command = TreasuryCommand::new(on.parse::<Date>().unwrap(), event);
    book.post_treasury(&Call::fresh("cli:test"), command).unwrap().success().unwrap();
}

#[test]
fn a_report_as_html_is_a_file_that_needs_nothing_else() {
    let db = TestDb::sqlite();
    let story = tell(&db);
    drop(story);
    for report in REPORTS {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_safu"));
        command.args(["--database", db.url(), "report", report.name, "--format", "html"]);
        for needed in report.params.iter().filter(|param| param.required) {
            let value = match needed.name {
                "account" => "1110",
                "entry" => "1",
                "day" => "2019-01-31",
                other => panic!("{}: {other}", report.name),
            };
            command.args(["--set", &format!("{}={value}", needed.name)]);
        }
        let done = command.output().unwrap();
        let html = String::from_utf8(done.stdout).unwrap();
        assert!(done.status.success(), "{}: {}", report.name, String::from_utf8_lossy(&done.stderr));
        // A drawing may refer to its own patterns.
        let bare = html.replace("http://www.w3.org/2000/svg", "").replace("url(#", "");
        for part in ["<script", "<link", "src=", "href=\"/", "url(", "://"] {
            assert!(!bare.contains(part), "{}: {part}", report.name);
        }
        assert!(html.starts_with("<!doctype html>") && html.contains("<style>") && html.contains("</html>"), "{}", report.name);
    }
}

on_both_engines!(the_worked_story_gives_its_ratios_and_ties, |db| {
    let story = tell(&db);
    let book = story.book();
    let coverage = report(book, "coverage", &[("as_of", "2019-01-31")]);
    let ratio = |key: &str| cell(&coverage, "ratios", ("key", key), "value");
    assert_eq!(ratio("coverage"), "1.689991");
    assert_eq!(ratio("available"), "1.479342");
    assert_eq!(ratio("matched.BTC"), "1.622173");
    assert_eq!(cell(&coverage, "ratios", ("key", "coverage"), "numerator"), "2527178.06596000");
    assert_eq!(cell(&coverage, "ratios", ("key", "coverage"), "denominator"), "1495379.76596000");

    let balance = report(book, "trial-balance", &[]);
    let checks: Vec<&Json> = table(&balance, "trial-balance").iter().filter(|row| row["kind"] == "check").collect();
    assert!(checks.len() >= 4, "one check an asset");
    assert!(checks.iter().all(|row| row["cells"]["name"] == "comes to zero"), "{checks:?}");

    let sheet = report(book, "balance-sheet", &[("compare", "2019-01-03")]);
    assert_eq!(cell(&sheet, "balance-sheet", ("name", "Total: assets"), "value"), "2543978.06596000");
    assert_eq!(cell(&sheet, "balance-sheet", ("name", "Total: liabilities"), "value"), "2198879.76596000");
    assert_eq!(cell(&sheet, "balance-sheet", ("name", "Total: fund balance"), "value"), "345098.30000000");

    let changes = report(book, "changes-in-fund", &[]);
    let line = |label: &str| cell(&changes, "changes", ("line", label), "2019-01").clone();
    // 26480.3 realised and 105118.5 unrealised
    assert_eq!(line("Price effect on holdings"), "131598.80000000");
    assert_eq!(line("Fee contributions"), "230300.00000000");
    assert_eq!(line("Fund balance after"), "345098.30000000");
    assert_eq!(line("Ties to assets less liabilities"), "ties");
    assert!(table(&changes, "changes").iter().all(|row| row["cells"]["line"] != "Other"), "every account has its line");
    let amount = |label: &str| rust_decimal::Decimal::from_str_exact(line(label).as_str().unwrap()).unwrap();
    let prices = ["Price effect on holdings", "Price effect on what is owed in kind"].map(amount);
    assert_eq!(amount("Of this: price effects"), prices[0] + prices[1]);
    let change = amount("Fund balance after") - amount("Fund balance before");
    assert_eq!(amount("Of this: flows"), change - prices[0] - prices[1], "what prices did not do flowed");

    let rolled = report(book, "roll-forward", &[("asset", "BTC")]);
    assert_eq!(cell(&rolled, "roll-forward", ("line", "Closing"), "units"), "361.29500000");
    assert_eq!(cell(&rolled, "roll-forward", ("line", "Closing"), "value"), "2276158.50000000");
    let units = |row: &Json| row["cells"]["units"].as_str().unwrap_or("0").parse::<rust_decimal::Decimal>().unwrap();
    let rows = table(&rolled, "roll-forward");
    let moved: rust_decimal::Decimal = rows.iter().filter(|row| row["kind"] != "subtotal").map(units).sum();
    assert_eq!(moved, units(rows.last().unwrap()), "opening and flows make the closing");
});

on_both_engines!(the_first_screen_says_how_the_fund_stands, |db| {
    let theft = Theft::recognised(&db, "7000", "100");
    let dashboard = report(&theft.book, "dashboard", &[]);
    let figures = dashboard["figures"].as_array().unwrap();
    let keys: Vec<&Json> = figures.iter().map(|figure| &figure["key"]).collect();
    assert_eq!(json!(keys), json!(["fund_value", "obligations", "coverage", "matched", "prices"]), "no price set since the loss");
    // 10,000 BTC at 5,800 and a million of USDC against 7,100 BTC
    assert_eq!(figures[2]["value"], "1.432734");
    assert_eq!(figures[2]["state"]["word"], "no policy");
    assert_eq!(figures[3]["value"], "1.408451");
    let incidents = table(&dashboard, "incidents");
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0]["cells"]["reserve"], "41180000.00000000");
    assert_eq!(incidents[0]["cells"]["gross"], "41180000.00000000");
});

on_both_engines!(a_published_number_is_made_again_as_it_was_known, |db| {
    let story = tell(&db);
    let book = story.book();
    let names = ["coverage", "coverage-history", "trial-balance", "balance-sheet", "changes-in-fund", "roll-forward", "journal"];
    let figures = |mut doc: Json| {
        doc["basis"] = Json::Null;
        doc
    };
    let as_of = ("as_of", "2019-01-31");
    let before: Vec<Json> = names.iter().map(|name| figures(report(book, name, &[as_of]))).collect();
    let account = figures(report(book, "account", &[("account", "1110"), as_of]));

    book.clock.set("2019-02-03T09:00:00Z".parse().unwrap());
    post(book, "2019-01-08", TreasuryEvent::SponsorCapital { receipts: vec![units("cold", "USDC", "123456")] });
    let known_at = ("known_at", "2019-02-02T00:00:00Z");
    for (name, before) in names.iter().zip(&before) {
        assert_ne!(figures(report(book, name, &[as_of])), *before, "{name} knows of the backdated entry");
        assert_eq!(figures(report(book, name, &[as_of, known_at])), *before, "{name} as it was known");
    }
    assert_eq!(figures(report(book, "account", &[("account", "1110"), as_of, known_at])), account);
    assert!(book.report("entry", &[("entry".into(), "1".into()), (known_at.0.into(), known_at.1.into())]).is_ok());
    let later = table(&report(book, "journal", &[("limit", "1")]), "journal")[0]["cells"]["entry"].as_str().unwrap().to_owned();
    assert!(book.report("entry", &[("entry".into(), later), (known_at.0.into(), known_at.1.into())]).is_err());
});

on_both_engines!(pages_leave_nothing_out_and_repeat_nothing, |db| {
    let story = tell(&db);
    let book = story.book();
    let all = report(book, "journal", &[("limit", "10000")]);
    let whole: Vec<Json> = table(&all, "journal").iter().filter(|row| row["kind"] == "body").cloned().collect();
    assert_eq!(pages(book, "journal", &[("limit", "7")], "journal"), whole);
    let entries: BTreeSet<i64> = whole.iter().map(|row| row["cells"]["entry"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(entries.last().copied().unwrap(), entries.len() as i64, "numbers are gapless");

    let query = [("account", "1110"), ("asset", "BTC"), ("limit", "4")];
    let once = report(book, "account", &[("account", "1110"), ("asset", "BTC"), ("limit", "10000")]);
    let whole: Vec<Json> = table(&once, "account").iter().filter(|row| row["kind"] == "body").cloned().collect();
    assert!(whole.len() > 8);
    assert_eq!(pages(book, "account", &query, "account"), whole, "running balances too");
    let ties = |report: &Json| table(report, "account").iter().any(|row| row["cells"]["date"] == "ties");
    assert!(ties(&once));
    assert!(ties(&report(
        book,
        "account",
        &[("account", "1110"), ("from", "2019-01-05"), ("to", "2019-01-06"), ("limit", "10000")]
    )));
});

on_both_engines!(running_balances_hold_in_whatever_order_days_were_recorded, |db| {
    let story = tell(&db);
    let book = story.book();
    book.clock.set("2019-02-03T09:00:00Z".parse().unwrap());
    let known_at = ("known_at", "2019-02-03T09:30:00Z");
    for (on, quantity) in [("2019-01-08", "11"), ("2019-02-02", "13"), ("2019-01-03", "17"), ("2019-01-31", "19")] {
        post(book, on, TreasuryEvent::SponsorCapital { receipts: vec![units("cold", "USDC", quantity)] });
    }
    book.clock.set("2019-02-03T10:00:00Z".parse().unwrap());
    post(book, "2019-01-09", TreasuryEvent::SponsorCapital { receipts: vec![units("cold", "USDC", "23")] });
    let days = [("from", "2019-01-05"), ("to", "2019-01-31")];
    for more in [&[][..], &[known_at], &days, &[days[0], days[1], known_at], &[("asset", "USDC"), days[1], known_at]] {
        let all: Vec<_> = [("account", "1110"), ("limit", "10000")].into_iter().chain(more.iter().copied()).collect();
        let paged: Vec<_> = [("account", "1110"), ("limit", "1")].into_iter().chain(more.iter().copied()).collect();
        let whole = report(book, "account", &all);
        let body: Vec<Json> = table(&whole, "account").iter().filter(|row| row["kind"] == "body").cloned().collect();
        assert_eq!(pages(book, "account", &paged, "account"), body, "{more:?}");
        assert!(table(&whole, "account").iter().any(|row| row["cells"]["date"] == "ties"), "{more:?}");
    }
});

on_both_engines!(a_journal_of_accounts_is_the_same_from_either_end, |db| {
    let story = tell(&db);
    let mut found = 0;
    for (accounts, asset) in [(vec![1110], None), (vec![1110, 4100], Some(2)), (vec![9999], None), (vec![1210], Some(3))] {
        let filter = EntryFilter { accounts, asset, to: Some("2019-01-20".to_owned()), ..EntryFilter::default() };
        let first = EntryFilter { accounts_first: true, ..filter.clone() };
        let both = story.book().read(|conn| Ok((view::entries(conn, &filter, 500)?, view::entries(conn, &first, 500)?)));
        let (one, other) = both.unwrap();
        assert_eq!(one, other, "{filter:?}");
        found += one.len();
    }
    assert!(found > 10, "{found}");
});

/// The body rows of all pages.
fn pages(book: &Book, name: &str, query: &[(&str, &str)], id: &str) -> Vec<Json> {
    let (mut rows, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..100 {
        let mut query = query.to_vec();
        if let Some(cursor) = &cursor {
            query.push(("cursor", cursor));
        }
        let page = report(book, name, &query);
        rows.extend(table(&page, id).iter().filter(|row| row["kind"] == "body").cloned());
        match page["tables"][0]["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return rows,
        }
    }
    panic!("{name} does not end");
}

on_both_engines!(filters_find_what_they_say_and_sum_it, |db| {
    let story = tell(&db);
    let book = story.book();
    let total = |query: &[(&str, &str)]| {
        let found = report(book, "journal", query);
        let row = table(&found, "journal").last().unwrap()["cells"].clone();
        (row["entry"].clone(), row["debit"].clone(), row["credit"].clone())
    };
    assert_eq!(total(&[("event", "E24")]).0, "1 entries");
    assert_eq!(total(&[("account", "4100"), ("closings", "out")]).2, "230300.00000000");
    assert_eq!(total(&[("text", "REVERSAL")]).0, "1 entries", "letters of either case");
    let (_, debits, credits) = total(&[]);
    assert_eq!(debits, credits);
    for wrong in [[("event", "E99")], [("account", "1")], [("asset", "DOGE")], [("from", "yesterday")], [("venue", "spot")]] {
        let query: Vec<(String, String)> = wrong.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert!(book.report("journal", &query).is_err(), "{wrong:?}");
    }
    assert!(table(&report(book, "journal", &[("text", "100%_\\")]), "journal").is_empty(), "signs of LIKE are plain letters");
});

on_both_engines!(an_empty_book_has_every_report, |db| {
    let book = new_book(&db);
    for def in REPORTS.iter().filter(|report| report.is_listed()) {
        report(&book, def.name, &[]);
    }
    let coverage = report(&book, "coverage", &[]);
    for key in ["coverage", "available", "net_of_loans", "liquid", "matched"] {
        let row = table(&coverage, "ratios").iter().find(|row| row["cells"]["key"] == key).unwrap();
        assert_eq!(row["cells"]["value"], Json::Null, "{key}");
        assert_eq!(row["reasons"]["value"], "n/a: nothing is owed", "{key}");
    }
});

#[test]
fn the_keys_of_coverage_stay() {
    let db = TestDb::sqlite();
    let story = tell(&db);
    let coverage = report(story.book(), "coverage", &[("as_of", "2019-01-31")]);
    let keys: Vec<&Json> = table(&coverage, "ratios").iter().map(|row| &row["cells"]["key"]).collect();
    let expected = json!([
        "coverage",
        "available",
        "net_of_loans",
        "liquid",
        "matched",
        "reserve_ratio",
        "hot_wallet_coverage",
        "target_attainment",
        "distance_to_floor",
        "trigger_price",
        "concentration",
        "wrong_way_share",
        "run_off",
        "time_to_target",
        "matched.USDC",
        "matched.BTC"
    ]);
    assert_eq!(json!(keys), expected);
    let cells = table(&coverage, "ratios")[0]["cells"].as_object().unwrap();
    let columns: BTreeSet<&str> = cells.keys().map(String::as_str).collect();
    assert_eq!(columns, BTreeSet::from(["key", "ratio", "value", "numerator", "denominator", "formula"]));
}

#[test]
fn the_export_of_a_book_made_by_commands_is_recomputed_elsewhere() {
    let db = TestDb::sqlite();
    let story = tell(&db);
    accepted_elsewhere(story.book());
}

/// hledger, ledger and beancount, where they are installed, take the journal of a book and find its balances right.
pub fn accepted_elsewhere(book: &Book) {
    let folder = tempfile::tempdir().unwrap();
    for format in JournalFormat::ALL {
        let file = folder.path().join(format!("book.{}", format.name()));
        let summary = book.export_journal(format, std::fs::File::create(&file).unwrap()).unwrap();
        assert!(summary.entries > 40 && summary.bytes == std::fs::metadata(&file).unwrap().len(), "{format:?}");
        let check: &[&str] = match format {
            JournalFormat::Hledger => &["hledger", "check", "--strict", "-f"],
            JournalFormat::Ledger => &["ledger", "--pedantic", "balance", "-f"],
            JournalFormat::Beancount => &["bean-check"],
            JournalFormat::Csv | JournalFormat::Jsonl => continue,
        };
        let Some(program) = tools::tool(check[0]) else { continue };
        let output = std::process::Command::new(program).args(&check[1..]).arg(&file).output().unwrap();
        assert!(output.status.success(), "{format:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
