//! How much one caller may ask for: bytes of a body, requests a second, and each idempotency key once at a time.

use super::problem::Failed;
use crate::domain::outcome::{OutcomeCode, Rejection};
use actix_web::dev::Payload;
use actix_web::web::{Bytes, BytesMut};
use futures_util::StreamExt;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The refusal of a body over the limit.
pub(super) fn too_large(limit: usize) -> Failed {
    let detail = format!("the body is larger than {limit} bytes; send it in several requests");
    Rejection::new(OutcomeCode::BodyTooLarge, "", "", detail).into()
}

/// The refusal of a body that stops in the middle.
pub(super) fn broken_body(error: &dyn std::fmt::Display) -> Failed {
    let detail = format!("the body did not arrive whole ({error}); send it again under the same Idempotency-Key");
    Rejection::new(OutcomeCode::Malformed, "", "", detail).into()
}

/// Reads a body of at most `limit` bytes. `announced` is the length that its header says; a body that is too long already by
/// that is refused unread.
pub(super) async fn read_body(payload: &mut Payload, announced: Option<usize>, limit: usize) -> Result<Bytes, Failed> {
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or(8 << 10));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| broken_body(&error))?;
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// A token bucket for each key: it holds a second's worth of requests.
#[derive(Debug)]
pub(super) struct RateLimiter {
    per_second: u64,
    buckets: Mutex<HashMap<i32, Bucket>>,
}

/// Millionths of a request that are left, and when that was reckoned.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: u64,
    at: Duration,
}

/// What a caller is told about its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Requests a second.
    pub(super) limit: u64,
    /// Requests that are left right now.
    pub(super) remaining: u64,
}

const WHOLE: u64 = 1_000_000;

impl RateLimiter {
    /// At most `per_second` requests a second and key; 0 for no limit.
    pub(super) fn new(per_second: u64) -> Self {
        Self { per_second, buckets: Mutex::default() }
    }

    /// Takes one request from the key's bucket at the moment `now`; `Err` when there is none left. `Ok(None)` without a limit.
    pub(super) fn take(&self, key: i32, now: Duration) -> Result<Option<Allowance>, Allowance> {
        if self.per_second == 0 {
            return Ok(None);
        }
        let full = self.per_second.saturating_mul(WHOLE);
        let mut buckets = locked(&self.buckets);
        let bucket = buckets.entry(key).or_insert(Bucket { left: full, at: now });
        let passed = u64::try_from(now.saturating_sub(bucket.at).as_micros()).unwrap_or(u64::MAX);
        bucket.left = bucket.left.saturating_add(passed.saturating_mul(self.per_second)).min(full);
        bucket.at = bucket.at.max(now);
        match bucket.left.checked_sub(WHOLE) {
            Some(left) => {
                bucket.left = left;
                Ok(Some(Allowance { limit: self.per_second, remaining: left / WHOLE }))
            }
            None => Err(Allowance { limit: self.per_second, remaining: 0 }),
        }
    }
}

/// The idempotency keys whose first request is still running.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<HashSet<(String, String)>>);

/// Holds one key until it is dropped.
#[derive(Debug)]
pub(super) struct Running<'a> {
    all: &'a InFlight,
    key: (String, String),
}

impl InFlight {
    /// Holds `key` of `actor`, or refuses when it is held already.
    pub(super) fn hold(&self, actor: &str, key: &str) -> Result<Running<'_>, Failed> {
        let held = (actor.to_owned(), key.to_owned());
        if locked(&self.0).insert(held.clone()) {
            return Ok(Running { all: self, key: held });
        }
        let detail = "the first request with this key has not been answered yet; send the same again in a moment";
        Err(Rejection::new(OutcomeCode::InFlight, "Idempotency-Key", key, detail).into())
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        locked(&self.all.0).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let limiter = RateLimiter::new(2);
        assert_eq!(limiter.take(1, ms(0)), Ok(Some(Allowance { limit: 2, remaining: 1 })));
        assert!(limiter.take(1, ms(0)).is_ok());
        assert_eq!(limiter.take(1, ms(400)), Err(Allowance { limit: 2, remaining: 0 }));
        assert!(limiter.take(2, ms(400)).is_ok(), "another key has its own bucket");
        assert!(limiter.take(1, ms(500)).is_ok());
        assert!(limiter.take(1, ms(500)).is_err());
        assert_eq!(limiter.take(1, ms(60_000)), Ok(Some(Allowance { limit: 2, remaining: 1 })), "no more than a second's worth");
        assert_eq!(RateLimiter::new(0).take(1, ms(0)), Ok(None));
    }

    #[test]
    fn a_key_is_held_once_and_set_free() {
        let all = InFlight::default();
        let first = all.hold("key:a", "1").unwrap();
        assert_eq!(all.hold("key:a", "1").unwrap_err().0.code, OutcomeCode::InFlight);
        assert!(all.hold("key:b", "1").is_ok());
        drop(first);
        assert!(all.hold("key:a", "1").is_ok());
    }
}
