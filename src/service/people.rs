//! Natural persons: made known to the book, given roles and relieved of them. What they log in with is no business of the book.

use super::command::Command;
use super::registry::parsed_facts;
use super::{Answer, Book, Call, Reply};
use crate::domain::approval::Risk;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::{PersonId, Role, check_person, conflict};
use crate::domain::text::check_free_text;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::person::{self, PersonRow};
use crate::store::tx::Tx;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Kind of the facts that give and take roles; the subject is the login name.
pub const ROLE: &str = "person.role";

/// A person who is to be made known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// Login name, never changed and never used again.
    pub login: String,
    /// Name as others know the person.
    pub name: String,
}

/// A role that is to be given or taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRole {
    /// Whose.
    pub login: String,
    /// The word of the role.
    pub role: String,
    /// True to give it, false to take it.
    pub held: bool,
    /// Why.
    pub reason: String,
}

/// A name that is to be changed. The login name stays: it says who somebody is, to the book and to the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenamePerson {
    /// Whose.
    pub login: String,
    /// Name as others know the person from now on.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A person with the roles held now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Number.
    pub id: PersonId,
    /// Login name.
    pub login: String,
    /// Name.
    pub name: String,
    /// Roles in their order.
    pub roles: BTreeSet<Role>,
}

impl Person {
    /// True for a holder of any of these roles.
    pub fn holds(&self, wanted: &[Role]) -> bool {
        wanted.iter().any(|role| self.roles.contains(role))
    }
}

impl Book {
    /// Makes a person known.
    ///
    /// # Errors
    /// `InvalidField`, `AlreadyExists`.
    pub fn add_person(&self, call: &Call, new: NewPerson) -> Result<Reply, StoreError> {
        self.give(call, new)
    }

    /// Gives or takes a role.
    ///
    /// # Errors
    /// `NotFound`, `InvalidField` for a role that is held or not held already, or that must not be held beside another.
    pub fn set_role(&self, call: &Call, set: SetRole) -> Result<Reply, StoreError> {
        self.give(call, set)
    }
}

impl Command for NewPerson {
    const KIND: &'static str = "person";
    const TITLE: &'static str = "Make a person known";
    const GIVERS: &'static [Role] = &[Role::Administrator];
    const APPROVERS: &'static [Role] = &[Role::Administrator];

    fn risk(&self) -> Risk {
        // Without a role a person can do nothing; the role is what is approved.
        Risk::Free
    }

    fn check(&self) -> Result<(), Rejection> {
        check_person(&self.login, &self.name)
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let known = person::all(tx.conn)?;
        if known.iter().any(|row| row.login == self.login) {
            let detail = "there is a person of this login name; login names are never used again";
            return Err(Rejection::new(OutcomeCode::AlreadyExists, "/login", &self.login, detail).into());
        }
        let id = known.last().map_or(1, |row| row.id.saturating_add(1));
        tx.record(PersonRow { id, login: self.login.clone(), name: self.name.clone(), leaf: 0 });
        Ok(Answer::created(json!({"person": id, "login": self.login})))
    }
}

impl Command for SetRole {
    const KIND: &'static str = ROLE;
    const TITLE: &'static str = "Give or take a role";
    const GIVERS: &'static [Role] = &[Role::Administrator];
    const APPROVERS: &'static [Role] = &[Role::Administrator];

    fn risk(&self) -> Risk {
        // Taking a right away must never wait.
        if self.held { Risk::One } else { Risk::Free }
    }

    fn check(&self) -> Result<(), Rejection> {
        Role::parse("/role", &self.role)?;
        check_free_text(&self.reason, 500).map_err(|e| Rejection::invalid("/reason", &self.reason, e.to_string()))
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let role = Role::parse("/role", &self.role)?;
        let row = person::of_login(tx.conn, &self.login)?.ok_or_else(|| unknown("/login", &self.login))?;
        let mut roles = roles_of(tx.conn, &row.login)?;
        if roles.contains(&role) == self.held {
            let detail = if self.held { "is held already" } else { "is not held" };
            return Err(Rejection::invalid("/role", role, detail).into());
        }
        if self.held {
            roles.insert(role);
        } else {
            roles.remove(&role);
        }
        let held: Vec<Role> = roles.iter().copied().collect();
        if let Some((one, other)) = conflict(&held) {
            let detail = format!("one person must not be {one} and {other}; take the other role away first");
            return Err(Rejection::invalid("/role", role, detail).into());
        }
        tx.add_fact(ROLE, &row.login, tx.today(), self);
        Ok(Answer::created(json!({"login": row.login, "roles": held})))
    }
}

impl Command for RenamePerson {
    const KIND: &'static str = person::NAME;
    const TITLE: &'static str = "Change a person's name";
    const GIVERS: &'static [Role] = &[Role::Administrator];
    const APPROVERS: &'static [Role] = &[Role::Administrator];

    fn risk(&self) -> Risk {
        // Whoever could take the name of another alone could be taken for them by those who approve.
        Risk::One
    }

    fn check(&self) -> Result<(), Rejection> {
        check_person(&self.login, &self.name)?;
        check_free_text(&self.reason, 500).map_err(|e| Rejection::invalid("/reason", &self.reason, e.to_string()))
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let row = person::of_login(tx.conn, &self.login)?.ok_or_else(|| unknown("/login", &self.login))?;
        if row.name == self.name {
            return Err(Rejection::invalid("/name", &self.name, "is the name already").into());
        }
        tx.add_fact(person::NAME, &row.login, tx.today(), self);
        Ok(Answer::created(json!({"login": row.login, "name": self.name, "before": row.name})))
    }
}

fn unknown(pointer: &str, login: &str) -> Rejection {
    Rejection::new(OutcomeCode::NotFound, pointer, login, "is not a person of this book")
}

/// The roles that a person holds now.
fn roles_of(conn: &mut Conn, login: &str) -> Result<BTreeSet<Role>, StoreError> {
    let mut roles = BTreeSet::new();
    for row in crate::store::fact::of_subject(conn, ROLE, login)? {
        let set: SetRole = row.parse()?;
        apply(&mut roles, &set)?;
    }
    Ok(roles)
}

fn apply(roles: &mut BTreeSet<Role>, set: &SetRole) -> Result<(), StoreError> {
    let role = Role::from_slug(&set.role).ok_or_else(|| StoreError::Damaged(format!("role {:?} of {}", set.role, set.login)))?;
    if set.held {
        roles.insert(role);
    } else {
        roles.remove(&role);
    }
    Ok(())
}

/// All persons with the roles they hold now, by number.
pub fn all(conn: &mut Conn) -> Result<Vec<Person>, StoreError> {
    let mut persons: Vec<Person> = person::all(conn)?
        .into_iter()
        .map(|row| Person { id: PersonId(row.id), login: row.login, name: row.name, roles: BTreeSet::new() })
        .collect();
    for (_, login, set) in parsed_facts::<SetRole>(conn, ROLE)? {
        if let Some(person) = persons.iter_mut().find(|person| person.login == login) {
            apply(&mut person.roles, &set)?;
        }
    }
    Ok(persons)
}

/// A person with the roles held now.
pub fn find(conn: &mut Conn, id: PersonId) -> Result<Option<Person>, StoreError> {
    let Some(row) = person::find(conn, id.0)? else { return Ok(None) };
    let roles = roles_of(conn, &row.login)?;
    Ok(Some(Person { id, login: row.login, name: row.name, roles }))
}
