//! The login as browsers meet it: cookies, forms, redirects, refusals.

use crate::support::browser::Browser;
use crate::support::database::TestDb;
use crate::support::server::{Answer, TestServer};

use safu_ledger::service::identity::totp::{Secret, step_at};
use safu_ledger::web::app::Limits;

pub const PASSWORD: &str = "four plain words here";

/// A browser of few words: it keeps cookies and sends forms.
pub struct Client<'a> {
    server: &'a TestServer,
    cookies: std::cell::RefCell<Vec<(String, String)>>,
}

impl<'a> Client<'a> {
    pub fn new(server: &'a TestServer) -> Self {
        Self { server, cookies: Vec::new().into() }
    }

    fn cookies(&self) -> String {
        self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&self, answer: Answer) -> Answer {
        for (_, line) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let mut jar = self.cookies.borrow_mut();
            jar.retain(|(known, _)| known != name);
            if !value.is_empty() {
                jar.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    pub fn get(&self, path: &str) -> Answer {
        self.keep(self.server.get(path).header("Cookie", &self.cookies()).send())
    }

    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, fields, &[("Origin", &self.server.origin), ("Sec-Fetch-Site", "same-origin")])
    }

    fn post_with(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let mut ask = self.server.post(path).header("Cookie", &self.cookies());
        for (name, value) in headers {
            ask = ask.header(name, value);
        }
        self.keep(ask.body("application/x-www-form-urlencoded", body.join("&")).send())
    }

    /// The value of a hidden field of a page.
    pub fn hidden(page: &Answer, name: &str) -> String {
        let text = page.text();
        let start = format!("name=\"{name}\" value=\"");
        let rest = text.split_once(&start).unwrap_or_else(|| panic!("{name} in {text}")).1;
        rest.split('"').next().unwrap().to_owned()
    }

    pub fn log_in(&self, login: &str, password: &str, code: &str) -> Answer {
        let page = self.get("/login");
        let csrf = Self::hidden(&page, "csrf");
        self.post("/login", &[("csrf", &csrf), ("login", login), ("password", password), ("code", code), ("next", "/journal")])
    }
}

/// A server whose first administrator, ada, has set up her login; gives her secret too.
fn with_ada(db: &TestDb) -> (TestServer, Secret) {
    let server = TestServer::start(db);
    let secret = set_up_ada(&server);
    (server, secret)
}

/// What Ada fills in at `/setup`.
pub fn setup_fields<'a>(
    csrf: &'a str,
    secret: &'a str,
    token: &'a str,
    password: &'a str,
    code: &'a str,
) -> [(&'static str, &'a str); 8] {
    [
        ("csrf", csrf),
        ("secret", secret),
        ("token", token),
        ("login", "ada"),
        ("name", "Ada A."),
        ("password", password),
        ("again", password),
        ("code", code),
    ]
}

/// Sets the login of the first administrator up.
pub fn set_up_ada(server: &TestServer) -> Secret {
    let token = server.book.invite_first_administrator("cli:test").unwrap();
    let client = Client::new(server);
    let page = client.get("/setup");
    assert_eq!(page.status, 200, "{}", page.text());
    let secret = Secret::parse(&Client::hidden(&page, "secret")).unwrap();
    let code = code(server, &secret);
    let csrf = Client::hidden(&page, "csrf");
    let text = secret.text();
    let fields = setup_fields(&csrf, &text, &token, PASSWORD, &code);
    let done = client.post("/setup", &fields);
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(done.text().matches("<li><code>").count(), 10, "recovery codes");
    let again = client.post("/setup", &fields);
    assert_eq!(again.status, 404, "the token is good once: {}", again.text());
    later(server, 60);
    secret
}

pub fn code(server: &TestServer, secret: &Secret) -> String {
    secret.code(step_at(server.book.clock.now()))
}

pub fn later(server: &TestServer, seconds: i64) {
    let now = server.book.clock.now();
    server.book.clock.set(now + jiff::SignedDuration::from_secs(seconds));
}

on_both_engines!(setup_login_and_logout, |db| {
    let (server, secret) = with_ada(&db);
    let client = Client::new(&server);
    let turned_away = client.get("/journal?account=1120");
    assert_eq!((turned_away.status, turned_away.header("location")), (303, Some("/login?next=/journal%3Faccount%3D1120")));
    let came_in = client.log_in("ada", PASSWORD, &code(&server, &secret));
    assert_eq!((came_in.status, came_in.header("location")), (303, Some("/journal")), "{}", came_in.text());
    let cookie = came_in.headers.iter().find(|(name, value)| name == "set-cookie" && value.starts_with("safu=")).unwrap();
    assert!(cookie.1.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{}", cookie.1);
    let page = client.get("/journal");
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    assert!(page.text().contains("Ada A."));
    let account = client.get("/account");
    assert_eq!(account.status, 200, "{}", account.text());
    let out = client.post("/logout", &[("csrf", &Client::hidden(&account, "csrf"))]);
    assert_eq!((out.status, out.header("clear-site-data")), (303, Some("\"cache\"")));
    assert_eq!(client.get("/account").status, 303);
});

on_both_engines!(a_name_that_is_not_known_is_answered_like_one_that_is, |db| {
    let (server, _) = with_ada(&db);
    let refuse = |login: &str| {
        let client = Client::new(&server);
        let answer = client.log_in(login, "not the password", "123456");
        let text = answer.text().replace(&Client::hidden(&answer, "csrf"), "");
        (answer.status, text)
    };
    let known = refuse("ada");
    assert_eq!(known.0, 401);
    assert_eq!(known, refuse("nobody"));
    for _ in 0..6 {
        refuse("ada");
    }
    let client = Client::new(&server);
    let page = client.get("/login");
    let csrf = Client::hidden(&page, "csrf");
    let slowed = client.post("/login", &[("csrf", &csrf), ("login", "ada"), ("password", "x"), ("code", "1")]);
    assert_eq!((slowed.status, slowed.header("retry-after")), (429, Some("1")), "{}", slowed.text());
});

#[test]
fn forms_of_other_sites_and_sessions_are_refused() {
    let db = TestDb::sqlite();
    let (server, secret) = with_ada(&db);
    let (client, other) = (Client::new(&server), Client::new(&server));
    assert_eq!(client.log_in("ada", PASSWORD, &code(&server, &secret)).status, 303);
    later(&server, 60);
    assert_eq!(other.log_in("ada", PASSWORD, &code(&server, &secret)).status, 303);
    let (own, foreign) = (Client::hidden(&client.get("/account"), "csrf"), Client::hidden(&other.get("/account"), "csrf"));
    assert_ne!(own, foreign);
    for csrf in ["", "x", foreign.as_str()] {
        assert_eq!(client.post("/logout", &[("csrf", csrf)]).status, 403, "{csrf}");
    }
    assert_eq!(client.post("/logout", &[]).status, 403);
    for (name, value) in [("Origin", "http://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")] {
        assert_eq!(client.post_with("/logout", &[("csrf", &own)], &[(name, value)]).status, 403, "{name} {value}");
        let page = other.get("/login");
        let csrf = Client::hidden(&page, "csrf");
        assert_eq!(other.post_with("/login", &[("csrf", &csrf)], &[(name, value)]).status, 403, "{name} {value}");
    }
    assert_ne!(client.get("/logout").status, 303, "a GET changes nothing");
    assert_eq!(client.get("/account").status, 200, "still logged in after all of that");
    let ended = other.post("/account/end-session", &[("csrf", &foreign), ("session", &session_of(&other))]);
    assert_eq!(ended.status, 303);
    assert_eq!(client.get("/account").status, 303, "ended from the other session");
}

/// The other session of an account page.
fn session_of(client: &Client<'_>) -> String {
    Client::hidden(&client.get("/account"), "session")
}

#[test]
fn everything_behind_the_login_asks_for_it() {
    let db = TestDb::sqlite();
    let (server, secret) = with_ada(&db);
    let client = Client::new(&server);
    for path in
        ["/", "/journal", "/journal?format=csv", "/account", "/reports/coverage?format=xlsx", "/api/docs", "/nothing", "/step-up"]
    {
        let answer = client.get(path);
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.header("location").unwrap().starts_with("/login"), "{path}");
        assert_eq!(server.ask("HEAD", path).send().status, 303, "{path}");
    }
    for path in ["/login", "/livez", "/readyz", "/problems/forbidden", "/api/v1/openapi.json"] {
        assert_eq!(client.get(path).status, 200, "{path}");
    }
    assert_eq!(client.log_in("ada", PASSWORD, &code(&server, &secret)).status, 303);
    client.get("/api/v1/proposals").refused("unauthenticated");
    for next in ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"] {
        later(&server, 60);
        let fresh = Client::new(&server);
        let csrf = Client::hidden(&fresh.get("/login"), "csrf");
        let now = code(&server, &secret);
        let fields = [("csrf", csrf.as_str()), ("login", "ada"), ("password", PASSWORD), ("code", &now), ("next", next)];
        let answer = fresh.post("/login", &fields);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{next}");
    }
}

#[test]
fn over_https_cookies_belong_to_this_host_only() {
    let db = TestDb::sqlite();
    let book = crate::support::server::new_book(&db);
    let server = TestServer::serve_as(book, Limits::default(), Some("https://safu.example".to_owned()));
    let answer = server.get("/setup").send();
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-safu-form=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
}

#[test]
fn a_browser_sets_up_steps_up_logs_out_and_sees_nothing_on_the_way_back() {
    let db = TestDb::sqlite();
    let server = TestServer::start(&db);
    let Some(browser) = Browser::start() else { return };
    let token = server.book.invite_first_administrator("cli:test").unwrap();
    browser.goto(&format!("{}/setup", server.origin));
    browser.screenshot("setup");
    let secret = Secret::parse(&browser.text("#secret")).unwrap();
    let fields = [("token", token.as_str()), ("login", "ada"), ("name", "Ada A."), ("password", PASSWORD), ("again", PASSWORD)];
    for (name, value) in fields {
        browser.fill(&format!("input[name={name}]"), value);
    }
    browser.fill("input[name=code]", &code(&server, &secret));
    browser.follow(".entry button");
    assert_eq!(browser.eval("return document.querySelectorAll('.codes li').length"), 10);
    browser.screenshot("recovery-codes");
    browser.follow(".ways a");
    assert!(browser.text(".user").contains("Ada A."));
    browser.assert_quiet(&server.origin);
    // The rest without scripts.
    browser.scripts(false);
    later(&server, 60);
    browser.goto(&format!("{}/step-up?next=/account", server.origin));
    browser.fill("input[name=code]", &code(&server, &secret));
    browser.follow(".entry button");
    assert!(browser.text(".facts").contains("shown again"), "{}", browser.text("main"));
    browser.screenshot("account");
    browser.goto(&format!("{}/journal", server.origin));
    assert!(browser.text("h1").contains("Journal"));
    browser.follow(".user button");
    assert!(browser.url().ends_with("/login"), "{}", browser.url());
    for _ in 0..2 {
        browser.devtools("Runtime.evaluate", serde_json::json!({"expression": "history.back()"}));
        std::thread::sleep(std::time::Duration::from_millis(700));
        assert_eq!(browser.text("h1"), "Log in", "{}", browser.url());
    }
    later(&server, 60);
    browser.goto(&format!("{}/login?next=/account", server.origin));
    browser.screenshot("login");
    browser.viewport(390, 844);
    assert!(!browser.scrolls_sideways());
    for (name, value) in [("login", "ada"), ("password", PASSWORD), ("code", &code(&server, &secret))] {
        browser.fill(&format!("input[name={name}]"), value);
    }
    browser.follow(".entry button");
    assert!(browser.url().ends_with("/account"), "{}", browser.url());
    assert!(!browser.scrolls_sideways());
}

#[test]
fn who_holds_no_role_reads_nothing_of_the_book() {
    let db = TestDb::sqlite();
    let (server, _) = with_ada(&db);
    crate::small_book::person(&server.book, "vera", &[]);
    let invitation = server.book.invite(&crate::small_book::call(), "vera").unwrap();
    let client = Client::new(&server);
    let path = format!("/invitation/{invitation}");
    let page = client.get(&path);
    let secret = Secret::parse(&Client::hidden(&page, "secret")).unwrap();
    let (csrf, now) = (Client::hidden(&page, "csrf"), code(&server, &secret));
    let fields =
        [("csrf", csrf.as_str()), ("secret", &secret.text()), ("password", PASSWORD), ("again", PASSWORD), ("code", &now)];
    assert_eq!(client.post(&path, &fields).status, 200);
    for path in ["/", "/journal", "/reports/coverage?format=csv"] {
        assert_eq!(client.get(path).status, 403, "{path}");
    }
    assert_eq!(client.get("/account").status, 200);
}
