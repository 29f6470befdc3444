//! A small book that has something in every table: used where a test needs a real book, whatever is in it.

use crate::support::database::{TestDb, with_secrets};
use safu_ledger::domain::close::ItemState;
use safu_ledger::domain::contribution::manifest::{DescribeMeta, describe};
use safu_ledger::domain::outcome::Rejection;
use safu_ledger::domain::person::PersonId;
use safu_ledger::domain::text::Name;
use safu_ledger::service::approvals::Draft;
use safu_ledger::service::clock::Clock;
use safu_ledger::service::contributions::events::EventFeed;
use safu_ledger::service::evidence::GivenFile;
use safu_ledger::service::incidents::payouts::PaidBy;
use safu_ledger::service::init::{self, NewBook};
use safu_ledger::service::keys::KeyScope;
use safu_ledger::service::{Book, Call, Reply};
use safu_ledger::store::conn::DatabaseUrl;
use safu_ledger::store::error::StoreError;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A value as the type that reads it.
pub fn typed<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A fresh call.
pub fn call() -> Call {
    Call::fresh("cli:test")
}

/// The reply of a command that must succeed.
pub fn done(result: Result<Reply, StoreError>) -> Value {
    result.unwrap().success().unwrap().json()
}

/// The refusal of a command, kept or not.
pub fn refused(reply: Result<Reply, StoreError>) -> Rejection {
    match reply {
        Ok(reply) => reply.success().expect_err("this must be refused"),
        Err(error) => error.into_rejection(),
    }
}

/// Reference data, policies and the prices of the first days; nothing posted yet.
pub fn opened(db: &TestDb) -> Book {
    let clock = Clock::simulated("2019-01-03T12:00:00Z".parse().unwrap());
    let book =
        with_secrets(init::create(&DatabaseUrl::parse(db.url()).unwrap(), clock, "cli:test", &NewBook::default()).unwrap());
    for (code, scale) in [("BTC", 8), ("USDC", 6)] {
        done(book.add_asset(&call(), typed(json!({"code": code, "network": "test", "scale": scale}))));
    }
    for (code, account) in [("cold", 1110), ("payout", 1120)] {
        done(book.add_wallet(&call(), typed(json!({"code": code, "account": account, "address": "addr"}))));
    }
    done(book.add_venue(&call(), typed(json!({"code": "spot", "first_due": "2019-01-01"}))));
    let day = "2019-01-01".parse().unwrap();
    done(book.set_contribution_policy(&call(), day, typed(json!({"share": "0.1"}))));
    done(book.set_memo(&call(), day, typed(json!({"account": 9100, "asset": "BTC", "quantity": "350000"}))));
    lock(&book, "2019-01-01", "5000");
    book
}

/// Locks and values a day's prices.
pub fn lock(book: &Book, day: &str, btc: &str) {
    let prices = json!({"BTC": {"price": btc, "basis": "observed"}, "USDC": {"price": "1", "basis": "observed"}});
    let given = json!({"source": "test", "source_hash": "", "prices": prices});
    done(book.lock_prices(&call(), typed(json!({"day": day, "given": given}))));
}

/// Contributions, a settlement, a theft with its claims and payouts, and a closed month.
pub fn full(db: &TestDb) -> Book {
    let book = opened(db);
    let feed = EventFeed::start(&book).unwrap();
    let events = r#"[{"external_id":"a-1","venue":"spot","business_date":"2019-01-01","pair":"BTC-USDC","fee_asset":"BTC","net_fee":"100.5"},
        {"external_id":"a-2","venue":"spot","business_date":"2019-01-01","fee_asset":"USDC","net_fee":"2000"}]"#;
    done(feed.submit_and_wait(call(), events.as_bytes()));
    report(&book, 1, "10");
    report(&book, 2, "12.5");
    treasury(
        &book,
        json!({"event": "settlement", "receipts": [
        {"wallet": "cold", "asset": "BTC", "quantity": "10.05"}, {"wallet": "cold", "asset": "USDC", "quantity": "200"}]}),
    );
    treasury(
        &book,
        json!({"event": "transfer", "from": "cold", "to": "payout", "asset": "BTC", "quantity": "6",
        "fee": {"wallet": "cold", "asset": "BTC", "quantity": "0.001"}}),
    );
    lock(&book, "2019-01-02", "5100");
    incident(&book);
    for day in ["2019-01-03", "2019-01-31"] {
        book.clock.set("2019-02-01T01:00:00Z".parse().unwrap());
        lock(&book, day, "5200");
    }
    close_month(&book, "2019-01");
    let key = book.create_key(&call(), "job", KeyScope::Feed, None).unwrap();
    book.revoke_key(&call(), &key.name).unwrap();
    let paula = person(&book, "paula", &["preparer"]);
    book.invite(&call(), "paula").unwrap();
    let memo = json!({"effective_on": "2019-02-01", "terms": {"account": 9100, "asset": "BTC", "quantity": "360000"}});
    let draft = Draft { kind: "memo".to_owned(), command: memo };
    done(book.draft(&call().by(paula, false), draft));
    by_hand(&book);
    book
}

/// A manual entry with a file that shows it.
fn by_hand(book: &Book) {
    let file = GivenFile { name: "invoice.pdf".to_owned(), bytes: b"%PDF-1.7 an invoice".as_slice().into() };
    let added = done(book.add_evidence(&call(), file));
    let line = |account: i32, side: &str| json!({"account": account, "asset": "USD", "side": side, "units": "12.5"});
    let entry = json!({"on": "2019-02-01", "memo": "Custody fee", "reason": "Billed in arrears",
        "lines": [line(5210, "debit"), line(2300, "credit")], "evidence": [added["sha256"]]});
    done(book.post_manual(&call(), typed(entry)));
}

/// Ticks what people answer for, and leaves out with a reason what the book finds and allows to be left out.
pub fn tick_all(book: &Book, month: &str) {
    for view in book.checklist(month).unwrap().items {
        if view.state == ItemState::Open && view.item.may_be_left_out() {
            let state = if view.item.is_computed() { "not-applicable" } else { "done" };
            let mark = json!({"period": month, "item": view.item.slug(), "state": state, "note": "test"});
            done(book.mark_item(&call(), typed(mark)));
        }
    }
}

/// Closes a month through its checklist, softly first.
pub fn close_month(book: &Book, month: &str) -> Value {
    tick_all(book, month);
    done(book.soft_close(&call(), month));
    done(book.close_period(&call(), month))
}

/// Makes a person with roles known.
pub fn person(book: &Book, login: &str, roles: &[&str]) -> PersonId {
    let made = done(book.add_person(&call(), typed(json!({"login": login, "name": format!("Person {login}")}))));
    for role in roles {
        let set = json!({"login": login, "role": role, "held": true, "reason": "test"});
        done(book.set_role(&call(), typed(set)));
    }
    PersonId(i32::try_from(made["person"].as_i64().unwrap()).unwrap())
}

/// A fee report of two rows for the first day, with its manifest.
pub fn report(book: &Book, version: u32, btc: &str) {
    let rows = format!(
        "venue,business_date,pair,fee_asset,trades,volume_base,volume_quote,gross_fee,rebate,net_fee\n\
         spot,2019-01-01,BTC-USDC,BTC,7,9000,45000000,{btc},0,{btc}\nspot,2019-01-01,BTC-USDC,USDC,3,1,5000,50.5,0.5,50\n"
    );
    let meta = DescribeMeta {
        report_id: Name::parse("spot-2019-01-01").unwrap(),
        version,
        supersedes: version.checked_sub(1).filter(|before| *before > 0),
        generated_at: "2019-01-02T01:00:00Z".parse().unwrap(),
    };
    let manifest = describe(rows.as_bytes(), meta).unwrap().to_json();
    let reply = done(book.submit_report(&call(), manifest.as_bytes(), rows.into_bytes()));
    assert_eq!(reply["state"], "accepted", "{reply}");
}

fn treasury(book: &Book, mut command: Value) {
    command["on"] = json!("2019-01-01");
    done(book.post_treasury(&call(), typed(command)));
}

fn incident(book: &Book) {
    let new = json!({"code": "INC-1", "kind": "hot-wallet-theft", "title": "Theft", "occurred_at": "2019-01-02T10:00:00Z"});
    done(book.declare_incident(&call(), typed(new)));
    let estimate = json!({"on": "2019-01-02", "assets": [{"asset": "BTC", "case": "3", "ibnr": "1"}]});
    done(book.estimate_incident(&call(), "INC-1", typed(estimate)));
    done(book.recognise_incident(&call(), "INC-1", typed(json!({"on": "2019-01-02", "handling": "100"}))));
    let file = "claim_id,claimant_ref,asset,quantity,payout_address\nc1,u1,BTC,1.5,addr1\nc2,u2,BTC,1,addr2\nc3,u3,BTC,0.5,\n";
    let claims = safu_ledger::service::incidents::claims::NewClaims {
        file_name: "claims.csv".to_owned(),
        bytes: file.as_bytes().to_vec(),
        control: Default::default(),
        note: String::new(),
    };
    done(book.import_claims(&call(), "INC-1", claims));
    done(book.approve_claims(&call(), "INC-1", typed(json!({"on": "2019-01-02"}))));
    let pay = json!({"on": "2019-01-02", "asset": "BTC", "wallet": "payout", "claims": "1-2", "network_fee": "0.001"});
    done(book.pay_claims(&call(), "INC-1", typed(pay), PaidBy::One("tx-1".to_owned())));
}
