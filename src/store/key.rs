//! Service keys and their revocation. Secrets are hashed; SHA-256 is enough because they are 256 random bits, not words.

use super::conn::Conn;
use super::error::StoreError;
use super::reference::record_row;
use super::schema::{key_use, service_key, service_key_revocation};
use super::tx::{Record, Stamp};
use diesel::prelude::*;
use serde_json::{Value, json};

/// A stored service key.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = service_key)]
pub struct KeyRow {
    /// Number; also the source of single contributions.
    pub id: i32,
    /// Name of the service account.
    pub name: String,
    /// Public part that finds the key.
    pub prefix: String,
    /// SHA-256 of the secret part.
    pub secret_hash: Vec<u8>,
    /// What it may do: `feed` or `operate`.
    pub scope: String,
    /// Microseconds since 1970, or never.
    pub expires_at: Option<i64>,
    /// The person who answers for what it does; none for a job that only feeds.
    pub owner: Option<i32>,
    /// Leaf.
    pub leaf: i64,
}

record_row!(KeyRow, service_key, "service_key", k => json!({
    "id": k.id, "name": k.name, "prefix": k.prefix, "secret_hash": hex::encode(&k.secret_hash), "scope": k.scope,
    "expires_at": k.expires_at.map(|at| at.to_string()), "owner": k.owner,
}));

/// A revocation.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = service_key_revocation)]
pub struct RevocationRow {
    /// The key.
    pub key_id: i32,
    /// Leaf.
    pub leaf: i64,
}

record_row!(RevocationRow, service_key_revocation, "service_key_revocation", r => json!({"key_id": r.key_id}));

/// A key by its public part, and whether it is revoked.
pub fn find(conn: &mut Conn, prefix: &str) -> Result<Option<(KeyRow, bool)>, StoreError> {
    let Some(key) =
        service_key::table.filter(service_key::prefix.eq(prefix)).select(KeyRow::as_select()).first(conn).optional()?
    else {
        return Ok(None);
    };
    let revoked = is_revoked(conn, key.id)?;
    Ok(Some((key, revoked)))
}

/// True once the key is revoked.
pub fn is_revoked(conn: &mut Conn, id: i32) -> Result<bool, StoreError> {
    let found: Option<i32> = service_key_revocation::table
        .filter(service_key_revocation::key_id.eq(id))
        .select(service_key_revocation::key_id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// All keys by number.
pub fn all(conn: &mut Conn) -> Result<Vec<KeyRow>, StoreError> {
    Ok(service_key::table.order(service_key::id).select(KeyRow::as_select()).load(conn)?)
}

/// All revocations by key number.
pub fn revocations(conn: &mut Conn) -> Result<Vec<RevocationRow>, StoreError> {
    Ok(service_key_revocation::table.order(service_key_revocation::key_id).select(RevocationRow::as_select()).load(conn)?)
}

/// When each key was used last, in microseconds since 1970, give or take a minute.
pub fn uses(conn: &mut Conn) -> Result<Vec<(i32, i64)>, StoreError> {
    Ok(key_use::table.order(key_use::key_id).load(conn)?)
}

/// Notes that a key was used.
pub fn note_use(conn: &mut Conn, id: i32, at: i64) -> Result<(), StoreError> {
    let row = key_use::table.filter(key_use::key_id.eq(id));
    if diesel::update(row).set(key_use::used_at.eq(at)).execute(conn)? == 0 {
        diesel::insert_into(key_use::table).values((key_use::key_id.eq(id), key_use::used_at.eq(at))).execute(conn)?;
    }
    Ok(())
}

/// How often the keys of a person have changed: one for each that was made and one for each that was revoked.
pub fn changes_of(conn: &mut Conn, owner: i32) -> Result<i64, StoreError> {
    let own = service_key::table.filter(service_key::owner.eq(owner));
    let made: i64 = own.count().get_result(conn)?;
    let revoked: i64 = own
        .inner_join(service_key_revocation::table.on(service_key_revocation::key_id.eq(service_key::id)))
        .count()
        .get_result(conn)?;
    Ok(made.saturating_add(revoked))
}
