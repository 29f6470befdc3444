//! E31: manual entries, for what no other event covers. The posting rule guards the accounts; here it is asked for a reason, for
//! evidence above a limit, and for an open period.

pub mod template;

use super::approvals::terms;
use super::command::Command;
use super::desk::{self, Desk};
use super::policies::require_open;
use super::treasury::require_not_future;
use super::{Answer, Book, Call, Reply, evidence};
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::{Quantity, VALUE_SCALE, Value, format_minor_trimmed};
use crate::domain::approval::Risk;
use crate::domain::entry::Balanced;
use crate::domain::ids::EntryNo;
use crate::domain::manual::{MAX_MANUAL_EVIDENCE, MAX_MANUAL_LINES, Side};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::domain::price::Price;
use crate::domain::text::check_free_text;
use crate::ledger::posting::manual::{self, ManualLine};
use crate::ledger::posting::{Header, Place};
use crate::service::refs::{FUNCTIONAL, Refs};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact;
use crate::store::journal;
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Kind of the facts that hold manual entries as they were given.
pub const MANUAL: &str = "entry.manual";
/// First part of the source of what they post.
pub const SOURCE: &str = "manual";

/// Who prepares entries.
pub const PREPARE: &[Role] = &[Role::Preparer, Role::Treasurer];

/// A line as a person writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenLine {
    /// Account number.
    pub account: i32,
    /// Asset code.
    pub asset: String,
    /// The bank account, on 1160 only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wallet: String,
    /// `debit` or `credit`.
    #[schema(value_type = String)]
    pub side: Side,
    /// Units, zero or more; empty for a line of value only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub units: String,
    /// Functional value, zero or more; empty in the functional currency, where units are worth themselves.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// A manual entry as it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManualEntry {
    /// Business date, in an open period and not in the future.
    pub on: Date,
    /// What people read in the journal.
    pub memo: String,
    /// Why no other event covers it.
    pub reason: String,
    /// The lines.
    pub lines: Vec<GivenLine>,
    /// SHA-256 of each file that shows it, hex; the files are added before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// What a fact of [`MANUAL`] holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ManualFact {
    /// The entry as it was given.
    pub command: ManualEntry,
    /// The number under which it was posted.
    pub entry: i64,
}

impl Book {
    /// Posts a manual entry, or proposes it where the book asks for approval.
    ///
    /// # Errors
    /// `InvalidField` naming each line that is wrong, or what does not balance, or that evidence is missing; `PeriodClosed`,
    /// `UnknownAccount`, `UnknownAsset`, `UnknownWallet`, `NotFound` (evidence), `InsufficientUnits`.
    pub fn post_manual(&self, call: &Call, entry: ManualEntry) -> Result<Reply, StoreError> {
        self.give(call, entry)
    }
}

impl Command for ManualEntry {
    const KIND: &'static str = MANUAL;
    const TITLE: &'static str = "Post a manual entry";
    const GIVERS: &'static [Role] = PREPARE;

    fn risk(&self) -> Risk {
        Risk::ByAmount
    }

    fn check(&self) -> Result<(), Rejection> {
        let text =
            |pointer: &str, text: &str| check_free_text(text, 500).map_err(|e| Rejection::invalid(pointer, text, e.to_string()));
        let limit = |pointer: &str, found: usize, most: usize| {
            let refused = || Rejection::new(OutcomeCode::AboveLimit, pointer, found, format!("at most {most} are taken"));
            if found > most { Err(refused()) } else { Ok(()) }
        };
        let distinct = self.evidence.iter().collect::<BTreeSet<_>>().len() == self.evidence.len();
        let twice = || Rejection::invalid("/evidence", "", "names a file twice; name each once");
        let checks = [
            text("/memo", &self.memo),
            text("/reason", &self.reason),
            limit("/lines", self.lines.len(), MAX_MANUAL_LINES),
            limit("/evidence", self.evidence.len(), MAX_MANUAL_EVIDENCE),
            if distinct { Ok(()) } else { Err(twice()) },
        ];
        Rejection::together(checks.into_iter().filter_map(Result::err)).map_or(Ok(()), Err)
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        require_not_future("/on", self.on, tx.today())?;
        require_open(tx, "/on", self.on)?;
        let desk = Desk::load(tx, self.on)?;
        let lines = parse(&desk.refs, &self.lines)?;
        let places: Vec<Place> = lines.iter().filter_map(|line| line.wallet).map(|wallet| Place::new(wallet, no::BANK)).collect();
        let header = Header::new(self.on, self.memo.clone());
        let entry = desk.run(tx, &[], &places, |ctx| manual::post(ctx, header, &lines))?;
        require_evidence(tx, self, &entry)?;
        record(tx, &desk, self, &entry)
    }
}

fn record(tx: &mut Tx<'_>, desk: &Desk, command: &ManualEntry, entry: &Balanced) -> Result<Answer, StoreError> {
    let no = tx.head.last_entry.saturating_add(1);
    let fact = tx.add_fact(MANUAL, "", command.on, &ManualFact { command: command.clone(), entry: no });
    let no = tx.post_entry(entry.clone(), format!("{SOURCE}:{fact}"))?;
    for hash in &command.evidence {
        evidence::attach(tx, &format!("entry/{no}"), hash, "");
    }
    let mut answer = desk::describe(&desk.refs, no, entry);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("fact".to_owned(), json!(fact));
        fields.insert("evidence".to_owned(), json!(command.evidence.len()));
    }
    Ok(Answer::created(answer))
}

/// Files must be there; above the limit of the approval terms at least one must be.
fn require_evidence(tx: &mut Tx<'_>, command: &ManualEntry, entry: &Balanced) -> Result<(), StoreError> {
    for (at, hash) in command.evidence.iter().enumerate() {
        evidence::require(tx.conn, &format!("/evidence/{at}"), hash)?;
    }
    let Some(limit) = terms::in_force(tx.conn)?.map(|terms| terms.evidence_limit()) else { return Ok(()) };
    if !command.evidence.is_empty() || entry.debits() <= limit {
        return Ok(());
    }
    let text = |value: Value| format_minor_trimmed(value.minor(), VALUE_SCALE);
    let detail = format!(
        "the entry books {}; above {} the approval terms ask for evidence: attach at least one file",
        text(entry.debits()),
        text(limit)
    );
    Err(Rejection::invalid("/evidence", "", detail).into())
}

/// Lines with accounts, assets, bank accounts and amounts of this book. Every line that cannot be read is named.
fn parse(refs: &Refs, lines: &[GivenLine]) -> Result<Vec<ManualLine>, Rejection> {
    let (mut parsed, mut wrong) = (Vec::with_capacity(lines.len()), Vec::new());
    for (at, line) in lines.iter().enumerate() {
        match parse_line(refs, at, line) {
            Ok(line) => parsed.push(line),
            Err(problem) => wrong.push(problem),
        }
    }
    Rejection::together(wrong).map_or(Ok(parsed), Err)
}

fn parse_line(refs: &Refs, at: usize, line: &GivenLine) -> Result<ManualLine, Rejection> {
    let place = |field: &str| format!("/lines/{at}/{field}");
    let account = AccountNo(line.account);
    if !refs.accounts.contains_key(&account) {
        let detail = "is not an account of this book; `safu accounts list` names them";
        return Err(Rejection::new(OutcomeCode::UnknownAccount, place("account"), account, detail));
    }
    let asset = refs.asset(&place("asset"), &line.asset)?;
    let wallet = match line.wallet.as_str() {
        "" => None,
        code => match refs.wallet(&place("wallet"), code)? {
            (wallet, no::BANK) => Some(wallet),
            (_, other) => {
                let detail =
                    format!("is a wallet of account {other}, not a bank account; what it holds moves by events of the treasury");
                return Err(Rejection::invalid(place("wallet"), code, detail));
            }
        },
    };
    let units = if line.units.is_empty() { Ok(Quantity::ZERO) } else { Quantity::parse_unsigned(&line.units, asset.scale) };
    let units = units.map_err(|e| Rejection::invalid(place("units"), &line.units, e.to_string()))?;
    let value = match (line.value.as_str(), asset.id) {
        ("", FUNCTIONAL) => Price::ONE.fair_value(units, asset.scale),
        ("", _) => {
            let detail = "is needed: what are the units worth in the functional currency?";
            return Err(Rejection::invalid(place("value"), "", detail));
        }
        (text, _) => Some(Value::parse(text).map_err(|e| Rejection::invalid(place("value"), text, e.to_string()))?),
    };
    let too_large = || Rejection::invalid(place("units"), &line.units, "is worth more than the book can hold");
    let value = value.ok_or_else(too_large)?;
    if value < Value::ZERO {
        return Err(Rejection::invalid(place("value"), &line.value, "is negative; the side says which way it goes"));
    }
    let (quantity, value) = match line.side {
        Side::Debit => (units, value),
        Side::Credit => (units.negated(), value.negated()),
    };
    Ok(ManualLine { account, asset: asset.id, quantity, value, wallet })
}

/// An entry of the journal as a manual entry with the same lines, to begin a new one with. Lines of lots and incidents come without
/// them; the guard will say what they need.
///
/// # Errors
/// `NotFound`.
pub fn clone_of(conn: &mut Conn, number: i64) -> Result<ManualEntry, StoreError> {
    let Some((header, rows)) = journal::find(conn, EntryNo(number))? else {
        return Err(Rejection::new(OutcomeCode::NotFound, "/entry", number, "is not an entry of this book").into());
    };
    let refs = Refs::load(conn)?;
    let line = |row: &journal::PostingRow| -> Result<GivenLine, StoreError> {
        let line = row.to_domain()?;
        let bank = line.dims.wallet.filter(|_| line.account == no::BANK).and_then(|id| refs.wallets.get(&id));
        let debit = line.quantity > Quantity::ZERO || (line.quantity.is_zero() && line.value > Value::ZERO);
        let plain = |minor: i128, scale: u8| {
            let text = format_minor_trimmed(minor, scale);
            text.strip_prefix('-').map_or_else(|| text.clone(), str::to_owned)
        };
        let units = if line.quantity.is_zero() { String::new() } else { plain(line.quantity.minor(), refs.scale(line.asset)) };
        Ok(GivenLine {
            account: line.account.0,
            asset: refs.code(line.asset).to_owned(),
            wallet: bank.map_or_else(String::new, |wallet| wallet.code.clone()),
            side: if debit { Side::Debit } else { Side::Credit },
            units,
            value: plain(line.value.minor(), VALUE_SCALE),
        })
    };
    let lines = rows.iter().take(MAX_MANUAL_LINES).map(line).collect::<Result<_, _>>()?;
    let on = header.effective_on.parse().map_err(|_| StoreError::Damaged(format!("entry {number}: effective_on")))?;
    Ok(ManualEntry {
        on,
        memo: header.memo,
        reason: given(conn, &header.source)?.map_or_else(String::new, |m| m.reason),
        lines,
        evidence: Vec::new(),
    })
}

/// The manual entry as it was given, for an entry with this source; nothing for entries of other events.
pub fn given(conn: &mut Conn, source: &str) -> Result<Option<ManualEntry>, StoreError> {
    let id = source.split_once(':').filter(|(kind, _)| *kind == SOURCE).and_then(|(_, id)| id.parse::<i64>().ok());
    let Some(id) = id else { return Ok(None) };
    let row = fact::page(conn, id.saturating_sub(1), 1)?.into_iter().next().filter(|row| row.id == id && row.kind == MANUAL);
    row.map(|row| row.parse::<ManualFact>().map(|fact| fact.command)).transpose()
}
