//! `safu contributions` as its users run it: files, folders, exit codes, and a kill at any moment.

use super::book::*;
use crate::support::database::TestDb;
use crate::support::server::TestServer;
use safu_ledger::domain::contribution::rows::COLUMNS;
use safu_ledger::web::app::Limits;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn safu(db: &TestDb, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safu"));
    command.args(["--database", db.url(), "contributions"]).args(args).env_remove("SAFU_SERVER").stdin(Stdio::null());
    command
}

fn run(db: &TestDb, args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = safu(db, args).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

#[test]
fn a_folder_is_submitted_in_order_and_its_outcomes_set_the_exit_code() {
    let db = TestDb::sqlite();
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let folder = tempfile::tempdir().unwrap();
    // Names sort against days and versions, so that only the manifests can put them in order.
    let second = write(folder.path(), "a.csv", &btc_file("2018-07-14", "3"));
    let first = write(folder.path(), "b.csv", &btc_file("2018-07-14", "2"));
    let bad = write(folder.path(), "c.csv", &btc_file("2018-07-15", "1"));
    let event = r#"{"external_id":"e-1","venue":"futures","business_date":"2018-07-14","fee_asset":"BTC","net_fee":"1"}"#;
    write(folder.path(), "d.events.ndjson", format!("{event}\n").as_bytes());
    write(folder.path(), "readme.txt", b"not a report");
    for (file, name, version) in [(&first, "spot-14", "1"), (&second, "spot-14", "2"), (&bad, "spot-15", "1")] {
        let (code, out, err) = run(&db, &["manifest", file, "--report-id", name, "--version", version, "--venue", "spot"]);
        assert_eq!((code, out.trim()), (0, format!("{file}.manifest.json").as_str()), "{err}");
    }
    assert_eq!(run(&db, &["manifest", &first]).0, 2, "a manifest is not replaced by accident");
    std::fs::write(&bad, btc_file("2018-07-15", "9")).unwrap();

    let dir = folder.path().display().to_string();
    let (code, out, err) = run(&db, &["submit", &dir, "--dry-run", "--json"]);
    assert_eq!(code, 3, "{err}");
    assert!(
        out.contains("waiting-for-version") && standing(&book).is_empty(),
        "in a dry run the second waits for the first: {out}"
    );

    let (code, out, err) = run(&db, &["submit", &dir, "--json"]);
    assert_eq!(code, 3, "{err}");
    let outcomes: Vec<Value> = serde_json::from_str(&out).unwrap();
    let states: Vec<&str> = outcomes.iter().map(|o| o["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["accepted", "accepted", "hash-mismatch", "recorded"], "{out}");
    assert_eq!(outcomes[1]["answer"]["version"], 2);
    assert!(err.contains("readme.txt: left out"), "{err}");
    assert_eq!(btc_on(&book, RECEIVABLE).0, 40_000_000);

    let (code, out, _) = run(&db, &["submit", &first, &second]);
    assert_eq!(code, 0);
    assert_eq!(out.matches("submitted before").count(), 2, "{out}");
    let (code, _, err) = run(&db, &["submit", &bad]);
    assert!(code == 4 && err.contains("SHA-256"), "{code} {err}");
    let (code, _, err) = run(&db, &["submit", folder.path().join("none.csv").to_str().unwrap()]);
    assert!(code == 2 && err.contains("safu contributions manifest"), "{err}");
    assert_eq!(btc_on(&book, RECEIVABLE).0, 40_000_000);
    assert_whole(&book);
}

#[test]
fn what_was_refused_is_asked_again_when_the_book_has_changed() {
    let db = TestDb::sqlite();
    let book = small_book(&db);
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "early.csv", &btc_file("2018-07-10", "1"));
    assert_eq!(run(&db, &["manifest", &file]).0, 0);
    let (code, _, err) = run(&db, &["submit", &file]);
    assert!(code == 4 && err.contains("no contribution policy"), "{err}");
    let terms = safu_ledger::service::policies::ContributionTerms::of_all_venues("0.2");
    book.set_contribution_policy(&fresh(), day("2018-07-01"), terms).unwrap();
    let (code, out, err) = run(&db, &["submit", &file, "--json"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("waiting-for-price"), "{out}");
}

#[test]
fn the_reading_commands_show_what_the_book_has() {
    let db = TestDb::sqlite();
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    submit(&book, &btc_file("2018-07-14", "10"), "spot-14", 1, None);
    submit(&book, &btc_file("2018-07-14", "7"), "spot-14", 2, Some(1));
    let mut bad = manifest(&btc_file("2018-07-15", "1"), "spot-15", 1, None);
    bad.control_totals.clear();
    bad.control_totals.insert(safu_ledger::domain::asset::AssetCode::parse("BTC").unwrap(), "2".to_owned());
    book.submit_report(&fresh(), bad.to_json().as_bytes(), btc_file("2018-07-15", "1")).unwrap();
    drop(book);
    for (args, parts) in [
        (vec!["list"], vec!["spot-14", "superseded", "restated", "rejected", "totals-mismatch"]),
        (vec!["list", "--state", "accepted"], vec!["0.7 BTC"]),
        (vec!["show", "2"], vec!["Control total", "0.7", "Against version 1: 1 rows differ", "-0.3"]),
        (vec!["show", "3"], vec!["/control_totals/BTC", "difference of -1"]),
        (vec!["show", "3", "--failed-rows"], vec!["row,column,value,problem,line", "/control_totals/BTC"]),
        (vec!["calendar", "--until", "2018-07-16"], vec!["Accepted late", "Missing", "futures: 3 missing"]),
        (vec!["ageing", "--as-of", "2018-07-23"], vec!["8–30 days", "0.7", "4,200.00"]),
    ] {
        let (code, out, err) = run(&db, &args);
        assert_eq!(code, 0, "{args:?}: {err}");
        let out = format!("{out}{err}");
        assert!(parts.iter().all(|part| out.contains(part)), "{args:?} lacks one of {parts:?}:\n{out}");
        assert_eq!(run(&db, &[args.as_slice(), &["--json"]].concat()).0, 0);
    }
    assert_eq!(run(&db, &["show", "9"]).0, 4);
    assert_eq!(run(&db, &["show", "2", "--failed-rows"]).0, 4);
}

#[test]
fn a_quarantine_is_ended_by_hand_and_a_price_lock_says_what_it_released() {
    let db = TestDb::sqlite();
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    submit(&book, &btc_file("2018-07-14", "10"), "spot-14", 1, None);
    submit(&book, &btc_file("2018-07-14", "7"), "spot-14", 1, None);
    submit(&book, &btc_file("2018-07-18", "1"), "spot-18", 1, None);
    drop(book);
    assert_eq!(run(&db, &["reject", "2"]).0, 2, "a reason is needed");
    let reject = ["reject", "2", "--reason", "sent twice", "--actor", "ana"];
    let (code, out, err) = run(&db, &[reject.as_slice(), &["--dry-run"]].concat());
    assert!(code == 0 && err.contains("nothing was recorded"), "{out}{err}");
    let (code, out, err) = run(&db, &reject);
    assert!(
        code == 0 && out.contains("Report 2 (spot-14 version 1) is rejected") && out.contains("higher version"),
        "{out}{err}"
    );
    let (code, _, err) = run(&db, &reject);
    assert!(code == 4 && err.contains("rejected already"), "{err}");
    let (code, out, _) = run(&db, &["show", "2"]);
    assert_eq!(code, 0);
    for part in ["by-hand", "sent twice", "cli:ana", "came before"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert_eq!(run(&db, &["show", "2", "--failed-rows"]).0, 4, "none of its rows failed");

    let lock_price = |more: &[&str]| {
        let args = [
            "--database",
            db.url(),
            "prices",
            "lock",
            "2018-07-18",
            "--price",
            "BTC=6100",
            "--price",
            "ETH=460",
            "--reason",
            "test",
        ];
        let done = Command::new(env!("CARGO_BIN_EXE_safu")).args(args).args(more).output().unwrap();
        (done.status.code().unwrap(), String::from_utf8(done.stdout).unwrap())
    };
    let (code, out) = lock_price(&["--dry-run", "--json"]);
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, answer["released"][0]["report_id"].as_str()), (0, Some("spot-18")), "{out}");
    let (code, out) = lock_price(&[]);
    let said = "Fee report 3 (spot-18 version 1, spot of 2018-07-18) is now accepted, entry ";
    assert!(code == 0 && out.contains(said), "{out}");
}

on_both_engines!(a_kill_at_any_moment_leaves_nothing_half_done, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let folder = tempfile::tempdir().unwrap();
    let mut rows = COLUMNS.join(",") + "\n";
    for n in 0..30_000 {
        rows.push_str(&format!("spot,2018-07-14,P{n}-BTC,BTC,10,100,100,0.001,0,0.001\n"));
    }
    let file = write(folder.path(), "big.csv", rows.as_bytes());
    assert_eq!(run(&db, &["manifest", &file]).0, 0);
    let mut kills = 0;
    for pause in [10, 60, 150, 300, 600, 900, 1_300] {
        let mut child = safu(&db, &["submit", &file]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        kills += i32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let standing = standing(&book);
        assert!(standing.is_empty() || standing == ["spot-2018-07-14 v1: accepted"], "{standing:?}");
        assert_eq!(btc_on(&book, RECEIVABLE).0, if standing.is_empty() { 0 } else { 300_000_000 });
    }
    assert!(kills > 0, "no process was killed before it was done");
    let (code, out, err) = run(&db, &["submit", &file, "--json"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("accepted"), "{out}");
    assert_eq!(standing(&book), ["spot-2018-07-14 v1: accepted"]);
    assert_eq!(btc_on(&book, RECEIVABLE).0, 300_000_000);
    assert_whole(&book);
});

#[test]
fn a_server_takes_files_with_a_key_and_gives_the_same_exit_codes() {
    let db = TestDb::sqlite();
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let server = TestServer::serve(book, Limits::default());
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "spot.csv", &btc_file("2018-07-14", "2"));
    assert_eq!(run(&db, &["manifest", &file]).0, 0);
    let event = r#"{"external_id":"e-1","venue":"futures","business_date":"2018-07-14","fee_asset":"BTC","net_fee":"1"}"#;
    write(folder.path(), "more.events.ndjson", format!("{event}\n").as_bytes());
    let dir = folder.path().display().to_string();
    let send = |key: &str, args: &[&str]| {
        // No database is named: nothing but the server may be used.
        let mut command = Command::new(env!("CARGO_BIN_EXE_safu"));
        command
            .current_dir(folder.path())
            .env_remove("SAFU_DATABASE_URL")
            .env("SAFU_SERVER", &server.origin)
            .env("SAFU_KEY", key);
        let done = command.args(["contributions", "submit"]).args(args).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
    };
    let (code, out, err) = send("", &[&dir]);
    assert!(code == 2 && err.contains("SAFU_KEY"), "{out}{err}");
    let (code, out, err) = send("safu_wrong_key", &[&dir]);
    assert!(code == 4 && out.contains("unauthenticated"), "{out}{err}");
    let (code, out, err) = send(&server.feed_key, &[&dir, "--dry-run", "--json"]);
    assert_eq!((code, standing(&server.book).len()), (0, 0), "{out}{err}");
    let (code, out, err) = send(&server.feed_key, &[&dir, "--json"]);
    assert_eq!(code, 0, "{out}{err}");
    let outcomes: Vec<Value> = serde_json::from_str(&out).unwrap();
    assert_eq!(outcomes.iter().map(|o| o["state"].as_str().unwrap()).collect::<Vec<_>>(), ["accepted", "recorded"]);
    let (code, out, _) = send(&server.feed_key, &[&dir]);
    assert!(code == 0 && out.matches("submitted before").count() == 2, "{out}");
    assert_eq!(btc_on(&server.book, RECEIVABLE).0, 30_000_000);
    std::fs::write(&file, btc_file("2018-07-14", "3")).unwrap();
    let (code, _, err) = send(&server.feed_key, &[&dir]);
    assert!(code == 3 && err.contains("SHA-256") && err.contains("1 of 2"), "{err}");
    let nobody = ["--server", "http://127.0.0.1:9", file.as_str()];
    assert_eq!(send(&server.feed_key, &nobody).0, 4);
    assert_whole(&server.book);
}
