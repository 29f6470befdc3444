//! The top of every page: the book, the person, the menu. Nothing of it is cut off, whatever they are called.

use crate::login::{PASSWORD, code};
use crate::small_book::{call, done};
use crate::support::browser::Browser;
use crate::support::database::{TestDb, with_secrets};
use crate::support::server::TestServer;
use safu_ledger::service::clock::Clock;
use safu_ledger::service::identity::Visitor;
use safu_ledger::service::identity::invite::Enrolment;
use safu_ledger::service::identity::totp::{Secret, step_at};
use safu_ledger::service::init::{self, NewBook};
use safu_ledger::store::conn::DatabaseUrl;
use safu_ledger::web::app::Limits;
use serde_json::json;

const BOOK: &str = "The fund that protects the users of an exchange and of its subsidiaries";
const NAME: &str = "Maximiliana Konstantinopolskaya-Featherstonehaugh";

/// What of the top bar stands outside the window or is cut off by its own box; a row that scrolls inside itself, with a shade that
/// says so, is whole.
pub fn cut_off(browser: &Browser) -> Vec<String> {
    let found = browser.eval(
        "const menu = document.querySelector('.menu'), style = menu && getComputedStyle(menu);
         const scrolls = style && style.overflowX === 'auto' && style.backgroundImage.includes('gradient');
         return [...document.querySelectorAll('.top, .top *')].filter(one => {
            const box = one.getBoundingClientRect();
            if (box.width === 0 || one.closest('svg.logo')) return false;
            const own = one !== menu && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== 'visible';
            const out = box.left < -0.5 || box.right > innerWidth + 0.5;
            return own || (out && !(scrolls && one !== menu && menu.contains(one)));
         }).map(one => one.outerHTML.slice(0, 120))",
    );
    found.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// A book and a person with long names, and the secret of her second factor.
fn long_names(db: &TestDb) -> (TestServer, Secret) {
    let clock = Clock::simulated("2019-01-03T12:00:00Z".parse().unwrap());
    let new = NewBook { name: BOOK.to_owned(), ..NewBook::default() };
    let book = with_secrets(init::create(&DatabaseUrl::parse(db.url()).unwrap(), clock, "cli:test", &new).unwrap());
    done(book.add_person(&call(), serde_json::from_value(json!({"login": "ada", "name": NAME})).unwrap()));
    let role = json!({"login": "ada", "role": "administrator", "held": true, "reason": "test"});
    done(book.set_role(&call(), serde_json::from_value(role).unwrap()));
    let (secret, token) = (Secret::fresh().unwrap(), book.invite(&call(), "ada").unwrap());
    let code = secret.code(step_at(book.clock.now()));
    let chosen =
        Enrolment { login: "ada".to_owned(), name: NAME.to_owned(), password: PASSWORD.to_owned(), secret: secret.clone(), code };
    book.enrol(&Visitor::default(), &token, chosen).unwrap();
    (TestServer::serve(book, Limits::default()), secret)
}

#[test]
fn nothing_of_the_top_bar_is_cut_off() {
    let Some(browser) = Browser::start() else { return };
    let db = TestDb::sqlite();
    let (server, secret) = long_names(&db);
    crate::login::later(&server, 60);
    browser.goto(&format!("{}/login", server.origin));
    for (name, value) in [("login", "ada"), ("password", PASSWORD), ("code", &code(&server, &secret))] {
        browser.fill(&format!("input[name={name}]"), value);
    }
    browser.follow(".entry button");
    let home = format!("{}/", server.origin);
    for scripts in [true, false] {
        browser.scripts(scripts);
        browser.goto(&home);
        for width in [1600, 1280, 1024, 768, 390] {
            browser.viewport(width, 900);
            assert_eq!(cut_off(&browser), [] as [String; 0], "at {width} px, scripts: {scripts}");
            assert!(!browser.scrolls_sideways(), "the page scrolls sideways at {width} px");
            let top = browser.text(".top");
            assert!(top.contains(BOOK) && top.contains(NAME) && top.contains("Log out"), "{top}");
            browser.screenshot(&format!("topbar-{width}"));
        }
    }
    browser.scripts(true);
    browser.media("print", "light");
    assert!(!browser.text(".top").contains(NAME) && !browser.text(".top").contains("Journal"), "{}", browser.text(".top"));
    browser.media("screen", "light");
    browser.viewport(1280, 900);
    browser.assert_quiet(&server.origin);
}

#[test]
fn the_list_of_keys_leads_to_every_page_of_the_menu() {
    let Some(browser) = Browser::start() else { return };
    let db = TestDb::sqlite();
    let server = TestServer::serve(super::book::empty_book(&db), Limits::default());
    browser.goto(&format!("{}/reports/trial-balance", server.origin));
    let rows =
        "return [...document.querySelectorAll('#keys .places div')].map(d => [d.querySelector('kbd:last-child').textContent,
        d.lastElementChild.textContent])";
    let places = browser.eval(rows).as_array().unwrap().clone();
    let labels: Vec<_> = places.iter().map(|place| place[1].clone()).collect();
    assert_eq!(json!(labels), browser.eval("return [...document.querySelectorAll('.menu a')].map(a => a.textContent)"));
    browser.press("?");
    browser.screenshot("keys-dialog");
    for place in &places {
        browser.goto(&format!("{}/reports/trial-balance", server.origin));
        browser.eval("window.left = false");
        browser.press("g");
        browser.press(place[0].as_str().unwrap());
        let there = "return window.left === undefined && document.querySelector('.menu [aria-current]')?.textContent";
        let found = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            browser.eval(there) == place[1]
        });
        assert!(found, "g {} leads to {}", place[0], browser.url());
    }
}
