//! Fee reports, and an incident from declaration to payout, over HTTP.

use crate::support::server::{Answer, TestServer};
use safu_ledger::domain::contribution::manifest::{DescribeMeta, describe};
use safu_ledger::web::api::operations;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Fails unless the answer has the members that the description's example has.
#[track_caller]
fn as_described(id: &str, answer: &Value) {
    let operation =
        operations().into_iter().find(|operation| operation.id == id).unwrap_or_else(|| panic!("{id} is no operation"));
    let example: Value = serde_json::from_str(operation.success.example).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    assert_eq!(names(answer), names(&example), "{id}");
}

const HEADER: &str = "venue,business_date,pair,fee_asset,trades,volume_base,volume_quote,gross_fee,rebate,net_fee\n";

pub fn rows(net_fee: &str) -> String {
    format!(
        "{HEADER}spot,2019-05-07,BTC-USDT,BTC,812,1250.5,7315550.05,{net_fee},0,{net_fee}\nspot,2019-05-07,BNB-BTC,BNB,3,500,1.9,0.5,0,0.5\n"
    )
}

pub fn manifest(rows: &str, version: u32) -> Vec<u8> {
    let meta = DescribeMeta {
        report_id: safu_ledger::domain::text::Name::parse("spot-2019-05-07").unwrap(),
        version,
        supersedes: (version > 1).then(|| version - 1),
        generated_at: "2019-05-08T00:10:00Z".parse().unwrap(),
    };
    describe(rows.as_bytes(), meta).unwrap().to_json().into_bytes()
}

pub fn submit(server: &TestServer, key: &str, manifest: &[u8], rows: &str) -> Answer {
    let parts: [(&str, &str, &[u8]); 2] = [("manifest", "application/json", manifest), ("rows", "text/csv", rows.as_bytes())];
    server.post("/api/v1/fee-reports").key(&server.feed_key).idempotent(key).form(&parts).send()
}

on_both_engines!(a_report_is_recorded_once_restated_and_read_back, |db| {
    let server = TestServer::start(&db);
    let (first, second) = (rows("1.25"), rows("1.5"));
    let answer = submit(&server, "r-1", &manifest(&first, 1), &first);
    assert_eq!((answer.status, &answer.json()["state"]), (201, &json!("accepted")), "{answer:?}");
    assert_eq!(answer.json()["contributions"], json!({"BNB": "0.05", "BTC": "0.125"}));
    as_described("submitFeeReport", &answer.json());
    let id = answer.json()["id"].as_i64().unwrap();

    for key in ["r-1", "r-2"] {
        let again = submit(&server, key, &manifest(&first, 1), &first);
        assert_eq!((again.status, &again.body), (201, &answer.body), "{key}");
        assert_eq!(again.header("idempotent-replayed"), Some("true"), "{key}");
    }
    let other = submit(&server, "r-3", &manifest(&second, 1), &second);
    assert_eq!(other.status, 409, "{other:?}");
    other.refused("report-conflict");
    let restated = submit(&server, "r-4", &manifest(&second, 2), &second);
    assert_eq!((restated.status, &restated.json()["state"]), (201, &json!("accepted")), "{restated:?}");

    let read = |path: &str| server.get(path).key(&server.feed_key).send();
    let list = read("/api/v1/fee-reports?venue=spot&from=2019-05-07&until=2019-05-07&limit=1").json();
    assert_eq!((&list["items"][0]["version"], &list["items"][0]["report_id"]), (&json!(2), &json!("spot-2019-05-07")), "{list}");
    let next = read(&format!("/api/v1/fee-reports?cursor={}", list["next"])).json();
    assert_eq!(next["items"][0]["reason"], "conflict", "kept for people to see: {next}");
    assert_eq!((&next["items"][1]["id"], &next["next"]), (&json!(id), &json!(null)), "{next}");
    let held = next["items"][0]["id"].as_i64().unwrap();
    let path = format!("/api/v1/fee-reports/{held}/rejection");
    let because = json!({"reason": "sent twice by the job"});
    server.post(&path).key(&server.feed_key).idempotent("mine").json(&because).send().refused("forbidden");
    let rejected = server.command(&path, "reject", &because);
    assert_eq!((rejected.status, &rejected.json()["state"]), (201, &json!("rejected")), "{rejected:?}");
    as_described("rejectFeeReport", &rejected.json());
    assert_eq!(server.command(&path, "reject", &because).body, rejected.body, "once");
    server.command(&path, "reject-again", &because).refused("wrong-state");
    server.command("/api/v1/fee-reports/x/rejection", "reject-x", &because).refused("not-found");
    let steps = read(&format!("/api/v1/fee-reports/{held}")).json()["steps"].clone();
    assert_eq!((&steps[1]["by"], &steps[1]["because"]), (&json!("key:operator"), &because["reason"]), "{steps}");
    let one = read(&format!("/api/v1/fee-reports/{id}")).json();
    assert_eq!((&one["share"], &one["steps"][0]["state"]), (&json!("0.1"), &json!("accepted")), "{one}");
    as_described("getFeeReport", &one);
    as_described("listFeeReports", &list);
    let page = read(&format!("/api/v1/fee-reports/{id}/rows?limit=1")).json();
    assert_eq!((&page["items"][0]["net_fee"], &page["next"]), (&json!("1.25"), &json!(1)), "{page}");
    let rest = read(&format!("/api/v1/fee-reports/{id}/rows?cursor=1")).json();
    assert_eq!((&rest["items"][0]["fee_asset"], &rest["next"]), (&json!("BNB"), &json!(null)), "{rest}");
    let second = restated.json()["id"].as_i64().unwrap();
    let changes = read(&format!("/api/v1/fee-reports/{second}/changes")).json();
    assert_eq!((&changes["contributions"][0]["difference"], &changes["rows_changed"]), (&json!("0.025"), &json!(1)), "{changes}");
    as_described("getRestatement", &changes);
    let all = read(&format!("/api/v1/fee-reports/{second}/changed-rows"));
    assert!(all.header("content-type").unwrap().starts_with("text/csv"), "{all:?}");
    assert_eq!(all.text().lines().count(), 2, "{}", all.text());
    read(&format!("/api/v1/fee-reports/{id}/changed-rows")).refused("wrong-state");
    let calendar = read("/api/v1/calendar?venue=spot&from=2019-05-07&until=2019-05-07").json();
    assert_eq!(calendar["items"][0]["days"][0]["state"], "accepted", "{calendar}");
    let open = read("/api/v1/receivables").json();
    assert_eq!(open["items"].as_array().map(Vec::len), Some(2), "{open}");
    let wrong = rows("1e5");
    let refused = submit(&server, "r-5", &manifest(&first, 3), &wrong);
    assert_eq!(refused.status, 422, "{refused:?}");
    read("/api/v1/fee-reports/999").refused("not-found");
    read("/api/v1/fee-reports/x").refused("not-found");
    read("/api/v1/fee-reports?state=odd").refused("invalid-field");
});

on_both_engines!(a_report_that_is_not_what_its_manifest_says_is_refused, |db| {
    let server = TestServer::start(&db);
    let good = rows("1.25");
    let honest: Value = serde_json::from_slice(&manifest(&good, 1)).unwrap();
    let changed = |name: &str, value: Value, rows: &str| {
        let mut manifest = honest.clone();
        manifest[name] = value;
        submit(&server, name, manifest.to_string().as_bytes(), rows)
    };
    let sha256 = |rows: &str| json!(hex::encode(safu_ledger::proof::merkle::sha256(rows.as_bytes())));
    submit(&server, "hash", honest.to_string().as_bytes(), &good.replace("BTC-USDT", "BTC-USDC")).refused("hash-mismatch");
    changed("row_count", json!(3), &good).refused("row-count-mismatch");
    changed("control_totals", json!({"BTC": "1.26", "BNB": "0.5"}), &good).refused("totals-mismatch");
    let twice = good.replace("BNB-BTC,BNB", "BTC-USDT,BTC");
    changed("sha256", sha256(&twice), &twice).refused("duplicate-row");
    let dear = good.replace(",1250.5,7315550.05,", ",2,11700,");
    submit(&server, "dear", &manifest(&dear, 1), &dear).refused("rate-outlier");
});

on_both_engines!(parts_of_a_form_are_checked, |db| {
    let server = TestServer::start(&db);
    let rows = rows("1");
    let good = manifest(&rows, 1);
    let send = |parts: &[(&str, &str, &[u8])]| {
        server.post("/api/v1/fee-reports").key(&server.feed_key).idempotent("f").form(parts).send()
    };
    let part = ("manifest", "application/json", good.as_slice());
    send(&[part]).refused("malformed");
    send(&[part, part]).refused("unknown-field");
    send(&[part, ("extra", "text/plain", b"x")]).refused("unknown-field");
    let cut = server.post("/api/v1/fee-reports").key(&server.feed_key).idempotent("f");
    cut.body("multipart/form-data; boundary=cut", "--cut\r\nContent-Disposition: form-data; name=\"rows\"\r\n\r\nvenue,")
        .send()
        .refused("malformed");
    let json = server.post("/api/v1/fee-reports").key(&server.feed_key).idempotent("f").json(&json!({})).send();
    assert_eq!(json.status, 415);
    let twice = ("rows", "text/csv", rows.as_bytes());
    assert_eq!(send(&[part, twice]).status, 201, "nothing of the refused ones was kept under the key");
});

on_both_engines!(an_incident_is_declared_recognised_and_paid, |db| {
    let server = TestServer::start(&db);
    let day = "2019-05-07";
    let capital = json!({"event": "sponsor-capital", "on": "2019-05-06", "receipts": [
        {"wallet": "cold", "asset": "BTC", "quantity": "10"}, {"wallet": "hot", "asset": "BNB", "quantity": "5"}]});
    let posted = server.command("/api/v1/treasury", "t-1", &capital);
    assert_eq!(posted.status, 201, "{posted:?}");
    as_described("postTreasuryEvent", &posted.json());
    let declared = server.command(
        "/api/v1/incidents",
        "i-1",
        &json!({
        "kind": "hot-wallet-theft", "title": "Theft", "occurred_at": "2019-05-07T17:15:24Z", "at": "2019-05-07T19:06:00Z"}),
    );
    assert_eq!(declared.status, 201, "{declared:?}");
    let code = declared.json()["incident"].as_str().unwrap().to_owned();
    let step = |what: &str, body: Value| {
        let answer = server.command(&format!("/api/v1/incidents/{code}/{what}"), what, &body);
        assert_eq!(answer.status, 201, "{what}: {answer:?}");
        let again = server.command(&format!("/api/v1/incidents/{code}/{what}"), what, &body);
        assert_eq!((&again.body, again.header("idempotent-replayed")), (&answer.body, Some("true")), "{what}");
        answer.json()
    };
    as_described("estimateIncident", &step("estimates", json!({"on": day, "assets": [{"asset": "BTC", "case": "3"}]})));
    step("statements", json!({"text": "All is covered", "by": "CEO", "at": "2019-05-07T23:40:00Z"}));
    as_described("recogniseIncident", &step("recognition", json!({"on": day})));
    let file = b"claim_id,claimant_ref,asset,quantity,payout_address\nC-1,u-1,BTC,1,bc1qone\nC-2,u-2,BTC,2,bc1qtwo\n";
    let control = br#"{"row_count":2,"totals":{"BTC":"3"}}"#;
    let claims = format!("/api/v1/incidents/{code}/claims");
    let send = |key: &str, control: &[u8]| {
        let parts: [(&str, &str, &[u8]); 2] = [("control", "application/json", control), ("claims", "text/csv", file)];
        server.post(&claims).key(&server.operate_key).idempotent(key).form(&parts).send()
    };
    send("c-0", br#"{"row_count":3}"#).refused("row-count-mismatch");
    let imported = send("c-1", control);
    assert_eq!((imported.status, &imported.json()["last_claim"]), (201, &json!(2)), "{imported:?}");
    as_described("importClaims", &imported.json());
    let other = b"claim_id,claimant_ref,asset,quantity,payout_address\nC-9,u-1,BTC,1,bc1qone\n";
    let again = server.post(&claims).key(&server.operate_key).idempotent("c-2").form(&[("claims", "text/csv", other)]).send();
    again.refused("duplicate-claim");
    as_described("approveClaims", &step("approvals", json!({"on": day})));
    let paid = step(
        "payouts",
        json!({"on": day, "asset": "BTC", "wallet": "cold", "network_fee": "0.001", "claims": "1", "txid": "ab".repeat(32)}),
    );
    assert_eq!(paid["claims"], 1, "{paid}");
    as_described("payClaims", &paid);
    let parts: [(&str, &str, &[u8]); 2] = [
        ("payout", "application/json", br#"{"on":"2019-05-07","asset":"BTC","wallet":"cold"}"#),
        ("transactions", "text/csv", b"claim_id,txid\nC-2,cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\n"),
    ];
    let pay = |key: &str| {
        server.post(&format!("/api/v1/incidents/{code}/payouts")).key(&server.operate_key).idempotent(key).form(&parts).send()
    };
    let second = pay("p-2");
    assert_eq!((second.status, &second.json()["claims"]), (201, &json!(1)), "{second:?}");
    pay("p-3").refused("already-paid");
    let read = |path: &str| server.get(path).key(&server.operate_key).send();
    assert_eq!(read("/api/v1/incidents").json()["tables"][0]["rows"].as_array().map(Vec::len), Some(1));
    as_described("getIncident", &read(&format!("/api/v1/incidents/{code}")).json());
    let page = read(&format!("/api/v1/incidents/{code}/claims?limit=1")).json();
    assert_eq!(page["tables"][0]["rows"].as_array().map(Vec::len), Some(1), "{page}");
    assert_eq!(read(&format!("/api/v1/incidents/{code}/payouts")).status, 200);
    read("/api/v1/incidents/INC-1999-001").refused("not-found");
    let coverage = server.get("/api/v1/reports/coverage?as_of=2019-05-07").key(&server.operate_key).send();
    assert_eq!(coverage.status, 200);
    assert_eq!(coverage.json()["name"], "coverage");
    let csv = server.get("/api/v1/reports/trial-balance?format=csv").key(&server.operate_key).send();
    assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
    assert!(csv.header("content-disposition").unwrap().contains("trial-balance"));
    server.get("/api/v1/reports/nothing").key(&server.operate_key).send().refused("not-found");
});

on_both_engines!(prices_are_imported_and_locked, |db| {
    let server = TestServer::start(&db);
    let import = |key: &str, media: &str, body: &str| {
        server.post("/api/v1/prices?source=closes").key(&server.operate_key).idempotent(key).body(media, body).send()
    };
    assert_eq!(import("p-1", "text/csv", "date,asset,price\n2019-05-08,BTC,5900\n2019-05-08,BNB,22\n").status, 201);
    assert_eq!(import("p-2", "application/json", r#"{"2019-05-08":{"BTC":"5901","BNB":"22"}}"#).status, 201);
    let locked = server.command("/api/v1/prices/locks", "l-1", &json!({"day": "2019-05-08"}));
    assert_eq!((locked.status, &locked.json()["prices"]["BTC"]), (201, &json!("5901")), "{locked:?}");
    let again = server.command("/api/v1/prices/locks", "l-2", &json!({"day": "2019-05-08"}));
    assert_eq!(again.refused("already-exists")["status"], 409);
    let kept = server.command("/api/v1/prices/locks", "l-2", &json!({"day": "2019-05-08"}));
    assert_eq!((&kept.body, kept.header("idempotent-replayed")), (&again.body, Some("true")), "refusals are kept too");
});
