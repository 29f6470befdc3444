//! Slower with every wrong attempt, never closed for good. An attempt is counted and committed before anything is compared, so
//! attempts in parallel cannot be more than attempts one by one.
//!
//! Somebody else who guesses at an account makes it slow for strangers only: the addresses from which its person has logged in
//! lately are counted apart.

use super::Visitor;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::proof::merkle::sha256;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::identity::{self, AttemptRow};
use jiff::{SignedDuration, Timestamp};
use std::net::IpAddr;

/// Attempts on one account that are looked at without delay.
const FREE_OF_ACCOUNT: i64 = 5;
/// Attempts from one address that are looked at without delay; several persons may share one.
const FREE_OF_ADDRESS: i64 = 20;
/// The longest delay: an account is never out of reach for longer.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);
/// How long failures are remembered.
const FAILURES_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How long an address from which somebody logged in is known.
const ADDRESS_KNOWN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What attempts are counted for.
struct Subjects {
    account: [u8; 32],
    address: [u8; 32],
    known: [u8; 32],
}

impl Subjects {
    fn of(conn: &mut Conn, visitor: &Visitor, login: &str) -> Result<Self, StoreError> {
        let network = network(&visitor.address);
        let subject = |parts: &[&str]| sha256(parts.join("\0").as_bytes());
        let known = subject(&["known", login, &network]);
        let account = if identity::attempts(conn, &known)?.is_some() {
            subject(&["account", login, &network])
        } else {
            subject(&["account", login])
        };
        Ok(Self { account, address: subject(&["address", &network]), known })
    }
}

/// An IPv6 customer has a whole /64, so that is what counts as one address.
fn network(address: &str) -> String {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            let segments = v6.segments();
            segments.iter().take(4).map(|part| format!("{part:x}")).collect::<Vec<_>>().join(":")
        }
        _ => address.to_owned(),
    }
}

/// The delay after this many attempts without success.
fn delay(failures: i64, free: i64) -> SignedDuration {
    let over = failures.saturating_sub(free);
    if over < 0 {
        return SignedDuration::ZERO;
    }
    let doublings = u32::try_from(over).unwrap_or(u32::MAX).min(20);
    SignedDuration::from_secs(1_i64 << doublings).min(LONGEST)
}

fn minus(at: Timestamp, span: SignedDuration) -> i64 {
    at.checked_sub(span).map_or(i64::MIN, Timestamp::as_microsecond)
}

/// Counts an attempt, or says how many seconds to wait; an attempt that has to wait is neither looked at nor counted.
pub(super) fn count(conn: &mut Conn, now: Timestamp, visitor: &Visitor, login: &str) -> Result<Result<(), i64>, StoreError> {
    identity::forget_attempts_before(conn, minus(now, FAILURES_KEPT), minus(now, ADDRESS_KNOWN))?;
    let subjects = Subjects::of(conn, visitor, login)?;
    let at = now.as_microsecond();
    let mut counted = Vec::new();
    let mut wait = 0_i64;
    for (subject, free) in [(subjects.account, FREE_OF_ACCOUNT), (subjects.address, FREE_OF_ADDRESS)] {
        let row = identity::attempts(conn, &subject)?;
        wait = wait.max(row.as_ref().map_or(0, |row| row.free_at.saturating_sub(at)));
        let failures = row.map_or(0, |row| row.failures).saturating_add(1);
        let free_at = super::after(now, delay(failures, free))?;
        counted.push(AttemptRow { subject: subject.to_vec(), failures, free_at, last_at: at });
    }
    if wait > 0 {
        // Rounded up: who waits that long is looked at.
        return Ok(Err(wait.saturating_add(999_999) / 1_000_000));
    }
    for row in &counted {
        identity::put_attempts(conn, row)?;
    }
    Ok(Ok(()))
}

/// Takes the count of an attempt back that has succeeded, and remembers its address.
pub(super) fn succeeded(conn: &mut Conn, now: Timestamp, visitor: &Visitor, login: &str) -> Result<(), StoreError> {
    let subjects = Subjects::of(conn, visitor, login)?;
    let at = now.as_microsecond();
    identity::forget_attempts(conn, &subjects.account)?;
    // Only its own attempt: whoever has one account must not wipe out what he did to others.
    if let Some(row) = identity::attempts(conn, &subjects.address)? {
        identity::put_attempts(conn, &AttemptRow { failures: row.failures.saturating_sub(1).max(0), free_at: at, ..row })?;
    }
    identity::put_attempts(conn, &AttemptRow { subject: subjects.known.to_vec(), failures: 0, free_at: at, last_at: at })
}

/// The refusal of an attempt that came too soon; its value is the seconds to wait.
pub(super) fn too_soon(seconds: i64) -> Rejection {
    let detail = format!("too many attempts did not succeed; try again in {seconds} seconds");
    Rejection::new(OutcomeCode::RateLimited, "", seconds, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_and_has_an_end() {
        let seconds: Vec<i64> = [1, 4, 5, 6, 7, 14, 15, 1000, i64::MAX].map(|n| delay(n, 5).as_secs()).to_vec();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 512, 900, 900, 900]);
    }

    #[test]
    fn a_customer_of_ipv6_is_one_address() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
    }
}
