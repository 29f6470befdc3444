//! Short texts from outside, checked once at the edge.

use serde::Serialize;
use std::fmt;

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Not an asset code.
    #[error("is not an asset code; 2 to 12 characters A-Z and 0-9, a letter first")]
    AssetCode,
    /// Not a short name.
    #[error("is not a name; 1 to 64 characters a-z, A-Z, 0-9, '-', '_', '.', ':' or '/', no spaces")]
    Name,
    /// Empty, too long or with control characters.
    #[error("must be 1 to {0} characters without control characters")]
    Line(usize),
}

/// A short machine-readable name: venue, wallet, pair, network, report id, incident code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Name(String);

impl Name {
    /// Parses a name of 1 to 64 visible ASCII characters.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if Self::is_name(text) { Ok(Self(text.to_owned())) } else { Err(TextError::Name) }
    }

    /// True for a text that [`Name::parse`] takes; for files of a million rows that keep no name each.
    pub fn is_name(text: &str) -> bool {
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/".contains(&b))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A free text of one line or more for people (memo, reason, statement): at most `max` characters, no control characters
/// but line feeds.
pub fn check_free_text(text: &str, max: usize) -> Result<(), TextError> {
    let ok = !text.trim().is_empty() && text.chars().count() <= max && !text.chars().any(|c| c.is_control() && c != '\n');
    if ok { Ok(()) } else { Err(TextError::Line(max)) }
}
