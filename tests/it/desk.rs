//! The finance team at its pages, in a real browser: one person prepares, another agrees, and nobody does both.

#[path = "desk/entry.rs"]
mod entry;
#[path = "desk/hands.rs"]
mod hands;

use crate::small_book::{call, done, opened, person, report};
use crate::support::browser::Browser;
use crate::support::database::TestDb;
use crate::support::server::TestServer;
use jiff::SignedDuration;
use safu_ledger::domain::person::PersonId;
use safu_ledger::service::Call;
use safu_ledger::service::approvals::{self, Decide, Proposal};
use safu_ledger::service::identity::Visitor;
use safu_ledger::service::identity::invite::Enrolment;
use safu_ledger::service::identity::totp::{Secret, step_at};
use safu_ledger::service::keys::KeyScope;
use safu_ledger::service::people::RenamePerson;
use safu_ledger::service::prices::LockPrices;
use safu_ledger::web::app::Limits;
use serde_json::json;

pub const PASSWORD: &str = "four plain words here";
const JANUARY: &str = "/close/2019-01";

/// A book under four eyes, served; Paula prepares and Ann approves.
pub struct Desk {
    pub server: TestServer,
    /// Ada, Abel, Paula, Ann.
    pub ids: [PersonId; 4],
    /// A key that Paula answers for.
    pub paula_key: String,
    secrets: Vec<(&'static str, Secret)>,
}

impl Desk {
    pub fn new(db: &TestDb) -> Self {
        let desk = Self::before_terms(db);
        desk.guard();
        desk
    }

    /// The same people, while the book is in one hand.
    pub fn before_terms(db: &TestDb) -> Self {
        let book = opened(db);
        let roles = [("ada", "administrator"), ("abel", "administrator"), ("paula", "preparer"), ("ann", "approver")];
        let ids = roles.map(|(login, role)| person(&book, login, &[role]));
        let mut secrets = Vec::new();
        for login in ["paula", "ann"] {
            let (secret, token) = (Secret::fresh().unwrap(), book.invite(&call(), login).unwrap());
            let code = secret.code(step_at(book.clock.now()));
            let password = PASSWORD.to_owned();
            let chosen = Enrolment { login: login.to_owned(), name: String::new(), password, secret: secret.clone(), code };
            book.enrol(&Visitor::default(), &token, chosen).unwrap();
            secrets.push((login, secret));
        }
        let paula_key = book.create_key_for(&call(), "paula-cli", KeyScope::Operate, None, Some("paula")).unwrap().secret;
        let server = TestServer::serve(book, Limits::default());
        Self { server, ids, paula_key, secrets }
    }

    /// Puts the book under four eyes: up to 10,000 one approval is enough, and a file is not needed.
    pub fn guard(&self) {
        let terms = json!({"one_up_to": "10000", "two_up_to": "1000000", "committee": 1, "expire_hours": 72, "ratify_hours": 24});
        let terms = serde_json::from_value(terms).unwrap();
        done(self.server.book.set_approval_terms(&call(), "2019-01-03".parse().unwrap(), terms));
    }

    /// A proposal as it stands.
    pub fn find(&self, id: i64) -> Proposal {
        let now = self.server.book.clock.now();
        self.server.book.read(|conn| approvals::find(conn, id, now)).unwrap().unwrap()
    }

    /// Ada gives or takes a role; where it takes a second administrator, Abel agrees.
    pub fn role(&self, login: &str, role: &str, held: bool) {
        let book = &self.server.book;
        let set = json!({"login": login, "role": role, "held": held, "reason": "test"});
        let ada = Call::fresh("person:ada").by(self.ids[0], true);
        let asked = done(book.set_role(&ada, serde_json::from_value(set).unwrap()));
        if let Some(id) = asked["proposal"].as_i64() {
            let ask = Decide { proposal: id, hash: self.find(id).hash, reason: String::new() };
            done(book.approve(&Call::fresh("person:abel").by(self.ids[1], true), ask));
        }
    }

    /// Ada changes a name, and Abel agrees.
    pub fn rename(&self, login: &str, name: &str) {
        let book = &self.server.book;
        let new = RenamePerson { login: login.to_owned(), name: name.to_owned(), reason: "test".to_owned() };
        let asked = done(book.give(&Call::fresh("person:ada").by(self.ids[0], true), new));
        let id = asked["proposal"].as_i64().expect("a name alone asks for another administrator");
        let ask = Decide { proposal: id, hash: self.find(id).hash, reason: String::new() };
        done(book.approve(&Call::fresh("person:abel").by(self.ids[1], true), ask));
    }

    /// Shows the second factor again, and goes on to this page.
    pub fn step_up(&self, browser: &Browser, login: &str, path: &str) {
        browser.goto(&self.page(&format!("/step-up?next={path}")));
        browser.fill("input[name=code]", &self.next_code(login));
        browser.follow(".entry button");
        assert!(browser.url().ends_with(path), "{}", browser.url());
    }

    /// Waits until the browser is there.
    pub fn wait_for(&self, browser: &Browser, path: &str) {
        let there = format!("return location.pathname === '{path}' && document.readyState === 'complete'");
        for _ in 0..2_000 {
            if browser.eval(&there) == true {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{} is not {path}", browser.url());
    }

    /// What a device shows after the last code has run out.
    pub fn next_code(&self, login: &str) -> String {
        let clock = &self.server.book.clock;
        clock.set(clock.now() + SignedDuration::from_secs(60));
        let (_, secret) = self.secrets.iter().find(|(known, _)| *known == login).unwrap();
        secret.code(step_at(clock.now()))
    }

    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.server.origin)
    }

    pub fn log_in(&self, browser: &Browser, login: &str) {
        browser.goto(&self.page("/login"));
        browser.fill("input[name=login]", login);
        browser.fill("input[name=password]", PASSWORD);
        browser.fill("input[name=code]", &self.next_code(login));
        browser.follow(".entry button");
        assert!(!browser.url().contains("/login"), "{}", browser.text("main"));
    }

    /// Approves a proposal, showing the second factor again where that is asked for.
    fn agree(&self, browser: &Browser, proposal: &str) {
        browser.goto(proposal);
        if browser.text(".deed button").contains("second factor") {
            browser.follow(".deed button");
            browser.fill("input[name=code]", &self.next_code("ann"));
            browser.follow(".entry button");
        }
        browser.follow(".deed button");
        assert!(browser.text("main").contains("it took effect"), "{}", browser.text("main"));
    }

    /// January is over: its prices are locked, and its fee report is there.
    fn to_february(&self) {
        let book = &self.server.book;
        book.clock.set("2019-02-02T08:00:00Z".parse().unwrap());
        done(book.import_prices(&call(), "closes", b"date,BTC,USDC\n2019-01-31,5200,1\n"));
        done(book.lock_prices(&call(), LockPrices::imported("2019-01-31".parse().unwrap())));
        report(book, 1, "10");
    }

    /// A memo figure that Paula asks for.
    fn ask(&self, quantity: &str) -> i64 {
        let figure = json!({"account": 9110, "asset": "BTC", "quantity": quantity});
        let by = Call::fresh("person:paula").by(self.ids[2], false);
        let asked = done(self.server.book.set_memo(&by, "2019-01-03".parse().unwrap(), serde_json::from_value(figure).unwrap()));
        asked["proposal"].as_i64().unwrap()
    }
}

/// Sends the form of an act with the session of the page at hand, as nobody offered it; gives the status.
fn force(browser: &Browser, proposal: i64, act: &str) -> i64 {
    forced(browser, proposal, act).0
}

/// The same, with the page that answers.
fn forced(browser: &Browser, proposal: i64, act: &str) -> (i64, String) {
    let script = format!(
        "const fields = new URLSearchParams(); \
         for (const name of ['csrf', 'hash']) fields.set(name, document.querySelector(`.deed input[name=${{name}}]`).value); \
         fields.set('key', crypto.randomUUID ? crypto.randomUUID() : String(Math.random())); fields.set('reason', 'x'); \
         const request = new XMLHttpRequest(); request.open('POST', '/approvals/{proposal}/{act}', false); \
         request.setRequestHeader('Content-Type', 'application/x-www-form-urlencoded'); request.send(fields.toString()); \
         return [request.status, request.responseText]"
    );
    serde_json::from_value(browser.eval(&script)).unwrap()
}

#[test]
fn one_prepares_and_another_agrees() {
    let Some(browser) = Browser::start() else { return };
    let db = TestDb::sqlite();
    let desk = Desk::new(&db);
    let (first, second) = (desk.ask("5"), desk.ask("6"));
    let page = format!("/approvals/{first}");
    browser.goto(&desk.page(&page));
    assert!(browser.url().contains("/login"), "without a session there is nothing to see");

    desk.log_in(&browser, "paula");
    browser.goto(&desk.page(&page));
    let buttons = "return [...document.querySelectorAll('.deed button')].map(b => b.innerText).join('|')";
    assert_eq!(browser.eval(buttons), "Withdraw", "the own proposal offers no approval");
    for act in ["reject", "execute"] {
        assert!([403, 409].contains(&force(&browser, first, act)), "{act} is not taken either");
    }
    // The console hears of a refusal some time after the script that was refused.
    let mut heard = 0;
    for _ in 0..500 {
        heard += browser.console().len();
        if heard >= 2 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(heard, 2, "the two refusals");
    browser.goto(&desk.page("/approvals"));
    browser.assert_quiet(&desk.server.origin);
    browser.screenshot("approvals-light");
    browser.goto(&desk.page(&format!("/approvals/{second}")));
    browser.follow(".deed button.ends");
    assert!(browser.text("main").contains("took it back"), "{}", browser.text("main"));
    browser.follow(".user button");
    browser.eval("history.back()");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!browser.text("body").contains("took it back"), "after logging out the page before is gone");

    desk.log_in(&browser, "ann");
    browser.goto(&desk.page(&page));
    browser.screenshot("approval-light");
    browser.media("screen", "dark");
    browser.screenshot("approval-dark");
    browser.viewport(390, 844);
    assert!(!browser.scrolls_sideways());
    browser.screenshot("approval-phone");
    browser.viewport(1280, 900);
    browser.media("screen", "light");
    if browser.text(".deed button").contains("second factor") {
        browser.follow(".deed button");
        assert!(browser.url().contains("/step-up"), "{}", browser.url());
        browser.fill("input[name=code]", &desk.next_code("ann"));
        browser.follow(".entry button");
    }
    assert!(browser.url().ends_with(&page), "{}", browser.url());
    assert!(browser.text(".deed button").contains("Approve"), "{}", browser.text("main"));
    browser.follow(".deed button");
    assert!(browser.text("main").contains("it took effect"), "{}", browser.text("main"));
    browser.assert_quiet(&desk.server.origin);
    assert!(safu_ledger::service::verify::verify(&desk.server.book).unwrap().is_good());
}

/// Paula, who is logged in, ticks what is left of January's checklist.
fn tick(desk: &Desk, browser: &Browser) {
    browser.goto(&desk.page(JANUARY));
    for item in ["feeds", "statements", "estimates", "changes", "reports"] {
        let form = format!("form.deed:has(input[name=item][value={item}])");
        browser.fill(&format!("{form} input[name=note]"), "Folder 2019-01, looked at");
        browser.follow(&format!("{form} button"));
        assert!(browser.url().ends_with(JANUARY), "{item}: {}", browser.text("main"));
    }
    assert!(browser.text("main").contains("Every item is done"), "{}", browser.text("main"));
}

/// January is closed softly and then for good: Paula, who is logged in before and after, asks, and Ann agrees.
fn close_for_good(desk: &Desk, browser: &Browser) {
    let month = desk.page(JANUARY);
    for (act, page) in [("soft-close", "The month is softly closed"), ("close", "The month is closed for good")] {
        browser.goto(&month);
        browser.follow(&format!("form[action$='/{act}'] button"));
        let proposal = browser.url();
        assert!(proposal.contains("/approvals/"), "{act}: {}", browser.text("main"));
        assert!(!browser.text(".deeds").contains("Approve"), "not by the one who asked");
        browser.follow(".user button");
        desk.log_in(browser, "ann");
        desk.agree(browser, &proposal);
        browser.goto(&month);
        browser.screenshot(&format!("close-after-{act}"));
        let said = if act == "close" { page.to_owned() } else { "can be closed for good".to_owned() };
        assert!(browser.text("main").contains(&said), "{}", browser.text("main"));
        browser.follow(".user button");
        desk.log_in(browser, "paula");
    }
}

#[test]
fn a_month_is_closed_at_the_pages() {
    let Some(browser) = Browser::start() else { return };
    let db = TestDb::sqlite();
    let desk = Desk::new(&db);
    let book = &desk.server.book;
    desk.to_february();
    let month = desk.page(JANUARY);

    desk.log_in(&browser, "ann");
    browser.goto(&month);
    assert_eq!(browser.eval("return document.querySelectorAll('.deed').length"), 0, "an approver ticks nothing");
    browser.screenshot("close-approver");
    browser.follow(".user button");

    desk.log_in(&browser, "paula");
    browser.goto(&month);
    browser.screenshot("close-open-light");
    browser.media("screen", "dark");
    browser.screenshot("close-open-dark");
    browser.viewport(390, 844);
    assert!(!browser.scrolls_sideways());
    browser.screenshot("close-open-phone");
    browser.viewport(1280, 900);
    browser.media("screen", "light");
    let folder = tempfile::tempdir().unwrap();
    let statement = folder.path().join("statement.pdf");
    std::fs::write(&statement, "%PDF-1.4 of the custodian").unwrap();
    assert_eq!(browser.eval("return document.querySelector('.upload select').value"), "close/2019-01/statements");
    browser.fill(".upload input[type=file]", statement.to_str().unwrap());
    browser.fill(".upload input[name=note]", "Balances of the custodian");
    browser.follow(".upload button");
    assert!(browser.url().ends_with(JANUARY), "{}", browser.text("main"));
    assert!(browser.text("#evidence").contains("statement.pdf"), "{}", browser.text("main"));
    tick(&desk, &browser);
    close_for_good(&desk, &browser);
    browser.goto(&month);
    assert!(browser.text("#evidence").contains("statement.pdf"), "what was shown stays in sight");
    assert_eq!(browser.eval("return document.querySelectorAll('.upload').length"), 0, "a closed month takes no file");
    browser.goto(&desk.page("/close"));
    browser.screenshot("close-months");
    browser.assert_quiet(&desk.server.origin);
    assert!(safu_ledger::service::verify::verify(book).unwrap().is_good());
}
