//! Evidence: kept once by its content, given out as a download only, found by `safu verify` when it was touched.

use crate::small_book::{call, done, opened, person};
use crate::support::database::TestDb;
use crate::support::server::{TestServer, new_book};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use safu_ledger::domain::evidence::MAX_FILE_BYTES;
use safu_ledger::domain::outcome::OutcomeCode;
use safu_ledger::proof::merkle::sha256;
use safu_ledger::service::Call;
use safu_ledger::service::evidence::{self, AttachEvidence, GivenFile};
use safu_ledger::service::verify::verify;
use safu_ledger::web::app::Limits;
use serde_json::json;
use std::process::Command;

const PDF: &[u8] = b"%PDF-1.7 an invoice";

fn file(name: &str, bytes: &[u8]) -> GivenFile {
    GivenFile { name: name.to_owned(), bytes: bytes.into() }
}

on_both_engines!(a_file_is_kept_once_whatever_it_is_called, |db| {
    let book = opened(&db);
    let first = book.add_evidence(&call(), file("invoice.pdf", PDF)).unwrap();
    let second = book.add_evidence(&call(), file("copy of invoice.pdf", PDF)).unwrap();
    assert_eq!((first.status, second.status), (201, 200));
    assert_eq!(first.json(), second.json());
    let hash = hex::encode(sha256(PDF));
    assert_eq!(first.json()["sha256"], hash);
    let (row, bytes) = book.evidence(&hash).unwrap();
    assert_eq!((row.name.as_str(), bytes.as_slice()), ("invoice.pdf", PDF));
    let large: Vec<u8> = [PDF, &vec![0; MAX_FILE_BYTES - PDF.len()]].concat();
    done(book.add_evidence(&call(), file("large.pdf", &large)));
    assert_eq!(book.evidence(&hex::encode(sha256(&large))).unwrap().1, large);
    let too_large = book.add_evidence(&call(), file("large.pdf", &[large.as_slice(), b"x"].concat()));
    assert_eq!(too_large.unwrap_err().into_rejection().code, OutcomeCode::InvalidField);
    let verdict = verify(&book).unwrap();
    assert_eq!((verdict.finding_count, verdict.counts.evidence), (0, 2));
});

on_both_engines!(many_who_bring_the_same_file_bring_it_once, |db| {
    let book = opened(&db);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let bring = || book.add_evidence(&call(), file("invoice.pdf", PDF)).unwrap().status;
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(bring)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(verify(&book).unwrap().is_good());
});

on_both_engines!(a_file_is_attached_to_what_is_there_once, |db| {
    let book = crate::small_book::full(&db);
    let hash = done(book.add_evidence(&call(), file("note.txt", b"seen")))["sha256"].as_str().unwrap().to_owned();
    let ask = |subject: &str| AttachEvidence { sha256: hash.clone(), subject: subject.to_owned(), note: "seen".to_owned() };
    for subject in ["entry/1", "proposal/1", "incident/INC-1"] {
        done(book.attach_evidence(&call(), ask(subject)));
        let again = book.attach_evidence(&call(), ask(subject)).unwrap();
        assert_eq!(again.status, 409, "{subject}");
        assert_eq!(book.read(|conn| evidence::of(conn, subject)).unwrap()[0].1.note, "seen");
    }
    book.clock.set("2019-02-02T00:00:00Z".parse().unwrap());
    let closed = book.attach_evidence(&call(), ask("close/2019-01/statements")).unwrap();
    assert_eq!((closed.status, &closed.json()["code"]), (409, &serde_json::json!("period-closed")), "it is signed off");
    done(book.attach_evidence(&call(), ask("close/2019-02/statements")));
    let page = book.period_doc("2019-02").unwrap();
    let files = page.tables.iter().find(|table| table.id == "evidence").unwrap();
    assert!(files.rows.len() == 1 && format!("{:?}", files.rows[0]).contains("note.txt"), "{files:?}");
    assert!(verify(&book).unwrap().is_good());
    for nowhere in [
        "close/2019-03/statements",
        "close/2019-02/weather",
        "close/2019-02",
        "close/2019-2/statements",
        "entry/999",
        "entry/01",
        "entry/x",
        "incident/INC-2",
        "person/1",
        "entry",
        "",
    ] {
        assert_eq!(book.attach_evidence(&call(), ask(nowhere)).unwrap().status, 404, "{nowhere}");
    }
    let unknown = AttachEvidence { sha256: "0".repeat(64), ..ask("entry/1") };
    assert_eq!(book.attach_evidence(&call(), unknown).unwrap().status, 404);
});

on_both_engines!(under_four_eyes_only_those_with_a_role_bring_files, |db| {
    let book = opened(&db);
    for admin in ["ada", "abel"] {
        person(&book, admin, &["administrator"]);
    }
    let (paula, olga) = (person(&book, "paula", &["preparer"]), person(&book, "olga", &["auditor"]));
    person(&book, "ann", &["approver"]);
    let terms = json!({"one_up_to": "1", "two_up_to": "1", "committee": 1, "expire_hours": 72, "ratify_hours": 24});
    done(book.set_approval_terms(&call(), "2019-01-03".parse().unwrap(), serde_json::from_value(terms).unwrap()));
    let bring = |by: Call| book.add_evidence(&by, file("invoice.pdf", PDF)).map_err(|error| error.into_rejection().code);
    assert_eq!(bring(Call::fresh("person:olga").by(olga, true)).unwrap_err(), OutcomeCode::Forbidden);
    assert_eq!(bring(Call::fresh("person:paula").by(paula, false)).unwrap().status, 201);
});

on_both_engines!(it_goes_out_as_a_download_and_nothing_else, |db| {
    let server = TestServer::serve(new_book(&db), Limits::default());
    let send = |content: &[u8]| {
        let head = "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"..\\u202efdp.<b>.txt\"\r\n\r\n".as_bytes();
        let body = [head, content, b"\r\n--cut--\r\n"].concat();
        let ask = server.post("/api/v1/evidence").key(&server.operate_key).idempotent(&hex::encode(sha256(content)));
        ask.body("multipart/form-data; boundary=cut", body).send()
    };
    let added = send(b"<script>alert(1)</script>");
    assert_eq!(added.status, 201, "{}", added.text());
    let hash = added.json()["sha256"].as_str().unwrap().to_owned();
    let api = server.get(&format!("/api/v1/evidence/{hash}")).key(&server.operate_key).send();
    let page = server.get(&format!("/evidence/{hash}")).send();
    for got in [&api, &page] {
        assert_eq!((got.status, got.body.as_slice()), (200, &b"<script>alert(1)</script>"[..]));
        let name = format!("attachment; filename=\"evidence-{}.txt\"", &hash[..16]);
        assert_eq!(got.header("content-disposition"), Some(name.as_str()));
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(got.header("content-security-policy"), Some("default-src 'none'; sandbox"));
        assert_eq!(got.header("content-type"), Some("text/plain; charset=utf-8"));
    }
    send(b"a\0b").refused("invalid-field");
    server.get(&format!("/api/v1/evidence/{}", "0".repeat(64))).key(&server.operate_key).send().refused("not-found");
    let list = server.get("/evidence").send().text();
    assert!(list.contains(&hash) && !list.contains("<b>"), "{list}");
});

#[test]
fn the_command_line_adds_attaches_and_fetches() {
    let db = TestDb::sqlite();
    opened(&db);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("bill.pdf"), PDF).unwrap();
    let entry = json!({"on": "2019-01-02", "memo": "Custody fee", "reason": "Billed in arrears", "lines": [
        {"account": 5210, "asset": "USD", "side": "debit", "units": "7"},
        {"account": 2300, "asset": "USD", "side": "credit", "units": "7"}]});
    std::fs::write(path("entry.json"), entry.to_string()).unwrap();
    let safu = |args: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_safu")).args(args).env("SAFU_DATABASE_URL", db.url()).output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        done.stdout
    };
    let text = String::from_utf8(safu(&["entries", "post", &path("entry.json"), "--evidence", &path("bill.pdf")])).unwrap();
    assert!(text.starts_with("Entry 1 (E31)"), "{text}");
    let hash = hex::encode(sha256(PDF));
    assert!(String::from_utf8(safu(&["evidence", "list"])).unwrap().contains(&hash));
    assert_eq!(safu(&["evidence", "get", &hash]), PDF);
    std::fs::write(path("note.txt"), "seen").unwrap();
    let added = String::from_utf8(safu(&["evidence", "add", &path("note.txt")])).unwrap();
    safu(&["evidence", "attach", added.split_whitespace().next().unwrap(), "--to", "entry/1"]);
    safu(&["verify"]);
    let copy = path("copy.db");
    safu(&["backup", &copy]);
    let kept =
        Command::new(env!("CARGO_BIN_EXE_safu")).args(["-d", &format!("sqlite://{copy}"), "evidence", "get", &hash]).output();
    assert_eq!(kept.unwrap().stdout, PDF, "a backup has the files");
}

#[test]
fn a_file_that_was_touched_is_found() {
    let db = TestDb::sqlite();
    let book = opened(&db);
    done(book.add_evidence(&call(), file("invoice.pdf", PDF)));
    let path = db.url().trim_start_matches("sqlite://");
    let mut conn = SqliteConnection::establish(path).unwrap();
    let touch = "UPDATE evidence_content SET bytes = CAST('%PDF-1.7 another one' AS BLOB)";
    let refused = conn.batch_execute(touch).unwrap_err().to_string();
    assert!(refused.contains("append-only"), "{refused}");
    conn.batch_execute(&format!("DROP TRIGGER evidence_content_no_update; {touch}")).unwrap();
    let verdict = verify(&book).unwrap();
    assert!(verdict.findings[0].detail.contains("does not hash"), "{:?}", verdict.findings);
}
