//! Posting without a network: the store's writer, growth, replay, PostgreSQL.

use crate::book::{Bench, DAY, bodies, post, post_in_parallel};
use crate::full;
use crate::raw::Raw;
use crate::table::{at_least, at_most, in_turns, left_out, note, per_second, rate, time};
use jiff::Timestamp;
use safu_ledger::proof::merkle::sha256;
use safu_ledger::service::Book;
use safu_ledger::store::contribution::{BatchRow, EventRow, NewBatch, Pick};
use safu_ledger::store::tx::{Stamp, Tx};
use safu_ledger::store::types::Minor;
use std::sync::Arc;

const REQUESTS: usize = 25;
const EVENTS: usize = 1_000;

/// P2: rows that are decided already, through the store's writer.
pub fn writer() {
    let (bench, mut raw) = (Bench::sqlite(), Raw::new());
    let rows = 4 * REQUESTS * EVENTS;
    let (ours, floor) = in_turns(
        |run| {
            let batches: Vec<_> = (0..4 * REQUESTS).map(|batch| event_rows((run * 4 * REQUESTS + batch) * EVENTS)).collect();
            rate(rows, || batches.into_iter().for_each(|batch| record(&bench.book, batch)))
        },
        |_| rate(rows, || raw.post(4 * REQUESTS, EVENTS)),
    );
    at_least("P2 store's writer, 1,000 a commit", &per_second(ours), &per_second(floor), ours / floor, 0.8);
    let (bench, mut raw) = (Bench::sqlite(), Raw::new());
    let (feed, all) = (bench.feed(), bodies(4, REQUESTS * 5, EVENTS));
    let (ours, floor) = in_turns(
        |run| {
            let part: Vec<_> = all.iter().map(|sender| sender[run * REQUESTS..][..REQUESTS].to_vec()).collect();
            rate(rows, || post_in_parallel(&feed, &part, &format!("run{run}")))
        },
        |_| rate(rows, || raw.post(4 * REQUESTS, EVENTS)),
    );
    note("   event feed in the process, 4 × 1,000", &per_second(ours), &per_second(floor), ours / floor);
}

fn event_rows(first: usize) -> Vec<EventRow> {
    let row = |n: usize| EventRow {
        venue_id: 1,
        external_id: format!("job0-{n:010}"),
        business_date: DAY.to_owned(),
        pair: "BTC-USD".to_owned(),
        asset_id: i32::try_from(n % 4 + 2).unwrap(),
        net_fee: Minor(100_000_000 + (n % 9_973) as i128 * 10_000),
    };
    (first..first + EVENTS).map(row).collect()
}

fn record(book: &Book, rows: Vec<EventRow>) {
    let picks: Vec<Pick> = (0..rows.len()).map(|event| Pick { request: 0, event, amount: Minor(10_000_000) }).collect();
    let group = Arc::new(vec![rows]);
    let write = move |conn: &mut _| {
        let mut tx = Tx::begin(conn, Stamp { at: Timestamp::UNIX_EPOCH, actor: "bench".to_owned(), request: String::new() })?;
        let count = picks.len() as i64;
        let (id, first_contribution) = (tx.head.next_batch(), tx.head.take_contributions(count));
        let header = BatchRow {
            id,
            first_contribution,
            row_count: count,
            rows_root: sha256(b"").to_vec(),
            requests: "[]".to_owned(),
            recorded_at: 0,
            leaf: 0,
        };
        tx.record(NewBatch { header, group: Arc::clone(&group), picks: picks.clone() });
        tx.commit()
    };
    book.store.write(write).unwrap();
}

/// P4: the rate, the slowest request and the size while the book grows.
pub fn growth() {
    let total = if full() { 10_000_000 } else { 1_000_000 };
    let bench = Bench::sqlite();
    let feed = bench.feed();
    let (mut slowest, mut rates) = (0.0_f64, Vec::new());
    let mut raw = Raw::new();
    let mut slowest_raw = 0.0_f64;
    for part in 0..total / 100_000 {
        let bodies: Vec<String> = (0..100).map(|at| crate::book::body("job0", (part * 100 + at) * EVENTS, EVENTS)).collect();
        let took: f64 = bodies
            .iter()
            .enumerate()
            .map(|(at, body)| {
                let took = time(|| drop(post(&feed, &format!("grow-{part:06}-{at:03}"), body))).as_secs_f64();
                slowest = slowest.max(took);
                slowest_raw = slowest_raw.max(time(|| raw.post(1, EVENTS)).as_secs_f64());
                took
            })
            .sum();
        rates.push(100_000.0 / took);
    }
    let five = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len() as f64;
    let (early, late) = (five(&rates[..5]), five(&rates[rates.len() - 5..]));
    let name = format!("P4 rate near {}M rows, to the first 0.5M", total / 1_000_000);
    at_least(&name, &per_second(late), &per_second(early), late / early, 0.8);
    let ms = |seconds: f64| format!("{:.0} ms", seconds * 1_000.0);
    at_most("   slowest request of 1,000 (limit 100 ms)", &ms(slowest), &ms(slowest_raw), slowest * 10.0, 1.0);
    let bytes = std::fs::metadata(bench.path()).unwrap().len() as f64 / total as f64;
    at_most("   bytes a contribution (limit 200)", &format!("{bytes:.0}"), "", bytes, 200.0);
}

/// P8: the same requests again, to the rate of the first time.
pub fn replay() {
    let bench = Bench::sqlite();
    let (feed, all) = (bench.feed(), bodies(4, REQUESTS * 5, EVENTS));
    let part = |run: usize| -> Vec<_> { all.iter().map(|sender| sender[run * REQUESTS..][..REQUESTS].to_vec()).collect() };
    let rows = 4 * REQUESTS * EVENTS;
    let (mut first, mut again, mut known) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..5 {
        let (bodies, key) = (part(run), format!("run{run}"));
        first.push(rate(rows, || post_in_parallel(&feed, &bodies, &key)));
        again.push(rate(rows, || post_in_parallel(&feed, &bodies, &key)));
        known.push(rate(rows, || post_in_parallel(&feed, &bodies, &format!("other{run}"))));
    }
    let [first, again, known] = [first, again, known].map(crate::table::median);
    at_least("P8 replay of known requests, to first post", &per_second(again), &per_second(first), again / first, 2.0);
    note("   known events under new keys", &per_second(known), &per_second(first), known / first);
}

/// P11: the event feed on PostgreSQL, to the same on SQLite.
pub fn postgres() {
    let name = "P11 PostgreSQL, 4 × 1,000, to SQLite";
    #[cfg(not(feature = "postgres"))]
    left_out(name, "built without PostgreSQL; use --features postgres");
    #[cfg(feature = "postgres")]
    {
        let Ok(url) = std::env::var("SAFU_BENCH_POSTGRES") else {
            return left_out(name, "SAFU_BENCH_POSTGRES names no empty database");
        };
        let (remote, local) = (Bench::postgres(&url), Bench::sqlite());
        let (remote_feed, local_feed) = (remote.feed(), local.feed());
        let all = bodies(4, REQUESTS * 5, EVENTS);
        let part = |run: usize| -> Vec<_> { all.iter().map(|sender| sender[run * REQUESTS..][..REQUESTS].to_vec()).collect() };
        let rows = 4 * REQUESTS * EVENTS;
        let (ours, floor) = in_turns(
            |run| rate(rows, || post_in_parallel(&remote_feed, &part(run), &format!("run{run}"))),
            |run| rate(rows, || post_in_parallel(&local_feed, &part(run), &format!("run{run}"))),
        );
        at_least(name, &per_second(ours), &per_second(floor), ours / floor, 0.25);
    }
}
