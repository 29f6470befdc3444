//! Estimates, version by version. Before the loss is recognised a version is only recorded; afterwards a revision books what it
//! changes: claimants identified (E08a), IBNR released (E08b) or raised (as E07), the case raised or lowered (E08c).

use super::{Case, ESTIMATE, at_pointer, check_note, facts_of, has_begun, step_moment};
use crate::domain::account::no;
use crate::domain::amount::{Quantity, format_minor_trimmed};
use crate::domain::approval::Risk;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::incident::estimate::{AssetEstimate, Change, Estimates, amount};
use crate::domain::incident::life::{Act, State};
use crate::domain::outcome::Rejection;
use crate::domain::person::Role;
use crate::ledger::posting::case_revision::{CaseRevision, Revision};
use crate::ledger::posting::ibnr::IbnrChange;
use crate::ledger::posting::incident::{Estimate, Recognition};
use crate::ledger::posting::{Carrying, Context, Header, case_revision, ibnr, incident};
use crate::service::command::{Command, OfIncident};
use crate::service::desk::{self, Desk};
use crate::service::refs::Refs;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A new version of the estimate. Assets that it does not name stay as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEstimate {
    /// Business date.
    pub on: Date,
    /// What it rests on.
    #[serde(default)]
    pub note: String,
    /// The assets it is about, each once.
    pub assets: Vec<NewAssetEstimate>,
}

/// The new estimate in one asset, in whole units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAssetEstimate {
    /// Asset code.
    pub asset: String,
    /// Best estimate of what identified claimants are owed in all, paid or not; if left out, what it was and `identified`.
    #[serde(default)]
    pub case: Option<String>,
    /// The least it may be; the best estimate if left out.
    #[serde(default)]
    pub case_low: Option<String>,
    /// The most it may be; the best estimate if left out.
    #[serde(default)]
    pub case_high: Option<String>,
    /// Best estimate of what claimants not identified yet are owed; if left out, what it was without `identified`.
    #[serde(default)]
    pub ibnr: Option<String>,
    /// Units of the IBNR so far whose claimants are known now.
    #[serde(default)]
    pub identified: Option<String>,
}

/// A version of the estimate as stored: whole, with every asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstimateVersion {
    /// From 1.
    pub version: u32,
    /// When it was recorded.
    pub at: Timestamp,
    /// Who recorded it.
    pub by: String,
    /// What it rests on.
    pub note: String,
    /// By asset code, in whole units.
    pub assets: BTreeMap<String, StoredEstimate>,
    /// The entries that it was booked with.
    pub entries: Vec<i64>,
}

/// The estimate in one asset as stored, in whole units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredEstimate {
    /// Low case.
    pub low: String,
    /// Best case.
    pub case: String,
    /// High case.
    pub high: String,
    /// IBNR.
    pub ibnr: String,
    /// Units that this version moved from IBNR to the case.
    pub identified: String,
}

/// The versions of an incident's estimate with their business dates, oldest first.
pub fn history(conn: &mut Conn, code: &str) -> Result<Vec<(Date, EstimateVersion)>, StoreError> {
    facts_of(conn, ESTIMATE, code)
}

/// What the latest version says; `None` before the first.
pub fn latest(history: &[(Date, EstimateVersion)], refs: &Refs) -> Result<Option<Estimates>, StoreError> {
    history.last().map(|(_, version)| version.to_domain(refs)).transpose()
}

impl EstimateVersion {
    /// The amounts by asset.
    pub fn to_domain(&self, refs: &Refs) -> Result<Estimates, StoreError> {
        let damaged = |e: Rejection| StoreError::Damaged(format!("estimate version {}: {e}", self.version));
        let mut estimates = Estimates::new();
        for (code, stored) in &self.assets {
            let asset = refs.asset("/assets", code).map_err(damaged)?;
            let read = |text: &str| amount(text, asset.scale, "/assets").map_err(damaged);
            let estimate = AssetEstimate {
                low: read(&stored.low)?,
                best: read(&stored.case)?,
                high: read(&stored.high)?,
                ibnr: read(&stored.ibnr)?,
            };
            estimates.insert(asset.id, estimate);
        }
        Ok(estimates)
    }
}

impl Book {
    /// Records a version of the estimate, and books what it changes once the loss is recognised.
    ///
    /// # Errors
    /// `NotFound`, `WrongState`, `InvalidField`, `UnknownAsset`, `PriceMissing`, `PriceStale`, `InsufficientUnits` when a reserve
    /// would be lowered below what is approved.
    pub fn estimate_incident(&self, call: &Call, code: &str, new: NewEstimate) -> Result<Reply, StoreError> {
        self.give(call, OfIncident { incident: code.to_owned(), ask: new })
    }
}

impl Command for OfIncident<NewEstimate> {
    const KIND: &'static str = "incident.estimate";
    const TITLE: &'static str = "Estimate an incident";
    const GIVERS: &'static [Role] = &[Role::IncidentOfficer];

    fn risk(&self) -> Risk {
        Risk::ByAmount
    }

    fn check(&self) -> Result<(), Rejection> {
        check_note("/note", &self.ask.note)?;
        if self.ask.assets.is_empty() {
            return Err(Rejection::invalid("/assets", "", "names no asset; give at least one"));
        }
        Ok(())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (code, new) = (&self.incident, &self.ask);
        let mut case = Case::for_act(tx.conn, code, Act::Estimate)?;
        has_begun(tx, "/on", new.on)?;
        let desk = Desk::load(tx, new.on)?;
        let history = history(tx.conn, code)?;
        let before = latest(&history, &desk.refs)?.unwrap_or_default();
        let (after, changes) = revise(&desk.refs, &before, &new.assets)?;
        let mut entries = Vec::new();
        if case.life.recognised {
            for entry in book_changes(tx, &desk, &case, new, &changes)? {
                entries.push(case.post(tx, &desk.refs, entry)?);
            }
        } else if case.life.following().contains(&State::Assessed) {
            let at = step_moment(tx, new.on);
            case.step(tx, State::Assessed, at, &new.note)?;
        }
        let version = u32::try_from(history.len()).unwrap_or(u32::MAX).saturating_add(1);
        let stored = EstimateVersion {
            version,
            at: tx.stamp.at,
            by: tx.stamp.actor.clone(),
            note: new.note.clone(),
            assets: store(&desk.refs, &after, &changes),
            entries: entries.iter().filter_map(|entry| entry.get("entry")?.as_i64()).collect(),
        };
        tx.add_fact(ESTIMATE, code, new.on, &stored);
        Ok(Answer::created(json!({
            "incident": code, "state": case.life.state.slug(), "version": version, "assets": &stored.assets, "entries": entries,
        })))
    }
}

type Changes = BTreeMap<AssetId, Change>;

/// The whole estimate after a revision, and what it changes by asset.
fn revise(refs: &Refs, before: &Estimates, news: &[NewAssetEstimate]) -> Result<(Estimates, Changes), Rejection> {
    let (mut after, mut changes) = (before.clone(), Changes::new());
    for (at, new) in news.iter().enumerate() {
        let pointer = format!("/assets/{at}");
        let asset = refs.asset(&format!("{pointer}/asset"), &new.asset)?;
        let read = |text: &Option<String>, field: &str| {
            text.as_deref().map(|text| amount(text, asset.scale, &format!("{pointer}/{field}"))).transpose()
        };
        let old = before.get(&asset.id).copied().unwrap_or_default();
        let identified = read(&new.identified, "identified")?.unwrap_or_default();
        let too_large = || Rejection::invalid(&pointer, "", "is more than can be kept; check the units");
        let ibnr = match read(&new.ibnr, "ibnr")? {
            Some(ibnr) => ibnr,
            None => old.ibnr.checked_sub(identified).ok_or_else(too_large)?.max(Quantity::ZERO),
        };
        let best = match read(&new.case, "case")? {
            Some(best) => best,
            None => old.best.checked_add(identified).ok_or_else(too_large)?,
        };
        let low = read(&new.case_low, "case_low")?.unwrap_or(best);
        let high = read(&new.case_high, "case_high")?.unwrap_or(best);
        let estimate = AssetEstimate { low, best, high, ibnr }.check(&pointer)?;
        let change = Change::between(old, estimate, identified, &pointer)?;
        after.insert(asset.id, estimate);
        if changes.insert(asset.id, change).is_some() {
            return Err(Rejection::invalid(format!("{pointer}/asset"), &new.asset, "is named twice; give each asset once"));
        }
    }
    Ok((after, changes))
}

fn store(refs: &Refs, after: &Estimates, changes: &Changes) -> BTreeMap<String, StoredEstimate> {
    let stored = after.iter().map(|(asset, estimate)| {
        let text = |quantity: Quantity| format_minor_trimmed(quantity.minor(), refs.scale(*asset));
        let stored = StoredEstimate {
            low: text(estimate.low),
            case: text(estimate.best),
            high: text(estimate.high),
            ibnr: text(estimate.ibnr),
            identified: text(changes.get(asset).map(|change| change.identified).unwrap_or_default()),
        };
        (refs.code(*asset).to_owned(), stored)
    });
    stored.collect()
}

fn book_changes(
    tx: &mut Tx<'_>,
    desk: &Desk,
    case: &Case,
    new: &NewEstimate,
    changes: &Changes,
) -> Result<Vec<Balanced>, StoreError> {
    let mut stands = BTreeMap::new();
    for asset in changes.keys() {
        let case_reserve = desk::owed(tx, no::CASE_RESERVES, *asset, Some(case.id()))?;
        stands.insert(*asset, (case_reserve, desk::owed(tx, no::IBNR, *asset, Some(case.id()))?));
    }
    desk.run(tx, &[], &[], |ctx| {
        let mut entries = Vec::new();
        for (asset, change) in changes {
            let (case_reserve, ibnr) = stands.get(asset).copied().unwrap_or_default();
            let position = Position { case_reserve, ibnr, asset: *asset };
            book_change(ctx, desk, case, new, position, *change, &mut entries)?;
        }
        Ok(entries)
    })
}

/// What stands on 2110 and 2120 while the changes of one asset are booked one after the other.
#[derive(Clone, Copy)]
struct Position {
    asset: AssetId,
    case_reserve: Carrying,
    ibnr: Carrying,
}

fn book_change(
    ctx: &mut Context<'_>,
    desk: &Desk,
    case: &Case,
    new: &NewEstimate,
    mut position: Position,
    change: Change,
    entries: &mut Vec<Balanced>,
) -> Result<(), Rejection> {
    let (incident, asset, code) = (case.id(), position.asset, desk.refs.code(position.asset));
    let header = |what: &str| Header::new(new.on, format!("{}: {what}, {code}", case.row.code));
    let at = |field: &str| format!("/assets/{code}/{field}");
    if !change.identified.is_zero() {
        let input = IbnrChange { incident, asset, quantity: change.identified, ibnr: position.ibnr };
        let entry = ibnr::post_identified(ctx, header("claimants identified"), &input);
        entries.push(entry.map_err(|e| at_pointer(e, &at("identified")))?);
        let value = position.ibnr.take(change.identified).unwrap_or_default();
        position.case_reserve = add(position.case_reserve, change.identified, value)?;
    }
    if change.ibnr < Quantity::ZERO {
        let input = IbnrChange { incident, asset, quantity: change.ibnr.negated(), ibnr: position.ibnr };
        let entry = ibnr::post_released(ctx, header("IBNR released"), &input);
        entries.push(entry.map_err(|e| at_pointer(e, &at("ibnr")))?);
    } else if !change.ibnr.is_zero() {
        let estimates = vec![Estimate { asset, case: Quantity::ZERO, ibnr: change.ibnr }];
        let input = Recognition { incident, estimates, handling: Quantity::ZERO };
        entries.push(incident::post(ctx, header("IBNR raised"), &input)?);
    }
    if !change.case.is_zero() {
        let (what, quantity, revision) = match change.case < Quantity::ZERO {
            true => ("case reserve lowered", change.case.negated(), Revision::Lower(position.case_reserve)),
            false => ("case reserve raised", change.case, Revision::Raise),
        };
        let input = CaseRevision { incident, asset, quantity, revision };
        entries.push(case_revision::post(ctx, header(what), &input).map_err(|e| at_pointer(e, &at("case")))?);
    }
    Ok(())
}

fn add(to: Carrying, quantity: Quantity, value: crate::domain::amount::Value) -> Result<Carrying, Rejection> {
    let sum = to.quantity.checked_add(quantity).zip(to.value.checked_add(value));
    sum.map(|(quantity, value)| Carrying { quantity, value })
        .ok_or_else(|| Rejection::invalid("/assets", "", "is more than can be kept; check the units"))
}
