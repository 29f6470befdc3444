//! Persons and keys on their pages, and how everything around the login looks.

use crate::login::{Client, PASSWORD, code, later, set_up_ada};
use crate::pages::axe;
use crate::pages::looks::Looks;
use crate::small_book::{call, done, person};
use crate::support::browser::Browser;
use crate::support::database::TestDb;
use crate::support::server::{Answer, TestServer};
use safu_ledger::service::identity::totp::Secret;
use serde_json::json;

/// A server with Ada logged in; a second administrator is there for proposals.
fn with_ada(server: &TestServer) -> (Client<'_>, Secret) {
    let secret = set_up_ada(server);
    let client = Client::new(server);
    assert_eq!(client.log_in("ada", PASSWORD, &code(server, &secret)).status, 303);
    (client, secret)
}

/// Fills the form of a page in and sends it.
fn send(client: &Client<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    let page = client.get(path);
    assert_eq!(page.status, 200, "{path}: {}", page.text());
    let (csrf, key) = (Client::hidden(&page, "csrf"), Client::hidden(&page, "key"));
    let mut all = vec![("csrf", csrf.as_str()), ("key", key.as_str())];
    all.extend_from_slice(fields);
    client.post(path, &all)
}

/// What a page shows once.
fn shown(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    text.split("<li><code>").nth(1).expect("something that is shown once").split('<').next().unwrap().to_owned()
}

on_both_engines!(an_administrator_keeps_persons_and_keys_on_pages, |db| {
    let server = TestServer::start(&db);
    let (ada, _) = with_ada(&server);
    let made = send(&ada, "/people/new", &[("login", "paula"), ("name", "Paula P.")]);
    assert_eq!((made.status, made.header("location")), (303, Some("/people")), "{}", made.text());
    assert_eq!(send(&ada, "/people/new", &[("login", "paula"), ("name", "Paula P.")]).status, 409);
    let role = [("role", "preparer"), ("held", "true"), ("reason", "Joined")];
    assert_eq!(send(&ada, "/people/2/role", &role).header("location"), Some("/people/2"));
    let clash = send(&ada, "/people/2/role", &[("role", "approver"), ("held", "true"), ("reason", "Too")]);
    assert!(clash.status == 422 && clash.text().contains("must not be"), "{}", clash.text());
    let invitation = shown(&send(&ada, "/people/2/invitation", &[]));
    assert_eq!(Client::new(&server).get(&invitation).status, 200);
    let page = ada.get("/people/2").text();
    for wanted in ["Paula P.", "invited", "Joined", "No session holds."] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    let key = [("name", "job"), ("scope", "feed"), ("owner", ""), ("expires", "2030-12-31T00:00:00Z")];
    let secret = shown(&send(&ada, "/keys/new", &key));
    assert!(secret.starts_with("safu_"), "{secret}");
    assert_eq!(server.get("/api/v1/contributions").key(&secret).send().status, 200);
    let used = || ada.get("/keys").text().split("<tr class").find(|row| row.contains(">job<")).unwrap().matches("<time").count();
    for _ in 0..50 {
        if used() == 2 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(used(), 2, "expiry and last use");
    assert!(!ada.get("/keys").text().contains(&secret), "a key is shown once");
    assert_eq!(send(&ada, "/keys/revocation", &[("name", "job")]).status, 303);
    server.get("/api/v1/contributions").key(&secret).send().refused("unauthenticated");
    let taken = [("role", "preparer"), ("held", "false"), ("reason", "Left")];
    assert_eq!(send(&ada, "/people/2/role", &taken).status, 303);
    assert_eq!(ada.get("/people/99").status, 404);
});

#[test]
fn under_four_eyes_the_same_forms_make_proposals() {
    let db = TestDb::sqlite();
    let server = TestServer::start(&db);
    let (ada, secret) = with_ada(&server);
    for (login, role) in [("abel", "administrator"), ("ann", "approver"), ("paula", "preparer")] {
        person(&server.book, login, &[role]);
    }
    let terms = json!({"one_up_to": "10000", "two_up_to": "1000000", "committee": 1, "expire_hours": 72, "ratify_hours": 24});
    done(server.book.set_approval_terms(&call(), "2019-05-08".parse().unwrap(), serde_json::from_value(terms).unwrap()));
    let role = [("role", "treasurer"), ("held", "true"), ("reason", "More work")];
    assert_eq!(send(&ada, "/people/4/role", &role).header("location"), Some("/approvals/1"));
    let reset = send(&ada, "/people/1/reset", &[("reason", "lost")]);
    assert_eq!(reset.header("location"), Some("/approvals/2"));
    let key = send(&ada, "/keys/new", &[("name", "cli"), ("scope", "operate"), ("owner", "paula"), ("expires", "")]);
    assert!(key.text().contains("another administrator") || key.text().contains("other than you"), "{}", key.text());
    server.get("/api/v1/reports").key(&shown(&key)).send().refused("unauthenticated");
    assert_eq!(send(&ada, "/people/1/end-sessions", &[]).status, 303, "to take access away never waits");
    assert_eq!(ada.get("/people").status, 303);
    later(&server, 60);
    assert_eq!(ada.log_in("ada", PASSWORD, &code(&server, &secret)).status, 303);
}

/// Pages of persons and keys.
const OF_PERSONS: &[(&str, &str)] = &[
    ("account", "/account"),
    ("step-up", "/step-up?next=/account"),
    ("password", "/account/password"),
    ("device", "/account/second-factor"),
    ("recovery", "/account/recovery-codes"),
    ("people", "/people"),
    ("person", "/people/1"),
    ("person-new", "/people/new"),
    ("name", "/people/4/name"),
    ("role", "/people/4/role"),
    ("invite", "/people/4/invitation"),
    ("reset", "/people/1/reset"),
    ("end-sessions", "/people/1/end-sessions"),
    ("keys", "/keys"),
    ("key-new", "/keys/new"),
    ("key-revoke", "/keys/revocation"),
    ("approvals", "/approvals"),
];

/// What is looked at here.
pub fn looked_at() -> Vec<String> {
    let outside = ["/setup", "/login", "/invitation/x"].into_iter();
    outside.chain(OF_PERSONS.iter().map(|(_, path)| *path)).map(str::to_owned).collect()
}

#[test]
fn the_pages_around_the_login_can_be_read_by_everybody() {
    let db = TestDb::sqlite();
    let server = TestServer::start(&db);
    let Some(browser) = Browser::start() else { return };
    let Some(axe) = axe::source() else { return };
    let looks = Looks::new(&browser, axe, &server.origin);
    let look = |name: &str, path: &str| looks.look(name, path);
    look("setup", "/setup");
    let secret = set_up_ada(&server);
    look("login", "/login");
    for (login, role) in [("abel", "administrator"), ("ann", "approver"), ("paula", "preparer")] {
        person(&server.book, login, &[role]);
    }
    let invitation = server.book.invite(&call(), "paula").unwrap();
    look("invitation", &format!("/invitation/{invitation}"));
    browser.goto(&format!("{}/login", server.origin));
    for (name, value) in [("login", "ada"), ("password", PASSWORD), ("code", &code(&server, &secret))] {
        browser.fill(&format!("input[name={name}]"), value);
    }
    browser.follow(".entry button");
    for (name, path) in OF_PERSONS {
        look(name, path);
    }
    looks.assert_sound();
}
