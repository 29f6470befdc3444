//! The table of outcomes, walked: what each code is provoked by, and that the first group that applies is the answer.

use crate::support::database::TestDb;
use crate::support::server::{Answer, TestServer};
use safu_ledger::domain::outcome::OutcomeCode;
use safu_ledger::web::app::Limits;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn event(id: &str) -> Value {
    json!({"external_id": id, "venue": "spot", "business_date": "2019-05-07", "fee_asset": "BTC", "net_fee": "1"})
}

fn with(mut value: Value, name: &str, other: &str) -> Value {
    value[name] = json!(other);
    value
}

/// Posts with the key of the operator (finance) or of the feeder.
fn post(server: &TestServer, path: &str, key: Option<&str>, body: impl Into<Vec<u8>>) -> Answer {
    let secret = if path.ends_with("/contributions") { &server.feed_key } else { &server.operate_key };
    let ask = server.post(path).key(secret).body("application/json", body);
    match key {
        Some(key) => ask.idempotent(key).send(),
        None => ask.send(),
    }
}

const EVENTS: &str = "/api/v1/contributions";

#[test]
fn the_first_group_that_applies_is_the_answer() {
    let db = TestDb::sqlite();
    let server = TestServer::start_with(&db, Limits { json_bytes: 4_096, ..Limits::default() });
    assert_eq!(server.events("used", &json!([event("e/1")])).status, 201);
    let none: Option<&str> = None;
    let contradicting = json!([with(event("e/1"), "net_fee", "2")]).to_string();
    let unknown_asset = json!([with(event("e/2"), "fee_asset", "XRP")]).to_string();
    let cases: &[(&str, Option<&str>, String, &str)] = &[
        // structural before idempotency
        ("too large, no key", none, " ".repeat(5_000), "body-too-large"),
        ("not JSON, no key", none, "[{".to_owned(), "malformed"),
        ("unknown field and bad value, no key", none, r#"[{"external_id":"e","venu":"spot"}]"#.to_owned(), "unknown-field"),
        ("bad value, used key", Some("used"), json!([with(event("e/1"), "net_fee", "1e5")]).to_string(), "invalid-field"),
        // idempotency before context and references
        ("good, no key", none, json!([event("e/3")]).to_string(), "idempotency-key-missing"),
        ("good, key with a space", Some("a b"), json!([event("e/3")]).to_string(), "idempotency-key-invalid"),
        ("contradiction, used key", Some("used"), contradicting.clone(), "idempotency-conflict"),
        ("contradiction, own key", Some("own"), contradicting, "event-conflict"),
        // references
        ("unknown asset, own key", Some("own-2"), unknown_asset, "unknown-asset"),
        ("unknown venue, own key", Some("own-3"), json!([with(event("e/4"), "venue", "moon")]).to_string(), "unknown-venue"),
    ];
    for (what, key, body, code) in cases {
        let answer = post(&server, EVENTS, *key, body.clone());
        assert_eq!(answer.json()["code"], *code, "{what}: {answer:?}");
    }
    let ask = || server.post(EVENTS).body("application/json", "[{");
    ask().send().refused("unauthenticated");
    ask().key(&server.operate_key).send().refused("forbidden");
    let media = server.post(EVENTS).key(&server.feed_key).body("text/plain", "[{").send();
    assert_eq!(media.refused("unsupported-media-type")["status"], 415);
    let query = server.post("/api/v1/contributions?dryrun=true").key(&server.feed_key).json(&json!([event("e/5")])).send();
    query.refused("unknown-field");
    let twice = server.post(EVENTS).key(&server.feed_key).idempotent("a").idempotent("b").json(&json!([event("e/5")])).send();
    twice.refused("idempotency-key-invalid");
}

#[test]
fn codes_are_provoked_over_http() {
    let db = TestDb::sqlite();
    let server = TestServer::start_with(&db, Limits { json_bytes: 100_000, ..Limits::default() });
    let seen = std::cell::RefCell::new(BTreeSet::new());
    let number = std::cell::Cell::new(0);
    let expect = |code: &str, answer: Answer| {
        answer.refused(code);
        seen.borrow_mut().insert(code.to_owned());
    };
    let fresh = || {
        number.set(number.get() + 1);
        format!("w-{}", number.get())
    };
    let finance = |path: &str, body: Value| server.command(path, &fresh(), &body);
    let feed = |events: Value| server.events(&fresh(), &events);

    expect("unauthenticated", server.get(EVENTS).send());
    expect("forbidden", server.get("/api/v1/reports").key(&server.feed_key).send());
    expect("body-too-large", post(&server, EVENTS, Some("x"), " ".repeat(200_000)));
    expect("malformed", post(&server, "/api/v1/treasury", Some("x"), "{"));
    expect("unknown-field", finance("/api/v1/reversals", json!({"entry": 1, "on": "2019-05-07", "reason": "x", "why": 1})));
    expect(
        "unknown-field",
        post(&server, "/api/v1/reversals", Some("x"), r#"{"entry":1,"entry":2,"on":"2019-05-07","reason":"x"}"#),
    );
    expect(
        "unknown-field",
        post(&server, "/api/v1/treasury", Some("x"), r#"{"event":"loan","on":"2019-05-07","on":"2019-05-06"}"#),
    );
    expect("invalid-field", feed(json!([with(event("i"), "net_fee", "NaN")])));
    expect("invalid-row", {
        let ask = server.post("/api/v1/prices?source=x").key(&server.operate_key).idempotent("rows");
        ask.body("text/csv", "date,asset,price\n2019-05-08,BTC,1e5\n").send()
    });
    expect("method-not-allowed", server.ask("PUT", EVENTS).send());
    expect("unsupported-media-type", server.post(EVENTS).key(&server.feed_key).body("text/html", "x").send());
    expect("idempotency-key-missing", post(&server, EVENTS, None, json!([event("k")]).to_string()));
    expect("idempotency-key-invalid", post(&server, EVENTS, Some("ü"), json!([event("k")]).to_string()));
    assert_eq!(server.events("once", &json!([event("o/1")])).status, 201);
    expect("idempotency-conflict", server.events("once", &json!([event("o/2")])));
    expect("event-conflict", feed(json!([with(event("o/1"), "net_fee", "3")])));
    expect("not-found", server.get("/api/v1/fee-reports/77").key(&server.feed_key).send());
    expect("unknown-asset", feed(json!([with(event("u"), "fee_asset", "DOGE")])));
    expect("unknown-venue", feed(json!([with(event("u"), "venue", "moon")])));
    expect("policy-missing", feed(json!([with(event("u"), "business_date", "2019-04-30")])));
    expect("price-missing", feed(json!([with(event("u"), "business_date", "2019-05-01")])));
    let lock = |day: &str, btc: &str| json!({"day": day, "given": {"source": "t", "prices": {"BTC": {"price": btc}, "BNB": {"price": "22"}}}});
    expect("price-outlier", finance("/api/v1/prices/locks", lock("2019-05-08", "99999")));
    expect("already-exists", finance("/api/v1/prices/locks", lock("2019-05-07", "5850")));
    expect("out-of-order", finance("/api/v1/periods/closed", json!({"period": "2019-05"})));
    let move_out = json!({"event": "transfer", "on": "2019-05-07", "from": "hot", "to": "cold", "asset": "BTC", "quantity": "1"});
    expect("insufficient-units", finance("/api/v1/treasury", move_out.clone()));
    expect("unknown-wallet", finance("/api/v1/treasury", with(move_out, "from", "moon")));
    let incident = finance(
        "/api/v1/incidents",
        json!({"kind": "hot-wallet-theft", "title": "T", "occurred_at": "2019-05-07T01:00:00Z", "at": "2019-05-07T02:00:00Z"}),
    );
    let code = incident.json()["incident"].as_str().unwrap().to_owned();
    expect("wrong-state", finance(&format!("/api/v1/incidents/{code}/approvals"), json!({"on": "2019-05-07"})));
    let capital =
        json!({"event": "sponsor-capital", "on": "2019-05-07", "receipts": [{"wallet": "hot", "asset": "BTC", "quantity": "1"}]});
    let posted = finance("/api/v1/treasury", capital).json();
    let entry = posted["entry"].as_i64().or_else(|| posted["no"].as_i64()).unwrap_or_else(|| panic!("{posted}"));
    let reverse = json!({"entry": entry, "on": "2019-05-07", "reason": "mistake"});
    assert_eq!(finance("/api/v1/reversals", reverse.clone()).status, 201);
    expect("already-reversed", finance("/api/v1/reversals", reverse));
    let gone = server.book.store.url().path().unwrap().to_owned();
    let aside = gone.with_extension("aside");
    std::fs::rename(&gone, &aside).unwrap();
    expect("unavailable", server.get("/readyz").send());
    std::fs::rename(&aside, &gone).unwrap();

    // Provoked elsewhere: by fee reports, claims and payouts (stories), by many at once (parallel), by one key asking too often (frame).
    let elsewhere = [
        "hash-mismatch",
        "row-count-mismatch",
        "totals-mismatch",
        "duplicate-row",
        "in-flight",
        "report-conflict",
        "already-paid",
        "duplicate-claim",
        "rate-limited",
        "rate-outlier",
    ];
    // Not reachable over HTTP on a sound book within this story: a closed month needs a whole month of prices, a server does not
    // start without a book, the chart is not named by callers, and a failure inside has no cause here.
    let unreachable = ["period-closed", "book-missing", "unknown-account", "price-stale", "above-limit", "internal"];
    let seen = seen.into_inner();
    for code in OutcomeCode::ALL {
        let slug = code.slug();
        let places = [seen.contains(slug), elsewhere.contains(&slug), unreachable.contains(&slug)];
        assert!(places.contains(&true), "{slug} is provoked nowhere");
    }
}
