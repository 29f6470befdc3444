//! A server of the test's own, in this process, on a free loopback port.

use super::database::{TestDb, with_secrets};
use safu_ledger::service::clock::Clock;
use safu_ledger::service::init::{self, NewBook};
use safu_ledger::service::keys::KeyScope;
use safu_ledger::service::policies::ContributionTerms;
use safu_ledger::service::prices::{GivenPrices, LockPrices, Quote};
use safu_ledger::service::registry::{NewAsset, NewVenue, NewWallet};
use safu_ledger::service::{Book, Call, Reply};
use safu_ledger::store::conn::DatabaseUrl;
use safu_ledger::store::error::StoreError;
use safu_ledger::web::app::Limits;
use safu_ledger::web::server::{self, Options, Running};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A running server; it stops when this is dropped. Its clock stands at 2019-05-08 12:00 UTC and can be set by `book.clock`.
pub struct TestServer {
    /// The book it serves.
    pub book: Book,
    /// `http://127.0.0.1:PORT`.
    pub origin: String,
    /// A key with the scope `feed`.
    pub feed_key: String,
    /// A key with the scope `operate`.
    pub operate_key: String,
    running: Running,
    thread: Option<JoinHandle<()>>,
    agent: ureq::Agent,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
    /// Fails unless this is a refusal with that code; gives the problem.
    #[track_caller]
    pub fn refused(&self, code: &str) -> Value {
        let problem = self.json();
        assert_eq!(problem["code"], code, "{} {problem}", self.status);
        assert_eq!(problem["status"], self.status);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        problem
    }
}

/// A request being put together.
pub struct Ask<'a> {
    origin: &'a str,
    agent: &'a ureq::Agent,
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl<'a> Ask<'a> {
    pub fn new(origin: &'a str, agent: &'a ureq::Agent, method: &'static str, path: &str) -> Self {
        Self { origin, agent, method, path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
    /// With a key; `feed_key` and `operate_key` are at hand.
    pub fn key(self, key: &str) -> Self {
        let value = format!("Bearer {key}");
        self.header("Authorization", &value)
    }
    pub fn idempotent(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }
    pub fn body(mut self, media: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("Content-Type", media)
    }
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }
    /// Parts of a form: name, media type, content.
    pub fn form(self, parts: &[(&str, &str, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (name, media, content) in parts {
            let head = format!(
                "--cut\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\nContent-Type: {media}\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--cut--\r\n");
        self.body("multipart/form-data; boundary=cut", body)
    }
    #[track_caller]
    pub fn send(self) -> Answer {
        self.try_send().expect("an answer")
    }
    /// The answer, or why there is none.
    pub fn try_send(self) -> Result<Answer, ureq::Error> {
        let url = format!("{}{}", self.origin, self.path);
        let mut request = ureq::http::Request::builder().method(self.method).uri(url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(self.body).expect("a request");
        let mut response = self.agent.run(request)?;
        let headers = response.headers().iter().map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()));
        let headers = headers.collect();
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_vec()?;
        Ok(Answer { status: response.status().as_u16(), headers, body })
    }
}

/// A client that follows nothing and takes every status as an answer.
pub fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(120)));
    config.max_redirects(0).max_redirects_will_error(false).max_idle_connections_per_host(64).build().new_agent()
}

impl TestServer {
    /// A new book in `db` ([`new_book`]) and a server for it.
    pub fn start(db: &TestDb) -> Self {
        Self::start_with(db, Limits::default())
    }

    /// The same with other limits.
    pub fn start_with(db: &TestDb, limits: Limits) -> Self {
        Self::serve(new_book(db), limits)
    }

    /// A server for a book that is there. Makes the keys `feeder` and `operator`.
    pub fn serve(book: Book, limits: Limits) -> Self {
        Self::serve_as(book, limits, None)
    }

    /// The same as browsers know it under another name.
    pub fn serve_as(book: Book, limits: Limits, public_origin: Option<String>) -> Self {
        Self::serve_by(book, Options { limits, public_origin, ..Options::default() })
    }

    /// The same with options of its own.
    pub fn serve_by(book: Book, options: Options) -> Self {
        let key = |name: &str, scope| book.create_key(&Call::fresh("cli:test"), name, scope, None).expect("a key").secret;
        let (feed_key, operate_key) = (key("feeder", KeyScope::Feed), key("operator", KeyScope::Operate));
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options { listen, workers: 2, signals: false, ..options };
        let (started, hears) = mpsc::channel();
        let served = book.clone();
        let thread = std::thread::spawn(move || {
            let ready = |running: &Running| started.send(running.clone()).map_err(std::io::Error::other);
            server::run(served, &options, ready).expect("a server");
        });
        let running: Running = hears.recv_timeout(Duration::from_secs(30)).expect("the server starts");
        let origin = format!("http://{}", running.addresses[0]);
        Self { book, origin, feed_key, operate_key, running, thread: Some(thread), agent: agent() }
    }

    pub fn ask(&self, method: &'static str, path: &str) -> Ask<'_> {
        Ask::new(&self.origin, &self.agent, method, path)
    }
    /// A GET without a key.
    pub fn get(&self, path: &str) -> Ask<'_> {
        self.ask("GET", path)
    }
    pub fn post(&self, path: &str) -> Ask<'_> {
        self.ask("POST", path)
    }
    /// Submits contribution events with the feed key.
    #[track_caller]
    pub fn events(&self, idempotency_key: &str, events: &Value) -> Answer {
        self.post("/api/v1/contributions").key(&self.feed_key).idempotent(idempotency_key).json(events).send()
    }
    /// Gives a command of the finance team.
    #[track_caller]
    pub fn command(&self, path: &str, idempotency_key: &str, body: &Value) -> Answer {
        self.post(path).key(&self.operate_key).idempotent(idempotency_key).json(body).send()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.running.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.expect("the server ends well");
            }
        }
    }
}

fn done(reply: Result<Reply, StoreError>) {
    reply.expect("recorded").success().expect("accepted");
}

/// A book as of 2019-05-08 12:00 UTC with BTC and BNB, wallets `hot` and `cold`, the venue `spot`, a policy of 10 % and locked
/// prices of 2019-05-06 and 2019-05-07.
pub fn new_book(db: &TestDb) -> Book {
    let clock = Clock::simulated("2019-05-01T12:00:00Z".parse().unwrap());
    let url = DatabaseUrl::parse(db.url()).unwrap();
    let book = with_secrets(init::create(&url, clock, "cli:test", &NewBook::default()).expect("a book"));
    let call = || Call::fresh("cli:test");
    for (code, network, scale, own_token) in [("BTC", "bitcoin", 8, false), ("BNB", "bnb", 8, true)] {
        let new = NewAsset { code: code.to_owned(), network: network.to_owned(), scale, own_token };
        done(book.add_asset(&call(), new));
    }
    for (code, account) in [("hot", 1110), ("cold", 1130)] {
        let new = NewWallet::new(code, account, "");
        done(book.add_wallet(&call(), new));
    }
    let spot = NewVenue { code: "spot".to_owned(), first_due: "2019-05-01".parse().unwrap() };
    done(book.add_venue(&call(), spot));
    let from = "2019-05-01".parse().unwrap();
    done(book.set_contribution_policy(&call(), from, ContributionTerms::of_all_venues("0.1")));
    book.clock.set("2019-05-08T12:00:00Z".parse().unwrap());
    for (day, btc, bnb) in [("2019-05-06", "5715", "22.1"), ("2019-05-07", "5850.1", "22.4")] {
        let prices = [("BTC", btc), ("BNB", bnb)].map(|(code, price)| (code.to_owned(), Quote::observed(price)));
        let given = GivenPrices { source: "test".to_owned(), source_hash: String::new(), prices: prices.into() };
        done(book.lock_prices(&call(), LockPrices::given(day.parse().unwrap(), given)));
    }
    book
}
