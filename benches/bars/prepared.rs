//! The book that P15 opens pages of: the demo, whose story has something on every page, and the year after it with a million
//! contributions in a hundred thousand entries, and somebody in each role who is logged in. Making it takes minutes, so it is kept in the
//! target folder under its name; another name makes it anew.

use crate::book::post;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use safu_ledger::demo::people::{PASSWORD, PEOPLE};
use safu_ledger::demo::{self, Folder, SEED};
use safu_ledger::domain::contribution::manifest::{DescribeMeta, describe};
use safu_ledger::domain::person::PersonId;
use safu_ledger::domain::text::Name;
use safu_ledger::proof::merkle::sha256;
use safu_ledger::service::approvals::Draft;
use safu_ledger::service::clock::Clock;
use safu_ledger::service::contributions::events::EventFeed;
use safu_ledger::service::evidence::GivenFile;
use safu_ledger::service::identity::Visitor;
use safu_ledger::service::init;
use safu_ledger::service::refs::Refs;
use safu_ledger::service::{Answer, Book, Call, Reply};
use safu_ledger::store::conn::DatabaseUrl;
use safu_ledger::store::error::StoreError;
use safu_ledger::store::identity::{InvitationRow, add_invitation};
use safu_ledger::store::price::{PriceRow, PriceSet, PriceSetRow};
use safu_ledger::store::tx::Tx;
use safu_ledger::store::{migrate, person};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Change it with whatever is put into the book.
const NAME: &str = "pages-2";
/// The first day after the story.
const FIRST: Date = date(2019, 7, 1);
/// Days that are filled.
const DAYS: i32 = 366;
/// Requests of a day; each is a batch of its own, with one entry a business date.
const BATCHES: i32 = 55;
/// Business dates of a batch: those before the day, so that entries are recorded out of the order of their dates.
const BACK: i32 = 5;
/// Events of a business date in a batch.
const EVENTS: i32 = 10;
/// Rows of the one large fee report.
const ROWS: usize = 50_000;
/// Proposals that wait.
const PROPOSALS: usize = 300;
/// Who is logged in, each in the role of this name.
pub const ROLES: [&str; 6] = ["auditor", "administrator", "preparer", "approver", "treasurer", "incident-officer"];
/// The day on which the unused invitation ends, long after the fill.
const INVITED_UNTIL: Date = date(2030, 1, 1);

/// The book, ready.
pub struct Prepared {
    pub book: Book,
    pub known: Known,
}

/// What is not found in the book again.
#[derive(Serialize, Deserialize)]
pub struct Known {
    /// Tokens of the sessions of [`ROLES`].
    pub sessions: Vec<String>,
    /// An invitation that nobody has used.
    pub invitation: String,
    /// Where the clock stands.
    now: Timestamp,
}

/// The kept book, or a new one.
pub fn open() -> Prepared {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(NAME);
    let done = folder.join("done.json");
    if !done.is_file() {
        eprintln!("making the book of P15 in {}; it is kept there", folder.display());
        drop(std::fs::remove_dir_all(&folder));
        let known = make(&folder.join("demo"));
        std::fs::write(&done, serde_json::to_vec(&known).unwrap()).unwrap();
    }
    let known: Known = serde_json::from_slice(&std::fs::read(&done).unwrap()).unwrap();
    Prepared { book: book(&folder.join("demo"), known.now), known }
}

fn book(folder: &Path, now: Timestamp) -> Book {
    let path: PathBuf = folder.join("book.db");
    let url = DatabaseUrl::parse(&format!("sqlite://{}", path.display())).unwrap();
    migrate::run(&mut url.connect().unwrap(), true).unwrap();
    init::open(&url, Clock::simulated(now)).unwrap()
}

fn make(folder: &Path) -> Known {
    drop(demo::build(Folder::take(folder).unwrap(), SEED, &mut |_| {}).unwrap());
    let book = book(folder, at(FIRST, 9));
    let feed = EventFeed::start(&book).unwrap();
    for number in 0..DAYS {
        let day = FIRST.checked_add(number.days()).unwrap();
        fill_day(&book, &feed, number, day);
        if number % 30 == 0 {
            eprintln!("  {day}");
        }
    }
    around(&book);
    Known { sessions: ROLES.map(|role| session(&book, role)).to_vec(), invitation: invitation(&book), now: book.clock.now() }
}

fn at(day: Date, hour: i8) -> Timestamp {
    day.at(hour, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp()
}

fn call() -> Call {
    Call::fresh("cli:bench")
}

fn done(reply: Result<Reply, StoreError>) -> Value {
    reply.unwrap().success().unwrap().json()
}

/// The prices and reports of the day before, then the batches of the day.
fn fill_day(book: &Book, feed: &EventFeed, number: i32, day: Date) {
    let before = day.yesterday().unwrap();
    book.clock.set(at(day, 1));
    if number > 0 {
        prices(book, before, number);
        book.clock.set(at(day, 2));
        report(book, "synthetic-spot", before, if number == 1 { ROWS } else { 3 });
        report(book, "synthetic-margin", before, 2);
    }
    book.clock.set(at(day, 4));
    for batch in 0..BATCHES {
        post(feed, &format!("fill-{number:03}-{batch:02}"), &events(number * BATCHES + batch, day)).unwrap();
    }
}

fn events(batch: i32, day: Date) -> String {
    let mut text = String::from("[");
    for n in 0..BACK * EVENTS {
        let (comma, asset) = (if n == 0 { "" } else { "," }, ["BTC", "BNB", "USDC"][(n % 3) as usize]);
        let (date, fee) = (day.checked_sub((BACK - n / EVENTS).days()).unwrap(), n % 997);
        write!(
            text,
            r#"{comma}{{"external_id":"fill-{number:010}","venue":"synthetic-spot","business_date":"{date}","pair":"{asset}-USD","fee_asset":"{asset}","net_fee":"0.0{fee:03}"}}"#,
            number = batch * BACK * EVENTS + n,
        )
        .unwrap();
    }
    text.push(']');
    text
}

fn report(book: &Book, venue: &str, day: Date, rows: usize) {
    let mut text = "venue,business_date,pair,fee_asset,trades,volume_base,volume_quote,gross_fee,rebate,net_fee\n".to_owned();
    for row in 0..rows {
        writeln!(text, "{venue},{day},P{row:05}-USDC,BTC,7,9000,45000000,0.{:04},0,0.{0:04}", 1 + row % 9_000).unwrap();
    }
    let report_id = Name::parse(&format!("{venue}-{day}")).unwrap();
    let meta = DescribeMeta { report_id, version: 1, supersedes: None, generated_at: book.clock.now() };
    let manifest = describe(text.as_bytes(), meta).unwrap().to_json();
    done(book.submit_report(&call(), manifest.as_bytes(), text.into_bytes()));
}

/// The prices of a day. From the end of the story on two must agree to them, so they are recorded as they are then.
fn prices(book: &Book, day: Date, number: i32) {
    let cutoff_on = day.to_string();
    let refs = book.read(Refs::load).unwrap();
    let quotes =
        [("BTC", (10_000 + number % 97).to_string()), ("BNB", format!("30.{:02}", number % 89)), ("USDC", "1".to_owned())];
    let prices = quotes.into_iter().map(|(code, price)| {
        let asset_id = refs.asset("/asset", code).unwrap().id.0;
        PriceRow { cutoff_on: cutoff_on.clone(), asset_id, price, basis: "observed".to_owned() }
    });
    let header = PriceSetRow { cutoff_on: cutoff_on.clone(), source: "bench".to_owned(), source_hash: String::new(), leaf: 0 };
    let set = PriceSet { header, prices: prices.collect() };
    let record = move |tx: &mut Tx<'_>| {
        tx.record(set.clone());
        Ok(Answer::created(json!({})))
    };
    done(book.command(&call(), &json!({"prices": day}), record));
}

/// The session of the first of the demo's people in a role.
fn session(book: &Book, role: &str) -> String {
    let member = PEOPLE.into_iter().find(|member| member.role == role).unwrap();
    let code = member.code(book.clock.now());
    book.log_in(&Visitor::default(), member.login, PASSWORD, &code, None).unwrap()
}

/// An invitation that nobody has used.
fn invitation(book: &Book) -> String {
    let (token, expires_at) = ("bench-invitation".to_owned(), at(INVITED_UNTIL, 0).as_microsecond());
    let person = Some(preparer(book).0);
    let row = InvitationRow { token_hash: sha256(token.as_bytes()).to_vec(), person, expires_at, used_at: None };
    book.store.write(move |conn| add_invitation(conn, &row)).unwrap();
    token
}

fn preparer(book: &Book) -> PersonId {
    let login = PEOPLE.into_iter().find(|member| member.role == "preparer").unwrap().login;
    PersonId(book.read(|conn| person::of_login(conn, login)).unwrap().unwrap().id)
}

/// What else pages are about: a file, proposals, balances that differ from the book.
fn around(book: &Book) {
    let preparer = preparer(book);
    let by = || Call::fresh("person:paula").by(preparer, true);
    let file = GivenFile { name: "invoice.pdf".to_owned(), bytes: b"%PDF-1.7 an invoice".as_slice().into() };
    done(book.add_evidence(&by(), file));
    for number in 0..PROPOSALS {
        let terms = json!({"account": 9100, "asset": "BTC", "quantity": (350_000 + number).to_string()});
        let command = json!({"effective_on": book.clock.today(), "terms": terms});
        done(book.draft(&by(), Draft { kind: "memo".to_owned(), command }));
    }
    let mut observed = "wallet,asset,network,quantity,block_height,observed_at,source\n".to_owned();
    let day = book.clock.today().yesterday().unwrap();
    for pair in ["cold-btc,BTC,bitcoin", "cold-bnb,BNB,bnb-chain", "cold-usdc,USDC,ethereum"] {
        writeln!(observed, "{pair},1,,{day}T23:00:00Z,bench").unwrap();
    }
    done(book.import_balances(&by(), "bench.csv", observed.as_bytes()));
}
