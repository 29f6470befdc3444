//! Sessions: found by the hash of their token, ended by time, by hand, and by every change of the person's password, second
//! factor, roles and keys.

use super::record::{self, Happened};
use super::{SESSION_IDLES, SESSION_LASTS, STEP_UP_HOLDS, Visitor, generation, person_of, unknown_person, valid_credential};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::proof::merkle::sha256;
use crate::service::people::Person;
use crate::service::{Book, Call};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::identity::{self, CredentialRow, SessionRow};
use crate::store::person::{self, PersonRow};
use crate::store::tx::Tx;
use jiff::{SignedDuration, Timestamp};

/// How far the noted time of the last request may lag behind: one write a minute, not one a request.
const SEEN_LAG: SignedDuration = SignedDuration::from_mins(1);
/// Longest name of a program that is kept.
const LONGEST_AGENT: usize = 200;

/// A person in a session that holds.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who, with the roles held now.
    pub person: Person,
    /// The session.
    pub session: SessionRow,
}

impl SignedIn {
    /// True while the last step-up holds.
    pub fn stepped_up(&self, now: Timestamp) -> bool {
        self.session.stepped_up_at.is_some_and(|at| is_within(at, STEP_UP_HOLDS, now))
    }
}

fn is_within(micros: i64, span: SignedDuration, now: Timestamp) -> bool {
    let end = Timestamp::from_microsecond(micros).ok().and_then(|at| at.checked_add(span).ok());
    end.is_some_and(|end| now < end)
}

fn holds(session: &SessionRow, generation: i64, now: Timestamp) -> bool {
    session.generation == generation
        && is_within(session.created_at, SESSION_LASTS, now)
        && is_within(session.seen_at, SESSION_IDLES, now)
}

/// Keeps a new session and gives its short name.
pub(super) fn open_session(
    tx: &mut Tx<'_>,
    row: &PersonRow,
    credential: &CredentialRow,
    token_hash: [u8; 32],
    visitor: &Visitor,
) -> Result<String, StoreError> {
    let at = tx.stamp.at.as_microsecond();
    let oldest = tx.stamp.at.checked_sub(SESSION_LASTS).map_or(i64::MIN, Timestamp::as_microsecond);
    identity::forget_sessions(tx.conn, oldest)?;
    let session = SessionRow {
        token_hash: token_hash.to_vec(),
        person: row.id,
        created_at: at,
        seen_at: at,
        stepped_up_at: None,
        generation: generation(tx.conn, row, credential)?,
        user_agent: visitor.user_agent.chars().filter(|c| !c.is_control()).take(LONGEST_AGENT).collect(),
        address: visitor.address.clone(),
    };
    identity::add_session(tx.conn, &session)?;
    Ok(session.name())
}

/// Who is behind a token, if its session holds.
pub fn find(conn: &mut Conn, token: &str, now: Timestamp) -> Result<Option<SignedIn>, StoreError> {
    let Some(session) = identity::session(conn, &sha256(token.as_bytes()))? else { return Ok(None) };
    let Some(row) = person::find(conn, session.person)? else { return Ok(None) };
    let Some(credential) = valid_credential(conn, &row)? else { return Ok(None) };
    if !holds(&session, generation(conn, &row, &credential)?, now) {
        return Ok(None);
    }
    Ok(Some(SignedIn { person: person_of(conn, row.id)?, session }))
}

/// The sessions of a person that hold, latest first.
pub fn of_person(conn: &mut Conn, id: i32, now: Timestamp) -> Result<Vec<SessionRow>, StoreError> {
    let Some(row) = person::find(conn, id)? else { return Ok(Vec::new()) };
    let Some(credential) = valid_credential(conn, &row)? else { return Ok(Vec::new()) };
    let generation = generation(conn, &row, &credential)?;
    let all = identity::sessions_of(conn, id)?;
    Ok(all.into_iter().filter(|session| holds(session, generation, now)).collect())
}

impl Book {
    /// Notes that a session was used, if the noted time lags too far behind.
    ///
    /// # Errors
    /// The database's failure.
    pub fn touch_session(&self, signed: &SignedIn) -> Result<(), StoreError> {
        let now = self.clock.now();
        if is_within(signed.session.seen_at, SEEN_LAG, now) {
            return Ok(());
        }
        let (hash, at) = (signed.session.token_hash.clone(), now.as_microsecond());
        self.store.write(move |conn| identity::touch_session(conn, &hash, at))
    }

    /// Ends the session at hand.
    ///
    /// # Errors
    /// The database's failure.
    pub fn log_out(&self, signed: &SignedIn, visitor: &Visitor) -> Result<(), StoreError> {
        self.end(signed, visitor, signed.session.clone(), Happened::LoggedOut)
    }

    /// Ends another session of the same person, by its short name.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn end_session(&self, signed: &SignedIn, visitor: &Visitor, name: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        let own = self.read(|conn| of_person(conn, signed.person.id.0, now))?;
        let missing = || Rejection::new(OutcomeCode::NotFound, "/session", name, "is not a session of yours that still holds");
        let found = own.into_iter().find(|session| session.name() == name).ok_or_else(missing)?;
        self.end(signed, visitor, found, Happened::SessionEnded)
    }

    fn end(&self, signed: &SignedIn, visitor: &Visitor, session: SessionRow, what: Happened) -> Result<(), StoreError> {
        let (now, visitor) = (self.clock.now(), visitor.clone());
        let (person, actor) = (signed.person.id.0, format!("person:{}", signed.person.login));
        self.store.write(move |conn| {
            if !identity::end_session(conn, &session.token_hash)? {
                return Ok(());
            }
            let mut tx = record::begin(conn, now, actor.clone())?;
            record::record(&mut tx, what, Some(person), &session.name(), &visitor)?;
            tx.commit()
        })
    }

    /// Ends all sessions of a person, from the machine or by an administrator. Taking access away never waits for approval.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` for a person who is no administrator.
    pub fn end_sessions_of(&self, call: &Call, login: &str) -> Result<usize, StoreError> {
        let (now, login, call) = (self.clock.now(), login.to_owned(), call.clone());
        self.store.write(move |conn| {
            require_administrator(conn, &call)?;
            let row = person::of_login(conn, &login)?.ok_or_else(|| unknown_person(&login))?;
            let ended = identity::end_sessions(conn, row.id)?;
            let mut tx = record::begin(conn, now, call.actor.clone())?;
            record::record(&mut tx, Happened::SessionsEnded, Some(row.id), "", &Visitor::default())?;
            tx.commit()?;
            Ok(ended)
        })
    }
}

/// Refuses a person who is no administrator; a call without a person comes from the machine.
pub(super) fn require_administrator(conn: &mut Conn, call: &Call) -> Result<(), StoreError> {
    let Some(by) = &call.by else { return Ok(()) };
    if person_of(conn, by.person.0)?.holds(&[Role::Administrator]) {
        return Ok(());
    }
    Err(Rejection::new(OutcomeCode::Forbidden, "", "", "only an administrator may do this").into())
}
