//! Importing claims: the whole file is checked first, against itself, the control totals and the claims the incident has; then
//! all of it is recorded, or nothing.

use super::{Case, check_note};
use crate::domain::amount::format_minor_trimmed;
use crate::domain::asset::AssetId;
use crate::domain::incident::claims::{self, ClaimSet, ControlTotals};
use crate::domain::incident::life::{Act, State};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::proof::leaf::canonical;
use crate::service::approvals::gate;
use crate::service::clock::random_bytes;
use crate::service::refs::Refs;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::claim::{self, ClaimsFileRow, NewClaimsFile};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A claims file with what its sender says about it.
#[derive(Debug, Clone)]
pub struct NewClaims {
    /// Name of the file, for people.
    pub file_name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What must be in it.
    pub control: ControlTotals,
    /// Remark on the first file, which opens the claims.
    pub note: String,
}

/// Sum of one asset in a stored file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredTotal {
    /// Claims.
    pub count: u64,
    /// Minor units.
    pub quantity: String,
}

impl Book {
    /// Imports a claims file. The same file again is answered with the one that was recorded.
    ///
    /// # Errors
    /// What [`claims::parse`] refuses; `Forbidden` for a person who is no incident officer; `NotFound`, `WrongState`, `DuplicateClaim` for claims that the incident has already.
    pub fn import_claims(&self, call: &Call, code: &str, new: NewClaims) -> Result<Reply, StoreError> {
        check_note("/note", &new.note)?;
        check_free_text(&new.file_name, 200).map_err(|e| Rejection::invalid("/file_name", &new.file_name, e.to_string()))?;
        let refs = self.read(Refs::load)?;
        let mut resolve = |code: &crate::domain::asset::AssetCode| {
            refs.assets.values().find(|asset| asset.code == *code).map(|asset| (asset.id, asset.scale))
        };
        let set = Arc::new(claims::parse(new.bytes, &new.control, &mut resolve)?);
        let sha256 = hex::encode(set.sha256);
        let salt_key = random_bytes::<32>()?;
        let content =
            json!({"incident": code, "claims": {"sha256": &sha256, "file_name": &new.file_name, "control": &new.control}});
        let (code, file_name, note) = (code.to_owned(), new.file_name, new.note);
        let by = call.clone();
        self.command(call, &content, move |tx| {
            gate::require_giver(tx, &by, &[Role::IncidentOfficer])?;
            let mut case = Case::for_act(tx.conn, &code, Act::ImportClaims)?;
            let files = claim::files(tx.conn)?;
            if let Some(known) = files.iter().find(|file| file.incident_id == case.row.id && file.sha256 == sha256) {
                return Ok(Answer::ok(answer(&code, &case, known, &set, true)));
            }
            refuse_known(tx.conn, case.row.id, &set)?;
            let first_claim = claim::last_no(tx.conn, case.row.id)?.saturating_add(1);
            let header = ClaimsFileRow {
                id: files.last().map_or(1, |file| file.id.saturating_add(1)),
                incident_id: case.row.id,
                file_name: file_name.clone(),
                sha256: sha256.clone(),
                first_claim,
                row_count: i64::try_from(set.len()).unwrap_or(i64::MAX),
                totals: stored_totals(&set),
                rows_root: claim::rows_root(&set, &salt_key, first_claim).to_vec(),
                salt_key: salt_key.to_vec(),
                recorded_at: tx.stamp.at.as_microsecond(),
                leaf: 0,
            };
            if case.life.state == State::Recognised {
                let at = tx.stamp.at;
                case.step(tx, State::ClaimsOpen, at, &note)?;
            }
            let body = answer(&code, &case, &header, &set, false);
            tx.record(NewClaimsFile { header, claims: Arc::clone(&set) });
            Ok(Answer::created(body))
        })
    }
}

fn answer(code: &str, case: &Case, file: &ClaimsFileRow, set: &ClaimSet, known: bool) -> Value {
    let totals = set.totals.iter().map(|total| {
        let quantity = format_minor_trimmed(total.quantity.minor(), total.asset.scale);
        (total.asset.code.to_string(), json!({"claims": total.count, "quantity": quantity}))
    });
    json!({
        "incident": code,
        "state": case.life.state.slug(),
        "file": file.id,
        "sha256": file.sha256,
        "first_claim": file.first_claim,
        "last_claim": file.claims().end(),
        "claims": file.row_count,
        "totals": totals.collect::<Map<_, _>>(),
        "already_imported": known,
    })
}

fn stored_totals(set: &ClaimSet) -> String {
    let totals = set.totals.iter().map(|total| {
        (total.asset.id.0.to_string(), json!({"count": total.count, "quantity": total.quantity.minor().to_string()}))
    });
    canonical(&Value::Object(totals.collect()))
}

/// The sums of a stored file by asset.
pub fn totals_of(file: &ClaimsFileRow) -> Result<Vec<(AssetId, StoredTotal)>, StoreError> {
    let damaged = |what: String| StoreError::Damaged(format!("totals of claims file {}: {what}", file.id));
    let totals: std::collections::BTreeMap<String, StoredTotal> =
        serde_json::from_str(&file.totals).map_err(|e| damaged(e.to_string()))?;
    totals.into_iter().map(|(asset, total)| Ok((AssetId(asset.parse().map_err(|_| damaged(asset))?), total))).collect()
}

/// Refuses claims that the incident has from an earlier file.
fn refuse_known(conn: &mut Conn, incident: i32, set: &ClaimSet) -> Result<(), StoreError> {
    let mut found = Vec::new();
    let mut count = 0_u64;
    let last = claim::last_no(conn, incident)?;
    claim::stream(conn, incident, &(1..=last), |_, rows| {
        for row in rows {
            let by_claim = set.row_of_claim(&row.claim_ref).map(|at| (at, "claim_id", row.claim_ref.clone()));
            let by_claimant = || set.row_of_claimant(&row.claimant_ref, AssetId(row.asset_id));
            let hit = by_claim.or_else(|| by_claimant().map(|at| (at, "claimant_ref", row.claimant_ref.clone())));
            if let Some((at, column, value)) = hit {
                count = count.saturating_add(1);
                if found.len() < Rejection::MAX_PROBLEMS.saturating_sub(1) {
                    let detail = format!("is claim {} of the incident already; remove the row", row.no);
                    let pointer = format!("row {at}, column {column}");
                    found.extend(Rejection::new(OutcomeCode::DuplicateClaim, pointer, value, detail).problems);
                }
            }
        }
        Ok(())
    })?;
    if found.is_empty() {
        return Ok(());
    }
    if count > u64::try_from(found.len()).unwrap_or(u64::MAX) {
        let detail =
            format!("{count} claims are in the incident already; the first {} follow; nothing was recorded", found.len());
        found.splice(0..0, Rejection::new(OutcomeCode::DuplicateClaim, "file", "", detail).problems);
    }
    Err(Rejection { code: OutcomeCode::DuplicateClaim, problems: found }.into())
}
