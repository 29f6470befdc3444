//! What pages, API and command line show of incidents: typed figures, read in one state of the book. Nothing here reads every
//! claim, so a summary costs the same with a million of them.

use super::claims::totals_of;
use super::declare::Statement;
use super::estimates::EstimateVersion;
use super::recoveries::{BookedRecovery, RecoveryMemo, memos_in_force};
use super::{Case, ESTIMATE, RECOVERY, RECOVERY_MEMO, STATEMENT, Step, approvals, facts_at, life_of, steps_at};
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::event::Event;
use crate::domain::ids::{EntryNo, IncidentId, WalletId};
use crate::domain::incident::kind::IncidentKind;
use crate::domain::incident::life::{Life, State};
use crate::domain::incident::ranges::ClaimRanges;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::at::At;
use crate::store::claim::{self, ClaimRow, ClaimsFileRow};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::incident::{self, IncidentRow};
use crate::store::journal;
use crate::store::payout::{self, PayoutBatchRow, TransactionRow};
use crate::store::projection::{self, Amounts, BalanceRow};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// Accounts that make up the gross loss of an incident.
pub const LOSS: [AccountNo; 5] =
    [no::INCURRED_CASE, no::INCURRED_IBNR, no::DEVELOPMENT, no::REMEASUREMENT, no::ELECTION_DIFFERENCE];

/// What an incident cost so far, in functional value. Recoveries are always shown apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loss {
    /// Compensation incurred with its development and remeasurement (5100 to 5140).
    pub gross: Value,
    /// Recoveries recognised against it (5150), above zero.
    pub recovered: Value,
    /// Gross less recovered.
    pub net: Value,
    /// Recoveries above the loss (4400), above zero.
    pub above_loss: Value,
    /// Cost of handling the claims (5300).
    pub handling: Value,
}

/// What is owed for an incident on one account in one asset, above zero while something is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserve {
    /// 2110 to 2170.
    pub account: AccountNo,
    /// The asset.
    pub asset: AssetId,
    /// Units and value.
    pub amounts: Amounts,
}

/// One line of the list of incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Number.
    pub id: IncidentId,
    /// Code.
    pub code: String,
    /// Kind; `Other` for a slug of a later version.
    pub kind: IncidentKind,
    /// One line for people.
    pub title: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Where it stands.
    pub life: Life,
    /// When that step was taken.
    pub since: Timestamp,
    /// What is owed.
    pub reserves: Vec<Reserve>,
    /// What it cost.
    pub loss: Loss,
}

impl Summary {
    /// What is owed for the incident, in functional value.
    ///
    /// # Errors
    /// `Damaged` when the sum does not fit.
    pub fn owed(&self) -> Result<Value, StoreError> {
        sum(self.reserves.iter().map(|reserve| reserve.amounts.value))
    }
}

/// A sum of values over incidents.
///
/// # Errors
/// `Damaged` when the sum does not fit.
pub fn sum(values: impl IntoIterator<Item = Value>) -> Result<Value, StoreError> {
    Value::checked_sum(values).ok_or_else(|| StoreError::Damaged("a sum over incidents does not fit".to_owned()))
}

/// Claims of an incident in one asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimsOfAsset {
    /// The asset.
    pub asset: AssetId,
    /// Claims imported.
    pub count: u64,
    /// Units claimed.
    pub claimed: Quantity,
    /// Units approved.
    pub approved: Quantity,
    /// Claims paid.
    pub paid_count: u64,
    /// Units paid.
    pub paid: Quantity,
}

/// The claims of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClaimsSummary {
    /// Claims imported.
    pub count: i64,
    /// Claims approved.
    pub approved_count: i64,
    /// Claims paid.
    pub paid_count: i64,
    /// By asset.
    pub assets: Vec<ClaimsOfAsset>,
    /// The files they came in.
    pub files: Vec<ClaimsFileRow>,
    /// Which are approved.
    pub approved: ClaimRanges,
}

/// A payout batch with its first transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Number.
    pub id: i64,
    /// Wallet that paid.
    pub wallet: WalletId,
    /// Asset.
    pub asset: AssetId,
    /// How many claims.
    pub claims: i64,
    /// Units paid, without the fee.
    pub quantity: Quantity,
    /// Units the network took.
    pub network_fee: Quantity,
    /// Business date.
    pub paid_on: Date,
    /// The entry of the payout.
    pub entry: EntryNo,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Transactions, at most [`TRANSACTIONS_SHOWN`]; [`transactions`] pages through all.
    pub transactions: Vec<TransactionRow>,
}

/// How many transactions a batch shows by itself.
pub const TRANSACTIONS_SHOWN: i64 = 20;

/// Everything about one incident but its single claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentView {
    /// The line of the list.
    pub summary: Summary,
    /// Its life, step by step.
    pub steps: Vec<Step>,
    /// Versions of the estimate with their business dates, oldest first.
    pub estimates: Vec<(Date, EstimateVersion)>,
    /// Public statements.
    pub statements: Vec<Statement>,
    /// Traced or frozen funds by channel and asset, with business dates.
    pub memos: Vec<(Date, RecoveryMemo)>,
    /// Recoveries that were booked, with business dates.
    pub recoveries: Vec<(Date, BookedRecovery)>,
    /// Claims.
    pub claims: ClaimsSummary,
    /// Payout batches.
    pub batches: Vec<Batch>,
}

/// Where a claim stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimState {
    /// Imported, not approved.
    Open,
    /// Approved, not paid.
    Approved,
    /// Paid by this batch and transaction.
    Paid {
        /// Batch.
        batch: i64,
        /// Transaction id on the network.
        txid: String,
    },
}

impl ClaimState {
    /// `open`, `approved` or `paid`.
    pub const fn slug(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Paid { .. } => "paid",
        }
    }
}

/// One claim with its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimView {
    /// The claim as imported.
    pub claim: ClaimRow,
    /// Where it stands.
    pub state: ClaimState,
}

/// The incidents that there were, by number, newest last.
pub fn list(conn: &mut Conn, at: &At) -> Result<Vec<Summary>, StoreError> {
    let balances = incident_balances(conn, at)?;
    let mut summaries = Vec::new();
    for row in incident::all(conn)? {
        let steps = steps_at(conn, &row.code, at)?;
        if !steps.is_empty() {
            summaries.push(summary(&row, &steps, &balances)?);
        }
    }
    Ok(summaries)
}

/// One incident.
///
/// # Errors
/// `NotFound`, also for one that there was not yet.
pub fn incident(conn: &mut Conn, code: &str, at: &At) -> Result<IncidentView, StoreError> {
    let row = Case::load(conn, code)?.row;
    let steps = steps_at(conn, code, at)?;
    if steps.is_empty() {
        let detail = "was not known yet on this basis; take a later as-of day, or a later known-at";
        return Err(Rejection::new(OutcomeCode::NotFound, "/incident", code, detail).into());
    }
    let summary = summary(&row, &steps, &incident_balances(conn, at)?)?;
    let statements = facts_at::<Statement>(conn, STATEMENT, code, at)?.into_iter().map(|(_, statement)| statement).collect();
    Ok(IncidentView {
        summary,
        estimates: facts_at(conn, ESTIMATE, code, at)?,
        statements,
        memos: memos_in_force(facts_at(conn, RECOVERY_MEMO, code, at)?).into_values().collect(),
        recoveries: facts_at(conn, RECOVERY, code, at)?,
        claims: claims_of(conn, row.id, at)?,
        batches: batches_of(conn, row.id, at)?,
        steps,
    })
}

/// What stands for an incident on an account in an asset.
struct Stands {
    incident: i32,
    account: AccountNo,
    asset: AssetId,
    amounts: Amounts,
}

/// What stands on the accounts that incidents use: the running balances, or, on an earlier basis, the sums of the postings.
fn incident_balances(conn: &mut Conn, at: &At) -> Result<Vec<Stands>, StoreError> {
    let mut accounts = Vec::from(LOSS);
    accounts.extend([no::LOSS_RECOVERIES, no::RECOVERIES_ABOVE_LOSS, no::CLAIMS_HANDLING_EXPENSE]);
    accounts.extend(no::OBLIGATIONS);
    if at.is_now() {
        let rows = projection::balances_of_accounts(conn, &accounts)?;
        let stands = |row: &BalanceRow| Stands {
            incident: row.incident_id,
            account: row.account(),
            asset: row.asset(),
            amounts: row.amounts(),
        };
        return Ok(rows.iter().map(stands).collect());
    }
    let mut sums: BTreeMap<(i32, i32, i32), Amounts> = BTreeMap::new();
    for (account, asset, incident, quantity, value) in
        incident::moved_until(conn, &accounts, &at.last_day(), at.known.last_entry)?
    {
        sums.entry((incident, account, asset)).or_default().add(quantity.quantity(), value.value())?;
    }
    let stands =
        |((incident, account, asset), amounts)| Stands { incident, account: AccountNo(account), asset: AssetId(asset), amounts };
    Ok(sums.into_iter().map(stands).collect())
}

fn summary(row: &IncidentRow, steps: &[Step], balances: &[Stands]) -> Result<Summary, StoreError> {
    let own: Vec<&Stands> = balances.iter().filter(|balance| balance.incident == row.id).collect();
    let obligations = own.iter().filter(|balance| no::OBLIGATIONS.contains(&balance.account));
    let reserves = obligations
        .map(|balance| {
            let Amounts { quantity, value } = balance.amounts;
            let amounts = Amounts { quantity: quantity.negated(), value: value.negated() };
            Reserve { account: balance.account, asset: balance.asset, amounts }
        })
        .filter(|reserve| reserve.amounts != Amounts::default());
    Ok(Summary {
        id: IncidentId(row.id),
        code: row.code.clone(),
        kind: IncidentKind::from_slug(&row.kind).unwrap_or(IncidentKind::Other),
        title: row.title.clone(),
        occurred_at: instant(row.occurred_at)?,
        life: life_of(steps)?,
        since: steps.last().map_or(instant(row.occurred_at)?, |step| step.at),
        reserves: reserves.collect(),
        loss: loss(&own)?,
    })
}

fn loss(own: &[&Stands]) -> Result<Loss, StoreError> {
    let too_large = || StoreError::Damaged("the loss of an incident does not fit".to_owned());
    let sum = |accounts: &[AccountNo]| {
        let of = own.iter().filter(|balance| accounts.contains(&balance.account));
        Value::checked_sum(of.map(|balance| balance.amounts.value)).ok_or_else(too_large)
    };
    let gross = sum(&LOSS)?;
    let recovered = sum(&[no::LOSS_RECOVERIES])?.negated();
    Ok(Loss {
        gross,
        recovered,
        net: gross.checked_sub(recovered).ok_or_else(too_large)?,
        above_loss: sum(&[no::RECOVERIES_ABOVE_LOSS])?.negated(),
        handling: sum(&[no::CLAIMS_HANDLING_EXPENSE])?,
    })
}

fn instant(microseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(microseconds).map_err(|e| StoreError::Damaged(format!("a moment: {e}")))
}

fn claims_of(conn: &mut Conn, incident: i32, at: &At) -> Result<ClaimsSummary, StoreError> {
    let files = files_of(conn, incident, at)?;
    let batches = batch_rows(conn, incident, at)?;
    let mut assets: BTreeMap<AssetId, ClaimsOfAsset> = BTreeMap::new();
    let too_large = || StoreError::Damaged("the sum of claims does not fit".to_owned());
    let empty = |asset| ClaimsOfAsset {
        asset,
        count: 0,
        claimed: Quantity::ZERO,
        approved: Quantity::ZERO,
        paid_count: 0,
        paid: Quantity::ZERO,
    };
    for file in &files {
        for (asset, total) in totals_of(file)? {
            let of = assets.entry(asset).or_insert_with(|| empty(asset));
            of.count = of.count.saturating_add(total.count);
            let units = total.quantity.parse().map_err(|_| too_large())?;
            of.claimed = of.claimed.checked_add(Quantity(units)).ok_or_else(too_large)?;
        }
    }
    let approving = (incident, no::CLAIMS_PAYABLE, Event::ClaimsApproved);
    let approved_units = incident::moved_by(conn, approving, &at.last_day(), at.known.last_entry)?;
    // The credit side of 2130 is what was approved; what was paid or moved elsewhere is on the debit side of other events.
    for (asset, units) in approved_units {
        let of = assets.entry(AssetId(asset)).or_insert_with(|| empty(AssetId(asset)));
        of.approved = of.approved.checked_sub(units.quantity()).ok_or_else(too_large)?;
    }
    for batch in &batches {
        let of = assets.entry(AssetId(batch.asset_id)).or_insert_with(|| empty(AssetId(batch.asset_id)));
        of.paid_count = of.paid_count.saturating_add(u64::try_from(batch.claim_count).unwrap_or_default());
        of.paid = of.paid.checked_add(batch.quantity.quantity()).ok_or_else(too_large)?;
    }
    let approved = approved_at(conn, incident, at)?;
    Ok(ClaimsSummary {
        count: last_claim(&files),
        approved_count: approved.count(),
        paid_count: batches.iter().fold(0, |sum, batch| sum.saturating_add(batch.claim_count)),
        assets: assets.into_values().collect(),
        files,
        approved,
    })
}

/// The files of claims that had come.
fn files_of(conn: &mut Conn, incident: i32, at: &At) -> Result<Vec<ClaimsFileRow>, StoreError> {
    let mut files = claim::files_of(conn, incident)?;
    files.retain(|file| at.takes_moment(file.leaf, file.recorded_at));
    Ok(files)
}

/// The claims that were approved: an approval has the business date of its entry.
fn approved_at(conn: &mut Conn, incident: i32, at: &At) -> Result<ClaimRanges, StoreError> {
    if at.is_now() {
        return approvals::approved_ranges(conn, incident);
    }
    let mut days: BTreeMap<i64, String> = BTreeMap::new();
    let mut ranges = Vec::new();
    for row in claim::approvals_of(conn, incident)? {
        let no = row.entry_no;
        if let std::collections::btree_map::Entry::Vacant(slot) = days.entry(no) {
            let header = journal::headers_between(conn, no, no)?.pop();
            slot.insert(header.map(|header| header.effective_on).unwrap_or_default());
        }
        if days.get(&no).is_some_and(|day| at.takes(row.leaf, day)) {
            ranges.push(row.first_claim..=row.last_claim);
        }
    }
    ClaimRanges::new(ranges).map_err(|e| StoreError::Damaged(format!("approvals of incident {incident}: {e}")))
}

fn batch_rows(conn: &mut Conn, incident: i32, at: &At) -> Result<Vec<PayoutBatchRow>, StoreError> {
    let mut batches = payout::batches_of(conn, incident)?;
    batches.retain(|batch| at.takes(batch.leaf, &batch.paid_on));
    Ok(batches)
}

fn batches_of(conn: &mut Conn, incident: i32, at: &At) -> Result<Vec<Batch>, StoreError> {
    batch_rows(conn, incident, at)?.iter().map(|row| to_batch(conn, row)).collect()
}

fn to_batch(conn: &mut Conn, row: &PayoutBatchRow) -> Result<Batch, StoreError> {
    let transactions = payout::transactions(conn, row.id, 0, TRANSACTIONS_SHOWN)?;
    Ok(Batch {
        id: row.id,
        wallet: WalletId(row.wallet_id),
        asset: AssetId(row.asset_id),
        claims: row.claim_count,
        quantity: row.quantity.quantity(),
        network_fee: row.network_fee.quantity(),
        paid_on: row.paid_on.parse().map_err(|_| StoreError::Damaged(format!("payout batch {}: date", row.id)))?,
        entry: EntryNo(row.entry_no),
        recorded_at: instant(row.recorded_at)?,
        transactions,
    })
}

/// The payout batches of an incident.
///
/// # Errors
/// `NotFound`.
pub fn batches(conn: &mut Conn, code: &str, at: &At) -> Result<Vec<Batch>, StoreError> {
    let id = Case::load(conn, code)?.row.id;
    batches_of(conn, id, at)
}

/// One payout batch, with the code of its incident.
///
/// # Errors
/// `NotFound`.
pub fn batch(conn: &mut Conn, id: i64) -> Result<(String, Batch), StoreError> {
    let missing = || Rejection::new(OutcomeCode::NotFound, "/batch", id, "there is no payout batch of this number");
    let row = payout::batch(conn, id)?.ok_or_else(missing)?;
    let incident = incident::all(conn)?.into_iter().find(|incident| incident.id == row.incident_id);
    Ok((incident.map(|incident| incident.code).ok_or_else(missing)?, to_batch(conn, &row)?))
}

/// The transactions of a batch after a number, in order.
pub fn transactions(conn: &mut Conn, batch: i64, after: i64, limit: i64) -> Result<Vec<TransactionRow>, StoreError> {
    payout::transactions(conn, batch, after, limit)
}

/// A page of claims after a claim number (0 for the first page), with their states.
///
/// # Errors
/// `NotFound`.
pub fn claims(conn: &mut Conn, code: &str, after: i64, limit: i64, at: &At) -> Result<Vec<ClaimView>, StoreError> {
    let incident = Case::load(conn, code)?.row.id;
    let last = last_claim(&files_of(conn, incident, at)?);
    let rows = claim::page(conn, incident, &(after.saturating_add(1)..=last), limit)?;
    with_states(conn, incident, rows, at)
}

/// One claim by the sender's id or by its number.
///
/// # Errors
/// `NotFound`.
pub fn claim(conn: &mut Conn, code: &str, wanted: &str, at: &At) -> Result<ClaimView, StoreError> {
    let incident = Case::load(conn, code)?.row.id;
    let mut found: Vec<ClaimRow> = claim::find(conn, incident, wanted)?.into_iter().collect();
    if let (true, Ok(number)) = (found.is_empty(), wanted.parse::<i64>()) {
        found = claim::page(conn, incident, &(number..=number), 1)?;
    }
    let last = last_claim(&files_of(conn, incident, at)?);
    found.retain(|claim| claim.no <= last);
    let missing = || Rejection::new(OutcomeCode::NotFound, "/claim", wanted, "there is no claim of this id or number");
    Ok(with_states(conn, incident, found, at)?.pop().ok_or_else(missing)?)
}

/// The number of the last claim of these files, which stand in the order in which they came.
fn last_claim(files: &[ClaimsFileRow]) -> i64 {
    files.last().map_or(0, |file| *file.claims().end())
}

fn with_states(conn: &mut Conn, incident: i32, rows: Vec<ClaimRow>, at: &At) -> Result<Vec<ClaimView>, StoreError> {
    let (Some(first), Some(last)) = (rows.first().map(|row| row.no), rows.last().map(|row| row.no)) else {
        return Ok(Vec::new());
    };
    let approved = approved_at(conn, incident, at)?;
    let mut paid = payout::paid(conn, incident, &(first..=last))?;
    if !at.is_now() {
        let batches: BTreeSet<i64> = batch_rows(conn, incident, at)?.iter().map(|batch| batch.id).collect();
        paid.retain(|row| batches.contains(&row.batch_id));
    }
    let mut txids: BTreeMap<(i64, i64), String> = BTreeMap::new();
    let mut views = Vec::with_capacity(rows.len());
    for claim in rows {
        let payout = paid.binary_search_by_key(&claim.no, |row| row.claim_no).ok().and_then(|at| paid.get(at));
        let state = match payout {
            Some(row) => {
                let key = (row.batch_id, row.transaction_no);
                let txid = match txids.get(&key) {
                    Some(txid) => txid.clone(),
                    None => payout::transaction(conn, key.0, key.1)?.map(|row| row.txid).unwrap_or_default(),
                };
                txids.insert(key, txid.clone());
                ClaimState::Paid { batch: row.batch_id, txid }
            }
            None if approved.contains(claim.no) => ClaimState::Approved,
            None => ClaimState::Open,
        };
        views.push(ClaimView { claim, state });
    }
    Ok(views)
}

/// The states of a straight life in order, for the bar that shows how far an incident has come.
pub const STRAIGHT_LIFE: [State; 7] =
    [State::Suspected, State::Declared, State::Assessed, State::Recognised, State::ClaimsOpen, State::Paying, State::Closed];
