//! Approving claims (E10): what the case reserve holds for them becomes payable, one entry per asset.

use super::{Case, check_note, has_begun};
use crate::domain::account::no;
use crate::domain::amount::{Quantity, format_minor_trimmed};
use crate::domain::approval::Risk;
use crate::domain::asset::AssetId;
use crate::domain::incident::life::Act;
use crate::domain::incident::ranges::ClaimRanges;
use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::domain::person::Role;
use crate::ledger::posting::approval::{self, Approval};
use crate::ledger::posting::{Carrying, Header};
use crate::service::command::{Command, OfIncident};
use crate::service::desk::{self, Desk};
use crate::service::{Answer, Book, Call, Reply};
use crate::store::claim::{self, ClaimApprovalRow};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A batch of claims to approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApproval {
    /// Business date.
    pub on: Date,
    /// Claim numbers, for example `1-200,301`; all that are not approved if left out.
    #[serde(default)]
    pub claims: Option<String>,
    /// Remark.
    #[serde(default)]
    pub note: String,
}

impl NewApproval {
    fn wanted(&self) -> Result<Option<ClaimRanges>, Rejection> {
        self.claims.as_deref().map(ClaimRanges::parse).transpose()
    }
}

/// The approved claims of an incident.
pub(super) fn approved_ranges(conn: &mut Conn, incident: i32) -> Result<ClaimRanges, StoreError> {
    let rows = claim::approvals_of(conn, incident)?;
    let ranges = rows.iter().map(|row| row.first_claim..=row.last_claim).collect();
    ClaimRanges::new(ranges).map_err(|e| StoreError::Damaged(format!("approvals of incident {incident}: {e}")))
}

impl Book {
    /// Approves claims.
    ///
    /// # Errors
    /// `NotFound` for numbers that no claim has, `WrongState` (also for claims that are approved), `InvalidField`,
    /// `InsufficientUnits` when the case reserve does not cover them.
    pub fn approve_claims(&self, call: &Call, code: &str, new: NewApproval) -> Result<Reply, StoreError> {
        self.give(call, OfIncident { incident: code.to_owned(), ask: new })
    }
}

impl Command for OfIncident<NewApproval> {
    const KIND: &'static str = "claims.approve";
    const TITLE: &'static str = "Approve claims";
    const GIVERS: &'static [Role] = &[Role::IncidentOfficer];

    fn risk(&self) -> Risk {
        Risk::ByAmount
    }

    fn check(&self) -> Result<(), Rejection> {
        check_note("/note", &self.ask.note)?;
        self.ask.wanted().map(|_| ())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (code, new) = (&self.incident, &self.ask);
        let wanted = new.wanted()?;
        let case = Case::for_act(tx.conn, code, Act::ApproveClaims)?;
        has_begun(tx, "/on", new.on)?;
        let ranges = choose(tx, &case, wanted.as_ref())?;
        let desk = Desk::load(tx, new.on)?;
        let sums = sums(tx.conn, case.row.id, &ranges)?;
        let positions = positions(tx, &desk, &case, &sums)?;
        let entries = desk.run(tx, &[], &[], |ctx| {
            let post = |(asset, quantity, case_reserve): &(AssetId, Quantity, Carrying)| {
                let memo = format!("{code}: claims {ranges} approved, {}", desk.refs.code(*asset));
                let input = Approval { incident: case.id(), asset: *asset, quantity: *quantity, case_reserve: *case_reserve };
                approval::post(ctx, Header::new(new.on, memo), &input)
            };
            positions.iter().map(post).collect::<Result<Vec<_>, _>>()
        })?;
        let first_entry = tx.head.last_entry.saturating_add(1);
        let shown = entries.into_iter().map(|entry| case.post(tx, &desk.refs, entry)).collect::<Result<Vec<_>, _>>()?;
        for range in ranges.iter() {
            tx.record(ClaimApprovalRow {
                incident_id: case.row.id,
                first_claim: *range.start(),
                last_claim: *range.end(),
                entry_no: first_entry,
                recorded_at: tx.stamp.at.as_microsecond(),
                leaf: 0,
            });
        }
        let totals = sums.iter().map(|(asset, quantity)| {
            let text = format_minor_trimmed(quantity.minor(), desk.refs.scale(*asset));
            (desk.refs.code(*asset).to_owned(), json!(text))
        });
        Ok(Answer::created(json!({
            "incident": code,
            "state": case.life.state.slug(),
            "approved": ranges.to_string(),
            "claims": ranges.count(),
            "totals": totals.collect::<Map<_, _>>(),
            "entries": shown,
        })))
    }
}

/// The claims to approve: those wanted, if they are there and not approved; else all that are left.
fn choose(tx: &mut Tx<'_>, case: &Case, wanted: Option<&ClaimRanges>) -> Result<ClaimRanges, StoreError> {
    let (last, approved) = (claim::last_no(tx.conn, case.row.id)?, approved_ranges(tx.conn, case.row.id)?);
    let Some(wanted) = wanted else {
        let left = approved.missing_until(last);
        if left.is_empty() {
            let detail = "every claim is approved already; import more claims first";
            return Err(Rejection::new(OutcomeCode::WrongState, "/claims", "", detail).into());
        }
        return Ok(left);
    };
    if wanted.last().is_some_and(|wanted| wanted > last) {
        let detail = format!("goes past the last claim, {last}");
        return Err(Rejection::new(OutcomeCode::NotFound, "/claims", wanted, detail).into());
    }
    let again = wanted.common(&approved);
    if !again.is_empty() {
        let detail = "these are approved already; leave them out";
        return Err(Rejection::new(OutcomeCode::WrongState, "/claims", again, detail).into());
    }
    Ok(wanted.clone())
}

fn sums(conn: &mut Conn, incident: i32, ranges: &ClaimRanges) -> Result<BTreeMap<AssetId, Quantity>, StoreError> {
    let mut sums: BTreeMap<AssetId, Quantity> = BTreeMap::new();
    for range in ranges.iter() {
        for (asset, quantity) in claim::quantities(conn, incident, range)? {
            let sum = sums.entry(AssetId(asset)).or_default();
            let next = sum.checked_add(quantity.quantity());
            *sum = next.ok_or_else(|| StoreError::Damaged("the sum of claims does not fit".to_owned()))?;
        }
    }
    Ok(sums)
}

/// The case reserve of every asset, which must cover what is approved.
fn positions(
    tx: &mut Tx<'_>,
    desk: &Desk,
    case: &Case,
    sums: &BTreeMap<AssetId, Quantity>,
) -> Result<Vec<(AssetId, Quantity, Carrying)>, StoreError> {
    let (mut positions, mut problems) = (Vec::new(), Vec::new());
    for (asset, quantity) in sums {
        let reserve = desk::owed(tx, no::CASE_RESERVES, *asset, Some(case.id()))?;
        if reserve.quantity < *quantity {
            problems.push(Problem {
                pointer: format!("/claims/{}", desk.refs.code(*asset)),
                detail: format!(
                    "is more than the case reserve, {}; revise the estimate first",
                    desk.assets.text(*asset, reserve.quantity)
                ),
                value: desk.assets.text(*asset, *quantity),
            });
        }
        positions.push((*asset, *quantity, reserve));
    }
    if problems.is_empty() {
        return Ok(positions);
    }
    Err(Rejection { code: OutcomeCode::InsufficientUnits, problems }.into())
}
