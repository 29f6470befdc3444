//! Memo figures (accounts 9100 to 9500): what the fund is compared with, but never part of its totals. Each is a fact that holds
//! from its day until the next one of the same account and asset.

use super::command::{Command, From};
use super::refs::{FUNCTIONAL, Refs};
use super::{Answer, Book, Call, Reply};
use crate::domain::account::{AccountClass, AccountNo};
use crate::domain::amount::{Quantity, format_minor_trimmed};
use crate::domain::approval::Risk;
use crate::domain::asset::AssetId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// Kind of the facts that hold memo figures; the subject is `ACCOUNT/ASSET`.
pub const MEMO: &str = "memo";

/// A memo figure as it is given and stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoFigure {
    /// Account of 9xxx.
    pub account: i32,
    /// Asset code; the functional currency where none is given.
    #[serde(default)]
    pub asset: Option<String>,
    /// Units, zero or more.
    pub quantity: String,
    /// Where the figure comes from.
    #[serde(default)]
    pub note: Option<String>,
}

/// A memo figure in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoInForce {
    /// Account.
    pub account: AccountNo,
    /// Asset.
    pub asset: AssetId,
    /// Units.
    pub quantity: Quantity,
    /// The day since which it holds.
    pub since: Date,
    /// Where it comes from.
    pub note: String,
}

impl Book {
    /// Records a memo figure that holds from `on`.
    ///
    /// # Errors
    /// `InvalidField`, `UnknownAccount`, `UnknownAsset`, `PeriodClosed`.
    pub fn set_memo(&self, call: &Call, on: Date, figure: MemoFigure) -> Result<Reply, StoreError> {
        self.give(call, From { effective_on: on, terms: figure })
    }
}

impl Command for From<MemoFigure> {
    const KIND: &'static str = "memo";
    const TITLE: &'static str = "Set a memo figure";
    const GIVERS: &'static [Role] = &[Role::Preparer, Role::Treasurer, Role::IncidentOfficer];

    fn risk(&self) -> Risk {
        Risk::One
    }

    fn check(&self) -> Result<(), Rejection> {
        let Some(note) = &self.terms.note else { return Ok(()) };
        check_free_text(note, 500).map_err(|e| Rejection::invalid("/note", note, e.to_string()))
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (on, figure) = (self.effective_on, &self.terms);
        let refs = Refs::load(tx.conn)?;
        super::policies::require_open(tx, "/effective_on", on)?;
        let id = queue(tx, &refs, on, figure)?;
        Ok(Answer::created(json!({"fact": id, "account": figure.account, "quantity": figure.quantity, "effective_on": on})))
    }
}

/// Checks and queues a memo figure.
pub(super) fn queue(tx: &mut Tx<'_>, refs: &Refs, on: Date, figure: &MemoFigure) -> Result<i64, StoreError> {
    let account = AccountNo(figure.account);
    if AccountClass::of(account) != Some(AccountClass::Memo) || !refs.accounts.contains_key(&account) {
        let detail = "is not a memo account of this book; memo accounts are numbered 9000 to 9999";
        return Err(Rejection::new(OutcomeCode::UnknownAccount, "/account", account, detail).into());
    }
    let code = figure.asset.clone().unwrap_or_else(|| refs.code(FUNCTIONAL).to_owned());
    let asset = refs.asset("/asset", &code)?;
    Quantity::parse_unsigned(&figure.quantity, asset.scale)
        .map_err(|e| Rejection::invalid("/quantity", &figure.quantity, e.to_string()))?;
    let stored = MemoFigure { asset: Some(code.clone()), ..figure.clone() };
    Ok(tx.add_fact(MEMO, &format!("{account}/{code}"), on, &stored))
}

/// Raises (the memo figure of) an account by some units from `on`.
pub(super) fn raise(
    tx: &mut Tx<'_>,
    refs: &Refs,
    on: Date,
    (account, asset): (AccountNo, AssetId),
    by: Quantity,
    note: &str,
) -> Result<i64, StoreError> {
    let now = in_force(tx.conn, refs, on)?;
    let stands = now.iter().find(|m| m.account == account && m.asset == asset).map_or(Quantity::ZERO, |m| m.quantity);
    let sum = stands.checked_add(by).ok_or_else(|| Rejection::invalid("/quantity", by.minor(), "is too large"))?;
    let figure = MemoFigure {
        account: account.0,
        asset: Some(refs.code(asset).to_owned()),
        quantity: format_minor_trimmed(sum.minor(), refs.scale(asset)),
        note: Some(note.to_owned()),
    };
    queue(tx, refs, on, &figure)
}

/// The memo figures in force on a day, by account and asset.
pub fn in_force(conn: &mut Conn, refs: &Refs, day: Date) -> Result<Vec<MemoInForce>, StoreError> {
    latest(refs, day, super::registry::parsed_facts::<MemoFigure>(conn, MEMO)?)
}

/// The figures in force on a day, of all given in recording order as (first day, subject, figure).
pub fn latest(refs: &Refs, day: Date, figures: Vec<(Date, String, MemoFigure)>) -> Result<Vec<MemoInForce>, StoreError> {
    let mut latest: BTreeMap<(AccountNo, AssetId), MemoInForce> = BTreeMap::new();
    for (since, subject, figure) in figures {
        if since > day {
            continue;
        }
        let damaged = |what: &str| StoreError::Damaged(format!("memo figure {subject}: {what}"));
        let code = figure.asset.as_deref().ok_or_else(|| damaged("no asset"))?;
        let asset = refs.asset("/asset", code).map_err(|_| damaged("asset"))?;
        let quantity = Quantity::parse_unsigned(&figure.quantity, asset.scale).map_err(|_| damaged("quantity"))?;
        let account = AccountNo(figure.account);
        let found = MemoInForce { account, asset: asset.id, quantity, since, note: figure.note.unwrap_or_default() };
        let slot = latest.entry((account, asset.id)).or_insert_with(|| found.clone());
        if slot.since <= since {
            *slot = found;
        }
    }
    Ok(latest.into_values().collect())
}
