//! Idempotency: one row a command whose answer is kept. Keys never expire.

use super::bulk::{self, bulk_row};
use super::conn::{Conn, on_each};
use super::error::StoreError;
use super::schema::request;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};

/// The kept answer of a command.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
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
    let wanted = request::table.filter(request::actor.eq(actor)).filter(request::key.eq(key));
    Ok(on_each!(conn, c => wanted.select(Request::as_select()).first(c).optional())?)
}

/// Used keys of this actor from `first` to `last` in the order of bytes, at most `limit`.
pub fn keys_within(conn: &mut Conn, actor: &str, first: &str, last: &str, limit: i64) -> Result<Vec<String>, StoreError> {
    let range = request::table.filter(request::actor.eq(actor)).filter(request::key.ge(first)).filter(request::key.le(last));
    Ok(on_each!(conn, c => range.limit(limit).select(request::key).load(c))?)
}

bulk_row!(Request, request, {
    actor: Text, key: Text, content_hash: Binary, content: Nullable<Text>, status: Integer, response: Text, recorded_at: BigInt,
});

/// Keeps answers.
pub fn insert(conn: &mut Conn, rows: &[Request]) -> Result<(), StoreError> {
    bulk::insert(conn, rows)
}
