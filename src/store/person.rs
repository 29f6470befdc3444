//! Natural persons.

use super::conn::Conn;
use super::error::StoreError;
use super::reference::record_row;
use super::schema::person;
use super::tx::{Record, Stamp};
use diesel::prelude::*;
use serde_json::{Value, json};

/// A stored person.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = person)]
pub struct PersonRow {
    /// Number.
    pub id: i32,
    /// Login name, never changed and never used again.
    pub login: String,
    /// Name as others know the person.
    pub name: String,
    /// Leaf.
    pub leaf: i64,
}

record_row!(PersonRow, person, "person", p => json!({"id": p.id, "login": p.login, "name": p.name}));

/// All persons by number.
pub fn all(conn: &mut Conn) -> Result<Vec<PersonRow>, StoreError> {
    Ok(person::table.order(person::id).select(PersonRow::as_select()).load(conn)?)
}

/// The person of a login name.
pub fn of_login(conn: &mut Conn, login: &str) -> Result<Option<PersonRow>, StoreError> {
    Ok(person::table.filter(person::login.eq(login)).select(PersonRow::as_select()).first(conn).optional()?)
}

/// The person of a number.
pub fn find(conn: &mut Conn, id: i32) -> Result<Option<PersonRow>, StoreError> {
    Ok(person::table.filter(person::id.eq(id)).select(PersonRow::as_select()).first(conn).optional()?)
}
