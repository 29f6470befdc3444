//! Assets: what the fund holds and owes.

use super::text::{Name, TextError};
use serde::Serialize;
use std::fmt;

/// The row number of an asset inside one book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct AssetId(pub i32);

/// An asset code: 2 to 12 characters, `A-Z` first, then `A-Z` or `0-9`. Codes are unique in a book and never change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct AssetCode(String);

impl AssetCode {
    /// Parses a code; lower case is refused rather than guessed.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let ok = (2..=12).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if ok { Ok(Self(text.to_owned())) } else { Err(TextError::AssetCode) }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AssetCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One asset of the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Row number in the book.
    pub id: AssetId,
    /// Unique code, for example `BTC`.
    pub code: AssetCode,
    /// The network the units live on, for example `bitcoin`; `fiat` for money at a bank.
    pub network: Name,
    /// Decimals of one whole unit, 0 to 18; immutable.
    pub scale: u8,
    /// True for tokens issued by the sponsor itself: their price falls when the sponsor is in trouble (wrong-way risk).
    pub own_token: bool,
}
