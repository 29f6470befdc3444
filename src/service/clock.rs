//! Where time and randomness enter the product.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The clock of a book.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that is set by hand, for stories and tests.
    Simulated(Arc<Mutex<Timestamp>>),
    /// A clock that was set once and goes on from there, for looking at a story.
    Moved(Timestamp, Instant),
}

impl Clock {
    /// A simulated clock that stands at `at` until it is moved.
    pub fn simulated(at: Timestamp) -> Self {
        Self::Simulated(Arc::new(Mutex::new(at)))
    }

    /// A clock that shows `at` and goes on from there.
    pub fn moved(at: Timestamp) -> Self {
        Self::Moved(at, Instant::now())
    }

    /// What the devices in the hands of people show, which nobody moves: the codes of a second factor go by it.
    pub fn of_devices(&self) -> Timestamp {
        match self {
            Self::System | Self::Moved(..) => Timestamp::now(),
            Self::Simulated(_) => self.now(),
        }
    }

    /// Now, in whole microseconds.
    pub fn now(&self) -> Timestamp {
        let now = match self {
            Self::System => Timestamp::now(),
            Self::Moved(from, since) => {
                let passed = jiff::SignedDuration::try_from(since.elapsed()).unwrap_or_default();
                from.checked_add(passed).unwrap_or(Timestamp::MAX)
            }
            Self::Simulated(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        };
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// Moves a simulated clock; the machine's clock is left alone.
    pub fn set(&self, to: Timestamp) {
        if let Self::Simulated(at) = self {
            *at.lock().unwrap_or_else(PoisonError::into_inner) = to;
        }
    }

    /// The current day in UTC.
    pub fn today(&self) -> Date {
        day_of(self.now())
    }
}

/// The UTC day of a moment.
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// A fresh time-ordered identifier, for request ids and idempotency keys that nobody gave.
pub fn fresh_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Random bytes for secrets and salts. The operating system's source does not fail on any supported platform once it has
/// started; if it does, nothing secret may be made.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], crate::store::error::StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|e| crate::store::error::StoreError::Surroundings(format!("the system gives no randomness: {e}")))?;
    Ok(bytes)
}
