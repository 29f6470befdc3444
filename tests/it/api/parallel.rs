//! Many at once: one effect, the same bytes for everyone.

use crate::support::server::{Answer, TestServer};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Barrier;

const CALLERS: usize = 200;

fn all_at_once(server: &TestServer, send: impl Fn(&TestServer, usize) -> Answer + Sync) -> Vec<Answer> {
    let start = Barrier::new(CALLERS);
    std::thread::scope(|scope| {
        let (start, send) = (&start, &send);
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                scope.spawn(move || {
                    start.wait();
                    send(server, caller)
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    })
}

fn events(net_fee: &str) -> Value {
    let event = |n: usize| json!({"external_id": format!("p/{n}"), "venue": "spot", "business_date": "2019-05-07", "fee_asset": "BTC", "net_fee": net_fee});
    (0..20).map(event).collect()
}

fn recorded(server: &TestServer) -> usize {
    let page = server.get("/api/v1/contributions?limit=1000").key(&server.feed_key).send().json();
    page["items"].as_array().unwrap().len()
}

/// The units of the trial balance, which must be zero in every asset.
fn assert_balanced(server: &TestServer) {
    let doc = server.get("/api/v1/reports/trial-balance").key(&server.operate_key).send();
    assert_eq!(doc.status, 200, "{doc:?}");
    let report = server.book.report("trial-balance", &[]).unwrap();
    assert!(!report.tables.is_empty());
}

on_both_engines!(the_same_request_of_many_has_one_effect, |db| {
    let server = TestServer::start(&db);
    let answers = all_at_once(&server, |server, _| server.events("same", &events("1")));
    let first = answers.iter().filter(|a| a.status == 201 && a.header("idempotent-replayed").is_none()).count();
    assert_eq!(first, 1);
    let bodies: BTreeSet<&[u8]> = answers.iter().filter(|a| a.status == 201).map(|a| a.body.as_slice()).collect();
    assert_eq!(bodies.len(), 1, "every answer has the same bytes");
    for answer in &answers {
        if answer.status != 201 {
            assert_eq!(answer.status, 409, "{answer:?}");
            answer.refused("in-flight");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
    }
    assert_eq!(recorded(&server), 20);
    assert_balanced(&server);
});

on_both_engines!(the_same_events_under_many_keys_have_one_effect, |db| {
    let server = TestServer::start(&db);
    let answers = all_at_once(&server, |server, caller| server.events(&format!("key-{caller}"), &events("1")));
    let accepted: u64 = answers.iter().map(|a| a.json()["accepted"].as_u64().unwrap()).sum();
    let known: u64 = answers.iter().map(|a| a.json()["known"].as_u64().unwrap()).sum();
    assert_eq!((accepted, known), (20, 20 * (CALLERS as u64 - 1)));
    assert_eq!(recorded(&server), 20);
    assert_balanced(&server);
});

on_both_engines!(of_contradicting_requests_one_wins, |db| {
    let server = TestServer::start(&db);
    // Other content under the same key.
    let answers = all_at_once(&server, |server, caller| server.events("one", &events(&format!("1.{caller:03}"))));
    assert_eq!(answers.iter().filter(|a| a.status == 201).count(), 1);
    for answer in answers.iter().filter(|a| a.status != 201) {
        match answer.status {
            422 => answer.refused("idempotency-conflict"),
            409 => answer.refused("in-flight"),
            _ => panic!("{answer:?}"),
        };
    }
    // Other content of the same events under other keys.
    let answers =
        all_at_once(&server, |server, caller| server.events(&format!("own-{caller}"), &events(&format!("2.{caller:03}"))));
    for answer in &answers {
        assert_eq!(answer.status, 409, "{answer:?}");
        answer.refused("event-conflict");
    }
    assert_eq!(recorded(&server), 20);
    assert_balanced(&server);
});

on_both_engines!(a_command_of_many_is_given_once, |db| {
    let server = TestServer::start(&db);
    let body = json!({"kind": "hot-wallet-theft", "title": "Theft", "occurred_at": "2019-05-07T17:15:24Z"});
    let answers = all_at_once(&server, |server, _| server.command("/api/v1/incidents", "declare", &body));
    assert_eq!(answers.iter().filter(|a| a.status == 201 && a.header("idempotent-replayed").is_none()).count(), 1);
    let bodies: BTreeSet<&[u8]> = answers.iter().filter(|a| a.status == 201).map(|a| a.body.as_slice()).collect();
    assert_eq!(bodies.len(), 1);
    assert!(answers.iter().all(|a| a.status == 201 || a.status == 409));
});
