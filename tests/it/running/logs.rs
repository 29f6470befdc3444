//! What is logged of a whole session: enough to follow each request, and no secret.

use crate::login::setup_fields;
use crate::support::child::Child;
use crate::support::database::TestDb;
use crate::support::server::{Answer, new_book};
use safu_ledger::service::Call;
use safu_ledger::service::identity::totp::{Secret, step_at};
use safu_ledger::service::keys::KeyScope;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PASSWORD: &str = "correct horse battery";
const TYPED_WRONG: &str = "hunter2 and something";

/// A browser with a cookie jar that remembers everything it was ever given.
struct Browser<'a> {
    child: &'a Child,
    jar: Vec<(String, String)>,
    secrets: BTreeSet<String>,
}

impl Browser<'_> {
    fn cookies(&self) -> String {
        self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, answer: Answer) -> Answer {
        for (_, line) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.jar.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.secrets.insert(value.to_owned());
                self.jar.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    fn get(&mut self, path: &str) -> Answer {
        let answer = self.child.get(path).header("Cookie", &self.cookies()).send();
        self.keep(answer)
    }

    fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let ask = self.child.post(path).header("Cookie", &self.cookies()).header("Origin", &self.child.origin);
        let answer = ask.body("application/x-www-form-urlencoded", body.join("&")).send();
        self.keep(answer)
    }

    fn hidden(&mut self, page: &Answer, name: &str) -> String {
        let text = page.text();
        let rest = text.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name} in {text}")).1;
        let value = rest.split('"').next().unwrap().to_owned();
        self.secrets.insert(value.clone());
        value
    }

    fn log_in(&mut self, password: &str, code: &str) -> Answer {
        let page = self.get("/login");
        let csrf = self.hidden(&page, "csrf");
        self.secrets.insert(password.to_owned());
        self.post("/login", &[("csrf", &csrf), ("login", "ada"), ("password", password), ("code", code), ("next", "/journal")])
    }
}

/// A code that is not the one used before: the clock of the server is the real one, and each code is taken once.
fn next_code(secret: &Secret, after: &str) -> String {
    std::iter::repeat_with(|| {
        let code = secret.code(step_at(jiff::Timestamp::now()));
        if code == after {
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        code
    })
    .find(|code| code != after)
    .unwrap()
}

#[test]
fn a_whole_session_is_logged_without_a_secret_and_each_line_has_its_request() {
    let db = TestDb::sqlite();
    let book = new_book(&db);
    let key = |name: &str, scope| book.create_key(&Call::fresh("cli:test"), name, scope, None).unwrap().secret;
    let (feed, operate) = (key("feeder", KeyScope::Feed), key("operator", KeyScope::Operate));
    // The server's clock is the real one, and so is that of the token.
    book.clock.set(jiff::Timestamp::now());
    let token = book.invite_first_administrator("cli:test").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let child = Child::start(db.url(), folder.path(), &["--log", "trace", "--log-format", "json"]);
    let mut browser = Browser { child: &child, jar: Vec::new(), secrets: BTreeSet::new() };
    let page = browser.get("/setup");
    let (secret_text, csrf) = (browser.hidden(&page, "secret"), browser.hidden(&page, "csrf"));
    let secret = Secret::parse(&secret_text).unwrap();
    let code = secret.code(step_at(jiff::Timestamp::now()));
    let fields = setup_fields(&csrf, &secret_text, &token, PASSWORD, &code);
    let done = browser.post("/setup", &fields);
    assert_eq!(done.status, 200, "{}", done.text());
    let recovery: Vec<String> =
        done.text().split("<li><code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect();
    assert_eq!(recovery.len(), 10);
    // Another window: the one of the set-up is logged in.
    browser.jar.clear();
    assert_eq!(browser.log_in(TYPED_WRONG, "000000").status, 401);
    let second = next_code(&secret, &code);
    assert_eq!(browser.log_in(PASSWORD, &second).status, 303);
    assert_eq!(browser.get("/journal").status, 200);
    browser.get("/account");
    browser.get(&format!("/invitation/{token}"));
    api(&child, &feed, &operate);
    let account = browser.get("/account");
    let csrf = browser.hidden(&account, "csrf");
    assert_eq!(browser.post("/logout", &[("csrf", &csrf)]).status, 303);

    let mut secrets = browser.secrets;
    secrets.extend([token, code, second, feed.clone(), operate.clone()].into_iter().chain(recovery));
    // The secret part of a key alone is as good as the key.
    secrets.extend([&feed, &operate].map(|key| key.rsplit('_').next().unwrap().to_owned()));
    secrets.insert("safu_deadbeef_notakey".to_owned());
    let logged = child.logged();
    for secret in secrets.iter().filter(|secret| secret.len() >= 6) {
        // A code of six digits may stand in an id by chance, but not alone.
        let alone = logged.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == secret);
        assert!(!(alone || secret.len() > 8 && logged.contains(secret.as_str())), "{secret} is logged");
    }
    lines(&logged);
}

/// The API with keys good and bad, well and badly.
fn api(child: &Child, feed: &str, operate: &str) {
    let event = |asset: &str| json!([{"external_id": "e/1", "venue": "spot", "business_date": "2019-05-07", "fee_asset": asset, "net_fee": "1"}]);
    let post = |key: &str, name: &str, body: &Value| {
        child.post("/api/v1/contributions").key(key).idempotent(name).json(body).send().status
    };
    assert_eq!(post(feed, "a", &event("BTC")), 201);
    assert_eq!(post(feed, "b", &event("DOGE")), 422);
    assert_eq!(post("safu_deadbeef_notakey", "c", &event("BTC")), 401);
    assert_eq!(post(operate, "d", &event("BTC")), 403);
    assert_eq!(child.get("/api/v1/reports/coverage").key(operate).send().status, 200);
}

/// Each line is an object; each of a request has its id; and who asked is a word.
fn lines(logged: &str) {
    let parsed = |line: &str| serde_json::from_str::<Value>(line).ok();
    // What is said to people at the start is no log line.
    let all: Vec<Value> = logged.lines().filter(|line| line.starts_with('{')).map(|line| parsed(line).expect(line)).collect();
    let answered: Vec<&Value> = all.iter().filter(|line| line["message"] == "answered").collect();
    assert!(answered.len() > 10, "{logged}");
    let actors: BTreeSet<&str> = answered.iter().map(|line| line["actor"].as_str().unwrap()).collect();
    assert_eq!(actors, BTreeSet::from(["key:feeder", "key:operator", "nobody", "person:ada"]));
    let ids: BTreeSet<&str> = answered.iter().map(|line| line["span"]["request_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), answered.len(), "each request has an id of its own");
    for line in all.iter().filter(|line| line["span"]["name"] == "request") {
        assert!(ids.contains(line["span"]["request_id"].as_str().unwrap()), "{line}");
    }
}
