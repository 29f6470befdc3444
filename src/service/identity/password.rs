//! Passwords: what is taken for one, and how it is kept. Hashing takes some tens of milliseconds and 19 MiB by design; whoever
//! serves strangers bounds how many run at once.

use crate::domain::outcome::Rejection;
use crate::service::clock::random_bytes;
use crate::store::error::StoreError;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Fewest characters.
const SHORTEST: usize = 12;
/// Most bytes; longer ones cost time and add nothing.
const LONGEST: usize = 256;
/// Memory in KiB, passes and lanes: the first choice of OWASP's list for argon2id.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Refuses what is too easily guessed.
///
/// # Errors
/// `InvalidField`; the refusal never holds the password.
pub fn check(password: &str, login: &str) -> Result<(), Rejection> {
    let refuse = |why: &str| Err(Rejection::invalid("/password", "", why));
    if password.chars().count() < SHORTEST {
        return refuse("is too short; use 12 characters or more, for example four words");
    }
    if password.len() > LONGEST {
        return refuse("is too long; use at most 256 bytes");
    }
    if password.to_lowercase().contains(&login.to_lowercase()) {
        return refuse("holds the login name; use other words");
    }
    if password.chars().collect::<BTreeSet<_>>().len() < 5 {
        return refuse("repeats a few characters; use others");
    }
    Ok(())
}

fn argon2() -> Result<Argon2<'static>, StoreError> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|e| failed(&e))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn failed(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Surroundings(format!("a password cannot be hashed: {error}"))
}

/// The hash that is kept, as a PHC string.
///
/// # Errors
/// `Surroundings` if the system gives no randomness or memory.
pub fn hash(password: &str) -> Result<String, StoreError> {
    let salt = random_bytes::<16>()?;
    let hash: PasswordHash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt).map_err(|e| failed(&e))?;
    Ok(hash.to_string())
}

/// True if this is the password. Without a kept hash the same work is done and the answer is no, so that time does not tell
/// who is known.
///
/// # Errors
/// `Damaged` for a kept hash that is none.
pub fn verify(password: &str, kept: Option<&str>) -> Result<bool, StoreError> {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let password = if password.len() > LONGEST { "" } else { password };
    let hash = match kept {
        Some(kept) => kept,
        None => match NOBODY.get() {
            Some(hash) => hash,
            None => {
                let fresh = hash(&hex::encode(random_bytes::<16>()?))?;
                NOBODY.get_or_init(|| fresh)
            }
        },
    };
    let parsed = PasswordHash::new(hash).map_err(|e| StoreError::Damaged(format!("a kept password hash: {e}")))?;
    Ok(argon2()?.verify_password(password.as_bytes(), &parsed).is_ok() && kept.is_some())
}

/// Makes the hash that unknown names are compared with, so that the first of them takes no longer than the next.
///
/// # Errors
/// As [`hash`].
pub fn prepare() -> Result<(), StoreError> {
    verify("", None).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_kept_as_argon2id_and_found_again() {
        let kept = hash("correct horse battery").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(verify("correct horse battery", Some(&kept)).unwrap());
        assert!(!verify("correct horse batterz", Some(&kept)).unwrap());
        assert!(!verify("correct horse battery", None).unwrap());
        assert_ne!(kept, hash("correct horse battery").unwrap(), "each has a salt of its own");
    }

    #[test]
    fn weak_passwords_are_refused_and_never_repeated() {
        for bad in ["abcdefg", "xxxxxxxxxxxxxxxx", "paula-and-more-words", &"long".repeat(65)] {
            let refused = check(bad, "Paula").unwrap_err();
            assert!(!refused.to_string().contains(bad), "{refused}");
        }
        check("four plain words here", "paula").unwrap();
    }
}
