//! The table of outcomes, walked: what each code is provoked by, and that the first group that applies is the answer.

use super::stories;
use crate::support::database::TestDb;
use crate::support::server::{Answer, TestServer};
use safu_ledger::domain::outcome::OutcomeCode;
use safu_ledger::web::app::Limits;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
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

/// Provokes codes at a server and keeps which ones it saw.
struct Walk<'a> {
    server: &'a TestServer,
    seen: RefCell<BTreeSet<String>>,
    keys: Cell<u32>,
}

impl Walk<'_> {
    #[track_caller]
    fn expect(&self, code: &str, answer: Answer) {
        answer.refused(code);
        self.seen.borrow_mut().insert(code.to_owned());
    }

    fn fresh(&self) -> String {
        self.keys.set(self.keys.get() + 1);
        format!("w-{}", self.keys.get())
    }

    /// A command of the finance team under a key of its own.
    #[track_caller]
    fn finance(&self, path: &str, body: Value) -> Answer {
        self.server.command(path, &self.fresh(), &body)
    }

    #[track_caller]
    fn done(&self, path: &str, body: Value) -> Value {
        let answer = self.finance(path, body);
        assert_eq!(answer.status, 201, "{path}: {answer:?}");
        answer.json()
    }

    #[track_caller]
    fn feed(&self, events: Value) -> Answer {
        self.server.events(&self.fresh(), &events)
    }

    fn read(&self, path: &str) -> Answer {
        self.server.get(path).key(&self.server.operate_key).send()
    }

    /// Sends rows as the fee report of 2019-05-07 with the manifest of `described` after a change.
    fn report(&self, rows: &str, described: &str, change: impl Fn(&mut Value)) -> Answer {
        let mut manifest: Value = serde_json::from_slice(&stories::manifest(described, 1)).unwrap();
        change(&mut manifest);
        stories::submit(self.server, &self.fresh(), manifest.to_string().as_bytes(), rows)
    }
}

/// Every code of the table but one is provoked, each over a connection.
#[test]
fn codes_are_provoked_over_http() {
    let db = TestDb::sqlite();
    let server = TestServer::start_with(&db, Limits { json_bytes: 100_000, ..Limits::default() });
    let walk = Walk { server: &server, seen: RefCell::default(), keys: Cell::new(0) };
    callers_and_structure(&walk);
    idempotency(&walk);
    fee_reports(&walk);
    contexts_and_references(&walk);
    payouts(&walk);
    a_month_later(&walk);
    observations(&walk);
    read_only(&walk);
    the_book_is_gone(&walk);
    walk.expect("rate-limited", too_often());

    // A failure inside has no cause that a caller could give: whatever a request can say has an outcome of its own.
    // What asks for a person is provoked where persons log in: tests/it/approvals.rs.
    let unreachable = [OutcomeCode::Internal, OutcomeCode::StepUpNeeded, OutcomeCode::ApprovalNeeded];
    let seen = walk.seen.into_inner();
    for code in OutcomeCode::ALL {
        assert_ne!(seen.contains(code.slug()), unreachable.contains(code), "{code} is provoked nowhere, or can be after all");
    }
}

fn callers_and_structure(walk: &Walk<'_>) {
    let server = walk.server;
    walk.expect("unauthenticated", server.get(EVENTS).send());
    walk.expect("forbidden", server.get("/api/v1/reports").key(&server.feed_key).send());
    walk.expect("body-too-large", post(server, EVENTS, Some("x"), " ".repeat(200_000)));
    walk.expect("malformed", post(server, "/api/v1/treasury", Some("x"), "{"));
    let unknown = json!({"entry": 1, "on": "2019-05-07", "reason": "x", "why": 1});
    walk.expect("unknown-field", walk.finance("/api/v1/reversals", unknown));
    let twice = r#"{"entry":1,"entry":2,"on":"2019-05-07","reason":"x"}"#;
    walk.expect("unknown-field", post(server, "/api/v1/reversals", Some("x"), twice));
    let flattened = r#"{"event":"loan","on":"2019-05-07","on":"2019-05-06"}"#;
    walk.expect("unknown-field", post(server, "/api/v1/treasury", Some("x"), flattened));
    walk.expect("invalid-field", walk.feed(json!([with(event("i"), "net_fee", "NaN")])));
    walk.expect("invalid-row", {
        let ask = server.post("/api/v1/prices?source=x").key(&server.operate_key).idempotent("rows");
        ask.body("text/csv", "date,asset,price\n2019-05-08,BTC,1e5\n").send()
    });
    walk.expect("method-not-allowed", server.ask("PUT", EVENTS).send());
    walk.expect("unsupported-media-type", server.post(EVENTS).key(&server.feed_key).body("text/html", "x").send());
}

fn idempotency(walk: &Walk<'_>) {
    let server = walk.server;
    walk.expect("idempotency-key-missing", post(server, EVENTS, None, json!([event("k")]).to_string()));
    walk.expect("idempotency-key-invalid", post(server, EVENTS, Some("ü"), json!([event("k")]).to_string()));
    assert_eq!(server.events("once", &json!([event("o/1")])).status, 201);
    walk.expect("idempotency-conflict", server.events("once", &json!([event("o/2")])));
    walk.expect("event-conflict", walk.feed(json!([with(event("o/1"), "net_fee", "3")])));
    walk.expect("in-flight", while_the_first_runs(walk));
}

/// Sends one command many times at once until one of them finds the first still running.
fn while_the_first_runs(walk: &Walk<'_>) -> Answer {
    for _ in 0..50 {
        let (key, events) = (walk.fresh(), (0..200).map(|no| event(&format!("{}/{no}", walk.keys.get()))).collect::<Value>());
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let server = walk.server;
            let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| server.events(&key, &events))).collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        if let Some(early) = answers.into_iter().find(|answer| answer.status == 409) {
            return early;
        }
    }
    panic!("no request met the first one under its key still running");
}

fn fee_reports(walk: &Walk<'_>) {
    let good = stories::rows("1.25");
    let sha256 = |rows: &str| json!(hex::encode(safu_ledger::proof::merkle::sha256(rows.as_bytes())));
    walk.expect("hash-mismatch", walk.report(&good, &good, |manifest| manifest["sha256"] = sha256("other")));
    walk.expect("row-count-mismatch", walk.report(&good, &good, |manifest| manifest["row_count"] = json!(3)));
    walk.expect("totals-mismatch", walk.report(&good, &good, |manifest| manifest["control_totals"]["BTC"] = json!("1.26")));
    let twice = good.replace("BNB-BTC,BNB", "BTC-USDT,BTC");
    walk.expect("duplicate-row", walk.report(&twice, &good, |manifest| manifest["sha256"] = sha256(&twice)));
    let dear = good.replace(",1250.5,7315550.05,", ",2,11700,");
    walk.expect("rate-outlier", walk.report(&dear, &dear, |_| {}));
    assert_eq!(walk.report(&good, &good, |_| {}).status, 201);
    let other = stories::rows("1.5");
    walk.expect("report-conflict", walk.report(&other, &other, |_| {}));
}

fn contexts_and_references(walk: &Walk<'_>) {
    walk.expect("not-found", walk.read("/api/v1/fee-reports/77"));
    walk.expect("unknown-asset", walk.feed(json!([with(event("u"), "fee_asset", "DOGE")])));
    walk.expect("unknown-venue", walk.feed(json!([with(event("u"), "venue", "moon")])));
    walk.expect("unknown-account", walk.read("/api/v1/reports/account?account=9999"));
    walk.expect("policy-missing", walk.feed(json!([with(event("u"), "business_date", "2019-04-30")])));
    walk.expect("price-missing", walk.feed(json!([with(event("u"), "business_date", "2019-05-01")])));
    walk.expect("price-outlier", walk.finance(LOCKS, set_of("2019-05-08", "99999")));
    walk.expect("already-exists", walk.finance(LOCKS, set_of("2019-05-07", "5850")));
    walk.expect("out-of-order", walk.finance("/api/v1/periods/closed", json!({"period": "2019-05"})));
    let move_out = json!({"event": "transfer", "on": "2019-05-07", "from": "hot", "to": "cold", "asset": "BTC", "quantity": "1"});
    walk.expect("insufficient-units", walk.finance(TREASURY, move_out.clone()));
    walk.expect("unknown-wallet", walk.finance(TREASURY, with(move_out, "from", "moon")));
    let posted = walk.done(TREASURY, capital("2019-05-07", "1"));
    let reverse = json!({"entry": posted["entry"], "on": "2019-05-07", "reason": "mistake"});
    walk.done("/api/v1/reversals", reverse.clone());
    walk.expect("already-reversed", walk.finance("/api/v1/reversals", reverse));
}

const TREASURY: &str = "/api/v1/treasury";
const LOCKS: &str = "/api/v1/prices/locks";

fn set_of(day: &str, btc: &str) -> Value {
    json!({"day": day, "given": {"source": "t", "prices": {"BTC": {"price": btc}, "BNB": {"price": "22"}}}})
}

fn capital(on: &str, btc: &str) -> Value {
    json!({"event": "sponsor-capital", "on": on, "receipts": [{"wallet": "cold", "asset": "BTC", "quantity": btc}]})
}

fn observations(walk: &Walk<'_>) {
    let server = walk.server;
    let observed = |quantity: &str| {
        let file = format!(
            "wallet,asset,network,quantity,block_height,observed_at,source\nhot,BTC,bitcoin,{quantity},1,2019-05-08T00:00:00Z,node\n"
        );
        let ask = server.post("/api/v1/balances?file=x.csv").key(&server.operate_key).idempotent(quantity);
        ask.body("text/csv", file).send()
    };
    assert_eq!(observed("1").status, 201);
    walk.expect("observation-conflict", observed("2"));
}

fn payouts(walk: &Walk<'_>) {
    let (server, day) = (walk.server, "2019-05-07");
    walk.done(TREASURY, capital(day, "10"));
    let theft =
        json!({"kind": "hot-wallet-theft", "title": "T", "occurred_at": "2019-05-07T01:00:00Z", "at": "2019-05-07T02:00:00Z"});
    let code = walk.done("/api/v1/incidents", theft)["incident"].as_str().unwrap().to_owned();
    let at = |what: &str| format!("/api/v1/incidents/{code}/{what}");
    walk.expect("wrong-state", walk.finance(&at("approvals"), json!({"on": day})));
    walk.done(&at("estimates"), json!({"on": day, "assets": [{"asset": "BTC", "case": "3"}]}));
    walk.done(&at("statements"), json!({"text": "All is covered", "by": "CEO", "at": "2019-05-07T23:40:00Z"}));
    walk.done(&at("recognition"), json!({"on": day}));
    let claims = |id: &str| {
        let file = format!("claim_id,claimant_ref,asset,quantity,payout_address\n{id},u-1,BTC,1,bc1qone\n");
        let ask = server.post(&at("claims")).key(&server.operate_key).idempotent(id);
        ask.form(&[("claims", "text/csv", file.as_bytes())]).send()
    };
    assert_eq!(claims("C-1").status, 201);
    walk.expect("duplicate-claim", claims("C-2"));
    walk.done(&at("approvals"), json!({"on": day}));
    let pay = || {
        let parts: [(&str, &str, &[u8]); 2] = [
            ("payout", "application/json", br#"{"on":"2019-05-07","asset":"BTC","wallet":"cold"}"#),
            (
                "transactions",
                "text/csv",
                b"claim_id,txid\nC-1,cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\n",
            ),
        ];
        server.post(&at("payouts")).key(&server.operate_key).idempotent(&walk.fresh()).form(&parts).send()
    };
    assert_eq!(pay().status, 201);
    walk.expect("already-paid", pay());
    let recovery = json!({"on": day, "asset": "BTC", "quantity": "3"});
    walk.done(&at("recoveries"), recovery.clone());
    walk.expect("above-limit", walk.finance(&at("recoveries"), recovery));
}

/// The last prices are old by then, and May can be closed.
fn a_month_later(walk: &Walk<'_>) {
    walk.server.book.clock.set("2019-06-02T12:00:00Z".parse().unwrap());
    walk.expect("price-stale", walk.feed(json!([with(event("stale"), "business_date", "2019-05-20")])));
    walk.done(LOCKS, set_of("2019-05-31", "5900"));
    crate::small_book::tick_all(&walk.server.book, "2019-05");
    walk.done("/api/v1/periods/soft-closed", json!({"period": "2019-05"}));
    walk.done("/api/v1/periods/closed", json!({"period": "2019-05"}));
    walk.expect("period-closed", walk.finance(LOCKS, set_of("2019-05-10", "5900")));
}

fn read_only(walk: &Walk<'_>) {
    walk.done("/api/v1/mode", json!({"read_only": true, "reason": "the walk"}));
    walk.expect("read-only", walk.feed(json!([with(event("r"), "business_date", "2019-05-31")])));
    walk.done("/api/v1/mode", json!({"read_only": false, "reason": "the walk"}));
}

/// First the file of the book is away, then an empty one is in its place.
fn the_book_is_gone(walk: &Walk<'_>) {
    let place = walk.server.book.store.url().path().unwrap().to_owned();
    let aside = place.with_extension("aside");
    std::fs::rename(&place, &aside).unwrap();
    walk.expect("unavailable", walk.server.get("/readyz").send());
    let empty = walk.server.book.store.url().connect();
    safu_ledger::store::migrate::run(&mut empty.unwrap(), true).unwrap();
    walk.expect("book-missing", walk.server.get("/readyz").send());
    std::fs::rename(&aside, &place).unwrap();
}

/// What a key that asks again and again is answered.
fn too_often() -> Answer {
    let db = TestDb::sqlite();
    let server = TestServer::start_with(&db, Limits { requests_per_second: 1, ..Limits::default() });
    let mut answers = (0..20).map(|_| server.get(EVENTS).key(&server.feed_key).send());
    answers.find(|answer| answer.status == 429).expect("one of twenty in a moment is too many")
}
