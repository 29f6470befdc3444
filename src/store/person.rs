//! Natural persons.

use super::conn::Conn;
use super::error::StoreError;
use super::fact;
use super::reference::record_row;
use super::schema::person;
use super::tx::{Record, Stamp};
use diesel::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A stored person.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = person)]
pub struct PersonRow {
    /// Number.
    pub id: i32,
    /// Login name, never changed and never used again.
    pub login: String,
    /// Name as others know the person; as it was first where the row is stored.
    pub name: String,
    /// Leaf.
    pub leaf: i64,
}

record_row!(PersonRow, person, "person", p => json!({"id": p.id, "login": p.login, "name": p.name}));

/// Kind of the facts that change a name; the subject is the login name.
pub const NAME: &str = "person.name";

/// A fact of [`NAME`], as far as it is read here.
#[derive(serde::Deserialize)]
struct Named {
    name: String,
}

impl PersonRow {
    /// The row with the name that the person has now; the row that is stored keeps the first one.
    fn named(self, conn: &mut Conn) -> Result<Self, StoreError> {
        let Some(last) = fact::of_subject(conn, NAME, &self.login)?.pop() else { return Ok(self) };
        Ok(Self { name: last.parse::<Named>()?.name, ..self })
    }
}

/// All persons by number, with the names they have now.
///
/// # Errors
/// The database's failure.
pub fn all(conn: &mut Conn) -> Result<Vec<PersonRow>, StoreError> {
    let mut names = BTreeMap::new();
    for row in fact::of_kind(conn, NAME)? {
        let Named { name } = row.parse()?;
        names.insert(row.subject, name);
    }
    let rows: Vec<PersonRow> = person::table.order(person::id).select(PersonRow::as_select()).load(conn)?;
    let named = |row: PersonRow| PersonRow { name: names.remove(&row.login).unwrap_or(row.name), ..row };
    Ok(rows.into_iter().map(named).collect())
}

/// The person of a login name.
///
/// # Errors
/// The database's failure.
pub fn of_login(conn: &mut Conn, login: &str) -> Result<Option<PersonRow>, StoreError> {
    let row = person::table.filter(person::login.eq(login)).select(PersonRow::as_select()).first(conn).optional()?;
    row.map(|row: PersonRow| row.named(conn)).transpose()
}

/// The person of a number.
///
/// # Errors
/// The database's failure.
pub fn find(conn: &mut Conn, id: i32) -> Result<Option<PersonRow>, StoreError> {
    let row = person::table.filter(person::id.eq(id)).select(PersonRow::as_select()).first(conn).optional()?;
    row.map(|row: PersonRow| row.named(conn)).transpose()
}
