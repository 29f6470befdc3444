//! The login as browsers meet it: cookies, forms, redirects, refusals.

use crate::support::database::TestDb;
use crate::support::server::{Answer, TestServer};

use safu_ledger::service::identity::totp::{Secret, step_at};

const PASSWORD: &str = "four plain words here";

/// A browser of few words: it keeps cookies and sends forms.
struct Client<'a> {
    server: &'a TestServer,
    cookies: std::cell::RefCell<Vec<(String, String)>>,
}

impl<'a> Client<'a> {
    fn new(server: &'a TestServer) -> Self {
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

    fn get(&self, path: &str) -> Answer {
        self.keep(self.server.get(path).header("Cookie", &self.cookies()).send())
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
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
    fn hidden(page: &Answer, name: &str) -> String {
        let text = page.text();
        let start = format!("name=\"{name}\" value=\"");
        let rest = text.split_once(&start).unwrap_or_else(|| panic!("{name} in {text}")).1;
        rest.split('"').next().unwrap().to_owned()
    }

    fn log_in(&self, login: &str, password: &str, code: &str) -> Answer {
        let page = self.get("/login");
        let csrf = Self::hidden(&page, "csrf");
        self.post("/login", &[("csrf", &csrf), ("login", login), ("password", password), ("code", code), ("next", "/journal")])
    }
}

/// A server whose first administrator, ada, has set up her login; gives her secret too.
fn with_ada(db: &TestDb) -> (TestServer, Secret) {
    let server = TestServer::start(db);
    let token = server.book.invite_first_administrator("cli:test").unwrap();
    let client = Client::new(&server);
    let page = client.get("/setup");
    assert_eq!(page.status, 200, "{}", page.text());
    let secret = Secret::parse(&Client::hidden(&page, "secret")).unwrap();
    let code = code(&server, &secret);
    let csrf = Client::hidden(&page, "csrf");
    let fields = [
        ("csrf", csrf.as_str()),
        ("secret", &secret.text()),
        ("token", &token),
        ("login", "ada"),
        ("name", "Ada A."),
        ("password", PASSWORD),
        ("again", PASSWORD),
        ("code", &code),
    ];
    let done = client.post("/setup", &fields);
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(done.text().matches("<li><code>").count(), 10, "recovery codes");
    let again = client.post("/setup", &fields);
    assert_eq!(again.status, 404, "the token is good once: {}", again.text());
    later(&server, 60);
    (server, secret)
}

fn code(server: &TestServer, secret: &Secret) -> String {
    secret.code(step_at(server.book.clock.now()))
}

fn later(server: &TestServer, seconds: i64) {
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
