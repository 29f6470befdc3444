//! The second factor: codes by time (RFC 6238 with SHA-1, six digits, 30 seconds, as every authenticator has them), and recovery
//! codes for when the device is lost.

use crate::proof::merkle::sha256;
use crate::service::clock::random_bytes;
use crate::store::error::StoreError;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// Seconds a code is shown for.
const STEP_SECONDS: i64 = 30;
/// Steps before and after the present one whose codes are taken too, for clocks that are a little off.
const SLACK: i64 = 1;
/// Bytes of a shared secret.
const SECRET_BYTES: usize = 20;
/// Recovery codes of one person.
pub const RECOVERY_CODES: usize = 10;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A shared secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A fresh one.
    ///
    /// # Errors
    /// `Surroundings` if the system gives no randomness.
    pub fn fresh() -> Result<Self, StoreError> {
        Ok(Self(random_bytes::<SECRET_BYTES>()?.to_vec()))
    }

    /// The secret that is kept as these bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The bytes to be kept.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the text that [`Secret::text`] gives; nothing else is one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bits = 0_u32;
        let mut held = 0_u64;
        let mut bytes = Vec::with_capacity(SECRET_BYTES);
        for letter in text.bytes() {
            let digit = BASE32.iter().position(|one| *one == letter)?;
            held = (held << 5) | u64::try_from(digit).ok()?;
            bits = bits.saturating_add(5);
            if bits >= 8 {
                bits = bits.saturating_sub(8);
                bytes.push(u8::try_from((held >> bits) & 0xFF).ok()?);
            }
        }
        (bytes.len() == SECRET_BYTES && bits == 0).then_some(Self(bytes))
    }

    /// Base 32, to be typed into an authenticator.
    pub fn text(&self) -> String {
        base32(&self.0)
    }

    /// The address that authenticators read from a QR code.
    pub fn uri(&self, login: &str) -> String {
        // Login names hold only letters, digits and a few signs that need no escape here.
        format!("otpauth://totp/safu:{login}?secret={}&issuer=safu&algorithm=SHA1&digits=6&period=30", self.text())
    }

    /// The code of a step.
    pub fn code(&self, step: i64) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.0) else { return String::new() };
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let from = hash.last().map_or(0, |last| usize::from(last & 0x0F));
        let number = hash.iter().skip(from).take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        format!("{:06}", (number & 0x7FFF_FFFF) % 1_000_000)
    }

    /// The step after `last` whose code this is at `now`.
    pub fn step_of(&self, code: &str, now: Timestamp, last: i64) -> Option<i64> {
        let present = step_at(now);
        let steps = present.saturating_sub(SLACK)..=present.saturating_add(SLACK);
        // All are compared, so that time does not tell which one it was.
        let found: Vec<i64> = steps.filter(|step| self.code(*step).as_bytes().ct_eq(code.as_bytes()).into()).collect();
        found.into_iter().find(|step| *step > last)
    }
}

/// The step of a moment.
pub fn step_at(now: Timestamp) -> i64 {
    now.as_second().div_euclid(STEP_SECONDS)
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    let (mut held, mut bits) = (0_u64, 0_u32);
    for byte in bytes {
        held = (held << 8) | u64::from(*byte);
        bits = bits.saturating_add(8);
        while bits >= 5 {
            bits = bits.saturating_sub(5);
            let at = usize::try_from((held >> bits) & 0x1F).unwrap_or(0);
            text.push(BASE32.get(at).map_or('A', |letter| char::from(*letter)));
        }
    }
    text
}

/// What a person typed as a code, without blanks and dashes, in capitals.
pub fn tidied(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).take(64).collect()
}

/// Fresh recovery codes of 80 bits each.
///
/// # Errors
/// `Surroundings` if the system gives no randomness.
pub fn recovery_codes() -> Result<Vec<String>, StoreError> {
    (0..RECOVERY_CODES).map(|_| Ok(base32(&random_bytes::<10>()?))).collect()
}

/// A recovery code in groups of four, to be read and written down.
pub fn in_groups(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// What is kept of a recovery code. It is random enough that a fast hash will do.
pub fn recovery_hash(code: &str) -> [u8; 32] {
    sha256(tidied(code).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238() {
        let secret = Secret::of_bytes(b"12345678901234567890");
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")] {
            let now = Timestamp::from_second(second).unwrap();
            assert_eq!(secret.code(step_at(now)), code);
            assert_eq!(secret.step_of(code, now, 0), Some(step_at(now)));
            assert_eq!(secret.step_of(code, now, step_at(now)), None, "used already");
        }
        assert_eq!(secret.text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn a_code_of_a_neighbouring_step_is_taken_and_no_other() {
        let (secret, now) = (Secret::fresh().unwrap(), Timestamp::from_second(3_000_000).unwrap());
        let present = step_at(now);
        for (step, taken) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let code = secret.code(present + step);
            assert_eq!(secret.step_of(&code, now, 0).is_some(), taken, "{step}");
        }
        assert_eq!(secret.step_of("", now, 0), None);
    }

    #[test]
    fn a_secret_is_read_back_and_nothing_else_is() {
        let secret = Secret::fresh().unwrap();
        assert!(Secret::parse(&secret.text()).is_some_and(|read| read == secret));
        for bad in ["", "AAAA", "gezdgnbvgy3tqojqgezdgnbvgy3tqojq", &"A".repeat(33)] {
            assert!(Secret::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(in_groups("ABCDEFGH"), "ABCD-EFGH");
        assert_eq!(recovery_hash("abcd-efgh"), recovery_hash("ABCD EFGH"));
    }
}
