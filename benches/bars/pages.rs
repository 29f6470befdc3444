//! P15: every page of a large book. The book is the demo, whose story has something on every page, with a million contributions and a
//! hundred thousand entries more, posted through the feed for single events.

use crate::book::post;
use crate::http::Served;
use crate::table::{at_most, median, millis, time};
use safu_ledger::demo::{self, Demo, Folder, SEED};
use safu_ledger::service::Book;
use safu_ledger::service::contributions::events::EventFeed;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;

/// Requests of the fill; each is a batch of its own, with one entry a business date.
const BATCHES: usize = 3_450;
/// Business dates of a batch: the open month of the demo.
const DAYS: usize = 29;
/// Events of a business date in a batch.
const EVENTS: usize = 10;
/// Addresses of each kind of page that are opened, spread over those that are found.
const ADDRESSES: usize = 6;
/// How often each address is opened.
const VISITS: usize = 5;
/// Links that are followed to find addresses.
const FOLLOWED: usize = 600;
/// The longest that a page may take.
const LIMIT_SECONDS: f64 = 0.1;

/// Opens every kind of page that links lead to, and prints how long the server takes.
pub fn walk() {
    let folder = tempfile::tempdir().unwrap();
    let book = large_book(folder.path());
    let served = Served::pages(&book);
    let kinds = kinds(&served);
    println!("\n{:<58} {:>9} {:>9} {:>9}", "page (P15)", "median ms", "p99 ms", "bytes");
    let mut slowest = (0.0, String::new());
    for (kind, addresses) in &kinds {
        let (mut took, mut bytes) = (Vec::new(), Vec::new());
        let step = addresses.len().div_ceil(ADDRESSES);
        let chosen: Vec<&String> = addresses.iter().step_by(step).collect();
        for path in chosen.iter().cycle().take(chosen.len() * VISITS) {
            let mut client = served.connect();
            took.push(time(|| bytes.push(client.get(path).len() as f64)).as_secs_f64());
        }
        took.sort_by(f64::total_cmp);
        let (middle, p99) = (median(took.clone()), took[(took.len() * 99).div_ceil(100) - 1]);
        println!("{kind:<58} {:>9.1} {:>9.1} {:>9.0}", middle * 1e3, p99 * 1e3, median(bytes));
        if middle > slowest.0 {
            slowest = (middle, kind.clone());
        }
    }
    let name = format!("P15 slowest of {} kinds: {}", kinds.len(), slowest.1);
    at_most(&name, &millis(slowest.0), &millis(LIMIT_SECONDS), slowest.0 / LIMIT_SECONDS, 1.0);
}

/// The demo with the fill.
fn large_book(folder: &std::path::Path) -> Book {
    let demo: Demo = demo::build(Folder::take(folder).unwrap(), SEED, &mut |_| {}).unwrap();
    let book = demo.book().unwrap();
    let feed = EventFeed::start(&book).unwrap();
    for batch in 0..BATCHES {
        post(&feed, &format!("fill-{batch:06}"), &body(batch)).unwrap();
    }
    book
}

fn body(batch: usize) -> String {
    let mut text = String::from("[");
    for n in 0..DAYS * EVENTS {
        let (comma, asset, number) = (if n == 0 { "" } else { "," }, ["BTC", "BNB", "USDC"][n % 3], batch * DAYS * EVENTS + n);
        let (day, fee) = (1 + n / EVENTS, n % 997);
        write!(
            text,
            r#"{comma}{{"external_id":"fill-{number:010}","venue":"synthetic-spot","business_date":"2019-06-{day:02}","pair":"{asset}-USD","fee_asset":"{asset}","net_fee":"0.0{fee:03}"}}"#
        )
        .unwrap();
    }
    text.push(']');
    text
}

/// Addresses of every kind of page, found by following links from the first page.
fn kinds(served: &Served) -> BTreeMap<String, BTreeSet<String>> {
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut queue = VecDeque::from(["/".to_owned(), "/approvals".to_owned(), "/journal?text=fill".to_owned()]);
    let (mut seen, mut client) = (BTreeSet::new(), served.connect());
    while let Some(path) = queue.pop_front() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let known = kinds.entry(kind(&path)).or_default();
        // Enough of a kind is enough; the queue is short of other kinds then.
        let follow = known.len() < ADDRESSES && seen.len() < FOLLOWED;
        known.insert(path.clone());
        if follow {
            let page = String::from_utf8_lossy(&client.get(&path)).into_owned();
            queue.extend(links(&page));
        }
    }
    kinds
}

/// Addresses of pages that a page links to: no files, nothing of the API.
fn links(html: &str) -> Vec<String> {
    let found = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let found = found.map(|href| href.replace("&#38;", "&").replace("&amp;", "&"));
    let bare = found.map(|href| href.split('#').next().unwrap().to_owned());
    let other = ["/assets/", "/api/", "/problems/"];
    bare.filter(|href| href.starts_with('/') && !other.iter().any(|start| href.starts_with(start)))
        .filter(|href| !href.contains("format=") && !href.contains(".csv") && href != "/favicon.ico")
        .collect()
}

/// The address with a sign for each part that has a digit, and the names of its parameters.
fn kind(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let part = |part: &str| if part.bytes().any(|b| b.is_ascii_digit()) { "…".to_owned() } else { part.to_owned() };
    let mut kind = path.split('/').map(part).collect::<Vec<_>>().join("/");
    let names: BTreeSet<&str> =
        query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty()).collect();
    for (at, name) in names.iter().enumerate() {
        write!(kind, "{}{name}", if at == 0 { '?' } else { '&' }).unwrap();
    }
    kind
}
