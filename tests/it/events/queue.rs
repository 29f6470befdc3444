//! What waits while the writer is busy: it shares a commit, is answered one by one, and is never forgotten.

use super::{Call, DAY, EventFeed, Outcome, OutcomeCode, StoreError, book, created, event, lock, refused, rows, send, totals};
use safu_ledger::domain::account::no;
use safu_ledger::domain::outcome::Rejection;
use safu_ledger::service::Book;
use safu_ledger::service::verify::verify;
use safu_ledger::store::contribution;
use safu_ledger::store::request::{self, Request};
use serde_json::{Value, json};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::TryRecvError;

/// Keeps the writer busy until it is let go.
struct Busy {
    go: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Busy {
    fn hold(book: &Book) -> Self {
        let (go, gone) = mpsc::channel();
        let (entered, inside) = mpsc::channel();
        let (store, gone) = (book.store.clone(), std::sync::Arc::new(std::sync::Mutex::new(gone)));
        let thread = std::thread::spawn(move || {
            let wait = move |_: &mut _| {
                entered.send(()).unwrap();
                gone.lock().unwrap().recv().unwrap();
                Ok(())
            };
            store.write(wait).unwrap();
        });
        inside.recv().unwrap();
        Self { go, thread }
    }

    fn let_go(self) {
        self.go.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

fn put(feed: &EventFeed, key: &str, events: &[Value]) -> Receiver<Outcome> {
    feed.submit(Call::keyed("key:feeder", key), json!(events).to_string().as_bytes()).unwrap()
}

fn within_a_minute(mut answer: Receiver<Outcome>) -> Outcome {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match answer.try_recv() {
            Ok(outcome) => return outcome,
            Err(TryRecvError::Empty) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => panic!("no answer: {error}"),
        }
    }
}

fn is_stopped(outcome: &Outcome) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(why)) if why.contains("stopped"))
}

fn batches(book: &Book) -> Vec<i64> {
    book.read(|conn| contribution::batches(conn, 0, 1_000)).unwrap().into_iter().map(|batch| batch.row_count).collect()
}

/// New and known events and keys side by side in one group, whose ids lie beyond all stored ones but a few, or among many of them.
fn mixed(book: &Book, stored: &[&str]) {
    let feed = EventFeed::start(book).unwrap();
    for id in stored {
        created(&send(&feed, &format!("key-{id}"), &[event(id, "1")]).unwrap());
    }
    let before = batches(book).len();
    let (first, last) = (stored[0], stored[stored.len() - 1]);
    let busy = Busy::hold(book);
    // While the writer is busy a first request calls for a turn; all of these are there when it comes.
    let fresh: Vec<_> = (0..30).map(|n| put(&feed, &format!("key-m{n:02}"), &[event(&format!("m{n:02}"), "2")])).collect();
    let again = put(&feed, &format!("key-{last}"), &[event(last, "1")]);
    let reused = put(&feed, &format!("key-{first}"), &[event("m99", "1")]);
    let known = put(&feed, "key-m50", &[event(last, "1"), event("m50", "2")]);
    let changed = put(&feed, "key-m51", &[event(last, "9")]);
    let twice = put(&feed, "key-m52", &[event("m00", "2")]);
    busy.let_go();
    for answer in fresh {
        let reply = within_a_minute(answer).unwrap();
        assert_eq!((created(&reply)["accepted"].as_i64(), reply.json()["known"].as_i64()), (Some(1), Some(0)));
    }
    let again = within_a_minute(again).unwrap();
    assert!(again.replayed && again.is_success(), "{again:?}");
    assert_eq!(refused(within_a_minute(reused)), OutcomeCode::IdempotencyConflict);
    let known = created(&within_a_minute(known).unwrap());
    assert_eq!((&known["accepted"], &known["known"]), (&json!(1), &json!(1)));
    assert_eq!(refused(within_a_minute(changed)), OutcomeCode::EventConflict);
    let twice = created(&within_a_minute(twice).unwrap());
    assert_eq!((&twice["accepted"], &twice["known"]), (&json!(0), &json!(1)));
    assert_eq!(batches(book)[before..], [31], "all of them share one batch");
    let tenths = i128::try_from(stored.len()).unwrap() + 2 * 31;
    assert_eq!(totals(book)[&(no::CONTRIBUTIONS.0, 2)].0, -tenths * 10_000_000);
}

on_both_engines!(a_group_beyond_all_but_a_few_stored_events_knows_them, |db| {
    mixed(&book(&db), &["l8", "m60"]);
});

on_both_engines!(a_group_among_many_stored_events_knows_them_too, |db| {
    // More than are read in one look: each request looks for itself.
    let stored: Vec<String> = (0..100).map(|n| format!("m{n:02}x")).collect();
    mixed(&book(&db), &stored.iter().map(String::as_str).collect::<Vec<_>>());
});

on_both_engines!(more_than_one_turn_takes_is_answered_in_several, |db| {
    let book = book(&db);
    let feed = EventFeed::start(&book).unwrap();
    let busy = Busy::hold(&book);
    let waiting: Vec<_> = (0..450).map(|n| put(&feed, &format!("k{n:04}"), &[event(&format!("e{n:04}"), "1")])).collect();
    busy.let_go();
    for answer in waiting {
        created(&within_a_minute(answer).unwrap());
    }
    assert_eq!(batches(&book), [200, 200, 50]);
    assert_eq!(rows(&book).len(), 450);
    created(&send(&feed, "after", &[event("f", "1")]).unwrap());
});

on_both_engines!(who_comes_to_a_full_queue_is_told_and_the_others_are_served, |db| {
    let book = book(&db);
    let feed = EventFeed::start(&book).unwrap();
    let busy = Busy::hold(&book);
    let mut waiting = Vec::new();
    let refused = loop {
        let body = json!([event(&format!("e{:05}", waiting.len()), "1")]).to_string();
        match feed.submit(Call::keyed("key:feeder", format!("k{:05}", waiting.len())), body.as_bytes()) {
            Ok(answer) => waiting.push(answer),
            Err(refused) => break refused,
        }
    };
    let StoreError::Rejected(rejection) = refused else { panic!("{refused}") };
    assert_eq!((rejection.code, rejection.problems[0].detail.contains("try again")), (OutcomeCode::Unavailable, true));
    let count = waiting.len();
    assert!(count >= 1_000, "{count}");
    busy.let_go();
    for answer in waiting {
        created(&within_a_minute(answer).unwrap());
    }
    assert_eq!(rows(&book).len(), count);
    assert_eq!(rows(&book)[0].business_date, DAY);
});

on_both_engines!(sums_that_do_not_fit_leave_nothing_of_their_request, |db| {
    let book = book(&db);
    lock(&book, "2019-05-08", &[("BTC", "5850.1"), ("ETH", "180")]);
    let feed = EventFeed::start(&book).unwrap();
    let eth = |id: &str, net_fee: &str| {
        let mut event = event(id, net_fee);
        event["fee_asset"] = json!("ETH");
        event["business_date"] = json!("2019-05-08");
        event
    };
    let most = "99999999999999999999.999999999999999999";
    let huge = |name: &str| -> Vec<Value> { (0..20).map(|n| eth(&format!("{name}-{n:02}"), most)).collect() };
    let busy = Busy::hold(&book);
    let first = put(&feed, "a-huge", &huge("a"));
    let good = put(&feed, "b-good", &[eth("b", "1")]);
    let last = put(&feed, "c-huge", &huge("c"));
    busy.let_go();
    assert_eq!(created(&within_a_minute(good).unwrap())["accepted"], json!(1));
    for answer in [first, last] {
        assert!(!within_a_minute(answer).is_ok_and(|reply| reply.is_success()), "a sum of 2·10^38 does not fit");
    }
    assert_eq!(rows(&book).len(), 1);
    assert_eq!(totals(&book)[&(no::CONTRIBUTIONS.0, 3)].0, -100_000_000_000_000_000);
    assert!(verify(&book).unwrap().is_good());
});

on_both_engines!(a_job_that_is_refused_after_it_wrote_leaves_nothing_beside_its_neighbours, |db| {
    let book = book(&db);
    let busy = Busy::hold(&book);
    let write = |key: &'static str, refuse: bool| {
        let store = book.store.clone();
        std::thread::spawn(move || {
            store.write(move |conn| {
                request::insert(conn, &[kept(key)])?;
                if refuse { Err(Rejection::invalid("key", key, "is refused late").into()) } else { Ok(()) }
            })
        })
    };
    let (refused, good) = (write("refused", true), write("good", false));
    std::thread::sleep(Duration::from_millis(200));
    busy.let_go();
    assert!(matches!(refused.join().unwrap(), Err(StoreError::Rejected(_))));
    good.join().unwrap().unwrap();
    let found = |key: &str| book.read(|conn| request::find(conn, "key:feeder", key)).unwrap().is_some();
    assert_eq!((found("refused"), found("good")), (false, true));
});

fn kept(key: &str) -> Request {
    let (actor, response) = ("key:feeder".to_owned(), "{}".to_owned());
    Request { actor, key: key.to_owned(), content_hash: vec![0; 32], content: None, status: 201, response, recorded_at: 0 }
}

on_both_engines!(nobody_is_left_waiting_by_a_book_that_is_closed, |db| {
    let book = book(&db);
    let feed = EventFeed::start(&book).unwrap();
    let busy = Busy::hold(&book);
    let store = book.store.clone();
    let closing = std::thread::spawn(move || store.close());
    // By now the end is likely in the writer's queue, and what comes after it is never run.
    std::thread::sleep(Duration::from_millis(200));
    let late: Vec<_> = (0..3).map(|n| put(&feed, &format!("late-{n}"), &[event(&format!("late-{n}"), "1")])).collect();
    busy.let_go();
    closing.join().unwrap();
    let after = put(&feed, "after", &[event("after", "1")]);
    for answer in late {
        let outcome = within_a_minute(answer);
        assert!(outcome.as_ref().is_ok_and(|reply| reply.is_success()) || is_stopped(&outcome), "{outcome:?}");
    }
    let outcome = within_a_minute(after);
    assert!(is_stopped(&outcome), "{outcome:?}");
});
