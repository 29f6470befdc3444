//! Journals for other programs: they accept them, recompute every balance to the last unit, and refuse a changed one.

#[path = "exports/book.rs"]
mod book;
#[path = "exports/readers.rs"]
mod readers;

use book::{Dice, Sample, sample};
use readers::{Reader, expected};
use safu_ledger::report::export::{ExportError, JournalFormat, write_journal};
use std::fs;
use std::path::PathBuf;

const JOURNALS: [JournalFormat; 3] = [JournalFormat::Hledger, JournalFormat::Ledger, JournalFormat::Beancount];

fn exported(sample: &Sample, format: JournalFormat) -> String {
    let mut out = Vec::new();
    let summary = write_journal(format, &sample.book(), sample.entries.iter().map(book::Kept::borrowed), &mut out).unwrap();
    assert_eq!(usize::try_from(summary.bytes).unwrap(), out.len());
    assert_eq!(usize::try_from(summary.entries).unwrap(), sample.entries.len());
    String::from_utf8(out).unwrap()
}

fn recomputes(seed: u64, count: usize, amount_digits: usize, beancount_digits: Option<u32>) {
    let sample = sample(seed, count, amount_digits);
    let folder = tempfile::tempdir().unwrap();
    for format in JOURNALS {
        let Some(reader) = Reader::of(format, beancount_digits) else { continue };
        let file = folder.path().join(format.name());
        fs::write(&file, exported(&sample, format)).unwrap();
        reader.check(&file).unwrap_or_else(|said| panic!("{format:?} refuses the export:\n{said:.2000}"));
        assert_eq!(reader.balances(&file, &sample), expected(&sample), "{format:?}");
    }
}

/// `SAFU_TEST_ENTRIES=100000` makes it the large book that CI runs.
#[test]
fn journal_programs_recompute_every_balance_to_the_last_unit() {
    let asked = std::env::var("SAFU_TEST_ENTRIES").ok().map(|count| count.parse().unwrap());
    recomputes(1, asked.unwrap_or(3_000), 24, None);
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
    let mut from_csv = readers::Balances::new();
    let add = |sums: &mut readers::Balances, account: i64, code: &str, units: &str, value: &str| {
        let scale = sample.assets.iter().find(|a| a.code.as_str() == code).unwrap().scale;
        let account = i32::try_from(account).unwrap();
        *sums.entry((account, code.into(), false)).or_default() +=
            safu_ledger::domain::amount::parse_minor(units, scale).unwrap();
        *sums.entry((account, code.into(), true)).or_default() += safu_ledger::domain::amount::parse_minor(value, 8).unwrap();
    };
    for row in rows.records() {
        let row = row.unwrap();
        let field = |key: &str| &row[heading.iter().position(|h| h == key).unwrap()];
        for word in ["memo", "account_name"] {
            assert!(!field(word).starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{row:?}");
        }
        add(&mut from_csv, field("account").parse().unwrap(), field("asset"), field("units"), field("value"));
    }
    let mut from_jsonl = readers::Balances::new();
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
