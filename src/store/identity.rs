//! What persons log in with: credentials, recovery codes, sessions, attempts, invitations. These rows change and hold secrets, so
//! they stand outside the log; secrets are kept as hashes where a hash will do.

use super::conn::Conn;
use super::error::StoreError;
use super::schema::{address_key, credential, invitation, login_attempt, recovery_code, session};
use diesel::prelude::*;

/// A stored credential.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = credential)]
pub struct CredentialRow {
    /// Whose.
    pub person: i32,
    /// argon2id hash of the password, as a PHC string.
    pub password: String,
    /// Shared secret of the second factor, sealed. It cannot be a hash: the codes are computed from it.
    pub totp: Vec<u8>,
    /// The last step whose code was used; no code of it or before is taken again.
    pub totp_step: i64,
    /// Moves with every change of the credential.
    pub generation: i64,
    /// Resets of the person when this was set; a later reset makes it worthless.
    pub resets: i64,
}

/// A stored session.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = session)]
pub struct SessionRow {
    /// SHA-256 of the token in the cookie.
    pub token_hash: Vec<u8>,
    /// Whose.
    pub person: i32,
    /// Microseconds since 1970 of the login.
    pub created_at: i64,
    /// Of the last request, give or take a minute.
    pub seen_at: i64,
    /// When the second factor was shown last for an act that asks for it.
    pub stepped_up_at: Option<i64>,
    /// What the person's generation was; the session ends when that moves.
    pub generation: i64,
    /// Program, as it names itself.
    pub user_agent: String,
    /// Network address.
    pub address: String,
}

impl SessionRow {
    /// A short name of the session that gives no access to it.
    pub fn name(&self) -> String {
        let hash = hex::encode(&self.token_hash);
        hash.get(..12).unwrap_or(&hash).to_owned()
    }
}

/// Attempts that are counted for one account or address.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = login_attempt)]
pub struct AttemptRow {
    /// Hash of what is counted for.
    pub subject: Vec<u8>,
    /// Attempts without success since the last one with it.
    pub failures: i64,
    /// Microseconds since 1970 from which the next attempt is looked at.
    pub free_at: i64,
    /// Microseconds since 1970 of the last one.
    pub last_at: i64,
}

/// A stored invitation.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = invitation)]
pub struct InvitationRow {
    /// SHA-256 of the token.
    pub token_hash: Vec<u8>,
    /// Who is invited; nobody for the first administrator.
    pub person: Option<i32>,
    /// Microseconds since 1970 from which it is worthless.
    pub expires_at: i64,
    /// When it was used.
    pub used_at: Option<i64>,
}

/// True once anybody can log in.
pub fn has_credentials(conn: &mut Conn) -> Result<bool, StoreError> {
    let any: Option<i32> = credential::table.select(credential::person).first(conn).optional()?;
    Ok(any.is_some())
}

/// The credential of a person.
pub fn credential_of(conn: &mut Conn, person: i32) -> Result<Option<CredentialRow>, StoreError> {
    Ok(credential::table.filter(credential::person.eq(person)).select(CredentialRow::as_select()).first(conn).optional()?)
}

/// All credentials, by person.
pub fn credentials(conn: &mut Conn) -> Result<Vec<CredentialRow>, StoreError> {
    Ok(credential::table.order(credential::person).select(CredentialRow::as_select()).load(conn)?)
}

/// Ends every session and makes every invitation worthless: what a copy of the book must not bring back to life.
pub fn end_all_access(conn: &mut Conn) -> Result<(), StoreError> {
    diesel::delete(session::table).execute(conn)?;
    diesel::delete(invitation::table).execute(conn)?;
    Ok(())
}

/// Sets a credential in place of the one before.
pub fn put_credential(conn: &mut Conn, row: &CredentialRow) -> Result<(), StoreError> {
    let changed = diesel::update(credential::table.filter(credential::person.eq(row.person))).set(row).execute(conn)?;
    if changed == 0 {
        diesel::insert_into(credential::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// Uses up a step of the second factor; false when it or a later one was used already.
pub fn use_step(conn: &mut Conn, person: i32, step: i64) -> Result<bool, StoreError> {
    let row = credential::table.filter(credential::person.eq(person)).filter(credential::totp_step.lt(step));
    Ok(diesel::update(row).set(credential::totp_step.eq(step)).execute(conn)? == 1)
}

/// Sets a person's recovery codes in place of those before.
pub fn put_recovery_codes(conn: &mut Conn, person: i32, hashes: &[[u8; 32]]) -> Result<(), StoreError> {
    diesel::delete(recovery_code::table.filter(recovery_code::person.eq(person))).execute(conn)?;
    for hash in hashes {
        let row = (recovery_code::person.eq(person), recovery_code::hash.eq(hash.to_vec()));
        diesel::insert_into(recovery_code::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// Uses up a recovery code; false when there is none of this hash.
pub fn use_recovery_code(conn: &mut Conn, person: i32, hash: &[u8; 32]) -> Result<bool, StoreError> {
    let row = recovery_code::table.filter(recovery_code::person.eq(person)).filter(recovery_code::hash.eq(hash.to_vec()));
    Ok(diesel::delete(row).execute(conn)? == 1)
}

/// How many recovery codes a person has left.
pub fn recovery_codes_left(conn: &mut Conn, person: i32) -> Result<i64, StoreError> {
    Ok(recovery_code::table.filter(recovery_code::person.eq(person)).count().get_result(conn)?)
}

/// Keeps a session.
pub fn add_session(conn: &mut Conn, row: &SessionRow) -> Result<(), StoreError> {
    diesel::insert_into(session::table).values(row).execute(conn)?;
    Ok(())
}

/// The session of a token.
pub fn session(conn: &mut Conn, token_hash: &[u8; 32]) -> Result<Option<SessionRow>, StoreError> {
    let row = session::table.filter(session::token_hash.eq(token_hash.to_vec()));
    Ok(row.select(SessionRow::as_select()).first(conn).optional()?)
}

/// The sessions of a person, latest first.
pub fn sessions_of(conn: &mut Conn, person: i32) -> Result<Vec<SessionRow>, StoreError> {
    let rows = session::table.filter(session::person.eq(person)).order(session::created_at.desc());
    Ok(rows.select(SessionRow::as_select()).load(conn)?)
}

/// Notes that a session was used.
pub fn touch_session(conn: &mut Conn, token_hash: &[u8], seen_at: i64) -> Result<(), StoreError> {
    let row = session::table.filter(session::token_hash.eq(token_hash)).filter(session::seen_at.lt(seen_at));
    diesel::update(row).set(session::seen_at.eq(seen_at)).execute(conn)?;
    Ok(())
}

/// Ends a session; false when there is none.
pub fn end_session(conn: &mut Conn, token_hash: &[u8]) -> Result<bool, StoreError> {
    Ok(diesel::delete(session::table.filter(session::token_hash.eq(token_hash))).execute(conn)? == 1)
}

/// Ends all sessions of a person.
pub fn end_sessions(conn: &mut Conn, person: i32) -> Result<usize, StoreError> {
    Ok(diesel::delete(session::table.filter(session::person.eq(person))).execute(conn)?)
}

/// Forgets sessions that began before a moment; they have expired.
pub fn forget_sessions(conn: &mut Conn, before: i64) -> Result<(), StoreError> {
    diesel::delete(session::table.filter(session::created_at.lt(before))).execute(conn)?;
    Ok(())
}

/// What is counted for a subject.
pub fn attempts(conn: &mut Conn, subject: &[u8; 32]) -> Result<Option<AttemptRow>, StoreError> {
    let row = login_attempt::table.filter(login_attempt::subject.eq(subject.to_vec()));
    Ok(row.select(AttemptRow::as_select()).first(conn).optional()?)
}

/// Sets what is counted for a subject.
pub fn put_attempts(conn: &mut Conn, row: &AttemptRow) -> Result<(), StoreError> {
    let own = login_attempt::table.filter(login_attempt::subject.eq(&row.subject));
    if diesel::update(own).set(row).execute(conn)? == 0 {
        diesel::insert_into(login_attempt::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// Forgets what was counted for a subject.
pub fn forget_attempts(conn: &mut Conn, subject: &[u8; 32]) -> Result<(), StoreError> {
    diesel::delete(login_attempt::table.filter(login_attempt::subject.eq(subject.to_vec()))).execute(conn)?;
    Ok(())
}

/// Forgets failures before one moment, and everything before another.
pub fn forget_attempts_before(conn: &mut Conn, failures: i64, everything: i64) -> Result<(), StoreError> {
    let failed = login_attempt::table.filter(login_attempt::last_at.lt(failures)).filter(login_attempt::failures.gt(0));
    diesel::delete(failed).execute(conn)?;
    diesel::delete(login_attempt::table.filter(login_attempt::last_at.lt(everything))).execute(conn)?;
    Ok(())
}

/// Keeps an invitation; those of the same person before it are worthless from now on.
pub fn add_invitation(conn: &mut Conn, row: &InvitationRow) -> Result<(), StoreError> {
    match row.person {
        Some(person) => diesel::delete(invitation::table.filter(invitation::person.eq(person))).execute(conn)?,
        None => diesel::delete(invitation::table.filter(invitation::person.is_null())).execute(conn)?,
    };
    diesel::insert_into(invitation::table).values(row).execute(conn)?;
    Ok(())
}

/// Persons who hold an invitation that is still good.
pub fn invited(conn: &mut Conn, now: i64) -> Result<Vec<i32>, StoreError> {
    let good = invitation::table.filter(invitation::used_at.is_null()).filter(invitation::expires_at.gt(now));
    let persons: Vec<Option<i32>> = good.select(invitation::person).load(conn)?;
    Ok(persons.into_iter().flatten().collect())
}

/// The invitation of a token.
pub fn invitation(conn: &mut Conn, token_hash: &[u8; 32]) -> Result<Option<InvitationRow>, StoreError> {
    let row = invitation::table.filter(invitation::token_hash.eq(token_hash.to_vec()));
    Ok(row.select(InvitationRow::as_select()).first(conn).optional()?)
}

/// Uses an invitation up; false when that has happened before.
pub fn use_invitation(conn: &mut Conn, token_hash: &[u8; 32], at: i64) -> Result<bool, StoreError> {
    let row = invitation::table.filter(invitation::token_hash.eq(token_hash.to_vec())).filter(invitation::used_at.is_null());
    Ok(diesel::update(row).set(invitation::used_at.eq(Some(at))).execute(conn)? == 1)
}

/// The key under which addresses stand in the log; `fresh` becomes it if there is none yet.
pub fn address_key(conn: &mut Conn, fresh: [u8; 32]) -> Result<Vec<u8>, StoreError> {
    let known: Option<Vec<u8>> = address_key::table.select(address_key::key).first(conn).optional()?;
    if let Some(key) = known {
        return Ok(key);
    }
    let row = (address_key::id.eq(1), address_key::key.eq(fresh.to_vec()));
    diesel::insert_into(address_key::table).values(row).execute(conn)?;
    Ok(fresh.to_vec())
}
