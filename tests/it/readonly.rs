//! The book stands still, by hand or because its database cannot be written: nothing is answered as done that is not durable, everybody
//! is told, and it goes on without a restart.

#[path = "readonly/by_hand.rs"]
mod by_hand;
#[path = "readonly/classified.rs"]
mod classified;
#[path = "readonly/lost.rs"]
mod lost;

use crate::support::server::{Answer, Ask};
use safu_ledger::store::conn::DatabaseUrl;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Threads that post at the same time.
const SENDERS: usize = 6;
/// Events a request: enough that a few requests need more room on the disk.
const EVENTS: usize = 40;

/// What was sent under which key, and whether any answer to it was a success.
type Sent = BTreeMap<String, bool>;

/// The body under a key: its events carry the key in their ids.
fn body(key: &str) -> String {
    let event = |no: usize| json!({"external_id": format!("{key}/{no:03}"), "venue": "spot", "business_date": "2019-05-07", "fee_asset": "BTC", "net_fee": "0.5"});
    json!((0..EVENTS).map(event).collect::<Vec<_>>()).to_string()
}

/// How requests reach the server.
trait Target: Sync {
    fn origin(&self) -> &str;
    fn key(&self) -> &str;
    fn agent(&self) -> &ureq::Agent;
}

fn post(target: &impl Target, key: &str) -> Option<Answer> {
    let ask = Ask::new(target.origin(), target.agent(), "POST", "/api/v1/contributions").key(target.key());
    ask.idempotent(key).body("application/json", body(key)).try_send().ok()
}

fn get(target: &impl Target, path: &str) -> Option<Answer> {
    Ask::new(target.origin(), target.agent(), "GET", path).try_send().ok()
}

/// Posts from several threads until `enough` says so, and gives what was sent. Every refusal must be one that tells to come back.
fn post_until(target: &impl Target, run: &str, enough: impl FnOnce()) -> Sent {
    let (done, sent) = (AtomicBool::new(false), Mutex::new(Sent::new()));
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (done, sent) = (&done, &sent);
            scope.spawn(move || {
                for no in 0.. {
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                    let key = format!("{run}-{sender}-{no:05}");
                    let answer = post(target, &key);
                    if let Some(answer) = answer.as_ref().filter(|answer| answer.status != 201) {
                        come_back(answer);
                        std::thread::sleep(std::time::Duration::from_millis(20));
                    }
                    sent.lock().unwrap().insert(key, answer.is_some_and(|answer| answer.status == 201));
                }
            });
        }
        enough();
        done.store(true, Ordering::Relaxed);
    });
    sent.into_inner().unwrap()
}

/// A refusal that tells to come back, as a problem.
#[track_caller]
fn come_back(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    answer.refused("unavailable");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
}

/// Keys whose events are in the book, all of each; fails when a request is there in part.
fn recorded(database: &str) -> Vec<String> {
    use diesel::prelude::*;
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        external_id: String,
    }
    let mut conn = DatabaseUrl::parse(database).unwrap().connect().unwrap();
    let sql = "SELECT external_id FROM contribution";
    let rows: Vec<Row> = match &mut conn {
        safu_ledger::store::conn::Conn::Sqlite(c) => diesel::sql_query(sql).load(c).unwrap(),
        #[cfg(feature = "postgres")]
        safu_ledger::store::conn::Conn::Postgres(c) => diesel::sql_query(sql).load(c).unwrap(),
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.external_id.split('/').next().unwrap().to_owned()).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count == EVENTS), "a request is recorded in part");
    counts.into_keys().collect()
}

/// After a failure: what was answered as done is in the book; what was not can be sent again, and all is there once; and the book is whole.
fn settle(target: &impl Target, database: &str, sent: &Sent) {
    let there = recorded(database);
    let lost: Vec<_> = sent.iter().filter(|(key, done)| **done && !there.contains(key)).collect();
    assert!(lost.is_empty(), "answered as done, and not in the book: {lost:?}");
    for key in sent.iter().filter(|(_, done)| !**done).map(|(key, _)| key) {
        let again = post(target, key).expect("an answer");
        assert!(matches!(again.status, 200 | 201), "{key}: {again:?}");
    }
    assert_eq!(recorded(database), sent.keys().cloned().collect::<Vec<_>>());
    let safu = std::process::Command::new(env!("CARGO_BIN_EXE_safu")).args(["--database", database, "verify"]).output().unwrap();
    assert!(safu.status.success(), "{}", String::from_utf8_lossy(&safu.stdout));
}
