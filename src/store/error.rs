//! Database errors, classified in one place.

use crate::domain::outcome::{OutcomeCode, Rejection};
use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// What can go wrong between a use case and the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The rules said no; nothing was written.
    #[error("{0}")]
    Rejected(#[from] Rejection),
    /// Another writer was faster; the same closure may succeed when run again.
    #[error("another writer was faster: {0}")]
    Conflict(String),
    /// A key said no: whatever the code believed, the database has this already.
    #[error("the database refused a duplicate: {0}")]
    Duplicate(String),
    /// The database cannot be reached or cannot write (disk full, read-only, gone).
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Something beside the database is not at hand: a key, randomness, a file to write. The database may well go on.
    #[error("{0}")]
    Surroundings(String),
    /// What is stored contradicts itself.
    #[error("the book is damaged: {0}")]
    Damaged(String),
    /// The address of the database is not usable.
    #[error("{0}")]
    Url(String),
    /// Anything else the database said.
    #[error("the database failed: {0}")]
    Database(String),
}

impl StoreError {
    /// Sorts an error of diesel.
    pub fn classify(error: DieselError) -> Self {
        let text = error.to_string();
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => Self::Conflict(text),
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Self::Duplicate(text),
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::ReadOnlyTransaction, _) => {
                Self::Unavailable(text)
            }
            DieselError::DeserializationError(_) => Self::Damaged(text),
            _ if is_transient(&text) => Self::Conflict(text),
            _ if is_unavailable(&text) => Self::Unavailable(text),
            _ => Self::Database(text),
        }
    }

    /// True when the whole closure should be run again.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// The rejection a user sees for this error.
    pub fn into_rejection(self) -> Rejection {
        match self {
            Self::Rejected(rejection) => rejection,
            Self::Conflict(text) => Rejection::new(
                OutcomeCode::Unavailable,
                "",
                "",
                format!("nothing was recorded; try again with the same idempotency key ({text})"),
            ),
            // A connection that is lost during a commit leaves open whether it took effect; the key decides.
            Self::Unavailable(text) => Rejection::new(
                OutcomeCode::Unavailable,
                "",
                "",
                format!("nothing is confirmed; send it again with the same idempotency key, and it is recorded once ({text})"),
            ),
            Self::Surroundings(text) => Rejection::new(OutcomeCode::Unavailable, "", "", format!("nothing was recorded; {text}")),
            Self::Url(text) => Rejection::new(OutcomeCode::BookMissing, "database", "", text),
            Self::Duplicate(text) | Self::Damaged(text) | Self::Database(text) => Rejection::new(
                OutcomeCode::Internal,
                "",
                "",
                format!("nothing was recorded ({text}); `safu verify` checks the book"),
            ),
        }
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        Self::classify(error)
    }
}

// diesel hides SQLSTATE and SQLite's codes beyond a few kinds, so the rest is told by text; a test per engine holds this.
fn is_transient(text: &str) -> bool {
    ["deadlock detected", "could not serialize access", "database is locked", "database table is locked"]
        .iter()
        .any(|needle| text.contains(needle))
}

fn is_unavailable(text: &str) -> bool {
    [
        "disk is full",
        "disk I/O error",
        "readonly database",
        "read-only transaction",
        "unable to open database",
        "server closed the connection",
        "connection to server",
        "terminating connection",
        "no connection to the server",
        "SSL connection has been closed",
        "could not connect",
        "the database system is",
        "could not extend file",
        "could not write",
        "No space left",
    ]
    .iter()
    .any(|needle| text.contains(needle))
}
