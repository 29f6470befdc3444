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

#[test]
fn a_revocation_by_another_process_holds_within_a_second() {
    let db = TestDb::sqlite();
    let server = TestServer::start(&db);
    assert_eq!(server.get(EVENTS).key(&server.feed_key).send().status, 200);
    let url = safu_ledger::store::conn::DatabaseUrl::parse(db.url()).unwrap();
    let other = safu_ledger::service::init::open(&url, safu_ledger::service::clock::Clock::System).unwrap();
    other.revoke_key(&Call::fresh("cli:other"), "feeder").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_050));
    server.get(EVENTS).key(&server.feed_key).send().refused("unauthenticated");
}

#[test]
fn an_expired_key_is_refused() {
    let db = TestDb::sqlite();
    let server = TestServer::start(&db);
    let until = "2019-05-08T13:00:00Z".parse().unwrap();
    let scope = safu_ledger::service::keys::KeyScope::Feed;
    let key = server.book.create_key(&Call::fresh("cli:test"), "short", scope, Some(until)).unwrap().secret;
    assert_eq!(server.get(EVENTS).key(&key).send().status, 200);
    server.book.clock.set(until);
    std::thread::sleep(std::time::Duration::from_millis(1_050));
    server.get(EVENTS).key(&key).send().refused("unauthenticated");
}

#[test]
fn a_key_that_asks_too_often_is_told_to_wait() {
    let limits = Limits { requests_per_second: 2, ..Limits::default() };
    let db = TestDb::sqlite();
    let server = TestServer::start_with(&db, limits);
    let answers: Vec<_> = (0..12).map(|_| server.get(EVENTS).key(&server.feed_key).send()).collect();
    let limited = answers.iter().find(|answer| answer.status == 429).expect("one of twelve in a moment is too many");
    limited.refused("rate-limited");
    assert_eq!(limited.header("retry-after"), Some("1"));
    assert_eq!(limited.header("ratelimit-policy"), Some("\"key\";q=2;w=1"));
    assert_eq!(answers[0].header("ratelimit"), Some("\"key\";r=1;t=1"));
    assert_eq!(server.get(EVENTS).key(&server.operate_key).send().status, 200, "each key has its own");
}

#[test]
fn every_answer_has_an_id_and_the_security_headers() {
    let db = TestDb::sqlite();
    let server = TestServer::start(&db);
    let mut ids = std::collections::BTreeSet::new();
    let paths = [
        "/livez",
        "/readyz",
        "/metrics",
        "/api/docs",
        "/api/v1/contributions",
        "/api/v1/none",
        "/nowhere",
        "/problems/malformed",
        "/favicon.ico",
    ];
    for path in paths {
        let answer = server.get(path).send();
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert_eq!(id.parse::<uuid::Uuid>().unwrap().get_version_num(), 7, "{path}");
        assert!(ids.insert(id), "{path}");
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "same-origin")]
        {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("server"), None);
    }
}

#[test]
fn nothing_here_is_said_in_the_words_of_the_reader() {
    let db = TestDb::sqlite();
    let server = TestServer::start(&db);
    let problem = server.get("/api/v1/none").send();
    assert_eq!(problem.status, 404);
    let body = problem.refused("not-found");
    assert_eq!(body["request_id"].as_str(), problem.header("x-request-id"));
    let page = server.get("/nowhere").send();
    assert_eq!(page.status, 404);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert!(page.text().contains(page.header("x-request-id").unwrap()));
    let wrong = server.ask("DELETE", EVENTS).key(&server.feed_key).send();
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("POST, GET")));
    wrong.refused("method-not-allowed");
    for code in safu_ledger::domain::outcome::OutcomeCode::ALL {
        assert_eq!(server.get(&format!("/problems/{}", code.slug())).send().status, 200, "{code}");
    }
    assert_eq!(server.get("/problems/none").send().status, 404);
}

#[test]
fn assets_are_kept_by_browsers_and_the_icon_is_there() {
    let db = TestDb::sqlite();
    let server = TestServer::start(&db);
    let path = safu_ledger::web::assets::href("style.css");
    let style = server.get(path).send();
    assert_eq!((style.status, style.header("cache-control")), (200, Some("public, max-age=31536000, immutable")));
    assert!(style.header("content-type").unwrap().starts_with("text/css"));
    assert_eq!(server.get("/assets/style.css").send().status, 404);
    assert_eq!(server.get("/favicon.ico").send().header("content-type"), Some("image/svg+xml"));
}

#[test]
fn readiness_ends_when_the_book_goes_away() {
    let db = TestDb::sqlite();
    let server = TestServer::start(&db);
    assert_eq!(server.get("/readyz").send().text(), "ready\n");
    let file = db.url().strip_prefix("sqlite://").unwrap();
    let aside = format!("{file}.aside");
    std::fs::rename(file, &aside).unwrap();
    let gone = server.get("/readyz").send();
    assert_eq!((gone.status, gone.header("retry-after")), (503, Some("1")));
    gone.refused("unavailable");
    assert_eq!(server.get("/livez").send().status, 200);
    assert!(!std::path::Path::new(file).exists(), "the question made no new file");
    std::fs::rename(&aside, file).unwrap();
    assert_eq!(server.get("/readyz").send().status, 200);
}

#[test]
fn what_was_done_is_counted() {
    let db = TestDb::sqlite();
    let server = TestServer::start(&db);
    let event =
        json!([{"external_id": "m/1", "venue": "spot", "business_date": "2019-05-07", "fee_asset": "BTC", "net_fee": "1"}]);
    for _ in 0..2 {
        assert_eq!(server.events("m", &event).status, 201);
    }
    server.get(&format!("{EVENTS}/m/1?venue=spot")).key(&server.feed_key).send();
    let text = server.get("/metrics").send().text();
    for line in [
        r#"safu_http_requests_total{route="/api/v1/contributions",method="POST",status="201"} 2"#,
        r#"safu_http_requests_total{route="/api/v1/contributions/{external_id:.+}",method="GET",status="200"} 1"#,
        "safu_contribution_events_total 1",
        "safu_idempotent_replays_total 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("m/1"), "ids make no series");
}
