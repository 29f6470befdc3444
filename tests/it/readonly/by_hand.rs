//! Somebody makes the book read-only.

use crate::support::child::Child;
use crate::support::database::TestDb;
use crate::support::server::{TestServer, new_book};
use safu_ledger::service::Call;
use safu_ledger::service::keys::KeyScope;
use safu_ledger::service::verify::verify;
use safu_ledger::web::app::Limits;
use serde_json::{Value, json};
use std::process::{Command, Output};

fn event(id: &str) -> Value {
    json!([{"external_id": id, "venue": "spot", "business_date": "2019-05-07", "fee_asset": "BTC", "net_fee": "1"}])
}

fn safu(database: &str, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_safu")).args(["--database", database]).args(args).env("NO_COLOR", "1").output().unwrap()
}

const SWITCH: &str = "/api/v1/mode";

on_both_engines!(a_switch_stops_every_command_and_is_kept_in_the_log, |db| {
    let server = TestServer::serve(new_book(&db), Limits::default());
    assert_eq!(server.events("before", &event("e/1")).status, 201);
    let off = json!({"read_only": true, "reason": "wallets move <b>tonight</b>"});
    assert_eq!(server.command(SWITCH, "off", &off).status, 201);
    server.command(SWITCH, "off-again", &off).refused("wrong-state");
    for answer in [
        server.events("during", &event("e/2")),
        server.command("/api/v1/venues-are-not-an-operation", "x", &json!({})),
        server.command("/api/v1/prices/locks", "locks", &json!({"day": "2019-05-08", "given": {"source": "t", "prices": {}}})),
    ] {
        if answer.status != 404 {
            let problem = answer.refused("read-only");
            assert!(problem["detail"].as_str().unwrap().contains("wallets move"), "{problem}");
            assert!(answer.header("retry-after").is_some());
        }
    }
    // What was recorded is still answered, and read.
    assert_eq!(server.events("before", &event("e/1")).status, 201);
    let page = server.get("/journal").send();
    assert!(page.status == 200 && page.text().contains("Read-only since") && page.text().contains("wallets move &#60;b&#62;"));
    let ready = server.get("/readyz").send();
    assert!(ready.status == 200 && ready.text().contains("Read-only since"), "{ready:?}");
    let mode = server.get(SWITCH).key(&server.feed_key).send().json();
    assert_eq!((&mode["mode"], &mode["read_only"]), (&json!("switched-read-only"), &json!(true)));
    // The command line of another process sees it, and switches back.
    assert!(!safu(db.url(), &["venues", "add", "moon", "--first-due", "2026-01-01"]).status.success());
    let shown = safu(db.url(), &["mode", "show"]);
    assert!(String::from_utf8(shown.stdout).unwrap().contains("wallets move"), "it says why");
    assert!(safu(db.url(), &["mode", "open", "--reason", "done"]).status.success());
    assert_eq!(server.events("during", &event("e/2")).status, 201, "the key of a refused request is free");
    crate::support::child::eventually("the banner goes", || !server.get("/journal").send().text().contains("Read-only since"));
    assert!(verify(&server.book).unwrap().is_good());
});

#[test]
fn a_server_started_read_only_takes_no_command_while_another_does() {
    let db = TestDb::sqlite();
    let book = new_book(&db);
    let key = |name: &str, scope| book.create_key(&Call::fresh("cli:test"), name, scope, None).unwrap().secret;
    let (feed, operate) = (key("feeder", KeyScope::Feed), key("operator", KeyScope::Operate));
    let folder = tempfile::tempdir().unwrap();
    let child = Child::start(db.url(), folder.path(), &["--read-only"]);
    let post = |path: &str, key: &str, body: &Value| child.post(path).key(key).idempotent("k").json(body).send();
    post("/api/v1/contributions", &feed, &event("e/1")).refused("read-only");
    post(SWITCH, &operate, &json!({"read_only": false, "reason": "x"})).refused("read-only");
    let page = child.get("/").send();
    assert!(page.status == 200 && page.text().contains("this server was started so"), "{page:?}");
    assert!(safu(db.url(), &["venues", "add", "moon", "--first-due", "2026-01-01"]).status.success());
}
