//! One way to look at a page: wide in light and dark, on a phone, on paper. Each look leaves a picture where `SAFU_SCREENSHOTS` asks for
//! it, and holds the page to what all pages keep.

use super::{axe, topbar};
use crate::support::browser::Browser;
use serde_json::json;

/// A browser with the rules that pages are held to, and what it found so far: all pages are looked at before one fails.
pub struct Looks<'b> {
    pub browser: &'b Browser,
    axe: String,
    pub origin: String,
    faults: std::cell::RefCell<Vec<String>>,
}

impl<'b> Looks<'b> {
    pub fn new(browser: &'b Browser, axe: String, origin: &str) -> Self {
        Self { browser, axe, origin: origin.to_owned(), faults: Vec::new().into() }
    }

    /// Looks at a page, which says nothing on the console and loads nothing from elsewhere.
    pub fn look(&self, name: &str, path: &str) {
        self.take(name, path);
        self.browser.assert_quiet(&self.origin);
    }

    /// Looks at a page that says that something did not work. The browser remarks on its status.
    pub fn look_at_failure(&self, name: &str, path: &str) {
        self.take(name, path);
        self.browser.console();
    }

    /// Fails if any page did not hold.
    pub fn assert_sound(&self) {
        assert_eq!(*self.faults.borrow(), [] as [String; 0]);
    }

    /// Opens a page in every look.
    fn take(&self, name: &str, path: &str) {
        let (browser, url) = (self.browser, format!("{}{path}", self.origin));
        for scheme in ["light", "dark"] {
            browser.viewport(1280, 900);
            browser.media("screen", scheme);
            browser.goto(&url);
            browser.screenshot(&format!("{name}-{scheme}"));
            self.keeps_inside(path, "1280 px");
            self.note(path, scheme, axe::violations(browser, &self.axe));
        }
        browser.viewport(390, 844);
        browser.media("screen", "light");
        browser.goto(&url);
        browser.screenshot(&format!("{name}-phone"));
        self.keeps_inside(path, "390 px");
        self.print(name, path);
        browser.media("screen", "light");
        browser.viewport(1280, 900);
    }

    /// Looks at the page on paper: A4 less its margins at 96 pixels an inch, lengthways where the page asks for it.
    pub fn print(&self, name: &str, path: &str) {
        let browser = self.browser;
        browser.media("print", "light");
        let lengthways = browser.eval("return getComputedStyle(document.body).page") == "wide";
        let (width, height) = if lengthways { (1032, 680) } else { (703, 1009) };
        browser.viewport(width, height);
        browser.screenshot(&format!("{name}-print"));
        self.keeps_inside(path, "paper");
        let useless = browser.eval(
            "return [...document.querySelectorAll('button, .button, nav, dialog')].filter(one => one.getClientRects().length > 0)
                .map(one => one.outerHTML.slice(0, 120))",
        );
        if useless != json!([]) {
            self.note(path, "paper", vec![useless.to_string()]);
        }
    }

    fn keeps_inside(&self, path: &str, on: &str) {
        let sideways = self.browser.scrolls_sideways().then(|| "scrolls sideways".to_owned());
        self.note(path, on, sideways.into_iter().chain(topbar::cut_off(self.browser)).collect());
    }

    fn note(&self, path: &str, on: &str, found: Vec<String>) {
        self.faults.borrow_mut().extend(found.into_iter().map(|fault| format!("{path}, {on}: {fault}")));
    }
}
