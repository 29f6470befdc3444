//! Single contribution events: accepted once, answered the same again, refused without harm to their neighbours.

#[path = "events/queue.rs"]
mod queue;

use crate::support::database::TestDb;
use safu_ledger::domain::account::no;
use safu_ledger::domain::outcome::OutcomeCode;
use safu_ledger::proof::merkle::root_of;
use safu_ledger::proof::row::RowEncoder;
use safu_ledger::service::clock::Clock;
use safu_ledger::service::contributions::events::{EventFeed, Outcome};
use safu_ledger::service::init::{self, NewBook};
use safu_ledger::service::policies::ContributionTerms;
use safu_ledger::service::prices::{GivenPrices, LockPrices, Quote};
use safu_ledger::service::registry::{NewAsset, NewVenue};
use safu_ledger::service::{Book, Call, Reply};
use safu_ledger::store::conn::DatabaseUrl;
use safu_ledger::store::contribution::{self, ContributionRow};
use safu_ledger::store::error::StoreError;
use safu_ledger::store::journal::PostingRow;
use safu_ledger::store::{journal, log, projection, request};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DAY: &str = "2019-05-07";

/// A book of two venues, a tenth of all fees owed from the start of 2019, and prices of one day.
fn book(db: &TestDb) -> Book {
    let clock = Clock::simulated("2019-05-09T12:00:00Z".parse().unwrap());
    let book = init::create(&DatabaseUrl::parse(db.url()).unwrap(), clock, "test", &NewBook::default()).unwrap();
    let call = || Call::fresh("test");
    for (code, scale) in [("BTC", 8), ("ETH", 18)] {
        let asset = NewAsset { code: code.to_owned(), network: "main".to_owned(), scale, own_token: false };
        book.add_asset(&call(), asset).unwrap().success().unwrap();
    }
    for code in ["spot", "futures"] {
        let venue = NewVenue { code: code.to_owned(), first_due: "2019-01-01".parse().unwrap() };
        book.add_venue(&call(), venue).unwrap().success().unwrap();
    }
    let terms = ContributionTerms::of_all_venues("0.1");
    book.set_contribution_policy(&call(), "2019-01-01".parse().unwrap(), terms).unwrap().success().unwrap();
    lock(&book, DAY, &[("BTC", "5850.1")]);
    book
}

fn lock(book: &Book, day: &str, prices: &[(&str, &str)]) {
    let prices = prices.iter().map(|(code, price)| ((*code).to_owned(), Quote::observed(price))).collect();
    let given = GivenPrices { source: "test".to_owned(), source_hash: String::new(), prices };
    let command = LockPrices::given(day.parse().unwrap(), given).without_valuation();
    book.lock_prices(&Call::fresh("test"), command).unwrap().success().unwrap();
}

fn event(id: &str, net_fee: &str) -> Value {
    json!({"external_id": id, "venue": "spot", "business_date": DAY, "pair": "BTC-USD", "fee_asset": "BTC", "net_fee": net_fee})
}

fn send(feed: &EventFeed, key: &str, events: &[Value]) -> Outcome {
    feed.submit_and_wait(Call::keyed("key:feeder", key), json!(events).to_string().as_bytes())
}

/// The code of a refusal, whether it was kept under the key or not.
fn refused(outcome: Outcome) -> OutcomeCode {
    match outcome {
        Err(StoreError::Rejected(rejection)) => rejection.code,
        Ok(reply) => reply.success().unwrap_err().code,
        Err(other) => panic!("{other}"),
    }
}

fn rows(book: &Book) -> Vec<ContributionRow> {
    book.read(|conn| contribution::page(conn, 0, 100_000)).unwrap()
}

fn leaves(book: &Book) -> usize {
    book.read(log::leaf_hashes).unwrap().len()
}

/// Units and value per account, and proof that both sum to zero and that the running balances say what the postings say.
fn totals(book: &Book) -> BTreeMap<(i32, i32), (i128, i128)> {
    let postings: Vec<PostingRow> = book.read(|conn| journal::postings_between(conn, 1, i64::MAX)).unwrap();
    let mut sums: BTreeMap<(i32, i32), (i128, i128)> = BTreeMap::new();
    for line in &postings {
        let sum = sums.entry((line.account_no, line.asset_id)).or_default();
        *sum = (sum.0 + line.quantity.0, sum.1 + line.value.0);
    }
    assert_eq!(sums.values().map(|sum| sum.1).sum::<i128>(), 0, "values balance");
    for asset in sums.keys().map(|key| key.1) {
        assert_eq!(sums.iter().filter(|(key, _)| key.1 == asset).map(|(_, sum)| sum.0).sum::<i128>(), 0, "units balance");
    }
    let balances = book.read(projection::balances).unwrap();
    let running: BTreeMap<_, _> = balances.iter().map(|b| ((b.account_no, b.asset_id), (b.quantity.0, b.value.0))).collect();
    assert_eq!(running, sums);
    sums
}

fn created(reply: &Reply) -> Value {
    assert_eq!((reply.status, reply.replayed), (201, false), "{}", reply.body);
    reply.json()
}

on_both_engines!(events_are_recorded_as_rows_one_leaf_and_one_entry_a_day, |db| {
    let book = book(&db);
    let feed = EventFeed::start(&book).unwrap();
    let before = leaves(&book);
    let mut late = event("c", "3");
    late["business_date"] = json!("2019-05-08");
    let answer = created(&send(&feed, "k1", &[event("a", "0.00000019"), event("b", "1.5"), late]).unwrap());
    assert_eq!((&answer["accepted"], &answer["known"]), (&json!(3), &json!(0)));
    assert_eq!(answer["entries"].as_array().unwrap().len(), 2, "one entry a business date");
    let rows = rows(&book);
    let shown: Vec<_> = rows.iter().map(|r| (r.id, r.external_id.as_str(), r.net_fee.0, r.amount.0, r.batch_id)).collect();
    // A tenth of 19 satoshis is 1: each event is truncated on its own.
    assert_eq!(shown, [(1, "a", 19, 1, 1), (2, "b", 150_000_000, 15_000_000, 1), (3, "c", 300_000_000, 30_000_000, 1)]);
    assert_eq!(leaves(&book), before + 3, "a batch and two entries");
    let units = 1 + 15_000_000 + 30_000_000;
    let sums = totals(&book);
    assert_eq!(sums[&(no::CONTRIBUTIONS_RECEIVABLE.0, 2)].0, units);
    assert_eq!(sums[&(no::CONTRIBUTIONS.0, 2)].0, -units);
    let batch = book.read(|conn| contribution::batch(conn, 1)).unwrap().unwrap();
    assert_eq!((batch.first_contribution, batch.row_count), (1, 3));
    let mut encoder = RowEncoder::new();
    let leaf = |row: &ContributionRow| {
        encoder.begin("fee-event").text(&row.external_id).text("spot").text(&row.business_date).text(&row.pair).text("BTC");
        encoder.amount(row.net_fee.0, 8).leaf_hash()
    };
    assert_eq!(batch.rows_root, root_of(rows.iter().map(leaf)), "the root follows from the stored rows");
});

on_both_engines!(the_same_request_again_is_answered_byte_for_byte, |db| {
    let book = book(&db);
    let feed = EventFeed::start(&book).unwrap();
    let first = send(&feed, "k1", &[event("a", "1"), event("b", "2")]).unwrap();
    let state = (leaves(&book), totals(&book));
    // Spelled otherwise, it says the same.
    let again = send(&feed, "k1", &[event("a", "1.0"), event("b", "2.00")]).unwrap();
    assert_eq!((again.status, &again.body, again.replayed), (first.status, &first.body, true));
    assert_eq!((leaves(&book), totals(&book)), state);
    let other_feed = EventFeed::start(&book).unwrap();
    assert_eq!(send(&other_feed, "k1", &[event("a", "1"), event("b", "2")]).unwrap(), again);
    let stranger = Call::keyed("key:stranger", "k1");
    let theirs = feed.submit_and_wait(stranger, json!([event("z", "1")]).to_string().as_bytes()).unwrap();
    assert!(!theirs.replayed, "a key is its actor's own");
});

on_both_engines!(a_key_with_other_content_is_refused, |db| {
    let book = book(&db);
    let feed = EventFeed::start(&book).unwrap();
    created(&send(&feed, "k1", &[event("a", "1")]).unwrap());
    let state = (leaves(&book), totals(&book));
    for other in [vec![event("a", "2")], vec![event("b", "1")], vec![event("a", "1"), event("b", "1")]] {
        assert_eq!(refused(send(&feed, "k1", &other)), OutcomeCode::IdempotencyConflict);
    }
    assert_eq!((leaves(&book), totals(&book)), state);
    assert!(send(&feed, "k1", &[event("a", "1")]).unwrap().replayed, "the first answer still stands");
});

on_both_engines!(known_events_are_counted_and_changed_ones_refused, |db| {
    let book = book(&db);
    let feed = EventFeed::start(&book).unwrap();
    created(&send(&feed, "k1", &[event("a", "1"), event("b", "2")]).unwrap());
    let answer = created(&send(&feed, "k2", &[event("b", "2"), event("c", "3"), event("c", "3")]).unwrap());
    assert_eq!((&answer["accepted"], &answer["known"]), (&json!(1), &json!(2)));
    let answer = created(&send(&feed, "k3", &[event("a", "1"), event("b", "2")]).unwrap());
    assert_eq!(answer, json!({"accepted": 0, "known": 2, "batch": null, "entries": []}));
    assert_eq!(rows(&book).len(), 3);
    let state = (rows(&book), totals(&book));
    let changed = |field: &str, value: &str| {
        let mut event = event("b", "2");
        event[field] = json!(value);
        event
    };
    for (key, field, value) in
        [("x1", "net_fee", "2.1"), ("x2", "pair", "ETH-BTC"), ("x3", "business_date", "2019-05-08"), ("x4", "fee_asset", "ETH")]
    {
        let outcome = send(&feed, key, &[event("d", "4"), changed(field, value)]);
        let Err(StoreError::Rejected(rejection)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(rejection.code, OutcomeCode::EventConflict);
        assert_eq!(rejection.problems[0].pointer, "/1/external_id");
    }
    assert_eq!((rows(&book), totals(&book)), state, "nothing of a refused request counts");
    created(&send(&feed, "k4", &[changed("venue", "futures")]).unwrap());
    assert_eq!(rows(&book).len(), 4, "ids are unique within a venue, not across");
});

on_both_engines!(scattered_ids_among_many_stored_ones_are_still_recognised, |db| {
    let book = book(&db);
    let feed = EventFeed::start(&book).unwrap();
    let all: Vec<Value> = (0..300).map(|i| event(&format!("{i:04}"), "1")).collect();
    created(&send(&feed, "k1", &all).unwrap());
    let answer = created(&send(&feed, "k2", &[event("0001", "1"), event("0150x", "1"), event("0298", "1")]).unwrap());
    assert_eq!((&answer["accepted"], &answer["known"]), (&json!(1), &json!(2)));
    assert_eq!(refused(send(&feed, "k3", &[event("0001", "1"), event("0298", "9")])), OutcomeCode::EventConflict);
});

on_both_engines!(a_dry_run_answers_and_writes_nothing, |db| {
    let book = book(&db);
    let feed = EventFeed::start(&book).unwrap();
    let state = (leaves(&book), rows(&book));
    let body = json!([event("a", "1")]).to_string();
    let call = || Call::keyed("key:feeder", "k1");
    let dry = feed.submit_and_wait(call().dry(true), body.as_bytes()).unwrap();
    assert_eq!(dry.json(), json!({"accepted": 1, "known": 0, "batch": null, "entries": []}));
    let mut unpriced = event("a", "1");
    unpriced["fee_asset"] = json!("ETH");
    let refusal = feed.submit_and_wait(Call::keyed("key:feeder", "k2").dry(true), json!([unpriced]).to_string().as_bytes());
    assert_eq!(refused(refusal), OutcomeCode::PriceMissing);
    assert_eq!((leaves(&book), rows(&book)), state);
    for key in ["k1", "k2"] {
        assert_eq!(book.read(|conn| request::find(conn, "key:feeder", key)).unwrap(), None, "a dry run leaves its key free");
    }
    // A real request beside dry ones under the same key is recorded, in whatever groups they end up.
    let pending: Vec<_> =
        [true, true, false, true].map(|dry| feed.submit(call().dry(dry), body.as_bytes()).unwrap()).into_iter().collect();
    let replies: Vec<Reply> = pending.into_iter().map(|p| p.blocking_recv().unwrap().unwrap()).collect();
    assert_eq!(replies[2].json()["batch"], json!(1));
    assert_eq!(rows(&book).len(), 1);
});

on_both_engines!(a_refusal_for_a_missing_price_or_policy_is_kept, |db| {
    let book = book(&db);
    let feed = EventFeed::start(&book).unwrap();
    let mut unpriced = event("a", "1");
    unpriced["fee_asset"] = json!("ETH");
    let before = leaves(&book);
    let first = send(&feed, "k1", &[event("b", "1"), unpriced.clone()]).unwrap();
    assert_eq!((first.status, first.json()["code"].as_str()), (422, Some("price-missing")));
    assert_eq!(first.json()["errors"][0]["pointer"], "/1/business_date");
    assert_eq!(
        (leaves(&book), rows(&book).len()),
        (before + 1, 0),
        "the refusal is in the log, the good event is not in the book"
    );
    lock(&book, "2019-05-08", &[("BTC", "5850.1"), ("ETH", "180")]);
    let again = send(&feed, "k1", &[event("b", "1"), unpriced.clone()]).unwrap();
    assert_eq!((again.replayed, &again.body), (true, &first.body), "the same key keeps its answer");
    let mut priced = unpriced;
    priced["business_date"] = json!("2019-05-08");
    created(&send(&feed, "k2", &[event("b", "1"), priced]).unwrap());
    let mut early = event("e", "1");
    early["business_date"] = json!("2018-12-31");
    assert_eq!(refused(send(&feed, "k3", &[early])), OutcomeCode::PolicyMissing);
    let mut unknown = event("f", "1");
    unknown["venue"] = json!("elsewhere");
    assert_eq!(refused(send(&feed, "k4", &[unknown])), OutcomeCode::UnknownVenue);
});

on_both_engines!(an_asset_added_later_is_known_to_a_running_feed, |db| {
    let book = book(&db);
    let feed = EventFeed::start(&book).unwrap();
    let asset = NewAsset { code: "BNB".to_owned(), network: "bsc".to_owned(), scale: 8, own_token: true };
    book.add_asset(&Call::fresh("test"), asset).unwrap().success().unwrap();
    lock(&book, "2019-05-08", &[("BTC", "5850.1"), ("BNB", "20")]);
    let mut event = event("a", "1");
    event["fee_asset"] = json!("BNB");
    event["business_date"] = json!("2019-05-08");
    created(&send(&feed, "k1", &[event]).unwrap());
    totals(&book);
});

// Requests that are submitted before any answer is awaited share groups; how many is up to the machine, so all must hold in any
// grouping.
on_both_engines!(neighbours_do_not_harm_each_other, |db| {
    let book = book(&db);
    let feed = EventFeed::start(&book).unwrap();
    let mut unpriced = event("u", "1");
    unpriced["fee_asset"] = json!("ETH");
    let mut waiting = Vec::new();
    for round in 0..20 {
        let own = event(&format!("own-{round}"), "1");
        for (key, events) in [
            (format!("good-{round}"), vec![own.clone(), event("shared", "7")]),
            (format!("good-{round}"), vec![own.clone(), event("shared", "7")]),
            (format!("good-{round}"), vec![event("never", "1")]),
            (format!("conflict-{round}"), vec![event("shared", "8"), event("never", "1")]),
            (format!("unpriced-{round}"), vec![event("never", "1"), unpriced.clone()]),
        ] {
            let call = Call::keyed("key:feeder", &key);
            waiting.push((key, feed.submit(call, json!(events).to_string().as_bytes()).unwrap()));
        }
    }
    let outcomes: Vec<_> = waiting.into_iter().map(|(key, answer)| (key, answer.blocking_recv().unwrap())).collect();
    for five in outcomes.chunks(5) {
        let [first, again, reused, conflict, unpriced] = five else { panic!("five each") };
        let first = first.1.as_ref().unwrap();
        assert_eq!(first.json()["accepted"].as_i64().unwrap() + first.json()["known"].as_i64().unwrap(), 2);
        let again = again.1.as_ref().unwrap();
        assert_eq!((&again.body, again.replayed), (&first.body, true));
        assert!(matches!(&reused.1, Err(StoreError::Rejected(r)) if r.code == OutcomeCode::IdempotencyConflict));
        assert!(matches!(&conflict.1, Err(StoreError::Rejected(r)) if r.code == OutcomeCode::EventConflict));
        assert_eq!(unpriced.1.as_ref().unwrap().json()["code"], "price-missing");
    }
    let ids: Vec<String> = rows(&book).into_iter().map(|row| row.external_id).collect();
    assert_eq!(ids.iter().filter(|id| *id == "shared").count(), 1);
    assert_eq!(ids.len(), 21, "{ids:?}");
    let sums = totals(&book);
    assert_eq!(sums[&(no::CONTRIBUTIONS.0, 2)].0, -(20 * 10_000_000 + 70_000_000));
});

on_both_engines!(two_hundred_at_once_have_one_effect, |db| {
    let book = book(&db);
    let feeds = [EventFeed::start(&book).unwrap(), EventFeed::start(&book).unwrap()];
    let events: Vec<Value> = (0..5).map(|i| event(&format!("e{i}"), "1")).collect();
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..200)
            .map(|i| {
                let (feed, events) = (&feeds[i % 2], &events);
                // Half of them share one key, the others have one each.
                scope.spawn(move || send(feed, &if i % 4 < 2 { "shared".to_owned() } else { format!("k{i}") }, events).unwrap())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let accepted: i64 = replies.iter().filter(|r| !r.replayed).map(|r| r.json()["accepted"].as_i64().unwrap()).sum();
    assert_eq!(accepted, 5, "one request brought the events, all others found them known");
    assert_eq!(replies.iter().filter(|r| r.replayed).count(), 99, "one of the hundred with the shared key was first");
    assert_eq!(rows(&book).len(), 5);
    assert_eq!(totals(&book)[&(no::CONTRIBUTIONS.0, 2)].0, -5 * 10_000_000);
});
