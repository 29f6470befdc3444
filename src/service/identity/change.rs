//! Changes of what a person logs in with. Each asks for password and code once more, and ends all sessions of the person.

use super::login::Attempt;
use super::record::Happened;
use super::session::SignedIn;
use super::totp::{self, Secret};
use super::{Visitor, password};
use crate::domain::outcome::Rejection;
use crate::service::Book;
use crate::service::secrets::about_second_factor;
use crate::store::error::StoreError;
use crate::store::identity::{self, CredentialRow};

/// The proof that a change asks for.
#[derive(Clone, Default)]
pub struct Proof {
    /// The password.
    pub password: String,
    /// A code of the second factor, or a recovery code.
    pub code: String,
}

impl Book {
    /// Changes the password.
    ///
    /// # Errors
    /// `InvalidField` for a weak one, `Unauthenticated`, `RateLimited`.
    pub fn change_password(&self, signed: &SignedIn, visitor: &Visitor, proof: &Proof, new: &str) -> Result<(), StoreError> {
        password::check(new, &signed.person.login)?;
        let new = password::hash(new)?;
        self.change(signed, visitor, proof, Happened::PasswordChanged, move |row| CredentialRow { password: new.clone(), ..row })
    }

    /// Changes the second factor to a device that shows `code` for `secret` now.
    ///
    /// # Errors
    /// `InvalidField` for a code that the new secret does not give, `Unauthenticated`, `RateLimited`.
    pub fn change_second_factor(
        &self,
        signed: &SignedIn,
        visitor: &Visitor,
        proof: &Proof,
        secret: &Secret,
        code: &str,
    ) -> Result<(), StoreError> {
        let totp_step = first_step(self, secret, code)?;
        let totp = self.secrets.seal(&about_second_factor(signed.person.id.0), secret.bytes())?;
        let put = move |row| CredentialRow { totp: totp.clone(), totp_step, ..row };
        self.change(signed, visitor, proof, Happened::SecondFactorChanged, put)
    }

    /// Makes new recovery codes; those before are worthless. They are given this once.
    ///
    /// # Errors
    /// `Unauthenticated`, `RateLimited`.
    pub fn new_recovery_codes(&self, signed: &SignedIn, visitor: &Visitor, proof: &Proof) -> Result<Vec<String>, StoreError> {
        let codes = totp::recovery_codes()?;
        let hashes: Vec<[u8; 32]> = codes.iter().map(|code| totp::recovery_hash(code)).collect();
        self.change_with(signed, visitor, proof, Happened::RecoveryCodesMade, |row| row, hashes)?;
        Ok(codes)
    }

    fn change(
        &self,
        signed: &SignedIn,
        visitor: &Visitor,
        proof: &Proof,
        what: Happened,
        put: impl Fn(CredentialRow) -> CredentialRow + Send + 'static,
    ) -> Result<(), StoreError> {
        self.change_with(signed, visitor, proof, what, put, Vec::new())
    }

    fn change_with(
        &self,
        signed: &SignedIn,
        visitor: &Visitor,
        proof: &Proof,
        what: Happened,
        put: impl Fn(CredentialRow) -> CredentialRow + Send + 'static,
        recovery: Vec<[u8; 32]>,
    ) -> Result<(), StoreError> {
        let attempt = Attempt::begin(self, visitor, &signed.person.login)?;
        let right = attempt.password(&proof.password)?;
        let name = signed.session.name();
        attempt.finish(self, right, &proof.code, Happened::ProofRefused, move |tx, person, row, _| {
            let generation = row.generation.saturating_add(1);
            identity::put_credential(tx.conn, &CredentialRow { generation, ..put(row) })?;
            if !recovery.is_empty() {
                identity::put_recovery_codes(tx.conn, person.id, &recovery)?;
            }
            identity::end_sessions(tx.conn, person.id)?;
            Ok((what, name.clone(), ()))
        })
    }
}

/// The step whose code was shown to prove that a new device has the secret.
pub(super) fn first_step(book: &Book, secret: &Secret, code: &str) -> Result<i64, StoreError> {
    let step = secret.step_of(&totp::tidied(code), book.clock.of_devices(), 0);
    let detail = "is not the code that the new secret gives now; check the clock of the device, and type the present code";
    Ok(step.ok_or_else(|| Rejection::invalid("/new_code", "", detail))?)
}
