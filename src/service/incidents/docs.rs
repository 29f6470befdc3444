//! Incidents, claims and payouts as reports: what the command line prints, pages show and files export.

use super::estimates::EstimateVersion;
use super::view::{self, Batch, ClaimState, ClaimView, IncidentView, Reserve, STRAIGHT_LIFE, Summary};
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::ids::EntryNo;
use crate::domain::incident::life::State;
use crate::domain::outcome::Rejection;
use crate::report::doc::{Cell, Column, Content, Doc, Figure, Row, RowKind, Table, Tone};
use crate::report::link;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;

/// The most claims of a page.
pub const MAX_PAGE: i64 = 1_000;

/// All incidents with their reserves and losses.
pub fn list(conn: &mut Conn) -> Result<Doc, StoreError> {
    let incidents = view::list(conn)?;
    let columns = vec![
        Column::text("incident", "Incident"),
        Column::text("kind", "Kind"),
        Column::text("title", "Title"),
        Column::text("occurred_at", "Occurred"),
        Column::text("state", "State"),
        Column::number("owed", "Owed (USD)"),
        Column::number("gross_loss", "Gross loss (USD)"),
        Column::number("recovered", "Recovered (USD)"),
        Column::number("net_loss", "Net loss (USD)"),
    ];
    let empty = "There is no incident; `safu incidents declare` records one.";
    let rows = incidents.iter().map(list_row).collect();
    let open = incidents.iter().filter(|one| !matches!(one.life.state, State::Closed | State::Rejected)).count();
    Ok(Doc {
        name: "incidents".to_owned(),
        title: "Incidents".to_owned(),
        finding: (!incidents.is_empty()).then(|| format!("{open} of {} incidents are open.", incidents.len())),
        tables: vec![table("incidents", "Incidents", columns, rows, empty)],
        ..Doc::default()
    })
}

fn list_row(one: &Summary) -> Row {
    let to = link::incident(&one.code);
    Row::body(vec![
        Cell::text(&one.code).to(&to),
        Cell::text(one.kind.title()),
        Cell::text(&one.title),
        Cell::new(Content::Time(one.occurred_at)),
        state_cell(one.life.state),
        Cell::value(owed(&one.reserves)).to(&to),
        Cell::value(one.loss.gross).to(&to),
        Cell::value(one.loss.recovered).to(&to),
        Cell::value(one.loss.net).to(&to),
    ])
}

fn owed(reserves: &[Reserve]) -> Value {
    Value::checked_sum(reserves.iter().map(|reserve| reserve.amounts.value)).unwrap_or_default()
}

/// The state as a word with its tone.
pub fn state_cell(state: State) -> Cell {
    let tone = match state {
        State::Closed => Tone::Good,
        State::Rejected => Tone::Neutral,
        State::Suspected | State::Declared | State::Reopened => Tone::Bad,
        State::Assessed | State::Recognised | State::ClaimsOpen | State::Paying => Tone::Warn,
    };
    Cell::new(Content::State(state.slug().replace('-', " "), tone))
}

/// One incident: figures, life, estimates, reserves, claims, payouts, recoveries, statements.
///
/// # Errors
/// `NotFound`.
pub fn incident(conn: &mut Conn, code: &str) -> Result<Doc, StoreError> {
    let refs = Refs::load(conn)?;
    let shown = view::incident(conn, code)?;
    let page = Page { refs: &refs, shown: &shown };
    Ok(Doc {
        name: format!("incident-{code}"),
        title: format!("{code}: {}", shown.summary.title),
        finding: Some(page.finding()),
        figures: page.figures(),
        tables: vec![
            page.life(),
            page.reserves(),
            page.estimates(),
            page.claims(),
            payouts_table(&refs, code, &shown.batches),
            page.recoveries(),
            page.memos(),
            page.statements(),
        ],
        notes: vec![
            "Recoveries never reduce the gross loss. Traced or frozen funds are a memo, not an asset of the fund.".to_owned(),
        ],
        ..Doc::default()
    })
}

struct Page<'p> {
    refs: &'p Refs,
    shown: &'p IncidentView,
}

impl Page<'_> {
    fn finding(&self) -> String {
        let (claims, state) = (&self.shown.claims, self.shown.summary.life.state.slug().replace('-', " "));
        if claims.count == 0 {
            return format!("The incident is {state}; no claims are recorded yet.");
        }
        let (paid, approved, all) = (claims.paid_count, claims.approved_count, claims.count);
        format!("The incident is {state}; of {all} claims {approved} are approved and {paid} paid.")
    }

    fn figures(&self) -> Vec<Figure> {
        let loss = self.shown.summary.loss;
        let state = self.shown.summary.life.state;
        let value = |key: &str, label: &str, value: Value, account: AccountNo, formula: &str| Figure {
            key: key.to_owned(),
            label: label.to_owned(),
            cell: Cell::value(value).to(link::account(account, None)),
            state: None,
            formula: Some(formula.to_owned()),
            parts: None,
            hint: None,
        };
        let owed = owed(&self.shown.summary.reserves);
        vec![
            Figure {
                key: "state".to_owned(),
                label: "State".to_owned(),
                cell: state_cell(state),
                state: None,
                formula: None,
                parts: None,
                hint: Some(format!("since {}", self.shown.summary.since)),
            },
            value("owed", "Owed now", owed, no::CASE_RESERVES, "2110 + 2120 + 2130 + 2131 + 2140 + 2150 + 2160 + 2170"),
            value("gross_loss", "Gross loss", loss.gross, no::INCURRED_CASE, "5100 + 5110 + 5120 + 5130 + 5140"),
            value("recovered", "Recovered", loss.recovered, no::LOSS_RECOVERIES, "5150"),
            value("net_loss", "Net loss", loss.net, no::INCURRED_CASE, "gross loss − recovered"),
        ]
    }

    fn life(&self) -> Table {
        let steps = &self.shown.steps;
        let mut rows: Vec<Row> = steps
            .iter()
            .map(|step| {
                let state = State::from_slug(&step.state).map_or_else(|| Cell::text(&step.state), state_cell);
                Row::body(vec![state, Cell::new(Content::Time(step.at)), Cell::text(&step.by), Cell::text(&step.note)])
            })
            .collect();
        let taken = |state: &State| steps.iter().any(|step| step.state == state.slug());
        let now = self.shown.summary.life.state;
        let ahead = STRAIGHT_LIFE.iter().skip_while(|state| **state != now).skip(1).filter(|state| !taken(state));
        rows.extend(ahead.map(|state| {
            let word = Cell::new(Content::State(state.slug().replace('-', " "), Tone::Neutral));
            Row::body(vec![word, Cell::blank("not yet"), Cell::empty(), Cell::empty()])
        }));
        let columns = texts(&[("state", "State"), ("at", "When"), ("by", "Recorded by"), ("note", "Note")]);
        table("life", "Life", columns, rows, "")
    }

    fn reserves(&self) -> Table {
        let rows = self.shown.summary.reserves.iter().map(|reserve| {
            let name = self.refs.accounts.get(&reserve.account).map_or("", |account| account.name.as_str());
            let code = self.refs.code(reserve.asset);
            let to = link::account(reserve.account, Some(code));
            Row::body(vec![
                Cell::text(format!("{} {name}", reserve.account)).to(&to),
                Cell::text(code),
                self.units(reserve.asset, reserve.amounts.quantity).to(&to),
                Cell::value(reserve.amounts.value).to(&to),
            ])
        });
        let columns = vec![
            Column::text("account", "Account"),
            Column::text("asset", "Asset"),
            Column::number("quantity", "Units"),
            Column::number("value", "Value (USD)"),
        ];
        table("reserves", "What is owed", columns, rows.collect(), "Nothing is owed for this incident.")
    }

    fn units(&self, asset: AssetId, quantity: Quantity) -> Cell {
        Cell::units(quantity, self.refs.scale(asset))
    }

    fn estimates(&self) -> Table {
        let mut rows = Vec::new();
        for (on, version) in &self.shown.estimates {
            rows.extend(self.estimate_rows(*on, version));
        }
        let columns = vec![
            Column::number("version", "Version"),
            Column::text("on", "Date"),
            Column::text("asset", "Asset"),
            Column::number("case_low", "Case, low"),
            Column::number("case", "Case, best"),
            Column::number("case_high", "Case, high"),
            Column::number("ibnr", "IBNR"),
            Column::number("identified", "Identified"),
            Column::text("entries", "Entry"),
            Column::text("note", "Note"),
        ];
        table("estimates", "Estimates", columns, rows, "There is no estimate yet; `safu incidents estimate` records one.")
    }

    fn estimate_rows(&self, on: jiff::civil::Date, version: &EstimateVersion) -> Vec<Row> {
        let entry = version.entries.first().map_or_else(
            || Cell::blank("recorded before recognition"),
            |no| Cell::text(no.to_string()).to(link::entry(EntryNo(*no))),
        );
        let row = |(code, stored): (&String, &super::estimates::StoredEstimate)| {
            let asset = self.refs.asset("", code).ok();
            let units = |text: &str| match asset.and_then(|asset| Some((Quantity::parse(text, asset.scale).ok()?, asset.scale))) {
                Some((quantity, scale)) => Cell::units(quantity, scale),
                None => Cell::text(text),
            };
            Row::body(vec![
                Cell::new(Content::Count(i64::from(version.version))),
                Cell::new(Content::Date(on)),
                Cell::text(code),
                units(&stored.low),
                units(&stored.case),
                units(&stored.high),
                units(&stored.ibnr),
                units(&stored.identified),
                entry.clone(),
                Cell::text(&version.note),
            ])
        };
        version.assets.iter().map(row).collect()
    }

    fn claims(&self) -> Table {
        let to = claims_link(&self.shown.summary.code);
        let rows = self.shown.claims.assets.iter().map(|of| {
            Row::body(vec![
                Cell::text(self.refs.code(of.asset)),
                Cell::new(Content::Count(i64::try_from(of.count).unwrap_or(i64::MAX))).to(&to),
                self.units(of.asset, of.claimed).to(&to),
                self.units(of.asset, of.approved).to(&to),
                Cell::new(Content::Count(i64::try_from(of.paid_count).unwrap_or(i64::MAX))).to(&to),
                self.units(of.asset, of.paid).to(&to),
            ])
        });
        let columns = vec![
            Column::text("asset", "Asset"),
            Column::number("claims", "Claims"),
            Column::number("claimed", "Claimed (units)"),
            Column::number("approved", "Approved (units)"),
            Column::number("paid_claims", "Claims paid"),
            Column::number("paid", "Paid (units)"),
        ];
        table("claims", "Claims", columns, rows.collect(), "There are no claims; `safu claims import` records them.")
    }

    fn recoveries(&self) -> Table {
        let rows = self.shown.recoveries.iter().map(|(on, booked)| {
            Row::body(vec![
                Cell::new(Content::Date(*on)),
                Cell::text(&booked.what),
                Cell::text(&booked.channel),
                Cell::text(format!("{} {}", booked.quantity, booked.asset)),
                Cell::text(booked.entry.to_string()).to(link::entry(EntryNo(booked.entry))),
                Cell::text(&booked.note),
            ])
        });
        let columns = texts(&[
            ("on", "Date"),
            ("what", "Step"),
            ("channel", "Channel"),
            ("quantity", "Units"),
            ("entry", "Entry"),
            ("note", "Note"),
        ]);
        table("recoveries", "Recoveries", columns, rows.collect(), "Nothing has been recovered.")
    }

    fn memos(&self) -> Table {
        let rows = self.shown.memos.iter().map(|(on, memo)| {
            let units = format!("{} {}", memo.quantity, memo.asset);
            Row::body(vec![Cell::new(Content::Date(*on)), Cell::text(&memo.channel), Cell::text(units), Cell::text(&memo.note)])
        });
        let columns = texts(&[("on", "Since"), ("channel", "Channel"), ("quantity", "Units"), ("note", "Note")]);
        table("traced", "Stolen funds traced or frozen (memo)", columns, rows.collect(), "No stolen funds are traced or frozen.")
    }

    fn statements(&self) -> Table {
        let rows = self.shown.statements.iter().map(|statement| {
            Row::body(vec![Cell::new(Content::Time(statement.at)), Cell::text(&statement.by), Cell::text(&statement.text)])
        });
        let columns = texts(&[("at", "When"), ("by", "By"), ("text", "Statement")]);
        table("statements", "Public statements", columns, rows.collect(), "Nothing was stated in public.")
    }
}

/// Where the claims of an incident are listed.
pub fn claims_link(code: &str) -> String {
    format!("{}/claims", link::incident(code))
}

/// A page of claims after a claim number; `limit` is at most [`MAX_PAGE`].
///
/// # Errors
/// `NotFound`, `InvalidField` for a limit out of bounds.
pub fn claims(conn: &mut Conn, code: &str, after: i64, limit: i64) -> Result<Doc, StoreError> {
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Rejection::invalid("/limit", limit, format!("use 1 to {MAX_PAGE}")).into());
    }
    let refs = Refs::load(conn)?;
    let mut found = view::claims(conn, code, after, limit.saturating_add(1))?;
    let more = i64::try_from(found.len()).is_ok_and(|count| count > limit);
    if more {
        found.pop();
    }
    let next = found.last().filter(|_| more).map(|last| last.claim.no.to_string());
    let mut table = claims_table(&refs, &found);
    table.next = next;
    Ok(Doc { name: format!("claims-{code}"), title: format!("{code}: claims"), tables: vec![table], ..Doc::default() })
}

/// One claim.
///
/// # Errors
/// `NotFound`.
pub fn claim(conn: &mut Conn, code: &str, wanted: &str) -> Result<Doc, StoreError> {
    let refs = Refs::load(conn)?;
    let found = view::claim(conn, code, wanted)?;
    let title = format!("{code}: claim {}", found.claim.claim_ref);
    Ok(Doc { name: format!("claim-{code}"), title, tables: vec![claims_table(&refs, &[found])], ..Doc::default() })
}

fn claims_table(refs: &Refs, claims: &[ClaimView]) -> Table {
    let rows = claims.iter().map(|one| {
        let asset = AssetId(one.claim.asset_id);
        let (state, tone) = match &one.state {
            ClaimState::Open => ("open", Tone::Neutral),
            ClaimState::Approved => ("approved", Tone::Warn),
            ClaimState::Paid { .. } => ("paid", Tone::Good),
        };
        let (batch, txid) = match &one.state {
            ClaimState::Paid { batch, txid } => (Cell::new(Content::Count(*batch)), Cell::new(Content::Code(txid.clone()))),
            _ => (Cell::empty(), Cell::empty()),
        };
        Row::body(vec![
            Cell::new(Content::Count(one.claim.no)),
            Cell::new(Content::Code(one.claim.claim_ref.clone())),
            Cell::new(Content::Code(one.claim.claimant_ref.clone())),
            Cell::text(refs.code(asset)),
            Cell::units(one.claim.quantity.quantity(), refs.scale(asset)),
            Cell::new(Content::State(state.to_owned(), tone)),
            batch,
            txid,
            Cell::new(Content::Code(one.claim.payout_address.clone())),
        ])
    });
    let columns = vec![
        Column::number("no", "No"),
        Column::text("claim_id", "Claim"),
        Column::text("claimant_ref", "Claimant"),
        Column::text("asset", "Asset"),
        Column::number("quantity", "Units"),
        Column::text("state", "State"),
        Column::number("batch", "Batch"),
        Column::text("txid", "Transaction"),
        Column::text("payout_address", "Payout address"),
    ];
    table("claims", "Claims", columns, rows.collect(), "There are no claims here; `safu claims import` records them.")
}

/// The payout batches of an incident.
///
/// # Errors
/// `NotFound`.
pub fn payouts(conn: &mut Conn, code: &str) -> Result<Doc, StoreError> {
    let refs = Refs::load(conn)?;
    let batches = view::batches(conn, code)?;
    let tables = vec![payouts_table(&refs, code, &batches)];
    Ok(Doc { name: format!("payouts-{code}"), title: format!("{code}: payouts"), tables, ..Doc::default() })
}

/// One payout batch with its first transactions.
///
/// # Errors
/// `NotFound`.
pub fn payout(conn: &mut Conn, id: i64) -> Result<Doc, StoreError> {
    let refs = Refs::load(conn)?;
    let (code, batch) = view::batch(conn, id)?;
    let rows = batch
        .transactions
        .iter()
        .map(|row| Row::body(vec![Cell::new(Content::Count(row.no)), Cell::new(Content::Code(row.txid.clone()))]));
    let columns = vec![Column::number("no", "No"), Column::text("txid", "Transaction")];
    let transactions = table("transactions", "Transactions", columns, rows.collect(), "");
    Ok(Doc {
        name: format!("payout-{id}"),
        title: format!("{code}: payout batch {id}"),
        tables: vec![payouts_table(&refs, &code, &[batch]), transactions],
        ..Doc::default()
    })
}

fn payouts_table(refs: &Refs, code: &str, batches: &[Batch]) -> Table {
    let mut rows: Vec<Row> = batches
        .iter()
        .map(|batch| {
            let scale = refs.scale(batch.asset);
            let to = link::entry(batch.entry);
            let txid = match batch.transactions.as_slice() {
                [] => Cell::empty(),
                [one] => Cell::new(Content::Code(one.txid.clone())),
                [first, ..] => Cell::new(Content::Code(format!("{} and more", first.txid))),
            };
            Row::body(vec![
                Cell::new(Content::Count(batch.id)),
                Cell::new(Content::Date(batch.paid_on)),
                Cell::text(refs.code(batch.asset)),
                Cell::new(Content::Count(batch.claims)).to(claims_link(code)),
                Cell::units(batch.quantity, scale).to(&to),
                Cell::units(batch.network_fee, scale).to(&to),
                Cell::text(refs.wallets.get(&batch.wallet).map_or("", |wallet| wallet.code.as_str())),
                Cell::text(batch.entry.to_string()).to(&to),
                txid,
            ])
        })
        .collect();
    if batches.len() > 1 {
        let claims = batches.iter().fold(0_i64, |sum, batch| sum.saturating_add(batch.claims));
        let mut cells = vec![Cell::text("Total"), Cell::empty(), Cell::empty(), Cell::new(Content::Count(claims))];
        cells.extend((0..5).map(|_| Cell::empty()));
        rows.push(Row::of(RowKind::Total, cells));
    }
    let columns = vec![
        Column::number("batch", "Batch"),
        Column::text("paid_on", "Paid on"),
        Column::text("asset", "Asset"),
        Column::number("claims", "Claims"),
        Column::number("quantity", "Units"),
        Column::number("network_fee", "Network fee"),
        Column::text("wallet", "Wallet"),
        Column::text("entry", "Entry"),
        Column::text("txid", "Transaction"),
    ];
    table("payouts", "Payout batches", columns, rows, "Nothing was paid; `safu payouts pay` records a payout.")
}

fn texts(columns: &[(&str, &str)]) -> Vec<Column> {
    columns.iter().map(|(key, title)| Column::text(key, title)).collect()
}

fn table(id: &str, caption: &str, columns: Vec<Column>, rows: Vec<Row>, empty: &str) -> Table {
    let empty = (!empty.is_empty()).then(|| empty.to_owned());
    Table { id: id.to_owned(), caption: caption.to_owned(), columns, rows, next: None, empty }
}
