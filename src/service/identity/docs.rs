//! Persons and keys as documents: pages show them, the command line prints them.

use super::provider::links;
use super::{LOGINS, session, valid_credential};
use crate::domain::person::{PersonId, Role};
use crate::report::doc::{Cell, Column, Doc, Row, Table, Tone};
use crate::report::link;
use crate::service::people::{self, Person, ROLE, RenamePerson, SetRole};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::identity::{SessionRow, invited, recovery_codes_left};
use crate::store::key::{self, KeyRow};
use crate::store::{access, fact, person};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Roles that see persons and keys; everybody sees the own page.
pub const SEES_PEOPLE: &[Role] = &[Role::Administrator, Role::Auditor];

fn moment(micros: i64) -> Cell {
    Timestamp::from_microsecond(micros).map_or_else(|_| Cell::empty(), Cell::time)
}

fn roles(person: &Person) -> String {
    person.roles.iter().map(|role| role.slug()).collect::<Vec<_>>().join(", ")
}

/// What a person can log in with.
struct Access {
    has_login: bool,
    state: Cell,
    second_factor: Cell,
    codes_left: Cell,
    sessions: Vec<SessionRow>,
}

impl Access {
    fn load(conn: &mut Conn, id: PersonId, invited: &[i32], now: Timestamp) -> Result<Self, StoreError> {
        let row = person::find(conn, id.0)?;
        let has_login = match &row {
            Some(row) => valid_credential(conn, row)?.is_some(),
            None => false,
        };
        if has_login {
            return Ok(Self {
                has_login,
                state: Cell::state("set up", Tone::Good),
                second_factor: Cell::text("codes of a device"),
                codes_left: Cell::count(recovery_codes_left(conn, id.0)?),
                sessions: session::of_person(conn, id.0, now)?,
            });
        }
        let waits = invited.contains(&id.0);
        let state = if waits { Cell::state("invited", Tone::Warn) } else { Cell::state("none", Tone::Neutral) };
        Ok(Self { has_login, state, second_factor: Cell::text("none"), codes_left: Cell::empty(), sessions: Vec::new() })
    }
}

fn columns(names: &[(&str, &str)]) -> Vec<Column> {
    names.iter().map(|(key, title)| Column::text(key, title)).collect()
}

/// All persons: roles, what they log in with, when they came last.
///
/// # Errors
/// The database's failure.
pub fn people_doc(conn: &mut Conn, now: Timestamp) -> Result<Doc, StoreError> {
    let (all, waiting) = (people::all(conn)?, invited(conn, now.as_microsecond())?);
    let last: BTreeMap<i32, i64> = access::last_of(conn, &LOGINS, i64::MAX)?.into_iter().collect();
    let mut rows = Vec::new();
    for one in &all {
        let access = Access::load(conn, one.id, &waiting, now)?;
        rows.push(Row::body(vec![
            Cell::code(&one.login).to(link::person(one.id)),
            Cell::text(&one.name),
            Cell::text(roles(one)),
            access.state,
            access.second_factor,
            access.codes_left,
            Cell::count(access.sessions.len()),
            last.get(&one.id.0).map_or_else(|| Cell::text("never"), |at| moment(*at)),
        ]));
    }
    let mut heads = columns(&[("login", "Login name"), ("name", "Name"), ("roles", "Roles"), ("access", "Login")]);
    heads.push(Column::text("second_factor", "Second factor"));
    heads.extend([Column::number("codes", "Recovery codes"), Column::number("sessions", "Sessions")]);
    heads.push(Column::text("last", "Last login"));
    let empty = "There is no person yet; the first one sets a login up with the token of `safu init` or `safu users setup`.";
    Ok(Doc {
        name: "users".to_owned(),
        title: "Persons".to_owned(),
        finding: Some(format!("{} can be told apart here; what each may do is a matter of roles.", count(all.len(), "person"))),
        tables: vec![Table::new("users", "Persons", heads, rows, empty)],
        ..Doc::default()
    })
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("One {what}") } else { format!("{number} {what}s") }
}

/// One person: what the page has above its tables, and the tables.
pub struct PersonDoc {
    /// Who.
    pub person: Person,
    /// Label and value.
    pub facts: Vec<(String, Cell)>,
    /// Sessions, roles over time, keys.
    pub doc: Doc,
    /// True for somebody who can log in.
    pub has_login: bool,
}

/// One person with sessions, roles over time and keys.
///
/// # Errors
/// The database's failure.
pub fn person_doc(conn: &mut Conn, id: PersonId, now: Timestamp) -> Result<Option<PersonDoc>, StoreError> {
    let Some(one) = people::find(conn, id)? else { return Ok(None) };
    let waiting = invited(conn, now.as_microsecond())?;
    let access = Access::load(conn, id, &waiting, now)?;
    let last = access::last_of(conn, &LOGINS, i64::MAX)?.into_iter().find(|(person, _)| *person == id.0);
    let linked: Vec<String> = links(conn)?
        .into_iter()
        .filter(|link| link.login == one.login)
        .map(|link| format!("{} at {}", link.subject, link.issuer))
        .collect();
    let facts = vec![
        ("Login name", Cell::code(&one.login)),
        ("Roles", Cell::text(if one.roles.is_empty() { "none".to_owned() } else { roles(&one) })),
        ("Login", access.state.clone()),
        ("Second factor", access.second_factor.clone()),
        ("Recovery codes left", access.codes_left.clone()),
        ("Identity provider", Cell::text(if linked.is_empty() { "not linked".to_owned() } else { linked.join(", ") })),
        ("Last login", last.map_or_else(|| Cell::text("never"), |(_, at)| moment(at))),
    ];
    let mut tables = vec![sessions_table(&access.sessions), roles_table(conn, &one.login)?, keys_table(conn, Some(id), now)?];
    tables.extend(names_table(conn, &one.login)?);
    let doc = Doc { name: format!("person-{}", one.login), title: one.name.clone(), tables, ..Doc::default() };
    let facts = facts.into_iter().map(|(label, cell)| (label.to_owned(), cell)).collect();
    Ok(Some(PersonDoc { person: one, facts, doc, has_login: access.has_login }))
}

/// The sessions of a person that hold.
pub fn sessions_table(sessions: &[SessionRow]) -> Table {
    let row = |row: &SessionRow| {
        let cells = [Cell::code(row.name()), moment(row.created_at), moment(row.seen_at), Cell::code(&row.address)];
        Row::body(cells.into_iter().chain([Cell::text(&row.user_agent)]).collect())
    };
    let heads = columns(&[
        ("session", "Session"),
        ("from", "Logged in"),
        ("seen", "Last seen"),
        ("address", "Address"),
        ("agent", "Program"),
    ]);
    Table::new("sessions", "Sessions", heads, sessions.iter().map(row).collect(), "No session holds.")
}

fn roles_table(conn: &mut Conn, login: &str) -> Result<Table, StoreError> {
    let mut rows = Vec::new();
    for fact in fact::of_subject(conn, ROLE, login)? {
        let set: SetRole = fact.parse()?;
        let what = if set.held { Cell::state("given", Tone::Good) } else { Cell::state("taken", Tone::Neutral) };
        rows.push(Row::body(vec![
            Cell::text(&fact.effective_on),
            Cell::text(&set.role),
            what,
            Cell::text(&set.reason),
            Cell::count(fact.leaf),
        ]));
    }
    let mut heads = columns(&[("day", "Day"), ("role", "Role"), ("what", "What"), ("reason", "Reason")]);
    heads.push(Column::number("leaf", "Leaf of the log"));
    Ok(Table::new("roles", "Roles over time", heads, rows, "No role was given yet; an administrator gives one."))
}

/// The names that a person was given after the first one; nothing for most.
fn names_table(conn: &mut Conn, login: &str) -> Result<Option<Table>, StoreError> {
    let mut rows = Vec::new();
    for fact in fact::of_subject(conn, person::NAME, login)? {
        let set: RenamePerson = fact.parse()?;
        let cells = [Cell::text(&fact.effective_on), Cell::text(&set.name), Cell::text(&set.reason), Cell::count(fact.leaf)];
        rows.push(Row::body(cells.into_iter().collect()));
    }
    let mut heads = columns(&[("day", "Day"), ("name", "Name"), ("reason", "Reason")]);
    heads.push(Column::number("leaf", "Leaf of the log"));
    Ok((!rows.is_empty()).then(|| Table::new("names", "Changes of the name", heads, rows, "")))
}

/// All service keys, without secrets.
///
/// # Errors
/// The database's failure.
pub fn keys_doc(conn: &mut Conn, now: Timestamp) -> Result<Doc, StoreError> {
    let about = "To change a key without a gap, make the next one, let the program use it, then revoke the one before: both are good \
                 meanwhile.";
    Ok(Doc {
        name: "keys".to_owned(),
        title: "Service keys".to_owned(),
        finding: Some(about.to_owned()),
        tables: vec![keys_table(conn, None, now)?],
        ..Doc::default()
    })
}

fn keys_table(conn: &mut Conn, owner: Option<PersonId>, now: Timestamp) -> Result<Table, StoreError> {
    let (keys, revoked, persons) = (key::all(conn)?, key::revocations(conn)?, people::all(conn)?);
    let used: BTreeMap<i32, i64> = key::uses(conn)?.into_iter().collect();
    let wanted = |key: &&KeyRow| owner.is_none_or(|owner| key.owner == Some(owner.0));
    let row = |key: &KeyRow| {
        let state = if revoked.iter().any(|one| one.key_id == key.id) {
            Cell::state("revoked", Tone::Bad)
        } else if key.expires_at.is_some_and(|at| at <= now.as_microsecond()) {
            Cell::state("expired", Tone::Warn)
        } else {
            Cell::state("in use", Tone::Good)
        };
        let answers = persons.iter().find(|person| Some(person.id.0) == key.owner);
        Row::body(vec![
            Cell::text(&key.name),
            Cell::code(format!("safu_{}_…", key.prefix)),
            Cell::text(&key.scope),
            answers.map_or_else(|| Cell::text("nobody"), |person| Cell::code(&person.login).to(link::person(person.id))),
            key.expires_at.map_or_else(|| Cell::text("never"), moment),
            used.get(&key.id).map_or_else(|| Cell::text("never"), |at| moment(*at)),
            state,
        ])
    };
    let rows = keys.iter().filter(wanted).map(row).collect();
    let heads = columns(&[
        ("name", "Name"),
        ("key", "Key"),
        ("scope", "Scope"),
        ("owner", "Owner"),
        ("expires", "Expires"),
        ("used", "Last use"),
        ("state", "State"),
    ]);
    let empty = match owner {
        None => "There is no key yet; make one here or with `safu keys create NAME`.",
        Some(_) => "This person answers for no key.",
    };
    Ok(Table::new("keys", "Service keys", heads, rows, empty))
}
