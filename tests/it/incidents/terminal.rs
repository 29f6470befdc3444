//! The same way on the command line: data on stdout, words on stderr, documented exit codes.

use super::theft::{CODE, HEADER, Theft};
use crate::support::database::TestDb;
use std::process::{Command, Output};

/// Runs `safu` against the book.
fn safu(db: &TestDb, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safu"));
    command.args(["--database", db.url(), "--actor", "ana"]).args(args).env("NO_COLOR", "1").output().unwrap()
}

fn done(db: &TestDb, args: &[&str]) -> String {
    let output = safu(db, args);
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {words}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(db: &TestDb, args: &[&str], code: i32, word: &str) {
    let output = safu(db, args);
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {words}");
    assert!(words.contains(word), "{args:?}: {words}");
    assert!(output.stdout.is_empty(), "{args:?}");
}

on_both_engines!(an_incident_is_handled_on_the_command_line, |db| {
    drop(Theft::fund(&db, "us-gaap"));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let day = ["--on", "2019-05-08"];
    let declare = ["incidents", "declare", "--kind", "hot-wallet-theft", "--title", "Theft", "--occurred-at"];
    refused(&db, &[&declare[..], &["2999-01-01T00:00:00Z"]].concat(), 4, "after the declaration");
    refused(&db, &["incidents", "declare"], 2, "--kind");
    done(&db, &[&declare[..], &["2019-05-07T17:15:24Z", "--statement", "We pay.", "--statement-by", "CEO"]].concat());
    assert!(done(&db, &["incidents", "list"]).contains(CODE));
    let estimate = ["incidents", "estimate", CODE, "--asset", "BTC", "--case", "10", "--ibnr", "1"];
    done(&db, &[&estimate[..], &day[..]].concat());
    let recognise = [&["incidents", "recognise", CODE][..], &day[..]].concat();
    let preview = done(&db, &[&recognise[..], &["--dry-run"]].concat());
    assert!(preview.contains("E07"), "{preview}");
    assert_eq!(done(&db, &recognise), preview, "a dry run prints what the run prints");

    let bad = file("bad.csv", &format!("{HEADER}\na,u-1,BTC,4.5,bc1\nb,u-2,BTC,1e3,bc2\n"));
    refused(&db, &["claims", "import", CODE, &bad], 4, "row 2, column quantity");
    let good = file("claims.csv", &format!("{HEADER}\na,u-1,BTC,4.5,bc1\nb,u-2,BTC,5.5,bc2\n"));
    refused(&db, &["claims", "import", CODE, &good, "--total", "BTC=11"], 4, "sum to 10");
    let imported = done(&db, &["claims", "import", CODE, &good, "--rows", "2", "--total", "BTC=10"]);
    assert!(imported.contains("2 claims, numbers 1 to 2"), "{imported}");
    done(&db, &[&["claims", "approve", CODE][..], &day[..]].concat());
    let pay = ["payouts", "pay", CODE, "--asset", "BTC", "--wallet", "payout"];
    let list = file("transactions.csv", "claim_id,txid\nb,tx-b\n");
    done(&db, &[&pay[..], &day[..], &["--transactions", &list, "--network-fee", "0.001"]].concat());
    refused(&db, &[&pay[..], &day[..], &["--claims", "2", "--txid", "t"]].concat(), 4, "was paid by batch 1");
    done(&db, &[&pay[..], &day[..], &["--txid", "tx-a"]].concat());
    done(&db, &["recoveries", "memo", CODE, "--asset", "BTC", "--quantity", "3", "--channel", "police", "--note", "frozen"]);
    done(&db, &[&["recoveries", "recognise", CODE, "--asset", "BTC", "--quantity", "2"][..], &day[..]].concat());
    let receive = ["recoveries", "receive", CODE, "--asset", "BTC", "--quantity", "2", "--wallet", "cold"];
    done(&db, &[&receive[..], &day[..]].concat());
    refused(&db, &["incidents", "close", CODE], 4, "IBNR");
    done(&db, &[&["incidents", "estimate", CODE, "--asset", "BTC", "--ibnr", "0"][..], &day[..]].concat());
    done(&db, &["incidents", "close", CODE]);

    let shown: serde_json::Value = serde_json::from_str(&done(&db, &["--json", "incidents", "show", CODE])).unwrap();
    assert!(shown.to_string().contains("tx-b"), "{shown}");
    let claims = done(&db, &["claims", "list", CODE, "--format", "csv"]);
    assert!(claims.contains("a,u-1") && claims.contains("tx-a"), "{claims}");
    assert!(done(&db, &["claims", "show", CODE, "b"]).contains("tx-b"));
    assert!(done(&db, &["payouts", "list", CODE]).contains("0.001"));
    assert!(done(&db, &["payouts", "show", "1"]).contains("tx-b"));
    refused(&db, &["claims", "show", CODE, "z"], 4, "no claim");
    refused(&db, &["incidents", "show", "INC-1999-001"], 4, "no incident");
});
