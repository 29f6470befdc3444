//! The description of the API is the one that is committed, and its examples are what the handlers read.

use crate::support::database::TestDb;
use crate::support::server::TestServer;
use safu_ledger::web::api::{TAGS, operations};
use safu_ledger::web::openapi;
use safu_ledger::web::operation::Shape;
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn the_committed_description_is_the_one_of_the_code() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json")).unwrap();
    let made = openapi::document_text().unwrap();
    assert!(committed == made, "docs/openapi.json is not up to date; run `safu openapi > docs/openapi.json`");
    let document: Value = serde_json::from_str(&made).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
}

/// Every `$ref` of a document leads to something in it.
fn follow(document: &Value, value: &Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get("$ref") {
                assert!(document.pointer(target.strip_prefix('#').unwrap()).is_some(), "{target} leads nowhere");
            }
            members.values().for_each(|member| follow(document, member));
        }
        Value::Array(items) => items.iter().for_each(|item| follow(document, item)),
        _ => {}
    }
}

#[test]
fn the_description_is_whole() {
    let document: Value = serde_json::from_str(&openapi::document_text().unwrap()).unwrap();
    follow(&document, &document);
    let all = operations();
    let ids: BTreeSet<&str> = all.iter().map(|operation| operation.id).collect();
    assert_eq!(ids.len(), all.len(), "two operations have the same id");
    for operation in &all {
        assert!(TAGS.iter().any(|(tag, _)| *tag == operation.tag), "{} has no heading", operation.id);
        let in_path: BTreeSet<&str> = operation.params.iter().filter(|param| param.in_path).map(|param| param.name).collect();
        let path = operation.full_path();
        let braces: BTreeSet<&str> = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        assert_eq!(in_path, braces, "{}", operation.id);
        assert!(
            operation.success.media != "application/json" || serde_json::from_str::<Value>(operation.success.example).is_ok()
        );
    }
}

#[test]
fn the_examples_are_read_by_what_reads_requests() {
    let mut typed = 0;
    for operation in operations() {
        for media in operation.body {
            if let Shape::Typed { read, .. } = media.shape {
                read(media.example.as_bytes()).unwrap_or_else(|rejection| panic!("{}: {rejection}", operation.id));
                typed += 1;
            }
        }
    }
    assert!(typed >= 10, "{typed}");
}

#[test]
fn programs_and_people_get_it() {
    let db = TestDb::sqlite();
    let server = TestServer::start(&db);
    let text = server.get("/api/v1/openapi.json").send();
    assert_eq!((text.status, text.text()), (200, openapi::document_text().unwrap()));
    let page = server.get("/api/docs").send();
    assert_eq!(page.status, 200);
    let page = page.text();
    for operation in operations() {
        assert!(page.contains(&format!("id=\"{}\"", operation.id)), "{}", operation.id);
    }
    assert!(page.contains("The sender&#39;s own id of the event"), "fields are described");
    assert!(page.contains("When it happened."), "fields of typed bodies too");
}
