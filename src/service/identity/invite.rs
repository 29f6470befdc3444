//! Invitations: one-time tokens with which a person sets a login up. The first one, without a person, makes the first
//! administrator; there is no password that comes with the product.

use super::change::first_step;
use super::record::{self, Happened};
use super::session::{open_session, require_administrator};
use super::totp::{self, Secret};
use super::{Visitor, after, fresh_token, password, unknown_person, valid_credential};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::{Role, check_person};
use crate::proof::merkle::sha256;
use crate::service::approvals;
use crate::service::people::{ROLE, SetRole};
use crate::service::secrets::about_second_factor;
use crate::service::{Book, Call};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact;
use crate::store::identity::{self, CredentialRow, InvitationRow};
use crate::store::person::{self, PersonRow};
use crate::store::tx::Tx;
use jiff::{SignedDuration, Timestamp};

/// How long an invitation is good for.
pub const INVITATION_LASTS: SignedDuration = SignedDuration::from_hours(24);

/// Who an invitation is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invited {
    /// Whoever makes the first login of the book.
    FirstAdministrator,
    /// This person, by login name.
    Person(String),
}

/// What an invited person chooses.
#[derive(Clone)]
pub struct Enrolment {
    /// Login name; looked at for the first administrator only.
    pub login: String,
    /// Name; looked at for the first administrator only.
    pub name: String,
    /// The password.
    pub password: String,
    /// The shared secret of the second factor.
    pub secret: Secret,
    /// The code that the device shows for it.
    pub code: String,
}

/// What an enrolment gives, this once.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// Token of a session of the person.
    pub token: String,
    /// Recovery codes.
    pub recovery_codes: Vec<String>,
}

/// Who the invitation of this token is for.
///
/// # Errors
/// `NotFound` for one that never was, has expired or is used up; which of these is not said.
pub fn invited(conn: &mut Conn, token: &str, now: Timestamp) -> Result<Invited, StoreError> {
    let row = identity::invitation(conn, &sha256(token.as_bytes()))?;
    let Some(row) = row.filter(|row| row.used_at.is_none() && row.expires_at > now.as_microsecond()) else {
        return Err(worthless().into());
    };
    match row.person {
        None if identity::has_credentials(conn)? => Err(worthless().into()),
        None => Ok(Invited::FirstAdministrator),
        Some(id) => {
            let person = person::find(conn, id)?.ok_or_else(worthless)?;
            Ok(Invited::Person(person.login))
        }
    }
}

fn worthless() -> Rejection {
    let detail = "this invitation is not good: it was used, is older than 24 hours, or was replaced; ask for a new one";
    Rejection::new(OutcomeCode::NotFound, "", "", detail)
}

impl Book {
    /// The one-time token that makes the first administrator; those before are worthless.
    ///
    /// # Errors
    /// `WrongState` once anybody can log in.
    pub fn invite_first_administrator(&self, actor: &str) -> Result<String, StoreError> {
        let (token, token_hash) = fresh_token()?;
        let (now, actor) = (self.clock.now(), actor.to_owned());
        self.store.write(move |conn| {
            if identity::has_credentials(conn)? {
                let detail = "there are persons who can log in; an administrator among them invites others";
                return Err(Rejection::new(OutcomeCode::WrongState, "", "", detail).into());
            }
            keep(conn, now, &actor, None, token_hash)
        })?;
        Ok(token)
    }

    /// A one-time token with which a person sets a login up.
    ///
    /// # Errors
    /// `NotFound`, `WrongState` for a person who has a login (reset it first), `Forbidden`, and `ApprovalNeeded` without a person
    /// where the book is under four eyes.
    pub fn invite(&self, call: &Call, login: &str) -> Result<String, StoreError> {
        let (token, token_hash) = fresh_token()?;
        let (now, call, login) = (self.clock.now(), call.clone(), login.to_owned());
        self.store.write(move |conn| {
            let guarded = approvals::terms::in_force(conn)?.is_some() && identity::has_credentials(conn)?;
            if guarded && call.by.is_none() {
                let detail = "an administrator invites, with a key of his own (SAFU_KEY)";
                return Err(Rejection::new(OutcomeCode::ApprovalNeeded, "", "", detail).into());
            }
            require_administrator(conn, &call)?;
            let row = person::of_login(conn, &login)?.ok_or_else(|| unknown_person(&login))?;
            if valid_credential(conn, &row)?.is_some() {
                let detail = "can log in already; if the login is lost, reset it first (`safu users reset`)";
                return Err(Rejection::new(OutcomeCode::WrongState, "/login", &login, detail).into());
            }
            keep(conn, now, &call.actor, Some(row.id), token_hash)
        })?;
        Ok(token)
    }

    /// Sets a login up: uses the invitation, keeps what the person chose, and opens a session.
    ///
    /// # Errors
    /// `NotFound` for an invitation that is not good, `InvalidField`, `AlreadyExists` for a login name that is taken.
    pub fn enrol(&self, visitor: &Visitor, token: &str, chosen: Enrolment) -> Result<Enrolled, StoreError> {
        let now = self.clock.now();
        let invited = self.read(|conn| invited(conn, token, now))?;
        let login = match &invited {
            Invited::FirstAdministrator => {
                check_person(&chosen.login, &chosen.name)?;
                chosen.login.clone()
            }
            Invited::Person(login) => login.clone(),
        };
        password::check(&chosen.password, &login)?;
        let totp_step = first_step(self, &chosen.secret, &chosen.code)?;
        let kept = password::hash(&chosen.password)?;
        let recovery_codes = totp::recovery_codes()?;
        let hashes: Vec<[u8; 32]> = recovery_codes.iter().map(|code| totp::recovery_hash(code)).collect();
        let (session_token, session_hash) = fresh_token()?;
        let (visitor, token_hash, secrets) = (visitor.clone(), sha256(token.as_bytes()), self.secrets.clone());
        self.store.write(move |conn| {
            if !identity::use_invitation(conn, &token_hash, now.as_microsecond())? {
                return Err(worthless().into());
            }
            let mut tx = record::begin(conn, now, format!("person:{login}"))?;
            let row = match &invited {
                Invited::FirstAdministrator => first_administrator(&mut tx, &login, &chosen.name)?,
                Invited::Person(_) => person::of_login(tx.conn, &login)?.ok_or_else(worthless)?,
            };
            let resets = fact::count(tx.conn, &[super::reset::RESET], &row.login)?;
            let before = identity::credential_of(tx.conn, row.id)?;
            let generation = before.map_or(1, |before| before.generation.saturating_add(1));
            let credential = CredentialRow {
                person: row.id,
                password: kept.clone(),
                totp: secrets.seal(&about_second_factor(row.id), chosen.secret.bytes())?,
                totp_step,
                generation,
                resets,
            };
            identity::put_credential(tx.conn, &credential)?;
            identity::put_recovery_codes(tx.conn, row.id, &hashes)?;
            identity::end_sessions(tx.conn, row.id)?;
            let session = open_session(&mut tx, &row, &credential, session_hash, &visitor)?;
            record::record(&mut tx, Happened::Enrolled, Some(row.id), &session, &visitor)?;
            tx.commit()
        })?;
        Ok(Enrolled { token: session_token, recovery_codes })
    }
}

/// Makes the first administrator known at once: the session that follows counts the role, and rows below refer to the person.
fn first_administrator(tx: &mut Tx<'_>, login: &str, name: &str) -> Result<PersonRow, StoreError> {
    if identity::has_credentials(tx.conn)? {
        return Err(worthless().into());
    }
    let known = person::all(tx.conn)?;
    if known.iter().any(|row| row.login == login) {
        let detail = "is a person of this book already; invite that person with `safu users invite`, or use another login name";
        return Err(Rejection::new(OutcomeCode::AlreadyExists, "/login", login, detail).into());
    }
    let id = known.last().map_or(1, |row| row.id.saturating_add(1));
    let row = PersonRow { id, login: login.to_owned(), name: name.to_owned(), leaf: 0 };
    tx.record(row.clone());
    let reason = "set the book up".to_owned();
    let role = SetRole { login: login.to_owned(), role: Role::Administrator.slug().to_owned(), held: true, reason };
    tx.add_fact(ROLE, login, tx.today(), &role);
    tx.flush()?;
    Ok(row)
}

fn keep(conn: &mut Conn, now: Timestamp, actor: &str, person: Option<i32>, token_hash: [u8; 32]) -> Result<(), StoreError> {
    let expires_at = after(now, INVITATION_LASTS)?;
    identity::add_invitation(conn, &InvitationRow { token_hash: token_hash.to_vec(), person, expires_at, used_at: None })?;
    let mut tx = record::begin(conn, now, actor.to_owned())?;
    record::record(&mut tx, Happened::Invited, person, "", &Visitor::default())?;
    tx.commit()
}
