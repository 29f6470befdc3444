//! Idempotency: one row a command whose answer is kept. Keys never expire.

use super::conn::Conn;
use super::error::StoreError;
use super::schema::request;
use diesel::prelude::*;

/// The kept answer of a command.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = request)]
pub struct Request {
    /// Who asked.
    pub actor: String,
    /// Idempotency key, unique per actor.
    pub key: String,
    /// SHA-256 of the canonical content.
    pub content_hash: Vec<u8>,
    /// The content itself where it is small, so that a conflict can name the field that differs.
    pub content: Option<String>,
    /// Status of the answer, as HTTP has it.
    pub status: i32,
    /// Body of the answer (JSON), byte for byte.
    pub response: String,
    /// Microseconds since 1970.
    pub recorded_at: i64,
}

/// The kept answer to this actor's key, if there is one.
pub fn find(conn: &mut Conn, actor: &str, key: &str) -> Result<Option<Request>, StoreError> {
    Ok(request::table
        .filter(request::actor.eq(actor))
        .filter(request::key.eq(key))
        .select(Request::as_select())
        .first(conn)
        .optional()?)
}

/// Keeps an answer.
pub fn insert(conn: &mut Conn, row: &Request) -> Result<(), StoreError> {
    diesel::insert_into(request::table).values(row).execute(conn)?;
    Ok(())
}
