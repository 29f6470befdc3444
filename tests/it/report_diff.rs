//! Reports before and after: what stands on either side is the report of that side, what stands between them is recomputed from the
//! postings; and the reports on control, on both engines.

use crate::small_book::{call, done, full, opened, person, typed};
use crate::story::tell;
use crate::support::database::TestDb;
use jiff::civil::Date;
use rust_decimal::Decimal;
use safu_ledger::domain::account::no;
use safu_ledger::domain::person::PersonId;
use safu_ledger::report::doc::{Content, Doc, RowKind, Table};
use safu_ledger::report::registry::REPORTS;
use safu_ledger::report::render::{self, Format, Look};
use safu_ledger::service::approvals::{self, Decide};
use safu_ledger::service::{Book, Call};
use safu_ledger::store::journal;
use serde_json::json;
use std::collections::BTreeMap;

fn made(book: &Book, name: &str, query: &[(&str, &str)]) -> Doc {
    let query: Vec<(String, String)> = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    book.report(name, &query).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn column(table: &Table, key: &str) -> usize {
    let found = table.columns.iter().position(|column| column.key == key);
    found.unwrap_or_else(|| panic!("no column {key} in {:?}", table.columns.iter().map(|c| &c.key).collect::<Vec<_>>()))
}

/// Every cell of a column, as exports write it; rows without it are left out.
fn cells(table: &Table, key: &str) -> Vec<String> {
    let at = column(table, key);
    let text = |cell: &safu_ledger::report::doc::Cell| render::display::exact(&cell.content);
    let mut all: Vec<String> =
        table.rows.iter().filter_map(|row| row.cells.get(at)).map(text).filter(|t| !t.is_empty()).collect();
    all.sort();
    all
}

/// Units and value by account and asset, summed from the postings of all days until one.
fn summed(book: &Book, until: &str) -> BTreeMap<(i32, i32), (i128, i128)> {
    let until: Date = until.parse().unwrap();
    book.read(|conn| {
        let days: BTreeMap<i64, Date> = journal::headers_between(conn, 1, i64::MAX)?
            .into_iter()
            .map(|header| (header.no, header.effective_on.parse().unwrap()))
            .collect();
        let mut sums: BTreeMap<(i32, i32), (i128, i128)> = BTreeMap::new();
        for line in journal::postings_between(conn, 1, i64::MAX)?.into_iter().filter(|line| days[&line.entry_no] <= until) {
            let sum = sums.entry((line.account_no, line.asset_id)).or_default();
            *sum = (sum.0 + line.quantity.0, sum.1 + line.value.0);
        }
        Ok(sums)
    })
    .unwrap()
}

on_both_engines!(the_difference_is_what_was_posted_between, |db| {
    let story = tell(&db);
    let book = story.book();
    let (before, after) = ("2019-01-03", "2019-01-31");
    let doc = made(book, "trial-balance", &[("as_of", after), ("compare_as_of", before)]);
    let table = &doc.tables[0];
    let (was, is) = (summed(book, before), summed(book, after));
    let assets: BTreeMap<String, i32> = book
        .read(|conn| {
            Ok(safu_ledger::service::refs::Refs::load(conn)?
                .assets
                .values()
                .map(|a| (a.code.as_str().to_owned(), a.id.0))
                .collect())
        })
        .unwrap();
    let (account, asset) = (column(table, "account"), column(table, "asset"));
    let units = ["units_before", "units_after", "units_difference"].map(|key| column(table, key));
    let mut seen = 0;
    for row in table.rows.iter().filter(|row| row.kind == RowKind::Body) {
        let text = |at: usize| render::display::exact(&row.cells[at].content);
        let key = (text(account).parse::<i32>().unwrap(), assets[&text(asset)]);
        let minor = |at: usize| match &row.cells[at].content {
            Content::Units { quantity, .. } => quantity.minor(),
            Content::Text(nothing) if nothing.is_empty() => 0,
            other => panic!("{other:?}"),
        };
        let sums = [was.get(&key), is.get(&key)].map(|sum| sum.map_or(0, |sum| sum.0));
        assert_eq!([minor(units[0]), minor(units[1]), minor(units[2])], [sums[0], sums[1], sums[1] - sums[0]], "{key:?}");
        let value = |part: &str| {
            let side = |side: &str| match &row.cells[column(table, &format!("{side}_{part}"))].content {
                Content::Value(value) => value.minor(),
                _ => 0,
            };
            side("debit") - side("credit")
        };
        let values = [was.get(&key), is.get(&key)].map(|sum| sum.map_or(0, |sum| sum.1));
        assert_eq!([value("before"), value("after"), value("difference")], [values[0], values[1], values[1] - values[0]]);
        seen += 1;
    }
    assert!(seen > 20, "{seen} rows");
    let moved = is.iter().filter(|(key, sum)| was.get(*key) != Some(*sum)).count();
    assert!(moved > 10, "the days between have moved {moved} balances");
    let link = table.rows.iter().find_map(|row| row.cells.get(units[0])?.link.clone()).unwrap();
    assert!(link.ends_with(&format!("as_of={before}")), "{link}");
});

#[test]
fn every_report_stands_beside_itself_as_it_was() {
    let db = TestDb::sqlite();
    let story = tell(&db);
    let book = story.book();
    let subjects = [("account", "1110"), ("entry", "1"), ("day", "2019-01-02")];
    for report in REPORTS {
        let mut query: Vec<(&str, &str)> = vec![("limit", "1000")];
        for needed in report.params.iter().filter(|param| param.required) {
            query.push(*subjects.iter().find(|(name, _)| *name == needed.name).unwrap());
        }
        let with = |more: &[(&'static str, &'static str)]| [&query[..], more].concat();
        let before = made(book, report.name, &with(&[("as_of", "2019-01-05")]));
        let after = made(book, report.name, &with(&[("as_of", "2019-01-31")]));
        let both = made(book, report.name, &with(&[("as_of", "2019-01-31"), ("compare_as_of", "2019-01-05")]));
        for (side, single) in [("before", &before), ("after", &after)] {
            for table in &single.tables {
                let compared = both.tables.iter().find(|other| other.id == table.id).unwrap();
                for own in table.columns.iter().skip(1).filter(|column| column.numeric) {
                    let mut wanted = cells(table, &own.key);
                    let found = cells(compared, &format!("{}_{side}", own.key));
                    wanted.sort();
                    assert_eq!(found, wanted, "{}, {}, {} {side}", report.name, table.id, own.key);
                }
            }
        }
        for format in Format::ALL {
            assert!(!render::render(&both, format, Look::default()).unwrap().is_empty());
        }
        assert!(both.notes.iter().any(|note| note.contains("Before is 2019-01-05; after is 2019-01-31")), "{:?}", both.notes);
    }
}

on_both_engines!(what_became_known_since_is_the_difference, |db| {
    let book = full(&db);
    let known = book.clock.now().to_string();
    book.clock.set("2019-02-03T12:00:00Z".parse().unwrap());
    let receipts = json!([{"wallet": "cold", "asset": "BTC", "quantity": "7.25"}]);
    let late = json!({"on": "2019-02-01", "event": "sponsor-capital", "receipts": receipts});
    done(book.post_treasury(&call(), typed(late)));
    let query = [("as_of", "2019-02-01"), ("compare_known_at", known.as_str())];
    let doc = made(&book, "trial-balance", &query);
    let table = &doc.tables[0];
    let changed: Vec<String> = table
        .rows
        .iter()
        .filter(|row| row.kind == RowKind::Body && !render::display::exact(&row.cells.last().unwrap().content).is_empty())
        .map(|row| {
            let text = |key: &str| render::display::exact(&row.cells[column(table, key)].content);
            format!("{} {} {}", text("account"), text("asset"), text("units_difference"))
        })
        .collect();
    assert_eq!(changed.len(), 2, "{changed:?}");
    assert!(changed.iter().any(|line| line == "1110 BTC 7.25000000"), "{changed:?}");
    assert!(changed.iter().any(|line| line.starts_with("3") && line.ends_with(" BTC -7.25000000")), "{changed:?}");
    let paged =
        book.report("journal", &[("compare_as_of".to_owned(), "2019-01-01".to_owned()), ("limit".to_owned(), "2".to_owned())]);
    assert!(paged.unwrap_err().to_string().contains("goes on over pages"), "half a list is not compared");
});

on_both_engines!(the_receivable_ages_and_ties_to_its_account, |db| {
    let story = tell(&db);
    let book = story.book();
    for day in ["2019-01-01", "2019-01-15", "2019-01-31"] {
        let doc = made(book, "ageing", &[("as_of", day)]);
        let table = &doc.tables[0];
        let (units, value) = (column(table, "units"), column(table, "value"));
        let account = summed(book, day);
        let mut of_asset: BTreeMap<String, Decimal> = BTreeMap::new();
        let number = |text: &str| Decimal::from_str_exact(text).unwrap();
        let (mut total, mut all) = (Decimal::ZERO, None);
        for row in &table.rows {
            let text = |at: usize| render::display::exact(&row.cells[at].content);
            match row.kind {
                RowKind::Body => *of_asset.entry(text(0)).or_default() += number(&text(units)),
                RowKind::Subtotal => {
                    assert_eq!(of_asset[&text(0)], number(&text(units)), "{day}: the buckets of {} are the receivable", text(0));
                    total += number(&text(value));
                }
                RowKind::Total => all = Some(number(&text(value))),
                other => panic!("{other:?}"),
            }
        }
        let posted: i128 =
            account.iter().filter(|((at, _), _)| *at == no::CONTRIBUTIONS_RECEIVABLE.0).map(|(_, sum)| sum.1).sum();
        assert_eq!(all.unwrap_or_default(), Decimal::from_i128_with_scale(posted, 8), "{day}");
        assert_eq!(all.unwrap_or_default(), total, "{day}");
    }
});

fn as_person(person: PersonId) -> Call {
    Call::fresh(format!("person:{person}")).by(person, true)
}

on_both_engines!(who_made_and_who_checked_is_counted_from_what_is_stored, |db| {
    let book = opened(&db);
    for admin in ["ada", "abel"] {
        person(&book, admin, &["administrator"]);
    }
    let paula = person(&book, "paula", &["preparer"]);
    let approvers = ["ann", "ben", "cleo"].map(|login| person(&book, login, &["approver"]));
    let terms = json!({"one_up_to": "10000", "two_up_to": "1000000", "committee": 3, "expire_hours": 72, "ratify_hours": 24});
    done(book.set_approval_terms(&call(), "2019-01-03".parse().unwrap(), typed(terms)));
    book.clock.set("2019-01-04T12:00:00Z".parse().unwrap());
    let figure = typed(json!({"account": 9110, "asset": "BTC", "quantity": "5"}));
    let asked = done(book.set_memo(&as_person(paula), "2019-01-03".parse().unwrap(), figure));
    let (now, id) = (book.clock.now(), asked["proposal"].as_i64().unwrap());
    let proposal = book.read(|conn| approvals::find(conn, id, now)).unwrap().unwrap();
    let seen = |reason: &str| Decide { proposal: id, hash: proposal.hash.clone(), reason: reason.to_owned() };
    assert!(book.approve(&as_person(paula), seen("")).is_err(), "not the own");
    done(book.approve(&as_person(approvers[0]), seen("")));

    let doc = made(&book, "duties", &[]);
    let row = &doc.tables[0].rows[0];
    let text = |key: &str| render::display::exact(&row.cells[column(&doc.tables[0], key)].content);
    assert_eq!((text("maker").as_str(), text("checkers").as_str(), text("executed_by").as_str()), ("paula", "ann", "ann"));
    assert_eq!((text("state").as_str(), text("apart").as_str()), ("executed", "apart"));
    let count = |doc: &Doc, key: &str| match doc.figures.iter().find(|figure| figure.key == key).unwrap().cell.content {
        Content::Count(count) => count,
        ref other => panic!("{other:?}"),
    };
    assert_eq!((count(&doc, "tested"), count(&doc, "own"), count(&doc, "together")), (1, 0, 0));
    assert_eq!(count(&made(&book, "duties", &[("as_of", "2019-01-03")]), "proposals"), 0, "it was made a day later");

    // One role after the other is no breach, but is shown.
    book.clock.set("2019-01-05T12:00:00Z".parse().unwrap());
    let take = json!({"login": "paula", "role": "preparer", "held": false, "reason": "moved"});
    let ada = book.read(|conn| Ok(safu_ledger::store::person::of_login(conn, "ada")?.unwrap().id)).unwrap();
    done(book.set_role(&as_person(PersonId(ada)), typed(take)));
    let roles = made(&book, "access-review", &[]);
    assert_eq!(cells(&roles.tables[0], "role").iter().filter(|role| *role == "approver").count(), 3);
    assert_eq!(cells(&roles.tables[2], "taken_by"), [format!("person:{ada}")], "who took it is there");
    let before = made(&book, "access-review", &[("as_of", "2019-01-04")]);
    assert!(cells(&before.tables[0], "role").contains(&"preparer".to_owned()) && before.tables[2].rows.is_empty());
    let both = made(&book, "access-review", &[("as_of", "2019-01-05"), ("compare_as_of", "2019-01-04")]);
    let changed = cells(&both.tables[0], "change");
    assert_eq!(changed.len(), 1, "only Paula's row: {changed:?}");
});

on_both_engines!(the_last_command_of_a_key_is_found, |db| {
    let book = full(&db);
    let key = book.create_key(&call(), "bot", safu_ledger::service::keys::KeyScope::Operate, None).unwrap();
    book.clock.set("2019-02-05T08:00:00Z".parse().unwrap());
    let figure = typed(json!({"account": 9110, "asset": "BTC", "quantity": "5"}));
    done(book.set_memo(&Call::fresh(format!("key:{}", key.name)), "2019-02-01".parse().unwrap(), figure));
    let doc = made(&book, "access-review", &[]);
    let table = &doc.tables[1];
    let row = table.rows.iter().find(|row| render::display::exact(&row.cells[0].content) == "bot").unwrap();
    assert_eq!(render::display::exact(&row.cells[column(table, "last_command")].content), "2019-02-05T08:00:00Z");
});
