//! Logins by an identity provider, against one that signs real tokens on the loopback.

#[path = "oidc/mock.rs"]
mod mock;

use crate::login::{Client, PASSWORD, code, later, set_up_ada};
use crate::small_book::{call, done};
use crate::support::database::TestDb;
use crate::support::server::{Answer, TestServer, new_book};
use mock::{Mock, query_of};
use safu_ledger::service::identity::provider::links;
use safu_ledger::service::identity::totp::Secret;
use safu_ledger::service::verify::verify;
use safu_ledger::store::access;
use safu_ledger::web::oidc::{ClientSecret, OidcConfig};
use safu_ledger::web::server::Options;
use serde_json::{Value, json};

const SUBJECT: &str = "248289761001";

struct Site {
    mock: Mock,
    server: TestServer,
    secret: Secret,
}

impl Site {
    fn new(db: &TestDb) -> Self {
        Self::with(db, false)
    }

    /// A server whose first administrator is ada, and its provider.
    fn with(db: &TestDb, trusts_second_factor: bool) -> Self {
        let mock = Mock::start();
        let oidc = OidcConfig {
            issuer: mock.issuer.clone(),
            client_id: "safu".to_owned(),
            client_secret: Some(ClientSecret("s3cret&more".to_owned())),
            name: "Example ID".to_owned(),
            trusts_second_factor,
            acr: None,
        };
        oidc.check().unwrap();
        let server = TestServer::serve_by(new_book(db), Options { oidc: Some(oidc), ..Options::default() });
        let secret = set_up_ada(&server);
        Self { mock, server, secret }
    }

    fn link(&self, login: &str, subject: &str, held: bool) -> Value {
        let link = json!({"login": login, "issuer": self.mock.issuer, "subject": subject, "held": held, "reason": "test"});
        done(self.server.book.link_provider(&call(), serde_json::from_value(link).unwrap()))
    }

    /// Begins at a page of ours and goes to the provider; gives the address of its answer.
    fn go(&self, client: &Client<'_>, path: &str) -> String {
        let away = client.get(path);
        assert_eq!(away.status, 303, "{}", away.text());
        self.mock.authorize(away.header("location").unwrap())
    }

    /// To the form for the code, and in.
    fn come_in(&self, client: &Client<'_>) -> Answer {
        let page = client.get(&self.go(client, "/login/provider?next=/journal"));
        assert_eq!(page.status, 200, "{}", page.text());
        later(&self.server, 60);
        let code = code(&self.server, &self.secret);
        self.show_code(client, &page, &code)
    }

    fn show_code(&self, client: &Client<'_>, page: &Answer, code: &str) -> Answer {
        let (csrf, answer) = (Client::hidden(page, "csrf"), Client::hidden(page, "answer"));
        client.post("/login/provider", &[("csrf", &csrf), ("answer", &answer), ("code", code)])
    }

    fn events(&self, what: &str) -> usize {
        let all = self.server.book.read(|conn| access::page(conn, None, 1000)).unwrap();
        all.iter().filter(|event| event.what == what).count()
    }
}

fn is_in(client: &Client<'_>) -> bool {
    client.get("/account").status == 200
}

on_both_engines!(whom_the_provider_names_comes_in_with_the_own_second_factor, |db| {
    let site = Site::new(&db);
    site.link("ada", SUBJECT, true);
    assert!(Client::new(&site.server).get("/login").text().contains("/login/provider?next=/"));
    for kind in ["ES256", "RS256", "ES256"] {
        // Each time with a key that was not there before.
        site.mock.rotate(kind);
        let client = Client::new(&site.server);
        let came = site.come_in(&client);
        assert_eq!((came.status, came.header("location")), (303, Some("/journal")), "{kind}: {}", came.text());
        assert!(is_in(&client), "{kind}");
        std::thread::sleep(std::time::Duration::from_millis(if kind == "RS256" { 10_500 } else { 0 }));
    }
    assert_eq!(site.events("login-provider"), 3);
    // The code is asked for, and taken once.
    let client = Client::new(&site.server);
    let page = client.get(&site.go(&client, "/login/provider"));
    assert_eq!(site.show_code(&client, &page, "000000").status, 401);
    assert_eq!(site.show_code(&client, &page, &code(&site.server, &site.secret)).status, 401, "used for the login before");
    assert!(!is_in(&client));
    later(&site.server, 300);
    let late = site.show_code(&client, &page, &code(&site.server, &site.secret));
    assert_eq!(late.status, 403, "the provider's answer is too old");
    assert!(verify(&site.server.book).unwrap().is_good());
});

#[test]
fn an_answer_is_taken_by_the_browser_that_asked_and_by_no_other() {
    let db = TestDb::sqlite();
    let site = Site::new(&db);
    site.link("ada", SUBJECT, true);
    let (victim, attacker) = (Client::new(&site.server), Client::new(&site.server));
    let stolen = site.go(&attacker, "/login/provider");
    assert_eq!(victim.get(&stolen).status, 403, "a browser that asked for nothing");
    let own = site.go(&victim, "/login/provider");
    assert_eq!(victim.get(&stolen).status, 403, "state of another browser");
    let foreign = query_of(&site.go(&Client::new(&site.server), "/login/provider"))["code"].clone();
    let mixed = own.replace(&query_of(&own)["code"], &foreign);
    assert_eq!(victim.get(&mixed).status, 401, "code of another browser: nonce and verifier are not its own");
    assert_eq!(victim.get(&own.replace("state=", "state=x")).status, 403);
    assert_eq!(victim.get(&own.replace("state=", "other=")).status, 403);
    assert_eq!(victim.get(&format!("{own}&state=x")).status, 403, "given twice");
    assert_eq!(victim.get(&format!("{own}&iss=https://evil.example")).status, 403, "another provider's answer");
    let page = attacker.get(&stolen);
    assert_eq!(page.status, 200, "{}", page.text());
    let (csrf, answer) = (Client::hidden(&victim.get("/login"), "csrf"), Client::hidden(&page, "answer"));
    later(&site.server, 60);
    let now = code(&site.server, &site.secret);
    let carried = victim.post("/login/provider", &[("csrf", &csrf), ("answer", &answer), ("code", &now)]);
    assert_eq!(carried.status, 403, "an answer carried to another browser");
    assert_eq!(attacker.get(&stolen).status, 403, "the flow is over");
    let slow = site.go(&victim, "/login/provider");
    later(&site.server, 600);
    assert_eq!(victim.get(&slow).status, 403, "too late");
    assert!(!is_in(&victim) && !is_in(&attacker));
}

#[test]
fn a_token_that_is_not_right_in_everything_is_refused() {
    let db = TestDb::sqlite();
    let site = Site::new(&db);
    site.link("ada", SUBJECT, true);
    type Spoil = (&'static str, fn(&mut Value, &mut Value));
    let cases: &[Spoil] = &[
        ("a nonce of another request", |_, claims| claims["nonce"] = json!("other")),
        ("no nonce", |_, claims| drop(claims.as_object_mut().unwrap().remove("nonce"))),
        ("for another program", |_, claims| claims["aud"] = json!("other")),
        ("for several programs, without saying who asked", |_, claims| claims["aud"] = json!(["safu", "other"])),
        ("asked for by another program", |_, claims| claims["azp"] = json!("other")),
        ("another issuer", |_, claims| claims["iss"] = json!("https://evil.example")),
        ("the issuer with a slash", |_, claims| claims["iss"] = json!(format!("{}/", claims["iss"].as_str().unwrap()))),
        ("expired", |_, claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 61)),
        ("no expiry", |_, claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
        ("an expiry that is no number", |_, claims| claims["exp"] = json!("never")),
        ("not good yet", |_, claims| claims["nbf"] = json!(claims["iat"].as_i64().unwrap() + 600)),
        ("nobody", |_, claims| claims["sub"] = json!("")),
        ("a key that nobody knows", |header, _| header["kid"] = json!("other")),
        ("no signature", |header, _| header["alg"] = json!("none")),
        ("a shared secret instead of a key", |header, _| header["alg"] = json!("HS256")),
        ("another kind of key", |header, _| header["alg"] = json!("RS256")),
        ("extensions that are not known", |header, _| header["crit"] = json!(["exp"])),
    ];
    for (what, spoil) in cases {
        site.mock.spoil(Some(*spoil));
        let client = Client::new(&site.server);
        let refused = client.get(&site.go(&client, "/login/provider"));
        assert_eq!(refused.status, 401, "{what}: {}", refused.text());
        assert!(refused.text().contains("is not good"), "{what}: {}", refused.text());
        assert!(!is_in(&client), "{what}");
    }
    site.mock.spoil(None);
    site.mock.forge(true);
    let client = Client::new(&site.server);
    assert_eq!(client.get(&site.go(&client, "/login/provider")).status, 401, "signed with a key of somebody else");
    site.mock.forge(false);
    assert_eq!(site.come_in(&client).status, 303, "the same without any of that");
}

on_both_engines!(an_email_address_links_nobody, |db| {
    let site = Site::new(&db);
    for verified in [json!(true), json!(false), json!("true")] {
        site.mock.claim(&json!({"email": "ada", "email_verified": verified, "preferred_username": "ada", "name": "Ada A."}));
        let client = Client::new(&site.server);
        let page = client.get(&site.go(&client, "/login/provider"));
        let refused = site.show_code(&client, &page, &code(&site.server, &site.secret));
        assert_eq!(refused.status, 401, "{}", refused.text());
        assert!(refused.text().contains("linked to nobody"), "{}", refused.text());
        assert!(!is_in(&client));
    }
    assert_eq!(site.server.book.read(links).unwrap(), []);
    assert_eq!(site.events("login-refused"), 3);
    // Nor does the same name at another provider.
    let other = json!({"login": "ada", "issuer": "https://other.example", "subject": SUBJECT, "held": true, "reason": "test"});
    done(site.server.book.link_provider(&call(), serde_json::from_value(other).unwrap()));
    let client = Client::new(&site.server);
    assert_eq!(site.come_in(&client).status, 401);
});

#[test]
fn a_person_links_the_own_account_with_the_second_factor() {
    let db = TestDb::sqlite();
    let site = Site::new(&db);
    let (client, server) = (Client::new(&site.server), &site.server);
    assert_eq!(client.log_in("ada", PASSWORD, &code(server, &site.secret)).status, 303);
    let asks = client.get("/account/provider");
    assert_eq!((asks.status, asks.header("location")), (303, Some("/step-up?next=/account/provider")));
    later(server, 60);
    let csrf = Client::hidden(&client.get("/account"), "csrf");
    assert_eq!(client.post("/step-up", &[("csrf", &csrf), ("code", &code(server, &site.secret))]).status, 303);
    let page = client.get(&site.go(&client, "/account/provider"));
    assert!(page.status == 200 && page.text().contains(SUBJECT), "{}", page.text());
    assert_eq!(server.book.read(links).unwrap(), [], "nothing is linked before the person says so");
    let (csrf, answer) = (Client::hidden(&page, "csrf"), Client::hidden(&page, "answer"));
    assert_eq!(client.post("/account/provider", &[("csrf", "x"), ("answer", &answer)]).status, 403);
    assert_eq!(client.post("/account/provider", &[("csrf", &csrf), ("answer", &answer)]).status, 303);
    assert!(!is_in(&client), "all sessions end with it");
    assert_eq!(server.book.read(links).unwrap().len(), 1);
    let mut again = Client::new(server);
    assert_eq!(site.come_in(&again).status, 303);
    crate::small_book::person(&server.book, "vera", &["auditor"]);
    let taken = json!({"login": "vera", "issuer": site.mock.issuer, "subject": SUBJECT, "held": true, "reason": "test"});
    let refused = server.book.link_provider(&call(), serde_json::from_value(taken).unwrap()).unwrap();
    assert_eq!(refused.success().unwrap_err().code.slug(), "already-exists");
    let account = again.get("/account");
    let (csrf, issuer) = (Client::hidden(&account, "csrf"), Client::hidden(&account, "issuer"));
    let fields = [("csrf", csrf.as_str()), ("issuer", &issuer), ("subject", SUBJECT)];
    assert_eq!(again.post("/account/provider/unlink", &fields).status, 303);
    assert!(!is_in(&again));
    again = Client::new(server);
    assert_eq!(site.come_in(&again).status, 401, "not linked any more");
    assert_eq!((site.events("provider-linked"), site.events("provider-unlinked")), (1, 1));
    site.link("ada", SUBJECT, true);
    let lost = json!({"login": "ada", "reason": "lost"});
    done(server.book.reset_login(&call(), serde_json::from_value(lost).unwrap()));
    assert_eq!(server.book.read(links).unwrap(), [], "a reset takes the links away too");
    assert!(verify(&server.book).unwrap().is_good());
}

#[test]
fn the_second_factor_of_the_provider_counts_only_where_it_is_trusted() {
    let db = TestDb::sqlite();
    let site = Site::with(&db, true);
    site.link("ada", SUBJECT, true);
    let client = Client::new(&site.server);
    let page = client.get(&site.go(&client, "/login/provider"));
    assert_eq!(page.status, 200, "its token says nothing of a second factor");
    site.mock.claim(&json!({"amr": ["pwd", "mfa"]}));
    let came = client.get(&site.go(&client, "/login/provider?next=/journal"));
    assert_eq!((came.status, came.header("location")), (303, Some("/journal")), "{}", came.text());
    assert!(is_in(&client));
    assert!(client.get("/account").text().contains("shown at the login"), "not stepped up by it");
    drop(site);
    let db = TestDb::sqlite();
    let wary = Site::new(&db);
    wary.link("ada", SUBJECT, true);
    wary.mock.claim(&json!({"amr": ["pwd", "mfa"]}));
    let client = Client::new(&wary.server);
    assert_eq!(client.get(&wary.go(&client, "/login/provider")).status, 200, "not trusted, so the own code is asked for");
    assert!(!is_in(&client));
}

#[test]
fn without_the_provider_there_is_the_password() {
    let db = TestDb::sqlite();
    let site = Site::new(&db);
    site.mock.stop();
    let client = Client::new(&site.server);
    let silent = client.get("/login/provider");
    assert_eq!(silent.status, 503);
    assert!(silent.text().contains("log in with your password"), "{}", silent.text());
    assert_eq!(client.log_in("ada", PASSWORD, &code(&site.server, &site.secret)).status, 303);
    let db = TestDb::sqlite();
    let plain = TestServer::start(&db);
    set_up_ada(&plain);
    assert_eq!(Client::new(&plain).get("/login/provider").status, 404);
    assert!(!Client::new(&plain).get("/login").text().contains("/login/provider"));
}
