//! Single contribution events over HTTP.

use crate::support::server::TestServer;
use serde_json::{Value, json};

fn event(id: &str, net_fee: &str) -> Value {
    json!({"external_id": id, "venue": "spot", "business_date": "2019-05-07", "pair": "BTC-USDT", "fee_asset": "BTC", "net_fee": net_fee})
}

on_both_engines!(events_are_recorded_once_and_read_back, |db| {
    let server = TestServer::start(&db);
    let first = server.events("k-1", &json!([event("a/1", "1"), event("a/2", "0.5"), event("a/1", "1")]));
    assert_eq!((first.status, &first.json()["accepted"], &first.json()["known"]), (201, &json!(2), &json!(1)), "{first:?}");
    assert_eq!(first.header("idempotent-replayed"), None);

    let again = server.events("k-1", &json!([event("a/1", "1"), event("a/2", "0.5"), event("a/1", "1")]));
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));

    let other = server.events("k-1", &json!([event("a/1", "2")]));
    assert_eq!((other.status, other.refused("idempotency-conflict")["number"].as_u64()), (422, Some(1203)));

    let known = server.events("k-2", &json!([event("a/1", "1")]));
    assert_eq!((&known.json()["accepted"], &known.json()["known"]), (&json!(0), &json!(1)), "{known:?}");

    let conflict = server.events("k-3", &json!([event("a/9", "1"), event("a/1", "7")]));
    assert_eq!(conflict.status, 409);
    assert!(conflict.refused("event-conflict")["errors"][0]["pointer"].as_str().unwrap().starts_with("/1"));

    let list = server.get("/api/v1/contributions?limit=1").key(&server.feed_key).send();
    let items = list.json();
    assert_eq!(items["items"].as_array().map(Vec::len), Some(1));
    let next = &items["next"];
    let rest = server.get(&format!("/api/v1/contributions?limit=5&cursor={next}")).key(&server.feed_key).send().json();
    assert_eq!((&rest["items"][0]["external_id"], &rest["next"]), (&json!("a/2"), &Value::Null));
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(1), "the refused request left nothing: {rest}");

    let one = server.get("/api/v1/contributions/a/2?venue=spot").key(&server.feed_key).send().json();
    assert_eq!((&one["net_fee"], &one["contribution"]), (&json!("0.50000000"), &json!("0.05000000")));
    server.get("/api/v1/contributions/a/9?venue=spot").key(&server.feed_key).send().refused("not-found");
});

on_both_engines!(lines_of_json_and_a_dry_run, |db| {
    let server = TestServer::start(&db);
    let body = format!("{}\n{}\n", event("n-1", "1"), event("n-2", "2"));
    let dry = server
        .post("/api/v1/contributions?dry_run=true")
        .key(&server.feed_key)
        .idempotent("n")
        .body("application/x-ndjson", body.clone());
    let dry = dry.send();
    assert_eq!((dry.status, &dry.json()["accepted"]), (201, &json!(2)), "{dry:?}");
    assert_eq!(server.get("/api/v1/contributions").key(&server.feed_key).send().json()["items"], json!([]));
    let wet =
        server.post("/api/v1/contributions").key(&server.feed_key).idempotent("n").body("application/x-ndjson", body).send();
    assert_eq!((wet.status, &wet.json()["accepted"]), (201, &json!(2)));
});
