//! The claims file: `claim_id,claimant_ref,asset,quantity,payout_address`, checked whole before anything is recorded.
//!
//! Cost: the text of the file once, 48 bytes a claim, and while checking 32 bytes a claim for the two look-ups. A million claims
//! are the limit.

use crate::domain::amount::{MAX_SCALE, Quantity, format_minor_trimmed};
use crate::domain::asset::{AssetCode, AssetId};
use crate::domain::contribution::rows::{Resolve, RowAsset, amount_mend};
use crate::domain::csv_text::{self, Tally};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::text::Name;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use utoipa::ToSchema;

/// The columns of the file, in order.
pub const COLUMNS: [&str; 5] = ["claim_id", "claimant_ref", "asset", "quantity", "payout_address"];
/// The most claims one file may have.
pub const MAX_CLAIMS: usize = 1_000_000;
/// The largest file.
pub const MAX_FILE_BYTES: usize = 512 * 1024 * 1024;
/// The longest payout address.
pub const MAX_ADDRESS: usize = 128;

/// What the sender says is in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlTotals {
    /// Number of claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_count: Option<u64>,
    /// Sum of the quantities by asset code, in whole units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub totals: BTreeMap<String, String>,
}

/// A part of the file's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    at: u32,
    len: u32,
}

/// One claim as kept in memory; texts stay in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    claim: Span,
    claimant: Span,
    address: Span,
    asset: AssetId,
    quantity: Quantity,
}

/// One claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim<'s> {
    /// The sender's id of the claim.
    pub claim_id: &'s str,
    /// The pseudonym of the claimant.
    pub claimant_ref: &'s str,
    /// Where to pay; empty if not said.
    pub payout_address: &'s str,
    /// What is claimed.
    pub asset: AssetId,
    /// How much of it, above zero.
    pub quantity: Quantity,
}

/// Claims and units of one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimTotal {
    /// The asset.
    pub asset: RowAsset,
    /// Claims in it.
    pub count: u64,
    /// Their sum.
    pub quantity: Quantity,
}

/// The claims of a file that is right in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimSet {
    text: String,
    rows: Vec<Row>,
    /// Sums by asset, in order of appearance.
    pub totals: Vec<ClaimTotal>,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    by_claim: Vec<(u64, u32)>,
    by_claimant: Vec<(u64, u32)>,
}

impl ClaimSet {
    /// How many claims.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Never true: a file without claims is refused.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The claims in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Claim<'_>> {
        self.rows.iter().map(|row| self.claim(row))
    }

    fn claim(&self, row: &Row) -> Claim<'_> {
        Claim {
            claim_id: span(&self.text, row.claim),
            claimant_ref: span(&self.text, row.claimant),
            payout_address: span(&self.text, row.address),
            asset: row.asset,
            quantity: row.quantity,
        }
    }

    /// The row (from 1) with this claim id.
    pub fn row_of_claim(&self, claim_id: &str) -> Option<u32> {
        find(&self.by_claim, hash(claim_id), |row| self.at(row).is_some_and(|claim| claim.claim_id == claim_id))
    }

    /// The row (from 1) in which this claimant claims this asset.
    pub fn row_of_claimant(&self, claimant_ref: &str, asset: AssetId) -> Option<u32> {
        let same = |row| self.at(row).is_some_and(|claim| (claim.claimant_ref, claim.asset) == (claimant_ref, asset));
        find(&self.by_claimant, hash((claimant_ref, asset)), same)
    }

    fn at(&self, row: u32) -> Option<Claim<'_>> {
        let at = usize::try_from(row).ok()?.checked_sub(1)?;
        self.rows.get(at).map(|row| self.claim(row))
    }
}

fn span(text: &str, span: Span) -> &str {
    let start = usize::try_from(span.at).unwrap_or(usize::MAX);
    let end = start.saturating_add(usize::try_from(span.len).unwrap_or(usize::MAX));
    text.get(start..end).unwrap_or_default()
}

fn hash(key: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// The row with this hash for which `same` holds.
fn find(index: &[(u64, u32)], hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
    let from = index.partition_point(|(known, _)| *known < hash);
    index.iter().skip(from).take_while(|(known, _)| *known == hash).map(|(_, row)| *row).find(|row| same(*row))
}

/// Reads and checks a claims file.
///
/// # Errors
/// `malformed`, `invalid-row`, `duplicate-row`, `unknown-asset`, `body-too-large` by row, column, value and mend (at most 100 are
/// listed, all are counted); `row-count-mismatch`, `totals-mismatch` and `invalid-field` for the control totals.
pub fn parse(bytes: Vec<u8>, control: &ControlTotals, resolve: &mut Resolve<'_>) -> Result<ClaimSet, Rejection> {
    if bytes.len() > MAX_FILE_BYTES {
        let detail = format!("the file is larger than {MAX_FILE_BYTES} bytes; split it into several files");
        return Err(Rejection::new(OutcomeCode::BodyTooLarge, "file", bytes.len(), detail));
    }
    let mut tally = Tally::default();
    let mut reader =
        Reader { base: bytes.as_ptr().addr(), resolve, rows: Vec::new(), totals: Vec::new(), places: HashMap::new() };
    csv_text::read(&bytes, &COLUMNS, MAX_CLAIMS, &mut tally, |tally, cells| reader.row(tally, cells));
    let (rows, totals) = (reader.rows, reader.totals);
    let sha256 = Sha256::digest(&bytes).into();
    let text = String::from_utf8(bytes).unwrap_or_default();
    let mut set = ClaimSet { text, rows, totals, sha256, by_claim: Vec::new(), by_claimant: Vec::new() };
    if tally.is_clean() {
        set.by_claim = set.index(|claim| hash(claim.claim_id));
        set.by_claimant = set.index(|claim| hash((claim.claimant_ref, claim.asset)));
        set.note_duplicates(&mut tally);
        set.compare(control, &mut tally);
    }
    tally.into_result()?;
    Ok(set)
}

struct Reader<'r, 's> {
    base: usize,
    resolve: &'r mut Resolve<'s>,
    rows: Vec<Row>,
    totals: Vec<ClaimTotal>,
    /// Place of an asset in `totals` by its code as written; `None` for what is not known.
    places: HashMap<String, Option<usize>>,
}

impl Reader<'_, '_> {
    fn row(&mut self, tally: &mut Tally, [claim, claimant, asset, quantity, address]: [&str; 5]) {
        let invalid = OutcomeCode::InvalidRow;
        let mut good = true;
        for (column, text) in [("claim_id", claim), ("claimant_ref", claimant)] {
            if !Name::is_name(text) {
                good = false;
                let detail = "is not a reference; 1 to 64 characters a-z, A-Z, 0-9, '-', '_', '.', ':' or '/', no spaces; use \
                              pseudonyms, never names or mail addresses of people";
                tally.note(invalid, column, text, detail);
            }
        }
        if address.len() > MAX_ADDRESS || !address.bytes().all(|b| b.is_ascii_graphic()) {
            good = false;
            let detail = format!("is not an address; at most {MAX_ADDRESS} visible ASCII characters without spaces, or nothing");
            tally.note(invalid, "payout_address", address, detail);
        }
        let place = self.place(tally, asset);
        // The amount of an unknown asset is still read for its spelling, with the most decimals there are.
        let total = place.and_then(|at| self.totals.get_mut(at));
        let scale = total.as_ref().map_or(MAX_SCALE, |total| total.asset.scale);
        let amount = match Quantity::parse_unsigned(quantity, scale) {
            Ok(Quantity::ZERO) => Err("is zero; leave the row out or claim more than nothing".to_owned()),
            Ok(amount) => Ok(amount),
            Err(error) => Err(amount_mend(quantity, error)),
        };
        let amount = amount.map_err(|detail| tally.note(invalid, "quantity", quantity, detail));
        let (Ok(amount), Some(total), true) = (amount, total, good) else { return };
        match total.quantity.checked_add(amount).filter(|sum| sum.minor().unsigned_abs() < 10_u128.pow(38)) {
            Some(sum) => total.quantity = sum,
            None => {
                let detail = "makes the sum of the asset larger than can be kept; check the unit of the amounts";
                return tally.note(invalid, "quantity", quantity, detail);
            }
        }
        total.count = total.count.saturating_add(1);
        let asset = total.asset.id;
        let [claim, claimant, address] = [claim, claimant, address].map(|text| self.span(text));
        self.rows.push(Row { claim, claimant, address, asset, quantity: amount });
    }

    /// Where a cell lies in the file; files are far below 4 GiB.
    fn span(&self, cell: &str) -> Span {
        let at = u32::try_from(cell.as_ptr().addr().saturating_sub(self.base)).unwrap_or(u32::MAX);
        Span { at, len: u32::try_from(cell.len()).unwrap_or(u32::MAX) }
    }

    fn place(&mut self, tally: &mut Tally, text: &str) -> Option<usize> {
        let known = self.places.get(text).copied();
        let place = match known {
            Some(place) => place,
            None => {
                let code = match AssetCode::parse(text) {
                    Ok(code) => code,
                    Err(error) => {
                        tally.note(OutcomeCode::InvalidRow, "asset", text, error.to_string());
                        return None;
                    }
                };
                let place = (self.resolve)(&code).map(|(id, scale)| {
                    let asset = RowAsset { id, code, scale };
                    self.totals.push(ClaimTotal { asset, count: 0, quantity: Quantity::ZERO });
                    self.totals.len().saturating_sub(1)
                });
                self.places.insert(text.to_owned(), place);
                place
            }
        };
        if place.is_none() {
            let detail = "is not an asset of the book; mend the code or add the asset first";
            tally.note(OutcomeCode::UnknownAsset, "asset", text, detail);
        }
        place
    }
}

impl ClaimSet {
    /// Hash and row of every claim, sorted: a look-up that takes 16 bytes a claim.
    fn index(&self, key: impl Fn(Claim<'_>) -> u64) -> Vec<(u64, u32)> {
        let mut index: Vec<(u64, u32)> = self.iter().map(key).zip(1_u32..).collect();
        index.sort_unstable();
        index
    }

    fn note_duplicates(&self, tally: &mut Tally) {
        let again = "; one claim has one id, and one claimant one claim in each asset: add both up or remove one";
        for_duplicates(&self.by_claim, |first, second| match (self.at(first), self.at(second)) {
            (Some(a), Some(b)) if a.claim_id == b.claim_id => {
                let detail = format!("is the claim_id of row {first} too{again}");
                tally.note_at(second, OutcomeCode::DuplicateRow, "claim_id", b.claim_id, detail);
                true
            }
            _ => false,
        });
        for_duplicates(&self.by_claimant, |first, second| match (self.at(first), self.at(second)) {
            (Some(a), Some(b)) if (a.claimant_ref, a.asset) == (b.claimant_ref, b.asset) => {
                let detail = format!("claims the asset of this row in row {first} too{again}");
                tally.note_at(second, OutcomeCode::DuplicateRow, "claimant_ref", b.claimant_ref, detail);
                true
            }
            _ => false,
        });
    }

    fn compare(&self, control: &ControlTotals, tally: &mut Tally) {
        let count = u64::try_from(self.len()).unwrap_or(u64::MAX);
        if let Some(stated) = control.row_count.filter(|stated| *stated != count) {
            let detail = format!("the file has {count} claims; send the whole file or mend the count");
            tally.findings.add(OutcomeCode::RowCountMismatch, "/row_count", stated, detail);
        }
        if control.totals.is_empty() {
            return;
        }
        for total in &self.totals {
            let (pointer, scale) = (format!("/totals/{}", total.asset.code), total.asset.scale);
            let sum = format_minor_trimmed(total.quantity.minor(), scale);
            match control.totals.get(total.asset.code.as_str()).map(|text| (text, Quantity::parse_unsigned(text, scale))) {
                None => {
                    let detail = format!("is missing; the claims sum to {sum}");
                    tally.findings.add(OutcomeCode::TotalsMismatch, pointer, "", detail);
                }
                Some((text, Err(error))) => {
                    tally.findings.add(OutcomeCode::InvalidField, pointer, text, amount_mend(text, error));
                }
                Some((text, Ok(stated))) if stated != total.quantity => {
                    let detail = format!("the claims sum to {sum}; send the whole file or mend the total");
                    tally.findings.add(OutcomeCode::TotalsMismatch, pointer, text, detail);
                }
                Some(_) => {}
            }
        }
        for (code, text) in &control.totals {
            if !self.totals.iter().any(|total| total.asset.code.as_str() == code) {
                let detail = "no claim is in this asset; send its claims or leave the total out";
                tally.findings.add(OutcomeCode::TotalsMismatch, format!("/totals/{code}"), text, detail);
            }
        }
    }
}

/// Calls `same(first, later)` for rows of equal hash, until it says that `first` is what `later` repeats.
fn for_duplicates(index: &[(u64, u32)], mut same: impl FnMut(u32, u32) -> bool) {
    for group in index.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
        for (at, (_, later)) in group.iter().enumerate().skip(1) {
            // Equal hashes of different texts are rare, so the first row of the group nearly always answers.
            let _ = group.iter().take(at).any(|(_, first)| same(*first, *later));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::asset::AssetId;

    fn resolve(code: &AssetCode) -> Option<(AssetId, u8)> {
        [("BTC", 2, 8), ("USDC", 3, 6)].iter().find(|known| known.0 == code.as_str()).map(|known| (AssetId(known.1), known.2))
    }

    fn read(text: &str) -> Result<ClaimSet, Rejection> {
        parse(text.as_bytes().to_vec(), &ControlTotals::default(), &mut resolve)
    }

    fn file(rows: &[&str]) -> String {
        format!("{}\n{}\n", COLUMNS.join(","), rows.join("\n"))
    }

    fn refused(rows: &[&str], code: OutcomeCode, pointer: &str, word: &str) {
        let rejection = read(&file(rows)).unwrap_err();
        assert_eq!(rejection.code, code, "{rejection}");
        let problem = rejection.problems.iter().find(|p| p.pointer == pointer).unwrap_or_else(|| panic!("{rejection}"));
        assert!(problem.detail.contains(word), "{rejection}");
    }

    #[test]
    fn a_good_file_is_read_with_its_sums() {
        let set = read(&file(&["c-1,u-1,BTC,1.5,bc1q", "\"c-2\",u-1,USDC,10,\r", "c-3,u-2,BTC,0.00000001,bc1z"])).unwrap();
        let claims: Vec<Claim<'_>> = set.iter().collect();
        assert_eq!(claims[1].claim_id, "c-2");
        assert_eq!((claims[1].payout_address, claims[1].quantity), ("", Quantity(10_000_000)));
        assert_eq!((claims[2].claimant_ref, claims[2].payout_address), ("u-2", "bc1z"));
        assert_eq!((set.totals[0].count, set.totals[0].quantity), (2, Quantity(150_000_001)));
        assert_eq!(set.row_of_claim("c-3"), Some(3));
        assert_eq!(set.row_of_claim("c-4"), None);
        assert_eq!(set.row_of_claimant("u-1", AssetId(3)), Some(2));
        assert_eq!(set.row_of_claimant("u-2", AssetId(3)), None);
    }

    #[test]
    fn hostile_cells_are_named_by_row_column_and_mend() {
        let good = "c-1,u-1,BTC,1,";
        let invalid = OutcomeCode::InvalidRow;
        for amount in ["1e5", "1_000", "+1", ".5", "NaN", "-0", "-1", "１", "1.123456789", "007", ""] {
            refused(&[good, &format!("c-2,u-2,BTC,{amount},")], invalid, "row 2, column quantity", "");
        }
        refused(&[good, &format!("c-2,u-2,BTC,{},", "9".repeat(40))], invalid, "row 2, column quantity", "too large");
        refused(&[good, "c-2,u-2,BTC,\"1,5\","], invalid, "row 2, column quantity", "decimal comma");
        refused(&[good, "c-2,u-2,BTC,1,5,addr"], invalid, "row 2", "decimals with a dot");
        refused(&[good, "c-2;u-2;BTC;1;"], invalid, "row 2", "semicolons");
        refused(&[good, "c-2,u-2,BT"], invalid, "row 2", "cut off");
        refused(&[good, "c-2,u-2,BTC,0,"], invalid, "row 2, column quantity", "zero");
        refused(&[good, "c-2,ana@example.org,BTC,1,"], invalid, "row 2, column claimant_ref", "pseudonyms");
        refused(&[good, ",u-2,BTC,1,"], invalid, "row 2, column claim_id", "1 to 64");
        refused(&[good, "c-2,u-2,btc,1,"], invalid, "row 2, column asset", "A-Z");
        refused(&[good, "c-2,u-2,BTC,1,a b"], invalid, "row 2, column payout_address", "ASCII");
        refused(&[good, ""], invalid, "row 2", "empty line");
        refused(&[good, "c-2,u-2,XYZ,1,"], OutcomeCode::UnknownAsset, "row 2, column asset", "add the asset");
        refused(&[good, "c-1,u-2,BTC,1,"], OutcomeCode::DuplicateRow, "row 2, column claim_id", "row 1");
        refused(&[good, "c-2,u-1,BTC,1,"], OutcomeCode::DuplicateRow, "row 2, column claimant_ref", "row 1");
    }

    #[test]
    fn files_that_are_something_else_are_told_so() {
        for (text, word) in [
            ("", "empty"),
            ("\u{feff}claim_id,claimant_ref,asset,quantity,payout_address\nc,u,BTC,1,\n", "BOM"),
            ("claim_id;claimant_ref;asset;quantity;payout_address\n", "semicolons"),
            ("claim_id,claimant_ref,asset,quantity\n", "missing"),
            ("claimant_ref,claim_id,asset,quantity,payout_address\n", "order"),
            ("claim_id,claimant_ref,asset,quantity,payout_address\n", "no rows"),
        ] {
            let rejection = read(text).unwrap_err();
            assert_eq!(rejection.code, OutcomeCode::Malformed, "{text:?}");
            assert!(rejection.to_string().contains(word), "{rejection}");
        }
    }

    #[test]
    fn control_totals_must_agree() {
        let text = file(&["c-1,u-1,BTC,1.5,", "c-2,u-2,BTC,1,"]);
        let control = |count, totals: &[(&str, &str)]| ControlTotals {
            row_count: count,
            totals: totals.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        };
        let read = |control| parse(text.clone().into_bytes(), &control, &mut resolve).map_err(|r| r.code);
        assert!(read(control(Some(2), &[("BTC", "2.5")])).is_ok());
        assert_eq!(read(control(Some(3), &[])), Err(OutcomeCode::RowCountMismatch));
        assert_eq!(read(control(None, &[("BTC", "2.4")])), Err(OutcomeCode::TotalsMismatch));
        assert_eq!(read(control(None, &[("USDC", "1"), ("BTC", "2.5")])), Err(OutcomeCode::TotalsMismatch));
        assert_eq!(read(control(None, &[("USDC", "1")])), Err(OutcomeCode::TotalsMismatch));
        assert_eq!(read(control(None, &[("BTC", "2,5")])), Err(OutcomeCode::InvalidField));
    }

    #[test]
    fn a_hundred_problems_are_listed_and_all_are_counted() {
        let rows: Vec<String> = (1..=250).map(|n| format!("c-{n},u-{n},BTC,-1,")).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let rejection = read(&file(&rows)).unwrap_err();
        assert_eq!(rejection.problems.len(), Rejection::MAX_PROBLEMS);
        assert!(rejection.problems[0].detail.starts_with("250 problems were found in 250 rows"), "{rejection}");
        assert_eq!(rejection.problems[1].pointer, "row 1, column quantity");
    }
}
