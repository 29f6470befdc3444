//! Journals for other programs: they accept them, recompute every balance to the last unit, and refuse a changed one.

#[path = "exports/book.rs"]
mod book;
#[path = "exports/readers.rs"]
mod readers;
#[path = "exports/stored.rs"]
mod stored;

use crate::support::database::TestDb;
use book::{Dice, Sample, sample};
use readers::{Balances, Reader, expected};
use safu_ledger::domain::amount::{VALUE_SCALE, parse_minor};
use safu_ledger::domain::asset::Asset;
use safu_ledger::report::export::{ExportError, JournalFormat, write_journal};
use safu_ledger::report::render::{Format, Look, render};
use serde_json::Value as Json;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

const JOURNALS: [JournalFormat; 3] = [JournalFormat::Hledger, JournalFormat::Ledger, JournalFormat::Beancount];

fn exported(sample: &Sample, format: JournalFormat) -> String {
    let mut out = Vec::new();
    let summary = write_journal(format, &sample.book(), sample.entries.iter().map(book::Kept::borrowed), &mut out).unwrap();
    assert_eq!(usize::try_from(summary.bytes).unwrap(), out.len());
    assert_eq!(usize::try_from(summary.entries).unwrap(), sample.entries.len());
    String::from_utf8(out).unwrap()
}

/// Each program that is installed accepts the file that `export` writes, and computes these balances from it. They run side by
/// side: on a large book they take most of the time of the test.
fn each_program_finds(
    expected: &Balances,
    assets: &[Asset],
    beancount_digits: Option<u32>,
    export: impl Fn(JournalFormat, &mut fs::File) + Sync,
) {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for format in JOURNALS {
            let (file, export) = (folder.path().join(format.name()), &export);
            let Some(reader) = Reader::of(format, beancount_digits) else { continue };
            scope.spawn(move || {
                export(format, &mut fs::File::create(&file).unwrap());
                let start = Instant::now();
                reader.check(&file).unwrap_or_else(|said| panic!("{format:?} refuses the export:\n{said:.2000}"));
                let checked = start.elapsed();
                assert_eq!(reader.balances(&file, assets), *expected, "{format:?}");
                println!("{format:?}: check {checked:.1?}, check and balances {:.1?}", start.elapsed());
            });
        }
    });
}

fn recomputes(seed: u64, count: usize, amount_digits: usize, beancount_digits: Option<u32>) {
    let sample = sample(seed, count, amount_digits);
    each_program_finds(&expected(&sample), &sample.assets, beancount_digits, |format, file| {
        file.write_all(exported(&sample, format).as_bytes()).unwrap();
    });
}

#[test]
fn journal_programs_recompute_every_balance_to_the_last_unit() {
    recomputes(1, 3_000, 24, None);
}

/// Entries of the stored book.
fn entries_asked() -> usize {
    std::env::var("SAFU_TEST_ENTRIES").ok().map_or(3_000, |count| count.parse().unwrap())
}

/// The balances of the report, in the form of the readers.
fn trial_balance(book: &safu_ledger::service::Book, assets: &[Asset]) -> Balances {
    let doc = book.report("trial-balance", &[]).unwrap();
    let json: Json = serde_json::from_slice(&render(&doc, Format::Json, Look::default()).unwrap()).unwrap();
    let mut balances = Balances::new();
    for row in json["tables"][0]["rows"].as_array().unwrap().iter().filter(|row| row["kind"] == "body") {
        let text = |key: &str| row["cells"][key].as_str().unwrap_or_default();
        let minor = |key: &str, scale| if text(key).is_empty() { 0 } else { parse_minor(text(key), scale).unwrap() };
        let scale = assets.iter().find(|asset| asset.code.as_str() == text("asset")).unwrap().scale;
        let key = |is_value| (text("account").parse().unwrap(), text("asset").to_owned(), is_value);
        balances.insert(key(false), minor("units", scale));
        balances.insert(key(true), minor("debit", VALUE_SCALE) - minor("credit", VALUE_SCALE));
    }
    balances.retain(|_, minor| *minor != 0);
    balances
}

/// The same of a book in a database, against what its own report says. `SAFU_TEST_ENTRIES=100000` makes it the large book that
/// CI runs.
#[test]
fn journal_programs_agree_with_the_trial_balance_of_a_stored_book() {
    let sample = sample(9, entries_asked(), 24);
    let db = TestDb::sqlite();
    let book = stored::stored(&db, &sample);
    let reported = trial_balance(&book, &sample.assets);
    assert_eq!(reported, expected(&sample), "the report has the balances that were posted");
    each_program_finds(&reported, &sample.assets, None, |format, file| {
        let summary = book.export_journal(format, file).unwrap();
        assert_eq!(usize::try_from(summary.entries).unwrap(), sample.entries.len(), "{format:?}");
    });
}

#[test]
fn amounts_of_38_digits_survive() {
    recomputes(2, 300, 37, Some(80));
}

/// Beancount's own 28 digits do not hold such a book. It must say so, not accept a rounded one.
#[test]
fn beancount_refuses_what_it_would_round() {
    let Some(reader) = Reader::of(JournalFormat::Beancount, None) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("book");
    fs::write(&file, exported(&sample(2, 300, 37), JournalFormat::Beancount)).unwrap();
    assert!(reader.check(&file).is_err());
}

/// Changes the last digit of the amount in a line.
fn flip(line: &str, upward: bool) -> Option<String> {
    let (head, tail) = line.rsplit_once(' ')?;
    let digit = head.chars().last()?.to_digit(10)?;
    let flipped = if upward { digit.checked_add(1).filter(|d| *d < 10)? } else { digit.checked_sub(1)? };
    Some(format!("{}{flipped} {tail}", head.get(..head.len() - 1)?))
}

fn is_posting(line: &str) -> bool {
    line.starts_with(' ') && line.contains(':') && !line.contains(" = ") && !line.trim_start().starts_with([';', 'e', 'r', 'n'])
}

#[test]
fn one_unit_more_in_one_line_is_refused_by_each_program() {
    let sample = sample(3, 400, 24);
    let folder = tempfile::tempdir().unwrap();
    for format in JOURNALS {
        let Some(reader) = Reader::of(format, None) else { continue };
        let lines: Vec<String> = exported(&sample, format).lines().map(str::to_owned).collect();
        let postings: Vec<usize> = (0..lines.len()).filter(|at| is_posting(&lines[*at])).collect();
        assert!(postings.len() > 1_000, "{format:?}");
        let file = folder.path().join(format.name());
        fs::write(&file, lines.join("\n")).unwrap();
        reader.check(&file).unwrap();
        let mut dice = Dice(7);
        let mut tried = 0;
        while tried < 8 {
            let at = postings[dice.below(postings.len())];
            let Some(flipped) = flip(&lines[at], true) else { continue };
            tried += 1;
            let mut changed = lines.clone();
            changed[at] = flipped;
            fs::write(&file, changed.join("\n")).unwrap();
            assert!(reader.check(&file).is_err(), "{format:?} accepts {} for {}", changed[at], lines[at]);
        }
    }
}

/// Two lines of one entry changed by one unit against each other still balance; only the closing balances tell.
#[test]
fn one_unit_moved_between_accounts_is_refused_by_the_closing_balances() {
    let sample = sample(4, 400, 24);
    let folder = tempfile::tempdir().unwrap();
    for format in JOURNALS {
        let Some(reader) = Reader::of(format, None) else { continue };
        let lines: Vec<String> = exported(&sample, format).lines().map(str::to_owned).collect();
        let name = |line: &str| line.trim().split("  ").next().unwrap_or_default().to_owned();
        let symbol = |line: &str| line.rsplit_once(' ').map(|(_, symbol)| symbol.to_owned());
        let is_credit = |line: &str| line.trim().contains("  -");
        let pair = (1..lines.len()).find_map(|at| {
            let (a, b) = (&lines[at - 1], &lines[at]);
            let fits = is_posting(a) && is_posting(b) && name(a) != name(b) && symbol(a) == symbol(b);
            // With like signs one digit goes up and the other down; with unlike signs both go up.
            let changed = (flip(a, true)?, flip(b, is_credit(a) != is_credit(b))?);
            fits.then_some((at, changed))
        });
        let (at, (first, second)) = pair.expect("the sample has such a pair");
        let mut changed = lines.clone();
        (changed[at - 1], changed[at]) = (first, second);
        let file = folder.path().join(format.name());
        fs::write(&file, changed.join("\n")).unwrap();
        let said = reader.check(&file).expect_err("moved a unit and nobody noticed").to_lowercase();
        assert!(
            said.contains("assertion") || said.contains("balance failed"),
            "{format:?} refuses for another reason: {said:.2000}"
        );
    }
}

#[test]
fn csv_has_a_row_and_jsonl_an_object_for_each_and_both_give_the_balances() {
    let sample = sample(5, 500, 37);
    let text = exported(&sample, JournalFormat::Csv);
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let heading = rows.headers().unwrap().clone();
    let mut from_csv = Balances::new();
    let add = |sums: &mut Balances, account: i64, code: &str, units: &str, value: &str| {
        let scale = sample.assets.iter().find(|a| a.code.as_str() == code).unwrap().scale;
        let account = i32::try_from(account).unwrap();
        *sums.entry((account, code.into(), false)).or_default() += parse_minor(units, scale).unwrap();
        *sums.entry((account, code.into(), true)).or_default() += parse_minor(value, 8).unwrap();
    };
    for row in rows.records() {
        let row = row.unwrap();
        let field = |key: &str| &row[heading.iter().position(|h| h == key).unwrap()];
        for word in ["memo", "account_name"] {
            assert!(!field(word).starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{row:?}");
        }
        add(&mut from_csv, field("account").parse().unwrap(), field("asset"), field("units"), field("value"));
    }
    let mut from_jsonl = Balances::new();
    let text = exported(&sample, JournalFormat::Jsonl);
    assert_eq!(text.lines().count(), sample.entries.len());
    for (line, entry) in text.lines().zip(&sample.entries) {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(object["memo"], entry.memo.as_str());
        assert_eq!(object["entry"], entry.no.0);
        for line in object["lines"].as_array().unwrap() {
            let text = |key: &str| line[key].as_str().unwrap();
            add(&mut from_jsonl, line["account"].as_i64().unwrap(), text("asset"), text("units"), text("value"));
        }
    }
    for sums in [&mut from_csv, &mut from_jsonl] {
        sums.retain(|_, minor| *minor != 0);
    }
    assert_eq!(from_csv, expected(&sample));
    assert_eq!(from_jsonl, expected(&sample));
}

#[test]
fn an_entry_without_a_closing_balance_stops_the_export() {
    let mut sample = sample(6, 5, 10);
    sample.closing.pop();
    let result =
        write_journal(JournalFormat::Hledger, &sample.book(), sample.entries.iter().map(book::Kept::borrowed), std::io::sink());
    assert!(matches!(result, Err(ExportError::NoClosing { .. })), "{result:?}");
}

/// Keeps the files for a look: `SAFU_TEST_KEEP=folder cargo test --test it exports`.
#[test]
fn a_small_export_reads_like_a_journal() {
    let sample = sample(8, 9, 12);
    for format in JournalFormat::ALL {
        let text = exported(&sample, format);
        if let Some(folder) = std::env::var_os("SAFU_TEST_KEEP").map(PathBuf::from) {
            fs::write(folder.join(format!("sample.{}", format.name())), &text).unwrap();
        }
        assert!(text.ends_with('\n'), "{format:?}");
        // No memo opens a line of its own; in CSV it may go on inside quotes.
        let forged = text.lines().any(|line| line.starts_with("2019-01-01 open") || line.trim_end() == "    Assets:1110  5 BTC");
        assert!(!forged || format == JournalFormat::Csv, "{format:?}");
    }
}
