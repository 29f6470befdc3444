//! Claims, the files they came in, and their approvals.
//!
//! What a claim says is private: the log holds only a commitment to it, SHA-256 over a salt and the claim's fields, so that a
//! claimant can be shown his own row and nobody can guess another's. Salts follow from a key of the file that never enters the
//! log; whoever erases the key erases the link.

use super::bulk::{self, bulk_row};
use super::conn::Conn;
use super::error::StoreError;
use super::reference::record_row;
use super::schema::{claim, claim_approval, claims_file};
use super::tx::{Record, Stamp};
use super::types::{Minor, Money};
use crate::domain::incident::claims::ClaimSet;
use crate::domain::incident::ranges::ClaimRange;
use crate::proof::merkle::{Frontier, Hash};
use crate::proof::row::RowEncoder;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Claims that are read or written at a time.
const CLAIMS_A_CHUNK: i64 = 5_000;

/// A stored claims file.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = claims_file)]
pub struct ClaimsFileRow {
    /// Number from 1.
    pub id: i32,
    /// Incident.
    pub incident_id: i32,
    /// Name, for people.
    pub file_name: String,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// Number of its first claim within the incident.
    pub first_claim: i64,
    /// How many claims.
    pub row_count: i64,
    /// Canonical JSON: by asset number the count and the sum in minor units.
    pub totals: String,
    /// Root over the rows.
    pub rows_root: Vec<u8>,
    /// Secret that the salts of the rows follow from.
    pub salt_key: Vec<u8>,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    /// Leaf.
    pub leaf: i64,
}

impl ClaimsFileRow {
    /// The leaf body; without the secret.
    pub fn body(&self) -> Value {
        json!({
            "id": self.id,
            "incident": self.incident_id,
            "file_name": self.file_name,
            "sha256": self.sha256,
            "first_claim": self.first_claim,
            "row_count": self.row_count,
            "totals": self.totals,
            "rows_root": hex::encode(&self.rows_root),
            "recorded_at": self.recorded_at,
        })
    }

    /// The numbers of its claims.
    pub const fn claims(&self) -> ClaimRange {
        self.first_claim..=self.first_claim.saturating_add(self.row_count).saturating_sub(1)
    }
}

/// A stored claim.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = claim)]
pub struct ClaimRow {
    /// Incident.
    pub incident_id: i32,
    /// Number within the incident, from 1.
    pub no: i64,
    /// The sender's id.
    pub claim_ref: String,
    /// The claimant's pseudonym.
    pub claimant_ref: String,
    /// Asset.
    pub asset_id: i32,
    /// Units.
    pub quantity: Minor,
    /// Where to pay, or empty.
    pub payout_address: String,
}

/// A claim on its way in; texts stay in the file's memory.
struct NewClaim<'c> {
    incident_id: i32,
    no: i64,
    claim_ref: &'c str,
    claimant_ref: &'c str,
    asset_id: i32,
    quantity: Minor,
    payout_address: &'c str,
}

bulk_row!(NewClaim<'_>, claim, {
    incident_id: Integer, no: BigInt, claim_ref: Text, claimant_ref: Text, asset_id: Integer, quantity: Money, payout_address: Text,
});

/// Makes the salted commitment of claims and their rows in the file's tree.
struct Committer<'k> {
    salt_key: &'k [u8],
    encoder: RowEncoder,
}

/// The private part of a claim, as committed to.
struct Private<'c> {
    claim_ref: &'c str,
    claimant_ref: &'c str,
    asset_id: i32,
    quantity: i128,
    payout_address: &'c str,
}

impl<'k> Committer<'k> {
    fn new(salt_key: &'k [u8]) -> Self {
        Self { salt_key, encoder: RowEncoder::new() }
    }

    /// The leaf hash of row `claim`: number and commitment.
    fn leaf_hash(&mut self, no: i64, part: &Private<'_>) -> Hash {
        let commitment = hex::encode(commitment(&salt(self.salt_key, no), part));
        self.encoder.begin("claim").amount(i128::from(no), 0).text(&commitment).leaf_hash()
    }
}

/// The salt of a claim: the first half of SHA-256 over the file's key and the number.
fn salt(salt_key: &[u8], no: i64) -> [u8; 16] {
    let digest: Hash = Sha256::new().chain_update(salt_key).chain_update(no.to_be_bytes()).finalize().into();
    let mut salt = [0; 16];
    salt.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    salt
}

/// SHA-256 over the salt and each field after its length (32 bits, big-endian).
fn commitment(salt: &[u8; 16], part: &Private<'_>) -> Hash {
    let mut hasher = Sha256::new().chain_update(salt);
    let (asset, quantity) = (part.asset_id.to_string(), part.quantity.to_string());
    for field in [part.claim_ref, part.claimant_ref, &asset, &quantity, part.payout_address] {
        hasher.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(field);
    }
    hasher.finalize().into()
}

/// The root over the claims of a file that begins with number `first_claim`.
pub fn rows_root(claims: &ClaimSet, salt_key: &[u8], first_claim: i64) -> Hash {
    let (mut frontier, mut committer) = (Frontier::new(), Committer::new(salt_key));
    for (claim, no) in claims.iter().zip(first_claim..) {
        let part = Private {
            claim_ref: claim.claim_id,
            claimant_ref: claim.claimant_ref,
            asset_id: claim.asset.0,
            quantity: claim.quantity.minor(),
            payout_address: claim.payout_address,
        };
        frontier.push(committer.leaf_hash(no, &part));
    }
    frontier.root()
}

/// A claims file with its claims, recorded together and never changed.
pub struct NewClaimsFile {
    /// Header.
    pub header: ClaimsFileRow,
    /// The claims.
    pub claims: Arc<ClaimSet>,
}

impl Record for NewClaimsFile {
    fn kind(&self) -> &'static str {
        "claims_file"
    }
    fn body(&self) -> Value {
        self.header.body()
    }
    fn insert(&self, conn: &mut Conn, leaf: i64, _: &Stamp) -> Result<(), StoreError> {
        let header = ClaimsFileRow { leaf, ..self.header.clone() };
        diesel::insert_into(claims_file::table).values(&header).execute(conn)?;
        let mut rows = self.claims.iter().zip(header.first_claim..).map(|(claim, no)| NewClaim {
            incident_id: header.incident_id,
            no,
            claim_ref: claim.claim_id,
            claimant_ref: claim.claimant_ref,
            asset_id: claim.asset.0,
            quantity: claim.quantity.into(),
            payout_address: claim.payout_address,
        });
        loop {
            let chunk: Vec<NewClaim<'_>> = rows.by_ref().take(usize::try_from(CLAIMS_A_CHUNK).unwrap_or(1)).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            bulk::insert(conn, &chunk)?;
        }
    }
}

/// A range of approved claims.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = claim_approval)]
pub struct ClaimApprovalRow {
    /// Incident.
    pub incident_id: i32,
    /// First claim.
    pub first_claim: i64,
    /// Last claim.
    pub last_claim: i64,
    /// The entry that booked it; with claims in several assets the first of them, the others follow it.
    pub entry_no: i64,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    /// Leaf.
    pub leaf: i64,
}

record_row!(ClaimApprovalRow, claim_approval, "claim_approval", a => json!({
    "incident": a.incident_id, "first_claim": a.first_claim, "last_claim": a.last_claim, "entry": a.entry_no,
    "recorded_at": a.recorded_at,
}));

/// All claims files by number.
pub fn files(conn: &mut Conn) -> Result<Vec<ClaimsFileRow>, StoreError> {
    Ok(claims_file::table.order(claims_file::id).select(ClaimsFileRow::as_select()).load(conn)?)
}

/// The claims files of an incident.
pub fn files_of(conn: &mut Conn, incident: i32) -> Result<Vec<ClaimsFileRow>, StoreError> {
    Ok(claims_file::table
        .filter(claims_file::incident_id.eq(incident))
        .order(claims_file::id)
        .select(ClaimsFileRow::as_select())
        .load(conn)?)
}

/// The number of an incident's last claim; 0 before the first.
pub fn last_no(conn: &mut Conn, incident: i32) -> Result<i64, StoreError> {
    Ok(files_of(conn, incident)?.last().map_or(0, |file| *file.claims().end()))
}

/// All approvals in the order of their leaves.
pub fn approvals(conn: &mut Conn) -> Result<Vec<ClaimApprovalRow>, StoreError> {
    Ok(claim_approval::table.order(claim_approval::leaf).select(ClaimApprovalRow::as_select()).load(conn)?)
}

/// The approvals of an incident by claim number.
pub fn approvals_of(conn: &mut Conn, incident: i32) -> Result<Vec<ClaimApprovalRow>, StoreError> {
    Ok(claim_approval::table
        .filter(claim_approval::incident_id.eq(incident))
        .order(claim_approval::first_claim)
        .select(ClaimApprovalRow::as_select())
        .load(conn)?)
}

/// Claims with numbers in the range, at most `limit`, in order.
pub fn page(conn: &mut Conn, incident: i32, range: &ClaimRange, limit: i64) -> Result<Vec<ClaimRow>, StoreError> {
    Ok(claim::table
        .filter(claim::incident_id.eq(incident))
        .filter(claim::no.between(*range.start(), *range.end()))
        .order(claim::no)
        .limit(limit)
        .select(ClaimRow::as_select())
        .load(conn)?)
}

/// Gives all claims of the range to `each`, in order, some thousand at a time.
pub fn stream(
    conn: &mut Conn,
    incident: i32,
    range: &ClaimRange,
    mut each: impl FnMut(&mut Conn, Vec<ClaimRow>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut rest = range.clone();
    while !rest.is_empty() {
        let upto = rest.start().saturating_add(CLAIMS_A_CHUNK).saturating_sub(1).min(*rest.end());
        let rows = page(conn, incident, &(*rest.start()..=upto), CLAIMS_A_CHUNK)?;
        each(conn, rows)?;
        rest = upto.saturating_add(1)..=*rest.end();
    }
    Ok(())
}

/// Units by asset over a range of claims: (asset, units).
pub fn quantities(conn: &mut Conn, incident: i32, range: &ClaimRange) -> Result<Vec<(i32, Minor)>, StoreError> {
    Ok(claim::table
        .filter(claim::incident_id.eq(incident))
        .filter(claim::no.between(*range.start(), *range.end()))
        .select((claim::asset_id, claim::quantity))
        .load(conn)?)
}

/// The claim with the sender's id.
pub fn find(conn: &mut Conn, incident: i32, claim_ref: &str) -> Result<Option<ClaimRow>, StoreError> {
    Ok(claim::table
        .filter(claim::incident_id.eq(incident))
        .filter(claim::claim_ref.eq(claim_ref))
        .select(ClaimRow::as_select())
        .first(conn)
        .optional()?)
}

/// The root over a file's claims as they are stored, for comparison with the one in the log.
pub fn stored_rows_root(conn: &mut Conn, file: &ClaimsFileRow) -> Result<Hash, StoreError> {
    let (mut frontier, mut committer) = (Frontier::new(), Committer::new(&file.salt_key));
    stream(conn, file.incident_id, &file.claims(), |_, rows| {
        for row in &rows {
            let part = Private {
                claim_ref: &row.claim_ref,
                claimant_ref: &row.claimant_ref,
                asset_id: row.asset_id,
                quantity: row.quantity.0,
                payout_address: &row.payout_address,
            };
            frontier.push(committer.leaf_hash(row.no, &part));
        }
        Ok(())
    })?;
    Ok(frontier.root())
}

/// How many claims there are over all incidents, for verification that none lies outside of the files.
pub fn count(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(claim::table.count().get_result(conn)?)
}
