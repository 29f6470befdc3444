//! Reports, verification and export, beside programs that compute the same from a journal.

use crate::book::Bench;
use crate::full;
use crate::journals::{HLEDGER, MILLION, RUSTLEDGER, TACKLER, seconds_of};
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
use std::path::Path;

fn cold(bench: &Bench, report: &str) -> f64 {
    let database = format!("sqlite://{}", bench.path().display());
    let args = ["--database", &database, "report", report, "--format", "json"];
    let runs = (0..5).map(|_| seconds_of(env!("CARGO_BIN_EXE_safu"), &args).expect("the report works"));
    median(runs.collect())
}

/// P5: a report from a cold process.
pub fn cold_reports() {
    let (small, million) = (Bench::filled(12_000), Bench::filled(MILLION));
    let (large, size) = if full() { (Some(Bench::filled(10 * MILLION)), "10M") } else { (None, "1M") };
    let others =
        [(&HLEDGER, 1_000.0), (&TACKLER, 50.0)].map(|(program, wanted)| (program, program.seconds_of_a_million(), wanted));
    for (bar, report) in [("P5 trial balance", "trial-balance"), ("   coverage", "coverage")] {
        let (few, many) = (cold(&small, report), cold(&million, report));
        for (program, seconds, wanted) in &others {
            let name = format!("{bar}, cold process at 1M, to {}", program.name);
            match seconds {
                Some(other) => at_least(&name, &millis(many), &format!("{other:.1} s"), other / many, *wanted),
                None => left_out(&name, &format!("{} is not installed", program.name)),
            }
        }
        let most = large.as_ref().map_or(many, |large| cold(large, report));
        at_most(&format!("   {report}, book of {size} to 12k"), &millis(most), &millis(few), most / few, 1.5);
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
    for (program, wanted) in [(&HLEDGER, 50.0), (&RUSTLEDGER, 5.0)] {
        let name = format!("P9 verify of 1M, to {}", program.name);
        match program.seconds_of_a_million() {
            Some(other) => at_least(&name, &format!("{took:.2} s"), &format!("{other:.1} s"), other / took, wanted),
            None => left_out(&name, &format!("{} is not installed", program.name)),
        }
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
