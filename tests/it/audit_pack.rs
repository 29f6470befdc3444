//! The pack for auditors: each population is what the journal says it is, ties to the log, has the same bytes whenever it is made, and
//! nothing in it can be changed unnoticed.

use crate::small_book::{call, done, full, typed};
use crate::support::database::TestDb;
use jiff::Timestamp;
use jiff::civil::{Date, Weekday, time};
use jiff::tz::TimeZone;
use safu_ledger::proof::merkle::{leaf_hash, root_of, sha256};
use safu_ledger::service::Book;
use safu_ledger::service::audit::pack::{self, Manifest, Options, Target};
use safu_ledger::service::reversals::Reverse;
use safu_ledger::store::journal::{self, EntryRow};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn options(pairs: &[(&str, &str)]) -> Options {
    let pairs: Vec<(String, String)> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Options::parse(&move |name| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())).unwrap()
}

fn january() -> Options {
    options(&[("from", "2019-01-01"), ("to", "2019-01-31"), ("backdated_days", "1"), ("hours", "08:00-18:00")])
}

/// A book with a reversal too.
fn book_of(db: &TestDb) -> Book {
    let book = full(db);
    book.clock.set("2019-02-02T20:30:00Z".parse().unwrap());
    let receipts = json!([{"wallet": "cold", "asset": "BTC", "quantity": "1"}]);
    let made =
        done(book.post_treasury(&call(), typed(json!({"on": "2019-02-01", "event": "sponsor-capital", "receipts": receipts}))));
    let entry = made["entries"][0]["entry"].as_i64().or_else(|| made["entry"].as_i64()).unwrap_or_else(|| panic!("{made}"));
    let reverse: Reverse = typed(json!({"entry": entry, "on": "2019-02-02", "reason": "sent twice"}));
    done(book.reverse_entry(&call(), reverse));
    book
}

/// The files of a ZIP by name.
fn unzip(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        std::io::copy(&mut file, &mut bytes).unwrap();
        files.insert(name, bytes);
    }
    files
}

/// Rows of a CSV by column.
fn rows(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Vec<BTreeMap<String, String>> {
    let bytes = files.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", files.keys().collect::<Vec<_>>()));
    csv::Reader::from_reader(bytes.as_slice()).deserialize().map(|row| row.unwrap()).collect()
}

fn numbers(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Vec<i64> {
    rows(files, name).iter().map(|row| row["entry"].parse().unwrap()).collect()
}

/// Entries of the journal for which this holds, by number.
fn entries(book: &Book, wanted: impl Fn(&EntryRow, Date, Timestamp) -> bool) -> Vec<i64> {
    let all = book.read(|conn| journal::headers_between(conn, 1, i64::MAX)).unwrap();
    let holds =
        |row: &&EntryRow| wanted(row, row.effective_on.parse().unwrap(), Timestamp::from_microsecond(row.recorded_at).unwrap());
    all.iter().filter(holds).map(|row| row.no).collect()
}

on_both_engines!(each_population_is_what_the_journal_says, |db| {
    let book = book_of(&db);
    for (from, to) in [("2019-01-01", "2019-01-31"), ("2019-02-01", "2019-02-28"), ("2019-01-02", "2019-01-02")] {
        let options = Options { from: from.parse().unwrap(), to: to.parse().unwrap(), ..january() };
        let files = unzip(&book.audit_pack_zip(&options).unwrap());
        let recorded_on = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let days = options.from..=options.to;
        let within = |on: Date, at: Timestamp| days.contains(&on) || days.contains(&recorded_on(at));
        assert_eq!(numbers(&files, "entries.csv"), entries(&book, |_, on, at| within(on, at)), "{from}");
        let late = |on: Date, at: Timestamp| on.until(recorded_on(at)).unwrap().get_days() > 1;
        assert_eq!(numbers(&files, "backdated.csv"), entries(&book, |_, on, at| within(on, at) && late(on, at)), "{from}");
        let after = |at: Timestamp| {
            let at = at.to_zoned(TimeZone::UTC);
            let closed = [Weekday::Saturday, Weekday::Sunday].contains(&at.weekday());
            closed || at.time() < time(8, 0, 0, 0) || at.time() >= time(18, 0, 0, 0)
        };
        assert_eq!(numbers(&files, "after_hours.csv"), entries(&book, |_, on, at| within(on, at) && after(at)), "{from}");
        let lines = book.read(|conn| journal::postings_between(conn, 1, i64::MAX)).unwrap();
        let own = numbers(&files, "entries.csv");
        let wanted: Vec<String> =
            lines.iter().filter(|l| own.contains(&l.entry_no)).map(|l| format!("{}-{}", l.entry_no, l.line)).collect();
        let found: Vec<String> =
            rows(&files, "lines.csv").iter().map(|row| format!("{}-{}", row["entry"], row["line"])).collect();
        assert_eq!(found, wanted, "{from}");
    }
    let files = unzip(&book.audit_pack_zip(&options(&[("from", "2019-02-01"), ("to", "2019-02-28")])).unwrap());
    let reversals = rows(&files, "reversals.csv");
    assert_eq!(reversals.len(), 2, "the entry and its reversal");
    assert_eq!((&reversals[0]["reversed_by"], &reversals[1]["reverses"]), (&reversals[1]["entry"], &reversals[0]["entry"]));
    assert!(!numbers(&files, "after_hours.csv").is_empty());
    let whole = unzip(&book.audit_pack_zip(&options(&[("from", "2018-01-01"), ("to", "2019-12-31")])).unwrap());
    let by_hand = book.read(|conn| safu_ledger::store::fact::of_kind(conn, "entry.manual")).unwrap();
    let by_hand: Vec<i64> = by_hand.iter().map(|row| row.parse::<Value>().unwrap()["entry"].as_i64().unwrap()).collect();
    assert_eq!(numbers(&whole, "manual_entries.csv"), by_hand);
    assert!(!by_hand.is_empty());
    assert!(
        rows(&files, "roles.csv")
            .iter()
            .any(|row| row["login"] == "paula" && row["role"] == "preparer" && row["until"].is_empty())
    );
    assert!(rows(&files, "keys.csv").iter().any(|row| row["key"] == "job" && !row["revoked"].is_empty()));
    assert!(
        rows(&files, "approvals.csv")
            .iter()
            .any(|row| row["step"] == "draft" && row["person"] == "paula" && row["is_own"] == "yes")
    );
    assert_eq!(rows(&files, "periods.csv")[0]["period"], "2019-01");
    let changes = unzip(&book.audit_pack_zip(&january()).unwrap());
    let policy = &rows(&changes, "policy_changes.csv");
    assert!(
        policy.iter().any(|row| row["kind"] == "policy.contribution" && row["before"] == "null" && row["after"].contains("0.1"))
    );
    assert!(
        rows(&changes, "prices.csv")
            .iter()
            .any(|row| row["asset"] == "BTC" && row["price"] == "5000" && row["locked_by"] == "cli:test")
    );
    assert!(changes.contains_key("facts/policy.contribution.csv"), "facts appear by their kind: {:?}", changes.keys());
});

on_both_engines!(a_pack_ties_to_the_log_and_is_the_same_whenever_it_is_made, |db| {
    let book = book_of(&db);
    let first = book.audit_pack_zip(&january()).unwrap();
    let files = unzip(&first);
    let manifest: Manifest = serde_json::from_slice(&files["manifest.json"]).unwrap();
    for line in &manifest.files {
        assert_eq!(hex::encode(sha256(&files[&line.name])), line.sha256, "{}", line.name);
        assert_eq!(rows(&files, &line.name).len() as u64, line.rows, "{}", line.name);
        assert!(!line.about.is_empty(), "{}", line.name);
    }
    assert_eq!(files.len(), manifest.files.len() + 2);
    let log: Vec<[u8; 32]> =
        rows(&files, "log.csv").iter().map(|row| hex::decode(&row["hash"]).unwrap().try_into().unwrap()).collect();
    assert_eq!((hex::encode(root_of(log.iter().copied())), log.len() as i64), (manifest.log.root.clone(), manifest.log.size));
    let verdict = safu_ledger::service::verify::verify(&book).unwrap();
    assert_eq!((verdict.log_root.as_str(), verdict.log_size as i64), (manifest.log.root.as_str(), manifest.log.size));
    let records = rows(&files, "records.csv");
    assert!(records.len() > 10);
    for row in &records {
        let hash = leaf_hash(row["bytes"].as_bytes());
        assert_eq!((hex::encode(hash), log[row["leaf"].parse::<usize>().unwrap()]), (row["hash"].clone(), hash));
    }
    assert!(String::from_utf8_lossy(&files["README.txt"]).contains(&manifest.log.root));

    assert_eq!(book.audit_pack_zip(&january()).unwrap(), first, "made twice");
    done(book.set_memo(&call(), "2019-02-01".parse().unwrap(), typed(json!({"account": 9110, "asset": "BTC", "quantity": "1"}))));
    let later = Options { size: Some(manifest.log.size), ..january() };
    assert_eq!(book.audit_pack_zip(&later).unwrap(), first, "the same size of the log, though it has grown");
    assert_ne!(book.audit_pack_zip(&january()).unwrap(), first, "another size, another root");
    let beyond = book.audit_pack_zip(&Options { size: Some(1_000_000), ..january() });
    assert!(beyond.unwrap_err().to_string().contains("records only"));
});

fn change(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} in {}", path.display());
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

on_both_engines!(nothing_in_a_pack_is_changed_unnoticed, |db| {
    let book = book_of(&db);
    let folder = tempfile::tempdir().unwrap();
    let made = |name: &str| {
        let path = folder.path().join(name);
        book.audit_pack(&january(), Target::new(&path)).unwrap();
        path
    };
    let good = pack::check(&book, &made("good")).unwrap();
    assert_eq!(good.findings, [] as [String; 0]);
    assert!(good.files >= 17 && good.rows > 50, "{good:?}");
    assert!(book.audit_pack(&january(), Target::new(&folder.path().join("good"))).is_err(), "evidence is not written over");

    let path = made("edited");
    change(&path.join("lines.csv"), "10.05", "10.06");
    let found = pack::check(&book, &path).unwrap().findings;
    assert!(found.iter().any(|f| f.contains("lines.csv does not have the hash")), "{found:?}");

    // Somebody who mends the manifest too is found by making the pack again.
    let bytes = std::fs::read(path.join("lines.csv")).unwrap();
    let manifest: Manifest = serde_json::from_slice(&std::fs::read(path.join("manifest.json")).unwrap()).unwrap();
    let old = &manifest.files.iter().find(|line| line.name == "lines.csv").unwrap().sha256;
    change(&path.join("manifest.json"), old, &hex::encode(sha256(&bytes)));
    let found = pack::check(&book, &path).unwrap().findings;
    assert!(found.iter().any(|f| f.contains("lines.csv is not what this book makes")), "{found:?}");

    let path = made("less");
    std::fs::remove_file(path.join("approvals.csv")).unwrap();
    std::fs::write(path.join("more.csv"), "a\n").unwrap();
    let found = pack::check(&book, &path).unwrap().findings;
    assert!(found.iter().any(|f| f == "approvals.csv is missing") && found.iter().any(|f| f.contains("more.csv")), "{found:?}");

    let path = made("root");
    change(&path.join("manifest.json"), &manifest.log.root, &"0".repeat(64));
    let found = pack::check(&book, &path).unwrap().findings;
    assert!(found.iter().any(|f| f.contains("has the root")), "{found:?}");
});

#[test]
fn the_command_line_makes_and_verifies_packs() {
    let db = TestDb::sqlite();
    drop(book_of(&db));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pack.zip").display().to_string();
    let run =
        |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_safu")).args(["--database", db.url()]).args(args).output().unwrap();
    let made = run(&["audit-pack", "--from", "2019-01-01", "--to", "2019-02-28", "--out", &path]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(String::from_utf8_lossy(&made.stdout).contains("entries.csv"));
    let good = run(&["audit-pack", "verify", &path]);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    assert_eq!(run(&["audit-pack", "--from", "2019-01-01"]).status.code(), Some(2), "it needs --out");

    let other = TestDb::sqlite();
    drop(crate::small_book::opened(&other));
    let elsewhere = Command::new(env!("CARGO_BIN_EXE_safu"))
        .args(["--database", other.url(), "audit-pack", "verify", &path])
        .output()
        .unwrap();
    assert_eq!(elsewhere.status.code(), Some(5), "of another book: {}", String::from_utf8_lossy(&elsewhere.stdout));

    let checked = run(&["audit", "check", "--json"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let done: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(done["finding_count"], 0);
    let list = run(&["audit", "list", "--kind", "audit.check", "--format", "csv"]);
    assert_eq!(String::from_utf8_lossy(&list.stdout).lines().count(), 2, "a heading and the check");
    assert!(run(&["audit", "show", "3"]).status.success() && run(&["audit", "checks"]).status.success());
}
