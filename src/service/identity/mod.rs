//! Who somebody is: passwords, second factors, sessions. A person proves it here; what the person may do is the business of
//! roles ([`super::people`]) and approvals. Nothing here ever answers which part of a proof was wrong.

pub mod change;
pub mod docs;
pub mod id_token;
pub mod invite;
mod login;
pub mod password;
pub mod provider;
mod record;
pub mod reset;
pub mod session;
mod throttle;
pub mod totp;

pub use record::{Happened, LOGINS};
pub use session::SignedIn;

use super::people::{self, ROLE};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::proof::merkle::sha256;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::identity::{self, CredentialRow};
use crate::store::person::PersonRow;
use crate::store::{fact, key};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

/// How long a session lasts, whatever is done in it.
pub const SESSION_LASTS: SignedDuration = SignedDuration::from_hours(12);
/// How long a session lasts without a request.
pub const SESSION_IDLES: SignedDuration = SignedDuration::from_mins(30);
/// How long a step-up holds.
pub const STEP_UP_HOLDS: SignedDuration = SignedDuration::from_mins(5);

/// Where a request comes from, as the session list shows it.
#[derive(Debug, Clone, Default)]
pub struct Visitor {
    /// Network address.
    pub address: String,
    /// Program, as it names itself.
    pub user_agent: String,
}

/// True once anybody can log in; until then pages are open.
pub fn has_logins(conn: &mut Conn) -> Result<bool, StoreError> {
    identity::has_credentials(conn)
}

/// The credential of a person, unless the person was reset since it was set.
fn valid_credential(conn: &mut Conn, person: &PersonRow) -> Result<Option<CredentialRow>, StoreError> {
    let resets = fact::count(conn, &[reset::RESET], &person.login)?;
    Ok(identity::credential_of(conn, person.id)?.filter(|row| row.resets == resets))
}

/// Moves with every change of a person's password, second factor, provider, roles and keys. Each part only grows, so no two changes cancel
/// out. Sessions hold the number they began with and end when it moves, whatever process moved it.
fn generation(conn: &mut Conn, person: &PersonRow, credential: &CredentialRow) -> Result<i64, StoreError> {
    let facts = fact::count(conn, &[ROLE, reset::RESET, provider::PROVIDER], &person.login)?;
    let keys = key::changes_of(conn, person.id)?;
    Ok(credential.generation.saturating_add(facts).saturating_add(keys))
}

/// A keyed hash as hex.
pub fn keyed_hash(key: &[u8], text: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// A fresh token of 256 bits and what is kept of it.
fn fresh_token() -> Result<(String, [u8; 32]), StoreError> {
    let token = hex::encode(super::clock::random_bytes::<32>()?);
    let hash = sha256(token.as_bytes());
    Ok((token, hash))
}

fn after(at: Timestamp, span: SignedDuration) -> Result<i64, StoreError> {
    let moment = at.checked_add(span).map_err(|_| StoreError::Damaged("the clock is at the end of time".to_owned()))?;
    Ok(moment.as_microsecond())
}

/// The one answer to every wrong proof.
fn wrong() -> Rejection {
    Rejection::new(OutcomeCode::Unauthenticated, "", "", "the login name, the password or the code is not right")
}

fn unknown_person(login: &str) -> Rejection {
    Rejection::new(OutcomeCode::NotFound, "/login", login, "is not a person of this book")
}

/// A person with roles, who must be there.
fn person_of(conn: &mut Conn, id: i32) -> Result<people::Person, StoreError> {
    let missing = || StoreError::Damaged(format!("person {id} has a login but is not known"));
    people::find(conn, crate::domain::person::PersonId(id))?.ok_or_else(missing)
}
