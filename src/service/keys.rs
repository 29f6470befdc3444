//! Service keys: made, checked, revoked. A key reads `safu_PREFIX_SECRET`; only the hash of the secret is kept.

use super::clock::random_bytes;
use super::{Answer, Book, Call};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::text::Name;
use crate::proof::merkle::sha256;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::key::{self, KeyRow, RevocationRow};
use jiff::Timestamp;
use serde_json::json;
use subtle::ConstantTimeEq;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyScope {
    /// Submit fee reports and contributions, and read them back.
    Feed,
    /// Give the finance team's commands and read the whole book, but not feed.
    Operate,
}

impl KeyScope {
    /// The word on the command line and in the book.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Operate => "operate",
        }
    }

    /// The scope of this word.
    pub fn from_slug(slug: &str) -> Option<Self> {
        [Self::Feed, Self::Operate].into_iter().find(|scope| scope.slug() == slug)
    }
}

/// A key that has just been made; the secret is shown once.
#[derive(Debug, Clone)]
pub struct CreatedKey {
    /// Name of the service account.
    pub name: String,
    /// The whole key.
    pub secret: String,
}

/// A caller whose key was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Number of the key.
    pub id: i32,
    /// Name.
    pub name: String,
    /// What it may do.
    pub scope: KeyScope,
}

impl Book {
    /// Makes a key with this scope.
    pub fn create_key(
        &self,
        call: &Call,
        name: &str,
        scope: KeyScope,
        expires_at: Option<Timestamp>,
    ) -> Result<CreatedKey, StoreError> {
        Name::parse(name).map_err(|e| Rejection::invalid("/name", name, e.to_string()))?;
        let prefix = hex::encode(random_bytes::<6>()?);
        let secret = hex::encode(random_bytes::<32>()?);
        let row = KeyRow {
            id: 0,
            name: name.to_owned(),
            prefix: prefix.clone(),
            secret_hash: sha256(secret.as_bytes()).to_vec(),
            scope: scope.slug().to_owned(),
            expires_at: expires_at.map(Timestamp::as_microsecond),
            owner: None,
            leaf: 0,
        };
        self.command(call, &json!({"key": name, "scope": scope.slug(), "prefix": prefix}), move |tx| {
            let keys = key::all(tx.conn)?;
            if keys.iter().any(|k| k.name == row.name) {
                let detail = "there is a key of this name; names are never used twice, so that the log stays readable";
                return Err(Rejection::new(OutcomeCode::AlreadyExists, "/name", &row.name, detail).into());
            }
            let id = keys.last().map_or(1, |k| k.id.saturating_add(1));
            tx.record(KeyRow { id, ..row.clone() });
            Ok(Answer::created(json!({"key": row.name, "id": id})))
        })?
        .success()?;
        Ok(CreatedKey { name: name.to_owned(), secret: format!("safu_{prefix}_{secret}") })
    }

    /// Revokes a key; the next request with it is refused.
    pub fn revoke_key(&self, call: &Call, name: &str) -> Result<(), StoreError> {
        let wanted = name.to_owned();
        self.command(call, &json!({"revoke_key": name}), move |tx| {
            let keys = key::all(tx.conn)?;
            let Some(found) = keys.iter().find(|k| k.name == wanted) else {
                return Err(Rejection::new(OutcomeCode::NotFound, "/name", &wanted, "there is no key of this name").into());
            };
            if key::is_revoked(tx.conn, found.id)? {
                return Err(Rejection::new(OutcomeCode::WrongState, "/name", &wanted, "the key is revoked already").into());
            }
            tx.record(RevocationRow { key_id: found.id, leaf: 0 });
            Ok(Answer::ok(json!({"revoked": wanted})))
        })?
        .success()?;
        Ok(())
    }
}

/// Checks a key as sent by a caller. The answer to a wrong key says nothing about which part is wrong.
pub fn authenticate(conn: &mut Conn, presented: &str, now: Timestamp) -> Result<ServiceAccount, StoreError> {
    let refused = || -> StoreError {
        let detail = "send a valid key as `Authorization: Bearer safu_…`; make one with `safu keys create NAME`";
        Rejection::new(OutcomeCode::Unauthenticated, "Authorization", "", detail).into()
    };
    let (prefix, secret) = presented.strip_prefix("safu_").and_then(|rest| rest.split_once('_')).ok_or_else(refused)?;
    let (row, revoked) = key::find(conn, prefix)?.ok_or_else(refused)?;
    let expired = row.expires_at.is_some_and(|at| at <= now.as_microsecond());
    let good: bool = sha256(secret.as_bytes()).as_slice().ct_eq(&row.secret_hash).into();
    if !good || revoked || expired {
        return Err(refused());
    }
    let unknown = || StoreError::Damaged(format!("the key {} has the scope {:?}", row.name, row.scope));
    let scope = KeyScope::from_slug(&row.scope).ok_or_else(unknown)?;
    Ok(ServiceAccount { id: row.id, name: row.name, scope })
}
