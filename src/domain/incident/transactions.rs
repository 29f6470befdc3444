//! The transactions of a payout batch: one for all claims, or a file `claim_id,txid`.

use crate::domain::csv_text::{self, Tally};
use crate::domain::incident::claims::MAX_CLAIMS;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::text::Name;
use std::collections::HashMap;

/// The columns of the file, in order.
pub const COLUMNS: [&str; 2] = ["claim_id", "txid"];
/// The longest transaction id.
pub const MAX_TXID: usize = 128;

/// Which transaction paid which claim. Transactions are numbered from 1 in order of appearance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transactions {
    txids: Vec<String>,
    /// Transaction by claim id; `None` where one paid all.
    by_claim: Option<HashMap<String, u32>>,
}

fn is_txid(text: &str) -> bool {
    (1..=MAX_TXID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b',' && b != b'"')
}

const TXID_MEND: &str = "is not a transaction id; 1 to 128 visible ASCII characters without spaces";

impl Transactions {
    /// One transaction for all claims.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn one(txid: &str) -> Result<Self, Rejection> {
        if !is_txid(txid) {
            return Err(Rejection::invalid("/txid", txid, TXID_MEND));
        }
        Ok(Self { txids: vec![txid.to_owned()], by_claim: None })
    }

    /// A file of claims with their transactions; the same transaction may stand beside many claims.
    ///
    /// # Errors
    /// As [`claims::parse`](super::claims::parse).
    pub fn parse(bytes: &[u8]) -> Result<Self, Rejection> {
        let mut tally = Tally::default();
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut txids = Vec::new();
        let mut by_claim: HashMap<String, u32> = HashMap::new();
        csv_text::read(bytes, &COLUMNS, MAX_CLAIMS, &mut tally, |tally, [claim, txid]| {
            if !Name::is_name(claim) {
                tally.note(OutcomeCode::InvalidRow, "claim_id", claim, "is not a claim id; copy it from the claims file");
            }
            if !is_txid(txid) {
                return tally.note(OutcomeCode::InvalidRow, "txid", txid, TXID_MEND);
            }
            let number = *numbers.entry(txid).or_insert_with(|| {
                txids.push(txid.to_owned());
                u32::try_from(txids.len()).unwrap_or(u32::MAX)
            });
            if by_claim.insert(claim.to_owned(), number).is_some() {
                tally.note(OutcomeCode::DuplicateRow, "claim_id", claim, "is there twice; a claim is paid by one transaction");
            }
        });
        tally.into_result()?;
        Ok(Self { txids, by_claim: Some(by_claim) })
    }

    /// The ids, in the order of their numbers from 1.
    pub fn txids(&self) -> &[String] {
        &self.txids
    }

    /// How many claims the file names; `None` where one transaction paid all.
    pub fn listed(&self) -> Option<usize> {
        self.by_claim.as_ref().map(HashMap::len)
    }

    /// The claims that the file names.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.by_claim.iter().flat_map(|by_claim| by_claim.keys().map(String::as_str))
    }

    /// The number of the transaction that paid this claim; `None` if the file does not name it.
    pub fn of(&self, claim_id: &str) -> Option<u32> {
        self.by_claim.as_ref().map_or(Some(1), |by_claim| by_claim.get(claim_id).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_are_numbered_in_order_of_appearance() {
        let listed = Transactions::parse(b"claim_id,txid\nc-1,aa\nc-2,bb\nc-3,aa\n").unwrap();
        assert_eq!(listed.txids(), ["aa", "bb"]);
        assert_eq!((listed.of("c-3"), listed.of("c-2"), listed.of("c-9")), (Some(1), Some(2), None));
        assert_eq!(Transactions::one("ff").unwrap().of("any"), Some(1));
    }

    #[test]
    fn bad_files_are_refused() {
        for (text, code) in [
            ("claim_id,txid\nc-1,a\nc-1,b\n", OutcomeCode::DuplicateRow),
            ("claim_id,txid\nc-1,\n", OutcomeCode::InvalidRow),
            ("claim_id,txid\nc 1,a\n", OutcomeCode::InvalidRow),
            ("claim_id,tx\nc-1,a\n", OutcomeCode::Malformed),
        ] {
            assert_eq!(Transactions::parse(text.as_bytes()).unwrap_err().code, code, "{text}");
        }
        assert!(Transactions::one("a b").is_err());
    }
}
