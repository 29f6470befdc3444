//! The one numbered table of outcomes that API, CLI and pages share. Checks run in the order structural → idempotency →
//! context → references → limits; the first group that applies is the answer.

use serde::Serialize;
use std::fmt;

macro_rules! outcomes {
    ($($variant:ident = $number:literal, $slug:literal, $status:literal, $title:literal;)*) => {
        /// Why a command was refused. The number never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum OutcomeCode { $(#[doc = $title] $variant,)* }

        impl OutcomeCode {
            /// All codes, in the order of precedence.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// Stable number.
            pub const fn number(self) -> u16 { match self { $(Self::$variant => $number),* } }
            /// Stable name in URLs and JSON.
            pub const fn slug(self) -> &'static str { match self { $(Self::$variant => $slug),* } }
            /// HTTP status that carries it.
            pub const fn status(self) -> u16 { match self { $(Self::$variant => $status),* } }
            /// One line for people.
            pub const fn title(self) -> &'static str { match self { $(Self::$variant => $title),* } }
            /// The code with this slug.
            pub fn from_slug(slug: &str) -> Option<Self> { match slug { $($slug => Some(Self::$variant),)* _ => None } }
        }
    };
}

outcomes! {
    Unauthenticated = 1001, "unauthenticated", 401, "No valid key was given";
    Forbidden = 1002, "forbidden", 403, "The caller may not do this";
    StepUpNeeded = 1003, "step-up-needed", 403, "The second factor must be shown again for this";
    ApprovalNeeded = 1004, "approval-needed", 403, "This book takes such a command from a person only, and others approve it";
    BodyTooLarge = 1101, "body-too-large", 413, "The request is larger than allowed";
    Malformed = 1102, "malformed", 400, "The request cannot be read";
    UnknownField = 1103, "unknown-field", 400, "The request has a field that is not known or is given twice";
    InvalidField = 1104, "invalid-field", 422, "A field has a value that is not allowed";
    InvalidRow = 1105, "invalid-row", 422, "Rows of the file are not right";
    HashMismatch = 1106, "hash-mismatch", 422, "The file is not the one the manifest describes";
    RowCountMismatch = 1107, "row-count-mismatch", 422, "The number of rows differs from the manifest";
    TotalsMismatch = 1108, "totals-mismatch", 422, "The sums of the rows differ from the control totals";
    DuplicateRow = 1109, "duplicate-row", 422, "Two rows have the same natural key";
    MethodNotAllowed = 1110, "method-not-allowed", 405, "The address does not take this method";
    UnsupportedMediaType = 1111, "unsupported-media-type", 415, "The media type of the request is not one that is taken";
    IdempotencyKeyMissing = 1201, "idempotency-key-missing", 400, "A write needs an Idempotency-Key";
    IdempotencyKeyInvalid = 1202, "idempotency-key-invalid", 400, "The Idempotency-Key is not usable";
    IdempotencyConflict = 1203, "idempotency-conflict", 422, "The Idempotency-Key was used for other content";
    InFlight = 1204, "in-flight", 409, "The first request with this key is still running";
    ReportConflict = 1205, "report-conflict", 409, "The report was submitted before with other content";
    EventConflict = 1206, "event-conflict", 409, "The event was submitted before with other content";
    ObservationConflict = 1207, "observation-conflict", 409, "Something else was observed at the same moment";
    NotFound = 1301, "not-found", 404, "There is no such thing in the book";
    WrongState = 1302, "wrong-state", 409, "The thing is not in a state that allows this";
    PeriodClosed = 1303, "period-closed", 409, "The period is closed";
    BookMissing = 1304, "book-missing", 503, "There is no book here yet";
    AlreadyExists = 1305, "already-exists", 409, "It exists already";
    OutOfOrder = 1306, "out-of-order", 409, "Something that must come before is missing";
    UnknownAsset = 1401, "unknown-asset", 422, "The asset is not known to the book";
    UnknownVenue = 1402, "unknown-venue", 422, "The venue is not known to the book";
    UnknownWallet = 1403, "unknown-wallet", 422, "The wallet is not known to the book";
    UnknownAccount = 1404, "unknown-account", 422, "The account is not in the chart";
    PolicyMissing = 1405, "policy-missing", 422, "No policy is in force on that day";
    PriceMissing = 1406, "price-missing", 422, "There is no price for that day";
    PriceStale = 1407, "price-stale", 422, "The latest price is too old";
    PriceOutlier = 1408, "price-outlier", 422, "The price is far from the one before";
    RateOutlier = 1409, "rate-outlier", 422, "The amounts are far from what the policy expects";
    InsufficientUnits = 1501, "insufficient-units", 422, "There are not enough units";
    AboveLimit = 1502, "above-limit", 422, "A limit is exceeded";
    AlreadyPaid = 1503, "already-paid", 409, "The claim is paid already";
    DuplicateClaim = 1504, "duplicate-claim", 409, "The claim exists already";
    AlreadyReversed = 1505, "already-reversed", 409, "The entry is reversed already";
    RateLimited = 1601, "rate-limited", 429, "Too many requests";
    Unavailable = 1602, "unavailable", 503, "The book cannot take writes right now";
    ReadOnly = 1603, "read-only", 503, "The book is read-only by hand";
    Internal = 1701, "internal", 500, "The server failed; nothing was recorded";
}

impl fmt::Display for OutcomeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// One thing that is wrong: where, what was found, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// JSON pointer or file position, for example `/control_totals/BTC` or `row 17, column net_fee`.
    pub pointer: String,
    /// What is wrong and how to mend it, in one sentence.
    pub detail: String,
    /// The value that was found, shortened to 120 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// A command that was refused: nothing of it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Rejection {
    /// The code of the table.
    pub code: OutcomeCode,
    /// At least one problem; at most [`Rejection::MAX_PROBLEMS`] are kept.
    pub problems: Vec<Problem>,
}

impl Rejection {
    /// How many problems one answer lists.
    pub const MAX_PROBLEMS: usize = 100;

    /// A rejection with one problem.
    pub fn new(code: OutcomeCode, pointer: impl Into<String>, value: impl fmt::Display, detail: impl Into<String>) -> Self {
        let mut value = value.to_string();
        if let Some((cut, _)) = value.char_indices().nth(120) {
            value.truncate(cut);
            value.push('…');
        }
        Self { code, problems: vec![Problem { pointer: pointer.into(), detail: detail.into(), value }] }
    }

    /// A field with a value that is not allowed.
    pub fn invalid(pointer: impl Into<String>, value: impl fmt::Display, detail: impl Into<String>) -> Self {
        Self::new(OutcomeCode::InvalidField, pointer, value, detail)
    }

    /// Several refusals as one, under the code of the first; `None` if there is none.
    pub fn together(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut all = all.into_iter();
        let mut first = all.next()?;
        first.problems.extend(all.flat_map(|one| one.problems));
        first.problems.truncate(Self::MAX_PROBLEMS);
        Some(first)
    }

    /// The same at another place.
    #[must_use]
    pub fn at(mut self, pointer: &str) -> Self {
        self.problems.iter_mut().for_each(|problem| pointer.clone_into(&mut problem.pointer));
        self
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.code.title(), self.code.slug())?;
        for problem in &self.problems {
            write!(f, "\n  {}: {}", problem.pointer, problem.detail)?;
            if !problem.value.is_empty() {
                write!(f, " (found: {})", problem.value)?;
            }
        }
        Ok(())
    }
}
