//! Paying approved claims in kind: 2130 brought to the day's price (E09), the payout (E11), the network's fee (E13), and every paid
//! claim beside its transaction. A claim is paid once; the database's key says so too.

use super::{Case, at_pointer, check_note, has_begun, step_moment};
use crate::domain::account::no;
use crate::domain::amount::{Quantity, format_minor_trimmed};
use crate::domain::approval::Risk;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::incident::estimate::amount;
use crate::domain::incident::life::{Act, State};
use crate::domain::incident::ranges::{ClaimRange, ClaimRanges};
use crate::domain::incident::transactions::Transactions;
use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::domain::person::Role;
use crate::ledger::posting::payout::{self as rule, Payout};
use crate::ledger::posting::remeasurement::Obligation;
use crate::ledger::posting::transfer::NetworkFee;
use crate::ledger::posting::{Header, Place};
use crate::proof::merkle::sha256;
use crate::service::approvals::{gate, terms};
use crate::service::command::{Command, OfIncident};
use crate::service::desk::{self, Desk};
use crate::service::valuation::remeasure_in;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::claim::{self, ClaimRow};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::payout::{self, NewPayoutBatch, PayoutBatchRow};
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// A batch of approved claims to pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayout {
    /// Business date on which it was paid.
    pub on: Date,
    /// Asset code; claims in other assets are left alone.
    pub asset: String,
    /// Code of the wallet that paid.
    pub wallet: String,
    /// Claim numbers, for example `1-200,301`. If left out: the claims of the file of transactions, or all that are approved and not
    /// paid.
    #[serde(default)]
    pub claims: Option<String>,
    /// What the network took in all, in the same asset.
    #[serde(default)]
    pub network_fee: Option<String>,
    /// Remark.
    #[serde(default)]
    pub note: String,
}

/// How the paid claims are found on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaidBy {
    /// One transaction paid all.
    One(String),
    /// A file `claim_id,txid`.
    File(Vec<u8>),
}

impl Book {
    /// Records a payout batch and books it.
    ///
    /// # Errors
    /// `NotFound`, `WrongState` (also for claims that are not approved), `AlreadyPaid` naming the claims, `InvalidField`,
    /// `UnknownAsset`, `UnknownWallet`, `PriceMissing`, `PriceStale`, `InsufficientUnits`, and what the file of transactions has
    /// wrong by row and column.
    pub fn pay_claims(&self, call: &Call, code: &str, new: NewPayout, by: PaidBy) -> Result<Reply, StoreError> {
        match by {
            PaidBy::One(txid) => self.give(call, OfIncident { incident: code.to_owned(), ask: PayClaims { pay: new, txid } }),
            PaidBy::File(bytes) => {
                new.check()?;
                let transactions = Transactions::parse(&bytes)?;
                let content = json!({"incident": code, "pay": &new, "transactions": {"sha256": hex::encode(sha256(&bytes))}});
                let (code, by) = (code.to_owned(), call.clone());
                self.command(call, &content, move |tx| {
                    gate::require_giver(tx, &by, OfIncident::<PayClaims>::GIVERS)?;
                    require_one_hand(tx)?;
                    pay(tx, &code, &new, &transactions)
                })
            }
        }
    }
}

/// A payout batch that is paid by one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayClaims {
    /// The batch.
    pub pay: NewPayout,
    /// The transaction.
    pub txid: String,
}

impl NewPayout {
    fn check(&self) -> Result<(), Rejection> {
        check_note("/note", &self.note)?;
        self.wanted().map(|_| ())
    }

    fn wanted(&self) -> Result<Option<ClaimRanges>, Rejection> {
        self.claims.as_deref().map(ClaimRanges::parse).transpose()
    }
}

impl Command for OfIncident<PayClaims> {
    const KIND: &'static str = "claims.pay";
    const TITLE: &'static str = "Pay approved claims";
    const GIVERS: &'static [Role] = &[Role::Treasurer];

    fn risk(&self) -> Risk {
        Risk::Committee
    }

    fn check(&self) -> Result<(), Rejection> {
        self.ask.pay.check()?;
        Transactions::one(&self.ask.txid).map(|_| ())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        pay(tx, &self.incident, &self.ask.pay, &Transactions::one(&self.ask.txid)?)
    }
}

// A file is not kept with a proposal, so what is approved would not be what is paid.
fn require_one_hand(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    if terms::in_force(tx.conn)?.is_none() {
        return Ok(());
    }
    let detail = "a payout by a file of transactions cannot wait for approval; give batches with one transaction each";
    Err(Rejection::new(OutcomeCode::ApprovalNeeded, "", "claims.pay", detail).into())
}

/// Decides a payout batch.
fn pay(tx: &mut Tx<'_>, code: &str, new: &NewPayout, transactions: &Transactions) -> Result<Answer, StoreError> {
    let wanted = new.wanted()?;
    let mut case = Case::for_act(tx.conn, code, Act::Pay)?;
    has_begun(tx, "/on", new.on)?;
    let desk = Desk::load(tx, new.on)?;
    let asset = desk.refs.asset("/asset", &new.asset)?.id;
    let place = desk.place("/wallet", &new.wallet)?;
    let text = new.network_fee.as_deref().unwrap_or("0");
    let network_fee = amount(text, desk.refs.scale(asset), "/network_fee")?;
    let selected = select(tx.conn, &case, asset, wanted.as_ref(), transactions)?;
    let batch = payout::last_batch(tx.conn)?.saturating_add(1);
    let plan = Plan { asset, place, network_fee, quantity: selected.quantity, batch, claims: selected.paid.len() };
    let entries = plan.entries(tx, &desk, &case, new.on)?;
    let (mut shown, mut entry_no) = (Vec::new(), 0);
    for entry in entries {
        let (event, describe) = (entry.draft().event, entry.clone());
        let no = tx.post_entry(entry, format!("payout:{batch}"))?;
        if event == Event::PaidInKind {
            entry_no = no.0;
        }
        shown.push(desk::describe(&desk.refs, no, &describe));
    }
    if case.life.state != State::Paying {
        let at = step_moment(tx, new.on);
        case.step(tx, State::Paying, at, &new.note)?;
    }
    let header = PayoutBatchRow {
        id: batch,
        incident_id: case.row.id,
        wallet_id: place.wallet.0,
        asset_id: asset.0,
        claim_count: i64::try_from(selected.paid.len()).unwrap_or(i64::MAX),
        quantity: selected.quantity.into(),
        network_fee: network_fee.into(),
        rows_root: Vec::new(),
        paid_on: new.on.to_string(),
        entry_no,
        recorded_at: tx.stamp.at.as_microsecond(),
        leaf: 0,
    };
    let claims = header.claim_count;
    tx.record(NewPayoutBatch::new(header, transactions.txids(), selected.paid));
    let text = |quantity: Quantity| format_minor_trimmed(quantity.minor(), desk.refs.scale(asset));
    Ok(Answer::created(json!({
        "incident": code,
        "state": case.life.state.slug(),
        "batch": batch,
        "asset": new.asset,
        "claims": claims,
        "quantity": text(selected.quantity),
        "network_fee": text(network_fee),
        "transactions": transactions.txids().len(),
        "entries": shown,
    })))
}

/// What a batch books.
struct Plan {
    asset: AssetId,
    place: Place,
    quantity: Quantity,
    network_fee: Quantity,
    batch: i64,
    claims: usize,
}

impl Plan {
    fn entries(&self, tx: &mut Tx<'_>, desk: &Desk, case: &Case, on: Date) -> Result<Vec<Balanced>, StoreError> {
        let (incident, asset) = (case.id(), self.asset);
        let carrying = desk::owed(tx, no::CLAIMS_PAYABLE, asset, Some(incident))?;
        let memo = |what: &str| format!("{}: {what} of payout batch {}, {} claims", case.row.code, self.batch, self.claims);
        let entries = desk.run(tx, &[asset], &[self.place], |ctx| {
            let obligation = Obligation { account: no::CLAIMS_PAYABLE, asset, incident: Some(incident), carrying };
            let (remeasured, payable) = remeasure_in(ctx, on, obligation)?;
            let mut entries: Vec<Balanced> = remeasured.into_iter().collect();
            let payout = Payout { incident, from: self.place, asset, quantity: self.quantity, payable };
            let header = Header::new(on, memo("claims"));
            entries.push(rule::post(ctx, header, &payout).map_err(|e| at_pointer(e, "/claims"))?);
            if !self.network_fee.is_zero() {
                let fee = NetworkFee { place: self.place, asset, quantity: self.network_fee };
                entries.push(rule::post_network_fee(ctx, Header::new(on, memo("network fee")), incident, &fee)?);
            }
            Ok(entries)
        })?;
        Ok(entries)
    }
}

/// The claims of a batch.
struct Selected {
    /// Claim and number of its transaction, by claim.
    paid: Vec<(i64, i64)>,
    /// Their sum.
    quantity: Quantity,
}

/// What is wrong with claims that were asked for: the first are kept, all are counted.
#[derive(Default)]
struct Refused {
    problems: Vec<Problem>,
    count: u64,
}

impl Refused {
    fn add(&mut self, row: &ClaimRow, detail: impl FnOnce() -> String) {
        self.count = self.count.saturating_add(1);
        if self.problems.len() < Rejection::MAX_PROBLEMS.saturating_sub(1) {
            let (pointer, value) = (format!("/claims/{}", row.no), row.claim_ref.clone());
            self.problems.push(Problem { pointer, detail: detail(), value });
        }
    }

    fn into_result(mut self, code: OutcomeCode) -> Result<(), Rejection> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let shown = self.problems.len();
        if self.count > u64::try_from(shown).unwrap_or(u64::MAX) {
            let detail = format!("{} claims are refused; the first {shown} follow; nothing was recorded", self.count);
            self.problems.splice(0..0, Rejection::new(code, "/claims", "", detail).problems);
        }
        Err(Rejection { code, problems: self.problems })
    }
}

/// Chooses the claims to pay: approved, in the asset, not paid, each with its transaction.
fn select(
    conn: &mut Conn,
    case: &Case,
    asset: AssetId,
    wanted: Option<&ClaimRanges>,
    transactions: &Transactions,
) -> Result<Selected, StoreError> {
    let approved = super::approvals::approved_ranges(conn, case.row.id)?;
    let ranges = match wanted {
        Some(wanted) => {
            refuse_unapproved(wanted, &approved)?;
            wanted.clone()
        }
        None => approved,
    };
    let mut chooser = Chooser {
        asset,
        named: wanted.is_some(),
        transactions,
        paid: Vec::new(),
        sum: Some(Quantity::ZERO),
        already: Refused::default(),
        unlisted: Refused::default(),
    };
    for range in ranges.iter() {
        claim::stream(conn, case.row.id, range, |conn, rows| chooser.take(conn, case.row.id, &rows))?;
    }
    chooser.finish(conn, case)
}

fn refuse_unapproved(wanted: &ClaimRanges, approved: &ClaimRanges) -> Result<(), Rejection> {
    if wanted.common(approved).count() == wanted.count() {
        return Ok(());
    }
    let open = wanted.common(&approved.missing_until(wanted.last().unwrap_or(0)));
    Err(Rejection::new(OutcomeCode::WrongState, "/claims", open, "these claims are not approved; approve them first"))
}

struct Chooser<'t> {
    asset: AssetId,
    /// True when the caller named claim numbers, so that every one of them must be payable.
    named: bool,
    transactions: &'t Transactions,
    paid: Vec<(i64, i64)>,
    sum: Option<Quantity>,
    already: Refused,
    unlisted: Refused,
}

impl Chooser<'_> {
    fn take(&mut self, conn: &mut Conn, incident: i32, rows: &[ClaimRow]) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
        let range: ClaimRange = first.no..=last.no;
        let before = payout::paid(conn, incident, &range)?;
        let mut before = before.iter().peekable();
        for row in rows {
            while before.next_if(|paid| paid.claim_no < row.no).is_some() {}
            let paid = before.next_if(|paid| paid.claim_no == row.no);
            if row.asset_id != self.asset.0 {
                continue;
            }
            let transaction = self.transactions.of(&row.claim_ref);
            match (paid, transaction) {
                (Some(paid), Some(_)) => {
                    self.already.add(row, || format!("was paid by batch {}; leave it out", paid.batch_id));
                }
                (Some(paid), None) if self.named => {
                    self.already.add(row, || format!("was paid by batch {}; leave it out", paid.batch_id));
                }
                (None, None) if self.named => {
                    self.unlisted.add(row, || "has no transaction in the file; add it or leave the claim out".to_owned());
                }
                (None, Some(transaction)) => {
                    self.paid.push((row.no, i64::from(transaction)));
                    self.sum = self.sum.and_then(|sum| sum.checked_add(row.quantity.quantity()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn finish(mut self, conn: &mut Conn, case: &Case) -> Result<Selected, StoreError> {
        let by_file = self.transactions.listed();
        // Without numbers and without a file, what is paid already is simply not part of the batch.
        if self.named || by_file.is_some() || self.paid.is_empty() {
            std::mem::take(&mut self.already).into_result(OutcomeCode::AlreadyPaid)?;
        }
        std::mem::take(&mut self.unlisted).into_result(OutcomeCode::InvalidField)?;
        if by_file.is_some_and(|listed| listed != self.paid.len()) {
            self.refuse_strangers(conn, case)?;
        }
        if self.paid.is_empty() {
            let detail = "no claim in this asset is approved and not paid; approve claims first";
            return Err(Rejection::new(OutcomeCode::WrongState, "/claims", "", detail).into());
        }
        let quantity = self.sum.ok_or_else(|| StoreError::Damaged("the sum of claims does not fit".to_owned()))?;
        Ok(Selected { paid: self.paid, quantity })
    }

    /// Names the claims of the file that are not in the batch.
    fn refuse_strangers(&self, conn: &mut Conn, case: &Case) -> Result<(), StoreError> {
        let mut problems = Vec::new();
        for claim_id in self.transactions.claims() {
            let found = claim::find(conn, case.row.id, claim_id)?;
            let chosen = found.as_ref().is_some_and(|row| self.paid.binary_search_by_key(&row.no, |(no, _)| *no).is_ok());
            if chosen {
                continue;
            }
            let detail = match found {
                None => "is not a claim of this incident; copy the ids from the claims file",
                Some(row) if row.asset_id != self.asset.0 => "is a claim in another asset; pay it in a batch of its own",
                Some(_) => "is not approved, or not among the claim numbers given; approve it first or leave it out",
            };
            problems.push(Problem {
                pointer: "transactions, column claim_id".to_owned(),
                detail: detail.to_owned(),
                value: claim_id.to_owned(),
            });
            if problems.len() == Rejection::MAX_PROBLEMS {
                break;
            }
        }
        problems.sort_by(|a, b| a.value.cmp(&b.value));
        Err(Rejection { code: OutcomeCode::WrongState, problems }.into())
    }
}
