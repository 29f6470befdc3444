//! What surrounds every request: keys, scopes, limits, headers, failures.

use crate::support::database::TestDb;
use crate::support::server::TestServer;
use safu_ledger::service::Call;
use safu_ledger::web::api::operations;
use safu_ledger::web::app::Limits;
use safu_ledger::web::operation::{Access, Method, Operation};
use serde_json::json;

const EVENTS: &str = "/api/v1/contributions";

fn sample_path(operation: &Operation) -> String {
    let params = operation.params.iter().filter(|param| param.in_path);
    params.fold(operation.full_path(), |path, param| path.replace(&format!("{{{}}}", param.name), param.example))
}

on_both_engines!(every_operation_wants_a_key_of_its_scope, |db| {
    let server = TestServer::start(&db);
    for operation in operations() {
        let path = sample_path(&operation);
        let ask = || match operation.method {
            Method::Get => server.get(&path),
            Method::Post => server.post(&path).idempotent("x").json(&json!({"x": 1})),
        };
        let name = format!("{} {path}", operation.method.name());
        let none = ask().send();
        none.refused("unauthenticated");
        assert!(none.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")), "{name}");
        let half = server.feed_key.rsplit_once('_').unwrap().0;
        for wrong in ["safu_x_y", "", half, &format!("{}0", server.feed_key), &server.feed_key.to_uppercase()] {
            assert_eq!(ask().key(wrong).send().status, 401, "{name} with {wrong:?}");
        }
        let basic = ask().header("Authorization", &format!("Basic {}", server.feed_key)).send();
        assert_eq!(basic.status, 401, "{name}");
        for (key, allowed) in
            [(&server.feed_key, operation.access != Access::Operate), (&server.operate_key, operation.access != Access::Feed)]
        {
            let answer = ask().key(key).send();
            assert_ne!(answer.status, 401, "{name}");
            assert_eq!(answer.status != 403, allowed, "{name}: {answer:?}");
        }
    }
});

on_both_engines!(a_revoked_key_is_refused_at_once, |db| {
    let server = TestServer::start(&db);
    assert_eq!(server.get(EVENTS).key(&server.feed_key).send().status, 200);
    server.book.revoke_key(&Call::fresh("cli:test"), "feeder").unwrap();
    server.get(EVENTS).key(&server.feed_key).send().refused("unauthenticated");
    assert_eq!(server.get(EVENTS).key(&server.operate_key).send().status, 200);
});
