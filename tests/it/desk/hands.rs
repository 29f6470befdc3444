//! The whole work of a preparer and an approver by keys alone, and without scripts.

use super::{Desk, PASSWORD};
use crate::support::browser::Browser;
use crate::support::database::TestDb;
use safu_ledger::domain::approval::State;
use std::time::{Duration, Instant};

/// A person without a mouse.
struct Keys<'b>(&'b Browser);

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

impl Keys<'_> {
    /// Presses the tab key until the focus is there.
    fn to(&self, css: &str) {
        for _ in 0..250 {
            if self.0.eval(&format!("return document.activeElement.matches({})", serde_json::json!(css))) == true {
                return;
            }
            self.0.press(TAB);
        }
        panic!("the tab key does not lead to {css} on {}", self.0.url());
    }

    /// Types into the field.
    fn write(&self, css: &str, text: &str) {
        self.to(css);
        for letter in text.chars() {
            self.0.press(&letter.to_string());
        }
    }

    /// Presses keys that lead to another page.
    fn leave_by(&self, keys: &[&str]) {
        self.0.eval("window.left = false");
        for key in keys {
            self.0.press(key);
        }
        let give_up = Instant::now() + Duration::from_secs(30);
        while self.0.eval("return window.left === undefined && document.readyState === 'complete'") != true {
            assert!(Instant::now() < give_up, "{keys:?} on {} led to no other page", self.0.url());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn log_in(&self, desk: &Desk, login: &str) {
        self.0.goto(&desk.page("/login"));
        self.write("input[name=login]", login);
        self.write("input[name=password]", PASSWORD);
        self.write("input[name=code]", &desk.next_code(login));
        self.leave_by(&[ENTER]);
    }

    /// Goes to a page of the menu by `g` and the letter that the list of keys gives for it.
    fn menu(&self, label: &str) {
        let script = format!(
            "return [...document.querySelectorAll('#keys .places div')].find(d => d.lastElementChild.textContent === '{label}')
                .querySelector('kbd:last-child').textContent"
        );
        let letter = self.0.eval(&script);
        self.leave_by(&["g", letter.as_str().unwrap()]);
        assert_eq!(self.0.text(".menu [aria-current]"), label);
    }
}

#[test]
fn a_preparer_and_an_approver_finish_their_work_by_keys_alone() {
    let Some(browser) = Browser::start() else { return };
    let db = TestDb::sqlite();
    let desk = Desk::new(&db);
    let keys = Keys(&browser);
    keys.log_in(&desk, "paula");
    keys.menu("Journal");
    keys.to("a[href='/entries/new']");
    keys.leave_by(&[ENTER]);
    keys.write("#memo", "Rent");
    keys.write("#reason", "No event for it");
    for (line, account) in [(1, "5210"), (2, "2300")] {
        keys.write(&format!("#line-{line}-account"), account);
        keys.write(&format!("#line-{line}-units"), "7");
    }
    // Enter in a field looks, and books nothing.
    keys.leave_by(&[ENTER]);
    assert!(browser.text("#preview").contains("It would book 7"), "{}", browser.text("main"));
    keys.to("button.main");
    keys.leave_by(&[ENTER]);
    let proposal: i64 = browser.url().rsplit('/').next().unwrap().parse().unwrap();
    keys.to(".user button");
    keys.leave_by(&[ENTER]);

    keys.log_in(&desk, "ann");
    keys.menu("Approvals");
    browser.press("?");
    assert!(browser.text("#keys").contains("Open the row"), "the keys are explained");
    browser.press("\u{e00c}");
    let closed = "return !document.getElementById('keys').open && !document.activeElement.closest('dialog')";
    let give_up = Instant::now() + Duration::from_secs(30);
    while browser.eval(closed) != true {
        assert!(Instant::now() < give_up, "the list of keys stays open");
        std::thread::sleep(Duration::from_millis(20));
    }
    browser.press("j");
    assert_eq!(browser.eval("return document.activeElement.closest('tr') !== null"), true, "j goes to the first row");
    keys.leave_by(&[ENTER]);
    assert!(browser.url().ends_with(&format!("/approvals/{proposal}")), "{}", browser.url());
    keys.to(".deed button");
    if browser.text(".deed button").contains("second factor") {
        keys.leave_by(&[ENTER]);
        keys.write("input[name=code]", &desk.next_code("ann"));
        keys.leave_by(&[ENTER]);
        keys.to(".deed button");
    }
    keys.leave_by(&[ENTER]);
    assert_eq!(desk.find(proposal).state, State::Executed);
    browser.assert_quiet(&desk.server.origin);
}

#[test]
fn a_preparer_and_an_approver_finish_their_work_without_scripts() {
    let Some(browser) = Browser::start() else { return };
    let db = TestDb::sqlite();
    let desk = Desk::new(&db);
    browser.scripts(false);
    desk.log_in(&browser, "paula");
    browser.goto(&desk.page("/entries/new"));
    assert_eq!(browser.eval("return document.querySelectorAll('.rest').length"), 0, "scripts run after all");
    browser.fill("#memo", "Rent and heating");
    browser.fill("#line-1-account", "5210");
    browser.fill("#line-1-units", "7");
    browser.follow("button[value=add-line]");
    browser.fill("#line-2-account", "5300");
    browser.fill("#line-3-account", "1110");
    browser.fill("#line-3-units", "8");
    browser.follow(".acts button[value=check]");
    assert_eq!(browser.eval("return document.activeElement.id"), "mistakes", "the focus needs no script");
    let said = browser.text("#mistakes");
    assert!(said.contains("Reason") && said.contains("must be 1 to 500"), "{said}");
    browser.fill("#reason", "No event for it");
    browser.follow(".acts button[value=check]");
    let said = browser.text("#mistakes");
    assert!(said.contains("Line 3, account: 1110") || said.contains("Line 3, account"), "{said}");
    assert!(said.contains("lots of wallets") && said.contains("Line 2, units"), "{said}");
    browser.follow("button[value=remove-1]");
    browser.eval("document.querySelector('#line-2-account').value = ''; document.querySelector('#line-2-units').value = ''");
    browser.fill("#line-2-account", "2300");
    browser.fill("#line-2-units", "7.5");
    browser.follow(".acts button[value=check]");
    assert!(browser.text("#balance").contains("USD 0.5 credit"), "{}", browser.text("#balance"));
    browser.eval("document.querySelector('#line-2-units').value = ''");
    browser.fill("#line-2-units", "7");
    browser.follow("button.main");
    let proposal: i64 = browser.url().rsplit('/').next().unwrap().parse().unwrap();
    browser.follow(".user button");

    desk.log_in(&browser, "ann");
    browser.goto(&desk.page("/approvals"));
    browser.follow("#waiting a");
    if browser.text(".deed button").contains("second factor") {
        browser.follow(".deed button");
        browser.fill("input[name=code]", &desk.next_code("ann"));
        browser.follow(".entry button");
    }
    browser.follow(".deed button");
    assert_eq!(desk.find(proposal).state, State::Executed);
}
