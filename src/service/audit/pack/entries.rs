//! The populations of entries, gathered in one walk over the journal.

use super::file::Csv;
use super::scope::{Scope, Take};
use crate::domain::amount::{VALUE_SCALE, Value, format_minor};
use crate::domain::asset::AssetId;
use crate::domain::event::Event;
use crate::domain::ids::WalletId;
use crate::store::error::StoreError;
use crate::store::journal::{self, EntryRow, PostingRow};
use crate::store::{fact, incident, trail, view};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Entries that are read at a time.
const CHUNK: i64 = 1_000;
/// Kind of the facts that keep what a person gave for an entry written line by line.
const MANUAL: &str = "entry.manual";

const HEADING: &[&str] = &[
    "entry",
    "event",
    "title",
    "effective_on",
    "recorded_at",
    "days_late",
    "period",
    "actor",
    "recorded_by",
    "request",
    "source",
    "memo",
    "reverses",
    "reversed_by",
    "lines",
    "debits",
    "leaf",
];
const LINES: &[&str] = &["entry", "line", "account", "account_name", "asset", "quantity", "value", "wallet", "incident", "leaf"];

/// The files of entries while they grow.
struct Files {
    entries: Csv,
    lines: Csv,
    reversals: Csv,
    backdated: Csv,
    after_hours: Csv,
    manual: Csv,
}

impl Scope<'_> {
    /// Makes the files of entries.
    pub(super) fn entries(&mut self, take: &mut Take<'_>) -> Result<(), StoreError> {
        let own = || Csv::new(HEADING);
        let mut files = Files {
            entries: own(),
            lines: Csv::new(LINES),
            reversals: own(),
            backdated: own(),
            after_hours: own(),
            manual: own(),
        };
        let (last, manual) = (trail::last_entry(self.conn, self.size)?, self.manual()?);
        let incidents: BTreeMap<i32, String> = incident::all(self.conn)?.into_iter().map(|row| (row.id, row.code)).collect();
        let mut first = 1_i64;
        while first <= last {
            let end = first.saturating_add(CHUNK).saturating_sub(1).min(last);
            let mut wanted = Vec::new();
            for header in journal::headers_between(self.conn, first, end)? {
                if self.is_in_range(header.leaf) || (self.options.from..=self.options.to).contains(&day(&header)?) {
                    wanted.push(header);
                }
            }
            let numbers: Vec<i64> = wanted.iter().map(|header| header.no).collect();
            let reversed: BTreeMap<i64, i64> =
                view::reversals_of(self.conn, &numbers)?.into_iter().filter(|(_, by)| *by <= last).collect();
            let mut postings: BTreeMap<i64, Vec<PostingRow>> = BTreeMap::new();
            for line in view::postings_of(self.conn, &numbers)? {
                postings.entry(line.entry_no).or_default().push(line);
            }
            for header in &wanted {
                let own = postings.get(&header.no).map(Vec::as_slice).unwrap_or_default();
                self.entry(&mut files, header, own, reversed.get(&header.no).copied(), manual.contains(&header.no))?;
                for line in own {
                    self.line(&mut files.lines, header.leaf, line, &incidents);
                }
            }
            first = end.saturating_add(1);
        }
        take("entries.csv", files.entries)?;
        take("lines.csv", files.lines)?;
        take("reversals.csv", files.reversals)?;
        take("backdated.csv", files.backdated)?;
        take("after_hours.csv", files.after_hours)?;
        take("manual_entries.csv", files.manual)
    }

    fn entry(
        &self,
        files: &mut Files,
        header: &EntryRow,
        lines: &[PostingRow],
        reversed_by: Option<i64>,
        by_hand: bool,
    ) -> Result<(), StoreError> {
        let damaged = |what: &str| StoreError::Damaged(format!("entry {}: {what}", header.no));
        let at = Timestamp::from_microsecond(header.recorded_at).map_err(|_| damaged("recorded_at"))?;
        let recorded = at.to_zoned(TimeZone::UTC).datetime();
        let late = recorded.date().duration_since(day(header)?).as_hours() / 24;
        let debits = Value::checked_sum(lines.iter().map(|line| line.value.value()).filter(|value| *value > Value::ZERO));
        let number = |no: Option<i64>| no.map(|no| no.to_string()).unwrap_or_default();
        let cells = [
            header.no.to_string(),
            header.event.clone(),
            Event::from_code(&header.event).map_or("", Event::title).to_owned(),
            header.effective_on.clone(),
            at.to_string(),
            late.to_string(),
            header.period.clone(),
            header.actor.clone(),
            recorded_by(&header.actor).to_owned(),
            header.request_key.clone(),
            header.source.clone(),
            header.memo.clone(),
            number(header.reverses),
            number(reversed_by),
            lines.len().to_string(),
            format_minor(debits.ok_or_else(|| damaged("its debits do not fit"))?.minor(), VALUE_SCALE),
            header.leaf.to_string(),
        ];
        let row = |csv: &mut Csv| csv.row(cells.iter().map(String::as_str));
        row(&mut files.entries);
        if header.reverses.is_some() || reversed_by.is_some() {
            row(&mut files.reversals);
        }
        if late > self.options.backdated_days {
            row(&mut files.backdated);
        }
        if self.is_after_hours(recorded) {
            row(&mut files.after_hours);
        }
        if by_hand {
            row(&mut files.manual);
        }
        Ok(())
    }

    fn is_after_hours(&self, at: DateTime) -> bool {
        let (opens, closes) = self.options.hours;
        let is_weekend = matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday);
        is_weekend || at.time() < opens || at.time() >= closes
    }

    fn line(&self, csv: &mut Csv, leaf: i64, line: &PostingRow, incidents: &BTreeMap<i32, String>) {
        let asset = AssetId(line.asset_id);
        let account = crate::domain::account::AccountNo(line.account_no);
        let account_name = self.refs.accounts.get(&account).map_or("", |account| account.name.as_str());
        let wallet = line.wallet_id.and_then(|id| self.refs.wallets.get(&WalletId(id))).map_or("", |wallet| wallet.code.as_str());
        let incident = line.incident_id.and_then(|id| incidents.get(&id)).map_or("", String::as_str);
        csv.row([
            line.entry_no.to_string().as_str(),
            &line.line.to_string(),
            &line.account_no.to_string(),
            account_name,
            self.refs.code(asset),
            &format_minor(line.quantity.0, self.refs.scale(asset)),
            &format_minor(line.value.0, VALUE_SCALE),
            wallet,
            incident,
            &leaf.to_string(),
        ]);
    }

    /// Entries that were written by hand: each has a fact that keeps what was given, with its number.
    fn manual(&mut self) -> Result<BTreeSet<i64>, StoreError> {
        let mut numbers = BTreeSet::new();
        for row in fact::of_kind(self.conn, MANUAL)?.into_iter().filter(|row| row.leaf < self.size) {
            let body: Json = row.parse()?;
            numbers.extend(body.get("entry").and_then(Json::as_i64));
        }
        Ok(numbers)
    }
}

fn day(header: &EntryRow) -> Result<Date, StoreError> {
    header.effective_on.parse().map_err(|_| StoreError::Damaged(format!("entry {}: not a day", header.no)))
}

/// `person`, `key`, `cli` or `job`.
fn recorded_by(actor: &str) -> &str {
    actor.split_once(':').map_or("job", |(kind, _)| kind)
}
