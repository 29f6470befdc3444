//! Reports, verification and export, beside programs that compute the same from a journal.

use crate::book::Bench;
use crate::full;
use crate::table::{at_least, at_most, in_turns, left_out, median, millis, note, time};
use jiff::Timestamp;
use rusqlite::Connection;
use safu_ledger::domain::account::{Account, AccountClass, AccountNo};
use safu_ledger::domain::amount::{Quantity, Value};
use safu_ledger::domain::asset::{Asset, AssetCode, AssetId};
use safu_ledger::domain::entry::{Dims, Posting};
use safu_ledger::domain::event::Event;
use safu_ledger::domain::ids::EntryNo;
use safu_ledger::domain::text::Name;
use safu_ledger::report::export::{Book as ExportBook, Closing, ExportEntry, JournalFormat, JournalWriter};
use safu_ledger::service::verify::verify as verify_book;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const MILLION: usize = 1_000_000;

/// A journal of `count` transactions of two postings, as hledger reads it.
fn journal(count: usize, path: &Path) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    for n in 0..count {
        let fee = n % 9_973;
        writeln!(
            out,
            "2019-05-07 c{n}\n  assets:receivable:BTC  0.10{fee:04} BTC\n  income:contributions:BTC  -0.10{fee:04} BTC\n"
        )
        .unwrap();
    }
}

fn seconds_of(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Option<f64> {
    let mut ok = true;
    let took = time(|| {
        ok = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    });
    ok.then_some(took.as_secs_f64())
}

/// What hledger takes for the balances of a million transactions. It is measured on fewer and scaled up unless the whole size is
/// asked for; its time grows at least in proportion.
fn hledger_seconds() -> Option<f64> {
    let count = if full() { MILLION } else { MILLION / 20 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.journal");
    journal(count, &path);
    let took = seconds_of("hledger", &["-f", &path.display().to_string(), "balance", "-N"])?;
    Some(took * (MILLION / count) as f64)
}

fn cold(bench: &Bench, report: &str) -> f64 {
    let database = format!("sqlite://{}", bench.path().display());
    let args = ["--database", &database, "report", report, "--format", "json"];
    let runs = (0..5).map(|_| seconds_of(env!("CARGO_BIN_EXE_safu"), &args).expect("the report works"));
    median(runs.collect())
}

/// P5: a report from a cold process.
pub fn cold_reports() {
    let (small, large) = (Bench::filled(12_000), Bench::filled(if full() { 10 * MILLION } else { MILLION }));
    let hledger = hledger_seconds();
    for (bar, report) in [("P5 trial balance", "trial-balance"), ("   coverage", "coverage")] {
        let (few, many) = (cold(&small, report), cold(&large, report));
        match hledger {
            Some(other) => {
                let name = format!("{bar}, cold process at 1M, to hledger");
                at_least(&name, &millis(many), &format!("{other:.1} s"), other / many, 1_000.0);
            }
            None => left_out(bar, "hledger is not installed"),
        }
        at_most(&format!("   {report}, large book to 12k"), &millis(many), &millis(few), many / few, 1.5);
    }
    let nothing = median((0..5).map(|_| seconds_of(env!("CARGO_BIN_EXE_safu"), &["--version"]).unwrap()).collect());
    let bare = median((0..5).map(|_| seconds_of("true", &[]).unwrap()).collect());
    note("   a process that does nothing: safu --version", &millis(nothing), &millis(bare), nothing / bare);
}

/// P7: a report as of a day, to summing what was posted until then.
pub fn as_of() {
    let bench = Bench::filled(MILLION);
    let query = [("as_of".to_owned(), crate::book::DAY.to_owned())];
    let raw = Connection::open(bench.path()).unwrap();
    let mut sum = raw
        .prepare(
            "SELECT asset_id, SUM(CAST(amount AS INTEGER)) FROM contribution WHERE business_date <= '2019-05-07' GROUP BY asset_id",
        )
        .unwrap();
    let (ours, floor) = in_turns(
        |_| time(|| drop(bench.book.report("trial-balance", &query).unwrap())).as_secs_f64(),
        |_| time(|| assert!(sum.query_map([], |row| row.get::<_, i64>(1)).unwrap().count() > 0)).as_secs_f64(),
    );
    at_least("P7 as-of report at 1M, to summing in SQL", &millis(ours), &millis(floor), floor / ours, 100.0);
}

/// P9: the whole verification.
pub fn verify() {
    let bench = Bench::filled(MILLION);
    let took = median((0..3).map(|_| time(|| drop(verify_book(&bench.book).unwrap())).as_secs_f64()).collect());
    match hledger_seconds() {
        Some(other) => {
            let name = "P9 verify of 1M, to hledger's balance";
            at_least(name, &format!("{took:.2} s"), &format!("{other:.1} s"), other / took, 50.0);
        }
        None => left_out("P9 verify of 1M", "hledger is not installed"),
    }
}

/// P10: megabytes of journal a second, to copying the same bytes into a file.
pub fn export() {
    let folder = tempfile::tempdir().unwrap();
    let name = |text: &str| Name::parse(text).unwrap();
    let assets =
        [Asset { id: AssetId(1), code: AssetCode::parse("USD").unwrap(), network: name("fiat"), scale: 2, own_token: false }];
    let accounts = [(1210, "Contributions receivable"), (4100, "Fee contributions")].map(|(no, text)| Account {
        no: AccountNo(no),
        name: text.to_owned(),
        class: AccountClass::of(AccountNo(no)).unwrap(),
    });
    let entries = 200_000;
    let line = |account: i32, sign: i128| Posting {
        account: AccountNo(account),
        asset: AssetId(1),
        quantity: Quantity(sign * 12_345),
        value: Value(sign * 12_345_000_000),
        dims: Dims::default(),
        opens: None,
    };
    let postings = [line(1210, 1), line(4100, -1)];
    let closing = [(1210, 1), (4100, -1)].map(|(account, sign): (i32, i128)| Closing {
        account: AccountNo(account),
        asset: AssetId(1),
        quantity: Quantity(sign * 12_345 * entries),
        value: Value(sign * 12_345_000_000 * entries),
    });
    let book = ExportBook {
        name: "bench",
        functional: "USD",
        assets: &assets,
        accounts: &accounts,
        closing: &closing,
        wallets: &[],
        incidents: &[],
    };
    for format in [JournalFormat::Hledger, JournalFormat::Jsonl] {
        let path = folder.path().join(format.name());
        let write = |path: &Path| {
            let mut exporter = JournalWriter::new(format, &book, std::fs::File::create(path).unwrap()).unwrap();
            for no in 1..=entries {
                let entry = ExportEntry {
                    no: EntryNo(i64::try_from(no).unwrap()),
                    event: Event::Accrual,
                    effective_on: "2019-05-07".parse().unwrap(),
                    recorded_at: Timestamp::UNIX_EPOCH,
                    reverses: None,
                    memo: "Contributions of 2019-05-07",
                    postings: &postings,
                };
                exporter.entry(&entry).unwrap();
            }
            exporter.finish().unwrap();
        };
        write(&path);
        let bytes = std::fs::read(&path).unwrap();
        let megabytes = bytes.len() as f64 / 1e6;
        let (ours, floor) = in_turns(
            |_| megabytes / time(|| write(&path)).as_secs_f64(),
            |_| megabytes / time(|| std::fs::write(folder.path().join("copy"), &bytes).unwrap()).as_secs_f64(),
        );
        let name = format!("P10 export, {} (limit 100 MB/s)", format.name());
        at_least(&name, &format!("{ours:.0} MB/s"), &format!("{floor:.0} MB/s"), ours / 100.0, 1.0);
    }
}
