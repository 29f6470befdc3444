//! Service keys: made, checked, revoked. A key reads `safu_PREFIX_SECRET`; only the hash of the secret is kept.

use super::clock::random_bytes;
use super::command::Command;
use super::{Answer, Book, By, Call, people};
use crate::domain::approval::Risk;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::{PersonId, Role};
use crate::domain::text::Name;
use crate::proof::merkle::sha256;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::key::{self, KeyRow, RevocationRow};
use crate::store::person;
use crate::store::tx::Tx;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

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
    /// True for a key that is good only once others have approved it.
    pub waits: bool,
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
    /// The person who answers for what it does.
    pub owner: Option<PersonId>,
}

impl ServiceAccount {
    /// The person behind a call with this key. A key shows no second factor, so it never approves.
    pub fn by(&self) -> Option<By> {
        self.owner.map(|person| By { person, stepped_up: false, emergency: None })
    }
}

/// A key that is to be made. It holds the hash of the secret only, so it may be kept, shown and approved like any command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// Name of the service account.
    pub name: String,
    /// The word of the scope.
    pub scope: String,
    /// Public part that finds the key.
    pub prefix: String,
    /// SHA-256 of the secret part, in hex.
    pub secret_hash: String,
    /// Moment from which it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Timestamp>,
    /// Login name of the person who answers for what it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// A key that is to be refused from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeKey {
    /// Name of the service account.
    pub name: String,
}

impl Book {
    /// Makes a key with this scope that nobody answers for.
    ///
    /// # Errors
    /// As [`Book::create_key_for`].
    pub fn create_key(
        &self,
        call: &Call,
        name: &str,
        scope: KeyScope,
        expires_at: Option<Timestamp>,
    ) -> Result<CreatedKey, StoreError> {
        self.create_key_for(call, name, scope, expires_at, None)
    }

    /// Makes a key with this scope; what is done with it is done by its owner, but for approving.
    ///
    /// # Errors
    /// `InvalidField`, `AlreadyExists`, `NotFound` for an owner who is not known, and what the book's approvals refuse.
    pub fn create_key_for(
        &self,
        call: &Call,
        name: &str,
        scope: KeyScope,
        expires_at: Option<Timestamp>,
        owner: Option<&str>,
    ) -> Result<CreatedKey, StoreError> {
        let prefix = hex::encode(random_bytes::<6>()?);
        let secret = hex::encode(random_bytes::<32>()?);
        let new = NewKey {
            name: name.to_owned(),
            scope: scope.slug().to_owned(),
            prefix: prefix.clone(),
            secret_hash: hex::encode(sha256(secret.as_bytes())),
            expires_at,
            owner: owner.map(str::to_owned),
        };
        let reply = self.give(call, new)?.success()?;
        let waits = reply.status == 202;
        Ok(CreatedKey { name: name.to_owned(), secret: format!("safu_{prefix}_{secret}"), waits })
    }

    /// Notes that a key was used.
    ///
    /// # Errors
    /// The database's failure.
    pub fn note_key_use(&self, id: i32) -> Result<(), StoreError> {
        let at = self.clock.now().as_microsecond();
        self.store.write(move |conn| key::note_use(conn, id, at))
    }

    /// Revokes a key; the next request with it is refused.
    ///
    /// # Errors
    /// `NotFound`, `WrongState` for one that is revoked already.
    pub fn revoke_key(&self, call: &Call, name: &str) -> Result<(), StoreError> {
        self.give(call, RevokeKey { name: name.to_owned() })?.success()?;
        Ok(())
    }
}

impl Command for NewKey {
    const KIND: &'static str = "key";
    const TITLE: &'static str = "Make a key";
    const GIVERS: &'static [Role] = &[Role::Administrator];
    const APPROVERS: &'static [Role] = &[Role::Administrator];

    fn risk(&self) -> Risk {
        // Commands of weight ask for a person, so a key that nobody answers for gives none.
        if self.owner.is_none() { Risk::Free } else { Risk::One }
    }

    fn check(&self) -> Result<(), Rejection> {
        Name::parse(&self.name).map_err(|e| Rejection::invalid("/name", &self.name, e.to_string()))?;
        if KeyScope::from_slug(&self.scope).is_none() {
            return Err(Rejection::invalid("/scope", &self.scope, "is not a scope; use feed or operate"));
        }
        if hex::decode(&self.secret_hash).map_or(0, |hash| hash.len()) != 32 {
            return Err(Rejection::invalid("/secret_hash", &self.secret_hash, "is not a SHA-256 in hex"));
        }
        Ok(())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let keys = key::all(tx.conn)?;
        if keys.iter().any(|k| k.name == self.name || k.prefix == self.prefix) {
            let detail = "there is a key of this name; names are never used twice, so that the log stays readable";
            return Err(Rejection::new(OutcomeCode::AlreadyExists, "/name", &self.name, detail).into());
        }
        let owner = match &self.owner {
            None => None,
            Some(login) => {
                let unknown = || Rejection::new(OutcomeCode::NotFound, "/owner", login, "is not a person of this book");
                Some(person::of_login(tx.conn, login)?.ok_or_else(unknown)?.id)
            }
        };
        let id = keys.last().map_or(1, |k| k.id.saturating_add(1));
        tx.record(KeyRow {
            id,
            name: self.name.clone(),
            prefix: self.prefix.clone(),
            secret_hash: hex::decode(&self.secret_hash).unwrap_or_default(),
            scope: self.scope.clone(),
            expires_at: self.expires_at.map(Timestamp::as_microsecond),
            owner,
            leaf: 0,
        });
        Ok(Answer::created(json!({"key": self.name, "id": id})))
    }
}

impl Command for RevokeKey {
    const KIND: &'static str = "key.revocation";
    const TITLE: &'static str = "Revoke a key";
    const GIVERS: &'static [Role] = &[Role::Administrator];
    const APPROVERS: &'static [Role] = &[Role::Administrator];

    fn risk(&self) -> Risk {
        // Taking a right away must never wait.
        Risk::Free
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let keys = key::all(tx.conn)?;
        let Some(found) = keys.iter().find(|k| k.name == self.name) else {
            return Err(Rejection::new(OutcomeCode::NotFound, "/name", &self.name, "there is no key of this name").into());
        };
        if key::is_revoked(tx.conn, found.id)? {
            return Err(Rejection::new(OutcomeCode::WrongState, "/name", &self.name, "the key is revoked already").into());
        }
        tx.record(RevocationRow { key_id: found.id, leaf: 0 });
        Ok(Answer::ok(json!({"revoked": self.name})))
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
    let owner = row.owner.map(PersonId);
    if scope == KeyScope::Operate {
        refuse_without_role(conn, owner)?;
    }
    Ok(ServiceAccount { id: row.id, name: row.name, scope, owner })
}

/// A key for the finance team's commands is worth what its owner may do: without a role nothing. One that only feeds goes on, because
/// the contributions do not stop when a person leaves.
fn refuse_without_role(conn: &mut Conn, owner: Option<PersonId>) -> Result<(), StoreError> {
    let Some(owner) = owner else { return Ok(()) };
    if people::find(conn, owner)?.is_some_and(|person| !person.roles.is_empty()) {
        return Ok(());
    }
    let detail = "the person who answers for this key holds no role in this book";
    Err(Rejection::new(OutcomeCode::Forbidden, "Authorization", "", detail).into())
}
