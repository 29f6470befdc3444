//! The signal to stop: what is under way is finished, and the book is one closed file.

use crate::support::child::{Child, eventually};
use crate::support::database::TestDb;
use crate::support::server::new_book;
use safu_ledger::service::Call;
use safu_ledger::service::keys::KeyScope;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

const BODY: &str = r#"[{"external_id":"e/1","venue":"spot","business_date":"2019-05-07","fee_asset":"BTC","net_fee":"1"}]"#;

#[test]
fn a_request_under_way_is_finished_and_the_book_is_closed() {
    let db = TestDb::sqlite();
    let book = new_book(&db);
    let key = book.create_key(&Call::fresh("cli:test"), "feeder", KeyScope::Feed, None).unwrap().secret;
    book.store.close();
    let folder = tempfile::tempdir().unwrap();
    let child = Child::start(db.url(), folder.path(), &["--patience", "20"]);
    let address = child.origin.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let (first, rest) = BODY.split_at(30);
    write!(
        stream,
        "POST /api/v1/contributions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nIdempotency-Key: k\r\nContent-Type: \
         application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{first}",
        BODY.len()
    )
    .unwrap();
    // The server has begun with it once it has read what there is.
    std::thread::sleep(Duration::from_millis(500));
    child.signal("TERM");
    eventually("no new connections", || TcpStream::connect(&address).is_err());
    assert!(child.runs(), "it did not wait for what is under way");
    stream.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    eventually("it ends", || !child.runs());
    assert!(child.logged().contains("the book is closed"), "{}", child.logged());
    let path = db.url().trim_start_matches("sqlite://");
    assert!(!Path::new(&format!("{path}-wal")).exists(), "the log of writes was not taken into the book");
    let kept: i64 =
        rusqlite::Connection::open(path).unwrap().query_row("SELECT count(*) FROM contribution", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 1);
}

#[test]
fn a_request_that_never_ends_does_not_keep_it_from_stopping() {
    let db = TestDb::sqlite();
    drop(new_book(&db));
    let folder = tempfile::tempdir().unwrap();
    let child = Child::start(db.url(), folder.path(), &["--patience", "1"]);
    let mut stream = TcpStream::connect(child.origin.trim_start_matches("http://")).unwrap();
    stream.write_all(b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nlogin=").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    child.signal("TERM");
    eventually("it ends", || !child.runs());
}
