//! Proving who one is. Each proof goes the same way, whether the person is known or not: the attempt is counted and committed,
//! the password is compared outside of any transaction, then code and outcome are written together.

use super::record::{self, Happened};
use super::session::{SignedIn, open_session};
use super::{Visitor, fresh_token, password, throttle, totp, valid_credential, wrong};
use crate::service::Book;
use crate::service::secrets::{Secrets, about_second_factor};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::identity::{self, CredentialRow};
use crate::store::person::{self, PersonRow};
use crate::store::tx::Tx;
use jiff::Timestamp;

/// Longest login name that is looked at.
const LONGEST_LOGIN: usize = 100;

/// An attempt that has been counted.
#[derive(Clone)]
pub(super) struct Attempt {
    login: String,
    visitor: Visitor,
    known: Option<(PersonRow, CredentialRow)>,
}

impl Attempt {
    /// Counts an attempt on an account.
    ///
    /// # Errors
    /// `RateLimited`, with the seconds to wait as its value.
    pub(super) fn begin(book: &Book, visitor: &Visitor, login: &str) -> Result<Self, StoreError> {
        let login: String = login.chars().take(LONGEST_LOGIN).collect();
        let now = book.clock.now();
        let (who, from) = (login.clone(), visitor.clone());
        let counted = book.store.write(move |conn| {
            if let Err(seconds) = throttle::count(conn, now, &from, &who)? {
                return Ok(Err(seconds));
            }
            let Some(row) = person::of_login(conn, &who)? else { return Ok(Ok(None)) };
            Ok(Ok(valid_credential(conn, &row)?.map(|credential| (row, credential))))
        })?;
        let known = counted.map_err(throttle::too_soon)?;
        Ok(Self { login, visitor: visitor.clone(), known })
    }

    /// Compares the password; the same work for a name that is not known.
    pub(super) fn password(&self, given: &str) -> Result<bool, StoreError> {
        password::verify(given, self.known.as_ref().map(|(_, credential)| credential.password.as_str()))
    }

    /// Takes the code and, if all is right, does what it was shown for; else records the refusal. `act` gets the transaction, the
    /// person, the credential and whether the code was a recovery code, and says what happened under which session.
    pub(super) fn finish<T: Send + 'static>(
        self,
        book: &Book,
        right: bool,
        code: &str,
        refused: Happened,
        act: impl Fn(&mut Tx<'_>, &PersonRow, CredentialRow, bool) -> Result<(Happened, String, T), StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (now, shown_at, code, secrets) =
            (book.clock.now(), book.clock.of_devices(), totp::tidied(code), book.secrets.clone());
        let done = book.store.write(move |conn| {
            let proven = match &self.known {
                Some((row, before)) if right => {
                    take_code(conn, &secrets, row, before, &code, shown_at)?.map(|found| (row, found))
                }
                _ => None,
            };
            let Some((row, (credential, recovery))) = proven else {
                let mut tx = record::begin(conn, now, "visitor".to_owned())?;
                record::record(&mut tx, refused, self.known.as_ref().map(|(row, _)| row.id), "", &self.visitor)?;
                tx.commit()?;
                return Ok(None);
            };
            throttle::succeeded(conn, now, &self.visitor, &self.login)?;
            let mut tx = record::begin(conn, now, format!("person:{}", row.login))?;
            let (what, session, result) = act(&mut tx, row, credential, recovery)?;
            record::record(&mut tx, what, Some(row.id), &session, &self.visitor)?;
            tx.commit()?;
            Ok(Some(result))
        })?;
        Ok(done.ok_or_else(wrong)?)
    }
}

/// Uses up the code that a device showed at a moment. The credential is read again: what was changed since the password was compared ends the attempt.
fn take_code(
    conn: &mut Conn,
    secrets: &Secrets,
    row: &PersonRow,
    before: &CredentialRow,
    code: &str,
    shown_at: Timestamp,
) -> Result<Option<(CredentialRow, bool)>, StoreError> {
    let Some(credential) = valid_credential(conn, row)?.filter(|now| now.generation == before.generation) else {
        return Ok(None);
    };
    if code.len() == 6 {
        let secret = totp::Secret::of_bytes(&secrets.open(&about_second_factor(row.id), &credential.totp)?);
        let Some(step) = secret.step_of(code, shown_at, credential.totp_step) else { return Ok(None) };
        let used = identity::use_step(conn, row.id, step)?;
        return Ok(used.then_some((CredentialRow { totp_step: step, ..credential }, false)));
    }
    let used = identity::use_recovery_code(conn, row.id, &totp::recovery_hash(code))?;
    Ok(used.then_some((credential, true)))
}

impl Book {
    /// Logs a person in and gives the token of the new session; `before` is the token of a session that the browser had until now.
    ///
    /// # Errors
    /// `Unauthenticated` with one text for every wrong proof, `RateLimited`.
    pub fn log_in(
        &self,
        visitor: &Visitor,
        login: &str,
        password: &str,
        code: &str,
        before: Option<&str>,
    ) -> Result<String, StoreError> {
        let attempt = Attempt::begin(self, visitor, login)?;
        let right = attempt.password(password)?;
        let (token, hash) = fresh_token()?;
        let before = before.map(|token| crate::proof::merkle::sha256(token.as_bytes()));
        let from = visitor.clone();
        attempt.finish(self, right, code, Happened::Refused, move |tx, row, credential, recovery| {
            if let Some(before) = &before {
                identity::end_session(tx.conn, before)?;
            }
            let session = open_session(tx, row, &credential, hash, &from)?;
            let what = if recovery { Happened::LoggedInByRecoveryCode } else { Happened::LoggedIn };
            Ok((what, session, token.clone()))
        })
    }

    /// Shows the second factor again: gives the token that replaces that of the session. A recovery code is taken too.
    ///
    /// # Errors
    /// `Unauthenticated`, `RateLimited`.
    pub fn step_up(&self, signed: &SignedIn, visitor: &Visitor, code: &str) -> Result<String, StoreError> {
        let attempt = Attempt::begin(self, visitor, &signed.person.login)?;
        let (token, hash) = fresh_token()?;
        let session = signed.session.clone();
        attempt.finish(self, true, code, Happened::ProofRefused, move |tx, _, _, _| {
            if !identity::end_session(tx.conn, &session.token_hash)? {
                return Err(wrong().into());
            }
            let at = tx.stamp.at.as_microsecond();
            let rotated =
                identity::SessionRow { token_hash: hash.to_vec(), seen_at: at, stepped_up_at: Some(at), ..session.clone() };
            identity::add_session(tx.conn, &rotated)?;
            Ok((Happened::SteppedUp, rotated.name(), token.clone()))
        })
    }
}
