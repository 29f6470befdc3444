//! Books to measure on, and the events that are posted to them.

use safu_ledger::service::clock::Clock;
use safu_ledger::service::contributions::events::{EventFeed, Outcome};
use safu_ledger::service::init::{self, NewBook};
use safu_ledger::service::policies::ContributionTerms;
use safu_ledger::service::prices::{GivenPrices, LockPrices, Quote};
use safu_ledger::service::registry::{NewAsset, NewVenue};
use safu_ledger::service::{Book, Call};
use safu_ledger::store::conn::DatabaseUrl;
use std::fmt::Write;
use std::path::PathBuf;
use tempfile::TempDir;

pub const DAY: &str = "2019-05-07";
const ASSETS: [&str; 4] = ["BTC", "ETH", "BNB", "USDC"];

/// A book in a folder that goes with it.
pub struct Bench {
    pub book: Book,
    folder: Option<TempDir>,
}

impl Bench {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("book.db").display());
        Self { book: open(&url), folder: Some(folder) }
    }

    #[cfg(feature = "postgres")]
    pub fn postgres(url: &str) -> Self {
        Self { book: open(url), folder: None }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().join("book.db")
    }

    pub fn feed(&self) -> EventFeed {
        EventFeed::start(&self.book).unwrap()
    }

    /// A book with `count` contributions in it.
    pub fn filled(count: usize) -> Self {
        let bench = Self::sqlite();
        post_in_parallel(&bench.feed(), &bodies(4, count / 4_000, 1_000), "fill");
        bench
    }
}

fn open(url: &str) -> Book {
    let clock = Clock::simulated("2019-05-09T12:00:00Z".parse().unwrap());
    let book = init::create(&DatabaseUrl::parse(url).unwrap(), clock, "bench", &NewBook::default()).unwrap();
    let call = || Call::fresh("bench");
    for code in ASSETS {
        let asset = NewAsset { code: code.to_owned(), network: "main".to_owned(), scale: 8, own_token: false };
        book.add_asset(&call(), asset).unwrap();
    }
    let venue = NewVenue { code: "spot".to_owned(), first_due: "2019-01-01".parse().unwrap() };
    book.add_venue(&call(), venue).unwrap();
    book.set_contribution_policy(&call(), "2019-01-01".parse().unwrap(), ContributionTerms::of_all_venues("0.1")).unwrap();
    let prices = ASSETS.map(|code| (code.to_owned(), Quote::observed("5850.1"))).into_iter().collect();
    let given = GivenPrices { source: "bench".to_owned(), source_hash: String::new(), prices };
    book.lock_prices(&call(), LockPrices::given(DAY.parse().unwrap(), given).without_valuation()).unwrap();
    book
}

/// Request bodies of one sender, in order.
pub type Bodies = Vec<String>;

/// Bodies of several senders: `requests` of `events` each, with ids in the order of time.
pub fn bodies(senders: usize, requests: usize, events: usize) -> Vec<Bodies> {
    (0..senders)
        .map(|sender| (0..requests).map(|request| body(&format!("job{sender}"), request * events, events)).collect())
        .collect()
}

/// A list of events, its assets in turn.
pub fn body(sender: &str, first: usize, events: usize) -> String {
    let mut text = String::from("[");
    for n in first..first + events {
        text.push_str(if n == first { "" } else { "," });
        event(&mut text, &format!("{sender}-{n:010}"), n);
    }
    text.push(']');
    text
}

/// A list of the one event with this id.
pub fn single(id: &str, n: usize) -> String {
    let mut text = String::from("[");
    event(&mut text, id, n);
    text.push(']');
    text
}

fn event(text: &mut String, id: &str, n: usize) {
    let (asset, fee) = (ASSETS[n % 4], n % 9_973);
    write!(
        text,
        r#"{{"external_id":"{id}","venue":"spot","business_date":"{DAY}","pair":"{asset}-USD","fee_asset":"{asset}","net_fee":"1.0{fee:04}"}}"#
    )
    .unwrap();
}

/// Each sender posts its requests one after another under keys that begin with `key`; all of them at the same time.
pub fn post_in_parallel(feed: &EventFeed, senders: &[Bodies], key: &str) {
    std::thread::scope(|scope| {
        for (sender, bodies) in senders.iter().enumerate() {
            scope.spawn(move || {
                for (at, body) in bodies.iter().enumerate() {
                    post(feed, &format!("{key}-{sender}-{at:08}"), body).unwrap();
                }
            });
        }
    });
}

pub fn post(feed: &EventFeed, key: &str, body: &str) -> Outcome {
    let outcome = feed.submit_and_wait(Call::keyed("key:bench", key), body.as_bytes());
    assert!(outcome.as_ref().is_ok_and(|reply| reply.is_success()), "{outcome:?}");
    outcome
}
