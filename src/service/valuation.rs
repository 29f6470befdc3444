//! Valuation: on a day with a locked price set, holdings are marked to market (E04) and obligations owed in kind are remeasured
//! (E09). A fact keeps that the day was valued, also when nothing had to change.
//!
//! Valuation works on what stands in the books when it runs, so days are valued in order: a day before the latest one valued is
//! refused.

use super::command::Command;
use super::desk::{self, Desk};
use super::policies::require_open;
use super::treasury::require_not_future;
use super::{Answer, Book, Call, Reply};
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::Value;
use crate::domain::approval::Risk;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::ledger::posting::mark_to_market;
use crate::ledger::posting::remeasurement::{self, Obligation};
use crate::ledger::posting::{Carrying, Context, Header};
use crate::store::error::StoreError;
use crate::store::projection;
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Kind of the facts that keep which days were valued; the subject is empty.
pub const VALUATION: &str = "valuation";

/// What a valuation came to, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValuationFact {
    /// The entries it posted; none when everything stood at the day's prices.
    pub entries: Vec<i64>,
}

impl Book {
    /// Values holdings and obligations at the locked prices of `day`. Run again it changes nothing until the books do.
    ///
    /// # Errors
    /// `PriceMissing` when the day has no locked set or it lacks an asset, `OutOfOrder` before the latest day valued,
    /// `PeriodClosed`.
    pub fn revalue(&self, call: &Call, day: Date) -> Result<Reply, StoreError> {
        self.give(call, ValueDay { day })
    }
}

/// A day whose holdings and obligations are to be valued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueDay {
    /// The day.
    pub day: Date,
}

impl Command for ValueDay {
    const KIND: &'static str = "prices.value";
    const TITLE: &'static str = "Value the books at a day's prices";
    const GIVERS: &'static [Role] = &[Role::Preparer, Role::Treasurer];

    fn risk(&self) -> Risk {
        Risk::Free
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let day = self.day;
        require_not_future("/day", day, tx.today())?;
        require_open(tx, "/day", day)?;
        let desk = Desk::load(tx, day)?;
        if desk.cutoff_on() != Some(day) {
            let detail = "has no locked price set; import and lock one, then value the day";
            return Err(Rejection::new(OutcomeCode::PriceMissing, "/day", day, detail).into());
        }
        let (entries, recorded) = value_day(tx, &desk)?;
        let body = json!({"day": day, "entries": entries});
        Ok(if recorded { Answer::created(body) } else { Answer::ok(body) })
    }
}

/// Queues the valuation of the desk's day: the entries as answers show them, and whether anything is recorded.
pub(super) fn value_day(tx: &mut Tx<'_>, desk: &Desk) -> Result<(Vec<Json>, bool), StoreError> {
    let latest = latest(tx)?;
    if let Some(latest) = latest
        && latest > desk.day
    {
        let detail = format!("was valued already up to {latest}; days are valued in order");
        return Err(Rejection::new(OutcomeCode::OutOfOrder, "/day", desk.day, detail).into());
    }
    let obligations = obligations(tx)?;
    let holdings = holdings(tx)?;
    let header = |words: &str| Header::new(desk.day, format!("{words} at the prices of {}", desk.day));
    let entries = desk.run(tx, &[], &[], |ctx| {
        let remeasured = remeasurement::post(ctx, header("In-kind obligations remeasured"), &obligations)?;
        let marked = mark_to_market::post(ctx, header("Marked to market"), &holdings)?;
        Ok([remeasured, marked])
    })?;
    let period = tx.unclosed_period(desk.day)?;
    let mut shown = Vec::new();
    let mut numbers = Vec::new();
    for entry in entries.into_iter().flatten() {
        let no = tx.post_entry_in(entry.clone(), format!("prices:{}", desk.day), period)?;
        numbers.push(no.0);
        shown.push(desk::describe(&desk.refs, no, &entry));
    }
    let recorded = !numbers.is_empty() || latest != Some(desk.day);
    if recorded {
        tx.add_fact(VALUATION, "", desk.day, &ValuationFact { entries: numbers });
    }
    Ok((shown, recorded))
}

/// The latest day that was valued.
pub fn latest(tx: &mut Tx<'_>) -> Result<Option<Date>, StoreError> {
    Ok(tx.facts::<ValuationFact>(VALUATION)?.into_iter().map(|(day, ..)| day).max())
}

fn obligations(tx: &mut Tx<'_>) -> Result<Vec<Obligation>, StoreError> {
    let rows = projection::balances_of_accounts(tx.conn, &no::IN_KIND)?;
    let standing = rows.iter().filter(|row| row.amounts() != projection::Amounts::default());
    Ok(standing
        .map(|row| Obligation {
            account: row.account(),
            asset: row.asset(),
            incident: row.incident(),
            carrying: Carrying::credit(row.quantity.quantity(), row.value.value()),
        })
        .collect())
}

fn holdings(tx: &mut Tx<'_>) -> Result<BTreeMap<AssetId, mark_to_market::Holding>, StoreError> {
    let mut adjustments: BTreeMap<AssetId, Value> = BTreeMap::new();
    for row in projection::balances_of_accounts(tx.conn, &[no::FAIR_VALUE_ADJUSTMENT])? {
        let sum = adjustments.entry(row.asset()).or_default();
        let next = sum.checked_add(row.value.value());
        *sum = next.ok_or_else(|| StoreError::Damaged("the fair-value adjustment does not fit".to_owned()))?;
    }
    let lots = projection::open_lots(tx.conn, None)?;
    Ok(mark_to_market::holdings(&lots, &adjustments)?)
}

/// What an obligation in kind carries once it stands at the day's price, and the entry that brings it there, not queued yet.
/// For payments: what leaves an obligation must be the fair value of what is paid.
///
/// # Errors
/// `PriceMissing`, `PriceStale`.
pub fn remeasure_one(
    tx: &mut Tx<'_>,
    desk: &Desk,
    account: AccountNo,
    asset: AssetId,
    incident: IncidentId,
) -> Result<(Option<Balanced>, Carrying), StoreError> {
    let carrying = desk::owed(tx, account, asset, Some(incident))?;
    desk.run(tx, &[], &[], |ctx| remeasure_in(ctx, desk.day, Obligation { account, asset, incident: Some(incident), carrying }))
}

/// The same with a context and a carrying amount at hand.
///
/// # Errors
/// `PriceMissing`.
pub fn remeasure_in(ctx: &mut Context<'_>, day: Date, obligation: Obligation) -> Result<(Option<Balanced>, Carrying), Rejection> {
    let header = Header::new(day, "In-kind obligation remeasured before it is paid");
    let entry = remeasurement::post(ctx, header, &[obligation])?;
    let quantity = obligation.carrying.quantity;
    let value = if quantity.is_zero() { Value::ZERO } else { ctx.fair_value(obligation.asset, quantity)? };
    Ok((entry, Carrying { quantity, value }))
}
