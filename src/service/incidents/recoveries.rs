//! Recoveries: funds traced or frozen (a memo, 9200), recoverable loss recognised (E14a), and what arrives (E14b).

use super::{Case, RECOVERY, RECOVERY_MEMO, at_pointer, check_note, check_text, facts_of, has_begun};
use crate::domain::account::no;
use crate::domain::amount::{Quantity, format_minor_trimmed};
use crate::domain::approval::Risk;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::incident::estimate::{amount, positive};
use crate::domain::incident::life::Act;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::domain::text::Name;
use crate::ledger::posting::recovery::{self, RecoveryPosition, RecoveryReceived, RecoveryRecognised};
use crate::ledger::posting::{Header, Receipt};
use crate::service::command::{Command, From, OfIncident};
use crate::service::desk::{self, Desk};
use crate::service::memo::{self, MemoFigure};
use crate::service::refs::Refs;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::error::StoreError;
use crate::store::incident;
use crate::store::reference::book_row;
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Stolen funds traced or frozen through one channel: never an asset of the fund, shown beside it. The latest memo of a channel and
/// asset holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryMemo {
    /// Where they are, for example `exchange-a`, `police`, `chain`.
    pub channel: String,
    /// Asset code.
    pub asset: String,
    /// Units traced or frozen there by now, in whole units; 0 when there are none any more.
    pub quantity: String,
    /// What it rests on.
    pub note: String,
}

/// A recovery that may be recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecovery {
    /// Business date.
    pub on: Date,
    /// Asset code.
    pub asset: String,
    /// Units, in whole units.
    pub quantity: String,
    /// Through which channel.
    #[serde(default)]
    pub channel: String,
    /// The recovery is virtually certain, which IFRS asks for; US GAAP is content with probable.
    #[serde(default)]
    pub virtually_certain: bool,
    /// What it rests on.
    #[serde(default)]
    pub note: String,
}

/// A recovery that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecoveryReceipt {
    /// Business date.
    pub on: Date,
    /// Asset code.
    pub asset: String,
    /// Units, in whole units.
    pub quantity: String,
    /// Code of the wallet it arrived in.
    pub wallet: String,
    /// Through which channel.
    #[serde(default)]
    pub channel: String,
    /// What it rests on.
    #[serde(default)]
    pub note: String,
}

/// A booked recovery as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookedRecovery {
    /// `recognised` or `received`.
    pub what: String,
    /// Asset code.
    pub asset: String,
    /// Units, in whole units.
    pub quantity: String,
    /// Channel, or empty.
    pub channel: String,
    /// What it rests on.
    pub note: String,
    /// The entry.
    pub entry: i64,
}

impl BookedRecovery {
    /// What a command said, in this order: asset, units, channel, note. The entry's number follows when it is posted.
    fn new(what: &str, [asset, quantity, channel, note]: [&String; 4]) -> Self {
        Self {
            what: what.to_owned(),
            asset: asset.clone(),
            quantity: quantity.clone(),
            channel: channel.clone(),
            note: note.clone(),
            entry: 0,
        }
    }
}

impl Book {
    /// Records stolen funds as traced or frozen, and brings the memo figure of 9200 up to date.
    ///
    /// # Errors
    /// `NotFound`, `WrongState`, `InvalidField`, `UnknownAsset`.
    pub fn record_recovery_memo(&self, call: &Call, code: &str, on: Date, new: RecoveryMemo) -> Result<Reply, StoreError> {
        self.give(call, OfIncident { incident: code.to_owned(), ask: From { effective_on: on, terms: new } })
    }

    /// Recognises a recovery (E14a), at most up to the loss recognised.
    ///
    /// # Errors
    /// `NotFound`, `WrongState`, `InvalidField` (also under IFRS when it is not virtually certain), `AboveLimit` when the loss is
    /// recovered already, `PriceMissing`, `PriceStale`.
    pub fn recognise_recovery(&self, call: &Call, code: &str, new: NewRecovery) -> Result<Reply, StoreError> {
        self.give(call, OfIncident { incident: code.to_owned(), ask: new })
    }

    /// Books a recovery that arrived (E14b).
    ///
    /// # Errors
    /// `NotFound`, `WrongState`, `InvalidField`, `UnknownAsset`, `UnknownWallet`, `PriceMissing`, `PriceStale`.
    pub fn receive_recovery(&self, call: &Call, code: &str, new: NewRecoveryReceipt) -> Result<Reply, StoreError> {
        self.give(call, OfIncident { incident: code.to_owned(), ask: new })
    }
}

impl Command for OfIncident<NewRecoveryReceipt> {
    const KIND: &'static str = "recovery.receive";
    const TITLE: &'static str = "Book a recovery that arrived";
    const GIVERS: &'static [Role] = &[Role::IncidentOfficer, Role::Treasurer];

    fn risk(&self) -> Risk {
        Risk::ByAmount
    }

    fn check(&self) -> Result<(), Rejection> {
        check_channel(&self.ask.channel)?;
        check_note("/note", &self.ask.note)
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (code, new) = (&self.incident, &self.ask);
        let case = Case::for_act(tx.conn, code, Act::Recover)?;
        has_begun(tx, "/on", new.on)?;
        let desk = Desk::load(tx, new.on)?;
        let asset = desk.refs.asset("/asset", &new.asset)?;
        let quantity = positive(&new.quantity, asset.scale, "/quantity")?;
        let place = desk.place("/wallet", &new.wallet)?;
        let position = RecoveryPosition {
            gross: desk::claimed(tx, no::RECOVERIES, asset.id, Some(case.id()))?,
            allowance: desk::owed(tx, no::RECOVERIES_ALLOWANCE, asset.id, Some(case.id()))?,
            loss_room: desk::loss_room(tx, case.id())?,
        };
        let input = RecoveryReceived { incident: case.id(), receipt: Receipt { place, asset: asset.id, quantity }, position };
        let header = Header::new(new.on, memo_text(code, "recovery received", &new.channel));
        let entry = desk.run(tx, &[asset.id], &[place], |ctx| {
            recovery::post_received(ctx, header, &input).map_err(|e| at_pointer(e, "/quantity"))
        })?;
        let said = [&new.asset, &new.quantity, &new.channel, &new.note];
        book(tx, &desk, &case, new.on, BookedRecovery::new("received", said), entry)
    }
}

impl Command for OfIncident<NewRecovery> {
    const KIND: &'static str = "recovery.recognise";
    const TITLE: &'static str = "Recognise a recovery";
    const GIVERS: &'static [Role] = &[Role::IncidentOfficer];

    fn risk(&self) -> Risk {
        Risk::ByAmount
    }

    fn check(&self) -> Result<(), Rejection> {
        check_channel(&self.ask.channel)?;
        check_note("/note", &self.ask.note)
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (code, new) = (&self.incident, &self.ask);
        let case = Case::for_act(tx.conn, code, Act::Recover)?;
        has_begun(tx, "/on", new.on)?;
        require_certainty(tx, new.virtually_certain)?;
        let desk = Desk::load(tx, new.on)?;
        let asset = desk.refs.asset("/asset", &new.asset)?;
        let quantity = positive(&new.quantity, asset.scale, "/quantity")?;
        let loss_room = desk::loss_room(tx, case.id())?;
        let input = RecoveryRecognised { incident: case.id(), asset: asset.id, quantity, loss_room };
        let header = Header::new(new.on, memo_text(code, "recovery recognised", &new.channel));
        let entry = desk.run(tx, &[], &[], |ctx| recovery::post_recognised(ctx, header, &input))?;
        let said = [&new.asset, &new.quantity, &new.channel, &new.note];
        book(tx, &desk, &case, new.on, BookedRecovery::new("recognised", said), entry)
    }
}

impl Command for OfIncident<From<RecoveryMemo>> {
    const KIND: &'static str = "recovery.memo";
    const TITLE: &'static str = "Record stolen funds as traced";
    const GIVERS: &'static [Role] = &[Role::IncidentOfficer];

    fn risk(&self) -> Risk {
        Risk::One
    }

    fn check(&self) -> Result<(), Rejection> {
        let new = &self.ask.terms;
        Name::parse(&new.channel).map_err(|e| Rejection::invalid("/channel", &new.channel, e.to_string()))?;
        check_text("/note", &new.note)
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (code, on, new) = (&self.incident, self.ask.effective_on, &self.ask.terms);
        Case::for_act(tx.conn, code, Act::Note)?;
        has_begun(tx, "/on", on)?;
        let refs = Refs::load(tx.conn)?;
        let asset = refs.asset("/asset", &new.asset)?.clone();
        let quantity = amount(&new.quantity, asset.scale, "/quantity")?;
        let total = traced_with(tx, &refs, (code, &new.channel), asset.id, quantity)?;
        tx.add_fact(RECOVERY_MEMO, code, on, new);
        let figure = MemoFigure {
            account: no::TRACED.0,
            asset: Some(new.asset.clone()),
            quantity: format_minor_trimmed(total.minor(), asset.scale),
            note: Some(format!("{code}, {}", new.channel)),
        };
        memo::queue(tx, &refs, on, &figure)?;
        Ok(Answer::created(json!({
            "incident": code, "channel": new.channel, "asset": new.asset, "quantity": new.quantity, "traced_in_all": figure.quantity,
        })))
    }
}

/// Posts the entry and records the recovery beside it.
fn book(
    tx: &mut Tx<'_>,
    desk: &Desk,
    case: &Case,
    on: Date,
    booked: BookedRecovery,
    entry: Balanced,
) -> Result<Answer, StoreError> {
    let shown = case.post(tx, &desk.refs, entry)?;
    let booked = BookedRecovery { entry: shown.get("entry").and_then(Value::as_i64).unwrap_or_default(), ..booked };
    tx.add_fact(RECOVERY, &case.row.code, on, &booked);
    Ok(Answer::created(json!({"incident": case.row.code, "recovery": booked, "entries": [shown]})))
}

fn check_channel(channel: &str) -> Result<(), Rejection> {
    if channel.is_empty() {
        return Ok(());
    }
    Name::parse(channel).map(|_| ()).map_err(|e| Rejection::invalid("/channel", channel, e.to_string()))
}

fn memo_text(code: &str, what: &str, channel: &str) -> String {
    if channel.is_empty() { format!("{code}: {what}") } else { format!("{code}: {what}, {channel}") }
}

/// IFRS recognises a reimbursement only when it is virtually certain (IAS 37.53); US GAAP when it is probable.
fn require_certainty(tx: &mut Tx<'_>, virtually_certain: bool) -> Result<(), StoreError> {
    let framework = book_row(tx.conn)?.map(|row| row.framework).unwrap_or_default();
    if framework != "ifrs" || virtually_certain {
        return Ok(());
    }
    let detail =
        "this book follows IFRS, which recognises a recovery only when it is virtually certain; record a memo until then";
    Err(Rejection::invalid("/virtually_certain", virtually_certain, detail).into())
}

/// The memos in force of an incident: by (channel, asset code) the business date and the memo.
pub(super) fn memos_in_force(memos: Vec<(Date, RecoveryMemo)>) -> BTreeMap<(String, String), (Date, RecoveryMemo)> {
    memos.into_iter().map(|(on, memo)| ((memo.channel.clone(), memo.asset.clone()), (on, memo))).collect()
}

/// Units of an asset traced over all incidents once this channel stands at `quantity`.
fn traced_with(
    tx: &mut Tx<'_>,
    refs: &Refs,
    (code, channel): (&str, &str),
    asset: AssetId,
    quantity: Quantity,
) -> Result<Quantity, StoreError> {
    let mut total = Some(quantity);
    for row in incident::all(tx.conn)? {
        for ((of_channel, of_asset), (_, memo)) in memos_in_force(facts_of(tx.conn, RECOVERY_MEMO, &row.code)?) {
            let replaced = row.code == code && of_channel == channel;
            if of_asset == refs.code(asset) && !replaced {
                let units = amount(&memo.quantity, refs.scale(asset), "/quantity")?;
                total = total.and_then(|total| total.checked_add(units));
            }
        }
    }
    let too_large = || Rejection::new(OutcomeCode::AboveLimit, "/quantity", "", "makes more traced funds than can be kept");
    Ok(total.ok_or_else(too_large)?)
}
