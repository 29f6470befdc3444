//! Who may come where: every address of the server is asked by everybody there is, and each answer is compared with the reviewed
//! table in `roles.txt`. An address without a line fails, and the failure prints the line as it is; add it when it is right.

use crate::small_book::{call, done, full, person, typed};
use crate::support::database::TestDb;
use crate::support::server::{Answer, Ask, TestServer};
use safu_ledger::domain::person::PersonId;
use safu_ledger::service::approvals::{self, Draft};
use safu_ledger::service::identity::invite::Enrolment;
use safu_ledger::service::identity::totp::{Secret, step_at};
use safu_ledger::service::identity::{Visitor, keyed_hash, session};
use safu_ledger::service::keys::KeyScope;
use safu_ledger::service::{Book, Call};
use safu_ledger::store::identity::{SessionRow, add_session};
use safu_ledger::web::api::operations;
use safu_ledger::web::app::Limits;
use safu_ledger::web::operation::{Method, Operation, Shape};
use safu_ledger::web::routes::{self, Reach};
use serde_json::json;
use std::cell::Cell;
use std::collections::BTreeMap;

const TABLE: &str = include_str!("roles.txt");

/// Who asks, in the order of the columns. A person comes to pages with a session, and to the API with a key he answers for.
const WHO: [&str; 10] =
    ["nobody", "none", "administrator", "preparer", "approver", "treasurer", "incident-officer", "auditor", "feed", "operate"];

/// Example values for the parts of an address; what is not named here is 1.
const PARTS: &[(&str, &str)] = &[
    ("name", "coverage"),
    ("account", "1110"),
    ("day", "2019-01-01"),
    ("code", "INC-1"),
    ("slug", "forbidden"),
    ("token", "x"),
    ("period", "2019-02"),
];

/// A book with a person of each role and a server.
pub struct House {
    pub server: TestServer,
    persons: BTreeMap<&'static str, Member>,
    fresh: Cell<u64>,
}

/// A person of the house with a session and a key.
struct Member {
    id: PersonId,
    session: SessionRow,
    key: String,
}

fn member(book: &Book, login: &'static str, roles: &[&str]) -> Member {
    let id = person(book, login, roles);
    let token = book.invite(&call(), login).unwrap();
    let secret = Secret::fresh().unwrap();
    let code = secret.code(step_at(book.clock.now()));
    let password = "four plain words here".to_owned();
    let key = book.create_key_for(&call(), &format!("{login}-key"), KeyScope::Operate, None, Some(login)).unwrap().secret;
    let chosen = Enrolment { login: login.to_owned(), name: login.to_owned(), password, secret, code };
    let made = book.enrol(&Visitor::default(), &token, chosen).unwrap();
    let now = book.clock.now();
    let signed = book.read(|conn| session::find(conn, &made.token, now)).unwrap().expect("a session");
    Member { id, session: SessionRow { stepped_up_at: Some(now.as_microsecond()), ..signed.session }, key }
}

impl House {
    pub fn new(db: &TestDb) -> Self {
        let book = full(db);
        let mut persons = BTreeMap::from([("none", member(&book, "none", &[]))]);
        for role in ["administrator", "preparer", "approver", "treasurer", "incident-officer", "auditor"] {
            persons.insert(role, member(&book, role, &[role]));
        }
        for (login, role) in [("other-a", "administrator"), ("other-p", "preparer"), ("other-b", "approver")] {
            persons.insert(login, member(&book, login, &[role]));
        }
        let server = TestServer::serve(book, Limits::default());
        let terms = json!({"one_up_to": "10000", "two_up_to": "1000000", "committee": 2, "expire_hours": 72, "ratify_hours": 24});
        done(server.book.set_approval_terms(&call(), "2019-02-01".parse().unwrap(), typed(terms)));
        Self { server, persons, fresh: Cell::new(0) }
    }

    fn next(&self) -> u64 {
        self.fresh.set(self.fresh.get() + 1);
        self.fresh.get()
    }

    /// A call of a person who has just shown the second factor.
    pub fn call(&self, who: &str) -> Call {
        Call::fresh(format!("person:{who}")).by(self.persons[who].id, true)
    }

    /// A new session of a person, stepped up a moment ago: its token and its short name.
    pub fn session(&self, who: &str) -> (String, String) {
        let token = format!("token-{}", self.next());
        let token_hash = safu_ledger::proof::merkle::sha256(token.as_bytes()).to_vec();
        let row = SessionRow { token_hash, ..self.persons[who].session.clone() };
        let name = row.name();
        self.server.book.store.write(move |conn| add_session(conn, &row)).unwrap();
        (token, name)
    }

    /// A proposal of this person, as number and hash: a draft, or one that waits; nothing where the role can make none.
    fn proposal(&self, maker: &str, draft: bool) -> Option<(i64, String)> {
        let book = &self.server.book;
        let by = || Call::fresh(format!("person:{maker}")).by(self.persons[maker].id, false);
        let memo = json!({"account": 9100, "asset": "BTC", "quantity": self.next().to_string()});
        let spare = format!("spare-{}", self.next());
        done(book.add_person(&call(), typed(json!({"login": spare, "name": "Nobody yet"}))));
        let role = json!({"login": spare, "role": "auditor", "held": true, "reason": "test"});
        let on = "2019-02-01";
        let (kind, command) = match maker {
            "administrator" | "other-a" => ("person.role", role.clone()),
            "preparer" | "treasurer" | "incident-officer" | "other-p" => ("memo", json!({"effective_on": on, "terms": memo})),
            _ => return None,
        };
        let made = match kind {
            _ if draft => done(book.draft(&by(), Draft { kind: kind.to_owned(), command })),
            "memo" => done(book.set_memo(&by(), on.parse().unwrap(), typed(memo))),
            _ => done(book.set_role(&by(), typed(role))),
        };
        let id = made["proposal"].as_i64().unwrap_or_else(|| panic!("{made}"));
        let now = book.clock.now();
        let proposal = book.read(|conn| approvals::find(conn, id, now)).unwrap().unwrap();
        Some((id, proposal.hash))
    }

    /// The mark of one answer; nothing where the case cannot be.
    fn ask(&self, route: &Line, case: &str, who: &'static str) -> Option<char> {
        let object = self.object(route, case, who)?;
        let answer = if route.is_api() { self.ask_api(route, &object, who) } else { self.ask_page(route, &object, who) };
        let found = mark(&answer, !self.persons.contains_key(who), !case.is_empty());
        assert!(answer.status < 500, "{} {} as {who}: {}", route.method, route.path, answer.text());
        Some(found)
    }

    /// What is acted on: parts of the address and fields.
    fn object(&self, route: &Line, case: &str, who: &'static str) -> Option<Object> {
        let mut object = Object::default();
        if route.is_about_proposal() {
            let maker = match case {
                "own" => who,
                "finance" => "other-p",
                _ => "other-a",
            };
            let (id, hash) = self.proposal(maker, route.path.ends_with("submission") || route.path.ends_with("/submit"))?;
            object.parts.push(("proposal", id.to_string()));
            object.fields = vec![("hash", hash.clone()), ("reason", "test".to_owned())];
            let mut body = json!({"proposal": id, "hash": hash, "reason": "test"});
            if route.path.ends_with("/revision") {
                let now = self.server.book.clock.now();
                let found = self.server.book.read(|conn| approvals::find(conn, id, now)).unwrap().unwrap();
                body = json!({"proposal": id, "hash": hash, "command": found.command});
            }
            object.body = body.to_string();
        }
        if route.path == "/people/{person}" {
            let whose = if case == "own" { self.persons.get(who)? } else { &self.persons["other-p"] };
            object.parts.push(("person", whose.id.to_string()));
        }
        if route.path == "/account/end-session" {
            let whose = if case == "own" && self.persons.contains_key(who) { who } else { "other-p" };
            object.fields.push(("session", self.session(whose).1));
        }
        Some(object)
    }

    fn ask_page(&self, route: &Line, object: &Object, who: &str) -> Answer {
        let (token, _) = if self.persons.contains_key(who) { self.session(who) } else { ("outside".to_owned(), String::new()) };
        let cookie = if self.persons.contains_key(who) { format!("safu={token}") } else { format!("safu-form={token}") };
        let ask = self.server.ask(route.method, &object.path(&route.path)).header("Cookie", &cookie);
        let ask = match who {
            "feed" => ask.key(&self.server.feed_key),
            "operate" => ask.key(&self.server.operate_key),
            _ => ask,
        };
        if route.method == "GET" {
            return ask.send();
        }
        let form = if self.persons.contains_key(who) && route.reach_is_public { self.outside(ask, &token) } else { (ask, token) };
        let (ask, token) = form;
        let mut fields = vec![("csrf", keyed_hash(token.as_bytes(), "form")), ("key", format!("form-{}", self.next()))];
        fields.extend(object.fields.clone());
        let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        ask.body("application/x-www-form-urlencoded", body.join("&")).send()
    }

    /// The same with the cookie of a form before the login.
    fn outside<'a>(&self, ask: Ask<'a>, token: &str) -> (Ask<'a>, String) {
        (ask.header("Cookie", &format!("safu-form={token}")), token.to_owned())
    }

    fn ask_api(&self, route: &Line, object: &Object, who: &str) -> Answer {
        let operation = route.operation.as_ref();
        let mut path = object.path(&route.path);
        if route.method == "POST" {
            let given = operation.into_iter().flat_map(|op| op.params).filter(|param| !param.in_path);
            let query: Vec<String> = given.map(|param| format!("{}={}", param.name, param.example.replace(' ', "%20"))).collect();
            path = format!("{path}?dry_run=true&{}", query.join("&")).trim_end_matches('&').to_owned();
        }
        let ask = self.server.ask(route.method, &path);
        let ask = match who {
            "nobody" => ask,
            "feed" => ask.key(&self.server.feed_key),
            "operate" => ask.key(&self.server.operate_key),
            person => ask.key(&self.persons[person].key),
        };
        if route.method == "GET" {
            return ask.send();
        }
        let ask = ask.idempotent(&format!("api-{}", self.next()));
        let Some(media) = operation.and_then(|op| op.body.first()) else { return ask.json(&json!({})).send() };
        if !object.body.is_empty() {
            return ask.body("application/json", object.body.clone()).send();
        }
        if let Shape::Parts(_) = media.shape {
            let parts: Vec<(&str, &str)> = media.example.split("\n\n").filter_map(|part| part.split_once(": ")).collect();
            let parts: Vec<(&str, &str, &[u8])> = parts.iter().map(|(name, text)| (*name, "text/csv", text.as_bytes())).collect();
            return ask.form(&parts).send();
        }
        ask.body(media.media, media.example).send()
    }
}

/// What a request is about.
#[derive(Default)]
struct Object {
    parts: Vec<(&'static str, String)>,
    fields: Vec<(&'static str, String)>,
    body: String,
}

impl Object {
    /// The address with its parts filled in.
    fn path(&self, pattern: &str) -> String {
        let mut path = pattern.replace(":.+}", "}");
        while let Some((from, to)) = path.find('{').zip(path.find('}')) {
            let name = path[from + 1..to].to_owned();
            let own = self.parts.iter().find(|(part, _)| *part == name).map(|(_, value)| value.clone());
            let known = || PARTS.iter().find(|(part, _)| *part == name).map_or("1", |(_, value)| value).to_owned();
            path.replace_range(from..=to, &own.unwrap_or_else(known));
        }
        path
    }
}

/// A line of the app's table.
struct Line {
    method: &'static str,
    path: String,
    reach_is_public: bool,
    operation: Option<Operation>,
}

impl Line {
    fn all() -> Vec<Self> {
        let operations = operations();
        let of = |route: routes::Route| {
            let operation = operations.iter().find(|op| {
                op.method == route.method
                    && matches!(route.reach, Reach::Key(_))
                    && route.path.ends_with(op.path)
                    && route.path.len() == "/api/v1".len() + op.path.len()
            });
            Self {
                method: if route.method == Method::Get { "GET" } else { "POST" },
                path: route.path.clone(),
                reach_is_public: matches!(route.reach, Reach::Public),
                operation: operation.copied(),
            }
        };
        routes::all().into_iter().map(of).collect()
    }

    fn is_api(&self) -> bool {
        self.path.starts_with("/api/v")
    }

    fn is_about_proposal(&self) -> bool {
        self.method == "POST" && (self.path.starts_with("/approvals/{proposal}/") || self.path.starts_with("/api/v1/proposals/"))
    }

    /// The cases in which the answer depends on whose object it is.
    fn cases(&self) -> &'static [&'static str] {
        match self.path.as_str() {
            _ if self.is_about_proposal() => &["own", "finance", "keys"],
            "/account/end-session" | "/people/{person}" => &["own", "other"],
            _ => &[""],
        }
    }
}

/// `+` let in, `-` refused, `L` sent to the login, `k` asked for a key, `a` asked for a person, `s` asked for the second factor, `0`
/// not there for this one.
fn mark(answer: &Answer, has_no_session: bool, is_about_object: bool) -> char {
    let is_problem = answer.header("content-type") == Some("application/problem+json");
    let code = if is_problem { answer.json()["code"].as_str().unwrap_or_default().to_owned() } else { String::new() };
    match answer.status {
        303 if has_no_session && answer.header("location").is_some_and(|to| to.starts_with("/login")) => 'L',
        401 if is_problem => 'k',
        403 if code == "approval-needed" => 'a',
        403 if code == "step-up-needed" => 's',
        403 => '-',
        404 if is_about_object => '0',
        _ => '+',
    }
}

/// The reviewed table: the marks by address and case.
fn reviewed() -> BTreeMap<String, String> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let split = |line: &str| {
        let (address, marks) = line.split_at(line.len() - (2 * WHO.len() - 1));
        (address.split_whitespace().collect::<Vec<_>>().join(" "), marks.to_owned())
    };
    let all: Vec<_> = lines.map(split).collect();
    let map: BTreeMap<_, _> = all.iter().cloned().collect();
    assert_eq!(map.len(), all.len(), "a line stands twice in tests/it/roles.txt");
    map
}

fn observed(house: &House) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for route in Line::all() {
        for case in route.cases() {
            let address = format!("{} {} {case}", route.method, route.path).trim().to_owned();
            let marks: Vec<String> =
                WHO.iter().map(|who| house.ask(&route, case, who).map_or(".".to_owned(), |mark| mark.to_string())).collect();
            assert!(found.insert(address.clone(), marks.join(" ")).is_none(), "{address} stands twice in the table of addresses");
        }
    }
    found
}

#[test]
fn everybody_comes_where_the_reviewed_table_says_and_nowhere_else() {
    let db = TestDb::sqlite();
    let (found, wanted) = (observed(&House::new(&db)), reviewed());
    let show = |address: &str, marks: &str| format!("{address:<84} {marks}");
    let differs = found.iter().filter(|(address, marks)| wanted.get(*address) != Some(*marks));
    let lines: Vec<String> = differs.map(|(address, marks)| show(address, marks)).collect();
    let gone: Vec<&String> = wanted.keys().filter(|address| !found.contains_key(*address)).collect();
    assert!(
        lines.is_empty() && gone.is_empty(),
        "tests/it/roles.txt is not what the server does. Where these lines are right, put them there:\n{}\nTake out: {gone:?}",
        lines.join("\n")
    );
}

/// Whatever a line says, it may not say this.
#[test]
fn no_line_of_the_table_breaks_the_rules() {
    let own = ["/login", "/logout", "/step-up", "/setup", "/invitation/", "/account"];
    for (address, marks) in reviewed() {
        let (method, path) = address.split_once(' ').unwrap();
        let marks: Vec<char> = marks.chars().step_by(2).collect();
        let mark = |who: &str| marks[WHO.iter().position(|one| *one == who).unwrap()];
        if own.iter().any(|start| path.starts_with(start)) {
            continue;
        }
        if method == "POST" {
            for who in ["nobody", "none", "auditor"] {
                // Asking for a check of the chain starts work and changes no book.
                let checks = who == "auditor" && path.ends_with("/audit/checks");
                assert!(mark(who) != '+' || checks, "{address}: {who} changes something");
            }
            let feeds = path.starts_with("/api/v1/contributions") || path.starts_with("/api/v1/fee-reports");
            assert!(mark("feed") != '+' || feeds, "{address}: a key that feeds does something else");
            let decides = ["/approve own", "/reject own", "/approval own", "/rejection own"];
            let is_own_decision = decides.iter().any(|end| path.ends_with(end));
            assert!(!(is_own_decision && marks.contains(&'+')), "{address}: somebody decides on an own proposal");
        }
    }
}
