//! The tables of an incident's document.

use super::{anchor, state, stored, valued};
use crate::domain::account::no;
use crate::domain::amount::Value;
use crate::domain::ids::EntryNo;
use crate::domain::incident::life::State;
use crate::report::doc::{Cell, Column, Row, RowKind, Table, Tone};
use crate::report::{format, link};
use crate::service::incidents::declare::Statement;
use crate::service::incidents::recoveries::{BookedRecovery, RecoveryMemo};
use crate::service::incidents::view::{ClaimsOfAsset, IncidentView};
use crate::service::refs::Refs;
use crate::store::claim::ClaimsFileRow;
use crate::store::error::StoreError;
use jiff::Timestamp;
use jiff::civil::Date;

/// An incident and what its numbers refer to.
pub(super) struct Tables<'a> {
    pub refs: &'a Refs,
    pub shown: &'a IncidentView,
}

impl Tables<'_> {
    fn code(&self) -> &str {
        &self.shown.summary.code
    }

    /// Every entry of the incident: they name it as their source.
    fn entries(&self) -> String {
        link::journal(&format!("text=incident:{}", self.code()))
    }

    pub(super) fn loss(&self) -> Table {
        let loss = &self.shown.summary.loss;
        let row = |kind: RowKind, label: &str, value: Value, to: String| {
            Row::of(kind, vec![Cell::text(label), Cell::value(value).to(to)])
        };
        let own = |no| link::account(no, None);
        let rows = vec![
            row(RowKind::Body, "Gross loss: incurred, developed, remeasured", loss.gross, self.entries()),
            row(RowKind::Body, "Recovered", loss.recovered.negated(), own(no::LOSS_RECOVERIES)),
            row(RowKind::Total, "Net loss", loss.net, self.entries()),
            row(RowKind::Check, "Beside it: recoveries above the loss", loss.above_loss, own(no::RECOVERIES_ABOVE_LOSS)),
            row(RowKind::Check, "Beside it: cost of handling the claims", loss.handling, own(no::CLAIMS_HANDLING_EXPENSE)),
        ];
        let columns = vec![Column::text("what", "What"), Column::number("value", &valued(self.refs, "Value"))];
        Table::new("loss", "What it cost", columns, rows, "Nothing is in the books yet.")
    }

    pub(super) fn reserves(&self) -> Result<Table, StoreError> {
        let summary = &self.shown.summary;
        let mut rows: Vec<Row> = Vec::new();
        for owed in &summary.reserves {
            let asset = self.refs.code(owed.asset);
            let to = link::account(owed.account, Some(asset));
            let name = self.refs.accounts.get(&owed.account).map_or("", |account| account.name.as_str());
            rows.push(Row::body(vec![
                Cell::text(owed.account.to_string()).to(link::account(owed.account, None)),
                Cell::text(name),
                Cell::text(asset),
                Cell::units(owed.amounts.quantity, self.refs.scale(owed.asset)).to(&to),
                Cell::value(owed.amounts.value).to(&to),
            ]));
        }
        if !rows.is_empty() {
            let total = Cell::value(summary.owed()?).to(self.entries());
            let cells = vec![Cell::text("Still owed"), Cell::empty(), Cell::empty(), Cell::empty(), total];
            rows.push(Row::of(RowKind::Total, cells));
        }
        let columns = vec![
            Column::text("account", "Account"),
            Column::text("name", "Name"),
            Column::text("asset", "Asset"),
            Column::number("quantity", "Units"),
            Column::number("value", &valued(self.refs, "Value")),
        ];
        let empty = if summary.life.recognised {
            "Nothing is owed any more: every approved claim is paid."
        } else {
            "Nothing is in the books yet; `safu incidents recognise` books the estimate."
        };
        Ok(Table::new("reserves", "What is still owed", columns, rows, empty))
    }

    pub(super) fn claims(&self) -> Table {
        let (claims, payouts) = (link::claims(self.code()), link::payouts(self.code()));
        let row = |of: &ClaimsOfAsset| {
            let units = |quantity| Cell::units(quantity, self.refs.scale(of.asset)).to(&claims);
            let open = of.claimed.checked_sub(of.paid).map_or_else(|| Cell::blank("does not fit"), units);
            Row::body(vec![
                Cell::text(self.refs.code(of.asset)),
                Cell::count(of.count).to(&claims),
                units(of.claimed),
                units(of.approved),
                Cell::count(of.paid_count).to(&payouts),
                units(of.paid).to(&payouts),
                open,
            ])
        };
        let columns = vec![
            Column::text("asset", "Asset"),
            Column::number("claims", "Claims"),
            Column::number("claimed", "Claimed"),
            Column::number("approved", "Approved"),
            Column::number("paid_claims", "Claims paid"),
            Column::number("paid", "Paid"),
            Column::number("open", "Not paid"),
        ];
        let empty = "No claims yet; `safu claims import` takes the file of them.";
        Table::new("claims", "Claims by asset, in units", columns, self.shown.claims.assets.iter().map(row).collect(), empty)
    }

    pub(super) fn estimates(&self) -> Table {
        let mut rows = Vec::new();
        for (on, version) in self.shown.estimates.iter().rev() {
            let booked = version.entries.first().map(|no| EntryNo(*no));
            for (asset, estimate) in &version.assets {
                // What was estimated before the loss was recognised is in the entries of the recognition.
                let to = booked.map_or_else(|| self.entries(), link::entry);
                let units = |text: &str| stored(self.refs, asset, text).to(&to);
                rows.push(Row::body(vec![
                    Cell::text(format!("v{}", version.version)),
                    Cell::date(*on),
                    Cell::text(asset),
                    units(&estimate.low),
                    units(&estimate.case),
                    units(&estimate.high),
                    units(&estimate.ibnr),
                    units(&estimate.identified),
                    booked.map_or_else(|| Cell::blank("when recognised"), Cell::entry),
                    Cell::text(&version.note),
                    Cell::text(&version.by),
                ]));
            }
        }
        let columns = vec![
            Column::text("version", "Version"),
            Column::text("on", "On"),
            Column::text("asset", "Asset"),
            Column::number("case_low", "Low"),
            Column::number("case", "Best"),
            Column::number("case_high", "High"),
            Column::number("ibnr", "Not identified yet"),
            Column::number("identified", "Identified since"),
            Column::text("entry", "Entry"),
            Column::text("note", "Rests on"),
            Column::text("by", "By"),
        ];
        let empty = "No estimate yet; `safu incidents estimate` records the first.";
        Table::new("estimates", "Estimate history, the latest first, in units", columns, rows, empty)
    }

    /// What happened when, and how long after the incident itself: its clocks.
    pub(super) fn steps(&self) -> Table {
        let start = self.shown.summary.occurred_at;
        let mut marks: Vec<(Timestamp, Cell, &str, &str)> = Vec::new();
        for step in &self.shown.steps {
            let what = State::from_slug(&step.state).map_or_else(|| Cell::text(&step.state), state);
            marks.push((step.at, what, &step.note, &step.by));
        }
        if let Some(first) = self.shown.statements.iter().min_by_key(|statement| statement.at) {
            let what = Cell::text("First public statement").to(anchor(self.code(), "statements"));
            marks.push((first.at, what, "", &first.by));
        }
        if let Some(first) = self.shown.batches.iter().min_by_key(|batch| batch.recorded_at) {
            marks.push((first.recorded_at, Cell::text("First payout").to(link::payout(self.code(), first.id)), "", ""));
        }
        marks.sort_by_key(|mark| mark.0);
        let row = |(at, what, note, by): (Timestamp, Cell, &str, &str)| {
            let elapsed = format::span(at.duration_since(start));
            Row::body(vec![Cell::time(at), Cell::text(elapsed), what, Cell::text(note), Cell::text(by)])
        };
        let columns =
            texts(&[("at", "When"), ("elapsed", "Since it happened"), ("what", "What"), ("note", "Rests on"), ("by", "By")]);
        Table::new("steps", "Steps and clocks", columns, marks.into_iter().map(row).collect(), "No step is recorded.")
    }

    pub(super) fn statements(&self) -> Table {
        let row = |said: &Statement| Row::body(vec![Cell::time(said.at), Cell::text(&said.text), Cell::text(&said.by)]);
        let columns = texts(&[("at", "When"), ("text", "What the public was told"), ("by", "By")]);
        let rows = self.shown.statements.iter().map(row).collect();
        let empty = "Nothing was said in public yet; `safu incidents statement` records it.";
        Table::new("statements", "Public statements", columns, rows, empty)
    }

    pub(super) fn recoveries(&self) -> Table {
        let row = |(on, recovery): &(Date, BookedRecovery)| {
            let no = EntryNo(recovery.entry);
            Row::body(vec![
                Cell::date(*on),
                Cell::state(&recovery.what, if recovery.what == "received" { Tone::Good } else { Tone::Neutral }),
                Cell::text(&recovery.asset),
                stored(self.refs, &recovery.asset, &recovery.quantity).to(link::entry(no)),
                Cell::text(&recovery.channel),
                Cell::text(&recovery.note),
                Cell::entry(no),
            ])
        };
        let columns = vec![
            Column::text("on", "On"),
            Column::text("what", "What"),
            Column::text("asset", "Asset"),
            Column::number("quantity", "Units"),
            Column::text("channel", "Channel"),
            Column::text("note", "Rests on"),
            Column::text("entry", "Entry"),
        ];
        let rows = self.shown.recoveries.iter().map(row).collect();
        Table::new("recoveries", "Recoveries in the books", columns, rows, "Nothing was recovered so far.")
    }

    pub(super) fn traced(&self) -> Table {
        let row = |(on, memo): &(Date, RecoveryMemo)| {
            Row::body(vec![
                Cell::date(*on),
                Cell::text(&memo.channel),
                Cell::text(&memo.asset),
                stored(self.refs, &memo.asset, &memo.quantity),
                Cell::text(&memo.note),
            ])
        };
        let columns = vec![
            Column::text("on", "Since"),
            Column::text("channel", "Where"),
            Column::text("asset", "Asset"),
            Column::number("quantity", "Units"),
            Column::text("note", "Rests on"),
        ];
        let rows = self.shown.memos.iter().map(row).collect();
        Table::new("traced", "Traced or frozen, not in the books", columns, rows, "No traced or frozen funds are known.")
    }

    pub(super) fn files(&self) -> Table {
        let row = |file: &ClaimsFileRow| {
            let at = Timestamp::from_microsecond(file.recorded_at).unwrap_or_default();
            let first = format!("{}?cursor={}", link::claims(self.code()), file.first_claim.saturating_sub(1));
            Row::body(vec![
                Cell::text(&file.file_name),
                Cell::count(file.row_count).to(first),
                Cell::time(at),
                Cell::code(&file.sha256),
            ])
        };
        let columns = vec![
            Column::text("file", "File"),
            Column::number("claims", "Claims"),
            Column::text("at", "Imported"),
            Column::text("sha256", "SHA-256"),
        ];
        let rows = self.shown.claims.files.iter().map(row).collect();
        Table::new("files", "Files the claims came in", columns, rows, "No file was imported yet.")
    }
}

fn texts(columns: &[(&str, &str)]) -> Vec<Column> {
    columns.iter().map(|(key, title)| Column::text(key, title)).collect()
}
