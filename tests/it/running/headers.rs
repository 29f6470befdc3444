//! What every answer carries, whoever asks for whatever: nothing of a page may run, load or frame what is not from here.

use crate::support::database::TestDb;
use crate::support::server::{Answer, TestServer};
use safu_ledger::web::routes;

/// Addresses beside those of the table: files, refusals, and what is not there.
const MORE: &[&str] = &[
    "/nowhere",
    "/assets/none",
    "/api/v1/nowhere",
    "/journal?format=csv",
    "/journal?format=xlsx",
    "/journal?as_of=x",
    "/%ff",
    "//evil.example/",
];

fn check(what: &str, answer: &Answer) {
    let header = |name: &str| answer.header(name).unwrap_or_else(|| panic!("{what}: no {name} in {answer:?}"));
    let policy = header("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
        assert!(policy.contains(part), "{what}: {part} in {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{what}: {policy}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(header("x-frame-options"), "DENY", "{what}");
    assert_eq!(header("referrer-policy"), "same-origin", "{what}");
    assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{what}");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{what}");
    assert!(header("permissions-policy").contains("camera=()"), "{what}");
    assert!(!header("x-request-id").is_empty() && !header("cache-control").is_empty(), "{what}");
    assert_eq!(answer.header("access-control-allow-origin"), None, "{what}");
    assert_eq!(answer.header("server"), None, "{what}");
}

#[test]
fn every_answer_of_every_address_has_the_security_headers() {
    let db = TestDb::sqlite();
    let server = TestServer::start(&db);
    let table = routes::all();
    assert!(table.len() > 100);
    // A part of an address is 1, which some things have as their number and others refuse.
    let fill = |path: &str| {
        let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    for path in table.iter().map(|route| fill(&route.path)).chain(MORE.iter().map(|path| (*path).to_owned())) {
        for method in ["GET", "HEAD", "POST", "PUT", "OPTIONS"] {
            check(&format!("{method} {path}"), &server.ask(method, &path).send());
        }
        check(&path, &server.get(&path).key(&server.operate_key).send());
    }
}
