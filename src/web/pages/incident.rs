//! One incident: its life with dates, clocks, what it cost and still owes, estimates, statements, claims, payouts, recoveries.

use super::cells::{code, count, day, entry, span, state, table, time};
use super::incidents::{decimal, grouped, how_many, is_open, reserve, tone, units, word};
use super::{Asked, Page};
use crate::domain::account::no;
use crate::domain::amount::{Quantity, Value};
use crate::domain::incident::life::State;
use crate::report::doc::{Cell, Chart, ChartKind, Column, Content, Doc, Figure, Row, RowKind, Table, Tone};
use crate::report::{format, link};
use crate::service::incidents::view::{self, Batch, ClaimsOfAsset, IncidentView, STRAIGHT_LIFE};
use crate::service::refs::Refs;
use crate::store::error::StoreError;
use crate::web::view::{Extras, LifeStep, Reached, Section};
use jiff::Timestamp;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The page.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let (refs, incident) = asked.book.read(|conn| Ok((Refs::load(conn)?, view::incident(conn, asked.part("code"))?)))?;
    let shown = Shown { refs: &refs, incident: &incident, currency: asked.currency, now: asked.book.clock.now() };
    let extras =
        Extras { crumbs: vec![("Incidents".to_owned(), Section::Incidents.path())], life: life(&incident), ..Extras::default() };
    Ok(Page { context: asked.context(Section::Incidents), doc: shown.doc()?, extras })
}

/// The bar: the steps that were taken, then those of the straight way that lie ahead.
fn life(incident: &IncidentView) -> Vec<LifeStep> {
    let mut steps = vec![LifeStep {
        name: "Occurred".to_owned(),
        reached: Reached::Done,
        at: Some(incident.summary.occurred_at),
        after: String::new(),
    }];
    let mut before = incident.summary.occurred_at;
    for step in &incident.steps {
        let name = State::from_slug(&step.state).map_or(step.state.as_str(), |state| word(state));
        let after = format!("after {}", span(step.at.duration_since(before)));
        steps.push(LifeStep { name: name.to_owned(), reached: Reached::Done, at: Some(step.at), after });
        before = step.at;
    }
    if let Some(last) = steps.last_mut() {
        last.reached = Reached::Now;
    }
    let now = incident.summary.life.state;
    let reached = STRAIGHT_LIFE.iter().position(|state| *state == now);
    if let Some(at) = reached {
        let ahead = STRAIGHT_LIFE.iter().skip(at.saturating_add(1));
        steps.extend(ahead.map(|state| LifeStep {
            name: word(*state).to_owned(),
            reached: Reached::Ahead,
            at: None,
            after: String::new(),
        }));
    }
    steps
}

struct Shown<'a> {
    refs: &'a Refs,
    incident: &'a IncidentView,
    currency: &'a str,
    now: Timestamp,
}

impl Shown<'_> {
    fn code(&self) -> &str {
        &self.incident.summary.code
    }

    /// Every entry of the incident: they name it as their source.
    fn entries(&self) -> String {
        link::journal(&format!("text=incident:{}", self.code()))
    }

    fn doc(&self) -> Result<Doc, StoreError> {
        let summary = &self.incident.summary;
        let mut charts: Vec<Chart> = self.estimate_charts();
        charts.extend(self.progress_charts());
        Ok(Doc {
            name: format!("incident-{}", summary.code.to_ascii_lowercase()),
            title: format!("{}: {}", summary.code, summary.title),
            finding: Some(self.finding()?),
            figures: self.figures()?,
            charts,
            tables: vec![
                self.loss(),
                self.reserve()?,
                self.claims(),
                batches(self.refs, self.code(), &self.incident.batches),
                self.estimates(),
                self.steps(),
                self.statements(),
                self.recoveries(),
                self.memos(),
                self.files(),
            ],
            notes: vec![
                "Gross loss is accounts 5100 to 5140; recoveries are shown apart and never netted in the books.".to_owned(),
                "Traced and frozen funds are memo figures: they are in no total until a recovery is virtually certain."
                    .to_owned(),
            ],
            ..Doc::default()
        })
    }

    fn finding(&self) -> Result<String, StoreError> {
        let summary = &self.incident.summary;
        let owed = reserve(summary)?;
        let amount = |value: Value| format!("{} {}", format::compact(decimal(value)), self.currency);
        let kind = summary.kind.title();
        if summary.loss.gross.is_zero() {
            return Ok(format!("{kind}; {}, nothing is in the books yet.", word(summary.life.state).to_lowercase()));
        }
        let claims = &self.incident.claims;
        let paid = match claims.count {
            0 => String::new(),
            _ => format!(" {} of {} paid.", grouped(claims.paid_count), how_many(claims.count, "claim", "claims")),
        };
        let left = if owed.is_zero() { "nothing is owed any more".to_owned() } else { format!("{} is still owed", amount(owed)) };
        Ok(format!(
            "{kind}. It cost {} gross, {} net of recoveries; {left}.{paid}",
            amount(summary.loss.gross),
            amount(summary.loss.net)
        ))
    }

    fn figures(&self) -> Result<Vec<Figure>, StoreError> {
        let summary = &self.incident.summary;
        let claims = &self.incident.claims;
        let figure = |key: &str, label: &str, cell: Cell, hint: &str| Figure {
            key: key.to_owned(),
            label: label.to_owned(),
            cell,
            state: None,
            formula: None,
            parts: None,
            hint: Some(hint.to_owned()).filter(|hint| !hint.is_empty()),
        };
        let since = format!("since {}", format::instant(summary.since));
        let since = match is_open(summary.life.state) {
            true => format!("{since}, {} ago", span(self.now.duration_since(summary.since))),
            false => since,
        };
        let stands = figure("state", "State", state(word(summary.life.state), tone(summary.life.state)).to("#steps"), &since);
        let value = |value: Value, to: String| Cell::value(value).to(to);
        let above = if summary.loss.above_loss.is_zero() { "" } else { "the part above the loss is income, not less loss" };
        let all = how_many(claims.count, "claim", "claims");
        Ok(vec![
            stands,
            figure("gross_loss", "Gross loss", value(summary.loss.gross, "#loss".to_owned()), "what the fund took upon itself"),
            figure("recovered", "Recovered", value(summary.loss.recovered, "#recoveries".to_owned()), above),
            figure("net_loss", "Net loss", value(summary.loss.net, self.entries()), "gross less recovered"),
            figure("reserve", "Still owed", value(reserve(summary)?, "#reserve".to_owned()), "provisions and approved claims"),
            figure(
                "paid",
                "Claims paid",
                count(claims.paid_count).to(link::claims(self.code())),
                &format!("of {all}, {} approved", grouped(claims.approved_count)),
            ),
        ])
    }

    fn scale(&self, asset: &str) -> u8 {
        self.refs.assets.values().find(|known| known.code.as_str() == asset).map_or(0, |known| known.scale)
    }

    /// Stored whole units as exact units; what cannot be read is shown as the text it is.
    fn stored(&self, asset: &str, text: &str) -> Cell {
        let scale = self.scale(asset);
        Quantity::parse(text, scale).map_or_else(|_| Cell::text(text), |quantity| Cell::units(quantity, scale))
    }

    /// How the estimate grew, one chart an asset; a single version has no history.
    fn estimate_charts(&self) -> Vec<Chart> {
        let mut by_asset: BTreeMap<&str, Vec<(String, Decimal, Decimal)>> = BTreeMap::new();
        for (on, version) in &self.incident.estimates {
            for (asset, estimate) in &version.assets {
                let number = |text: &str| Decimal::from_str_exact(text).unwrap_or_default();
                let label = format!("v{} · {on}", version.version);
                by_asset.entry(asset).or_default().push((label, number(&estimate.case), number(&estimate.ibnr)));
            }
        }
        let several = by_asset.into_iter().filter(|(_, versions)| versions.len() > 1);
        several.map(|(asset, versions)| estimate_chart(asset, &versions)).collect()
    }

    /// What was claimed, approved and paid, one chart an asset.
    fn progress_charts(&self) -> Vec<Chart> {
        let claims = link::claims(self.code());
        let payouts = link::payouts(self.code());
        let chart = |of: &ClaimsOfAsset| {
            let (asset, scale) = (self.refs.code(of.asset), self.refs.scale(of.asset));
            let bar = |label: &str, quantity: Quantity, tone: Tone, to: &str| {
                (label.to_owned(), units(quantity, scale), tone, Some(to.to_owned()))
            };
            let share = units(of.paid, scale).checked_div(units(of.claimed, scale)).unwrap_or_default();
            let share = Content::Percent(share);
            let share = format::show(&share, format::Style::alone(&share)).plain();
            Chart {
                id: format!("progress-{asset}"),
                title: "Claims".to_owned(),
                finding: format!("{share} of what is claimed in {asset} is paid."),
                kind: ChartKind::Ranked {
                    bars: vec![
                        bar("Claimed", of.claimed, Tone::Neutral, &claims),
                        bar("Approved", of.approved, Tone::Neutral, &claims),
                        bar("Paid", of.paid, Tone::Good, &payouts),
                    ],
                    marker: None,
                    unit: asset.to_owned(),
                },
            }
        };
        self.incident.claims.assets.iter().map(chart).collect()
    }

    fn loss(&self) -> Table {
        let loss = &self.incident.summary.loss;
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
        let columns = vec![Column::text("what", "What"), Column::number("value", &format!("Value ({})", self.currency))];
        table("loss", "What it cost", columns, rows, "Nothing is in the books yet.")
    }

    fn reserve(&self) -> Result<Table, StoreError> {
        let summary = &self.incident.summary;
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
            let total = Cell::value(reserve(summary)?).to(self.entries());
            rows.push(Row::of(
                RowKind::Total,
                vec![Cell::text("Still owed"), Cell::empty(), Cell::empty(), Cell::empty(), total],
            ));
        }
        let columns = vec![
            Column::text("account", "Account"),
            Column::text("name", "Name"),
            Column::text("asset", "Asset"),
            Column::number("units", "Units"),
            Column::number("value", &format!("Value ({})", self.currency)),
        ];
        let empty = if summary.life.recognised {
            "Nothing is owed any more: every approved claim is paid."
        } else {
            "Nothing is in the books yet; `safu incidents recognise` books the estimate."
        };
        Ok(table("reserve", "What is still owed", columns, rows, empty))
    }

    fn claims(&self) -> Table {
        let to = link::claims(self.code());
        let row = |of: &ClaimsOfAsset| {
            let units = |quantity| Cell::units(quantity, self.refs.scale(of.asset)).to(&to);
            let open = of.claimed.checked_sub(of.paid).map_or_else(|| Cell::blank("does not fit"), units);
            Row::body(vec![
                Cell::text(self.refs.code(of.asset)),
                count(of.count).to(&to),
                units(of.claimed),
                units(of.approved),
                count(of.paid_count).to(link::payouts(self.code())),
                Cell::units(of.paid, self.refs.scale(of.asset)).to(link::payouts(self.code())),
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
        let empty = "No claims yet; `safu incidents claims import` takes the file of them.";
        table("claims", "Claims by asset, in units", columns, self.incident.claims.assets.iter().map(row).collect(), empty)
    }

    fn estimates(&self) -> Table {
        let mut rows = Vec::new();
        for (on, version) in self.incident.estimates.iter().rev() {
            for (asset, estimate) in &version.assets {
                let booked = version.entries.first().copied();
                let to = booked.map(|no| link::entry(crate::domain::ids::EntryNo(no)));
                let linked = |text: &str| {
                    let cell = self.stored(asset, text);
                    to.as_ref().map_or_else(|| cell.clone(), |to| cell.clone().to(to))
                };
                rows.push(Row::body(vec![
                    Cell::text(format!("v{}", version.version)),
                    day(*on),
                    Cell::text(asset),
                    linked(&estimate.low),
                    linked(&estimate.case),
                    linked(&estimate.high),
                    linked(&estimate.ibnr),
                    linked(&estimate.identified),
                    booked.map_or_else(|| Cell::blank("when recognised"), entry),
                    Cell::text(&version.note),
                    Cell::text(&version.by),
                ]));
            }
        }
        let columns = vec![
            Column::text("version", "Version"),
            Column::text("on", "On"),
            Column::text("asset", "Asset"),
            Column::number("low", "Low"),
            Column::number("case", "Best"),
            Column::number("high", "High"),
            Column::number("ibnr", "Not identified yet"),
            Column::number("identified", "Identified since"),
            Column::text("entry", "Entry"),
            Column::text("note", "Rests on"),
            Column::text("by", "By"),
        ];
        let empty = "No estimate yet; `safu incidents estimate` records the first.";
        table("estimates", "Estimate history, the latest first, in units", columns, rows, empty)
    }

    fn statements(&self) -> Table {
        let row = |s: &crate::service::incidents::declare::Statement| {
            Row::body(vec![time(s.at), Cell::text(&s.text), Cell::text(&s.by)])
        };
        let columns =
            vec![Column::text("at", "When"), Column::text("text", "What the public was told"), Column::text("by", "By")];
        let rows = self.incident.statements.iter().map(row).collect();
        table(
            "statements",
            "Public statements",
            columns,
            rows,
            "Nothing was said in public yet; `safu incidents state` records it.",
        )
    }

    fn recoveries(&self) -> Table {
        let row = |(on, recovery): &(jiff::civil::Date, crate::service::incidents::recoveries::BookedRecovery)| {
            let to = link::entry(crate::domain::ids::EntryNo(recovery.entry));
            Row::body(vec![
                day(*on),
                state(&recovery.what, if recovery.what == "received" { Tone::Good } else { Tone::Neutral }),
                Cell::text(&recovery.asset),
                self.stored(&recovery.asset, &recovery.quantity).to(to),
                Cell::text(&recovery.channel),
                Cell::text(&recovery.note),
                entry(recovery.entry),
            ])
        };
        let columns = vec![
            Column::text("on", "On"),
            Column::text("what", "What"),
            Column::text("asset", "Asset"),
            Column::number("units", "Units"),
            Column::text("channel", "Channel"),
            Column::text("note", "Rests on"),
            Column::text("entry", "Entry"),
        ];
        let empty = "Nothing was recovered so far.";
        table("recoveries", "Recoveries in the books", columns, self.incident.recoveries.iter().map(row).collect(), empty)
    }

    fn memos(&self) -> Table {
        let row = |(on, memo): &(jiff::civil::Date, crate::service::incidents::recoveries::RecoveryMemo)| {
            Row::body(vec![
                day(*on),
                Cell::text(&memo.channel),
                Cell::text(&memo.asset),
                self.stored(&memo.asset, &memo.quantity),
                Cell::text(&memo.note),
            ])
        };
        let columns = vec![
            Column::text("since", "Since"),
            Column::text("channel", "Where"),
            Column::text("asset", "Asset"),
            Column::number("units", "Units"),
            Column::text("note", "Rests on"),
        ];
        let empty = "No traced or frozen funds are known.";
        table("memos", "Traced or frozen, not in the books", columns, self.incident.memos.iter().map(row).collect(), empty)
    }

    fn files(&self) -> Table {
        let row = |file: &crate::store::claim::ClaimsFileRow| {
            let at = Timestamp::from_microsecond(file.recorded_at).unwrap_or_default();
            let first = format!("{}?cursor={}", link::claims(self.code()), file.first_claim.saturating_sub(1));
            Row::body(vec![Cell::text(&file.file_name), count(file.row_count).to(first), time(at), code(&file.sha256)])
        };
        let columns = vec![
            Column::text("file", "File"),
            Column::number("claims", "Claims"),
            Column::text("at", "Imported"),
            Column::text("sha256", "SHA-256"),
        ];
        let rows = self.incident.claims.files.iter().map(row).collect();
        table("files", "Files the claims came in", columns, rows, "No file was imported yet.")
    }

    /// What happened when, and how long after the incident itself: its clocks.
    fn steps(&self) -> Table {
        let start = self.incident.summary.occurred_at;
        let mut marks: Vec<(Timestamp, Cell, &str, &str)> = Vec::new();
        for step in &self.incident.steps {
            let known = State::from_slug(&step.state);
            let (name, tone) = known.map_or((step.state.as_str(), Tone::Neutral), |state| (word(state), tone(state)));
            marks.push((step.at, state(name, tone), &step.note, &step.by));
        }
        if let Some(first) = self.incident.statements.iter().min_by_key(|statement| statement.at) {
            marks.push((first.at, Cell::text("First public statement").to("#statements"), "", &first.by));
        }
        if let Some(first) = self.incident.batches.iter().min_by_key(|batch| batch.recorded_at) {
            marks.push((first.recorded_at, Cell::text("First payout").to(link::payout(self.code(), first.id)), "", ""));
        }
        marks.sort_by_key(|mark| mark.0);
        let row = |(at, what, note, by): (Timestamp, Cell, &str, &str)| {
            Row::body(vec![time(at), Cell::text(span(at.duration_since(start))), what, Cell::text(note), Cell::text(by)])
        };
        let columns = vec![
            Column::text("at", "When"),
            Column::text("elapsed", "Since it happened"),
            Column::text("what", "What"),
            Column::text("note", "Rests on"),
            Column::text("by", "By"),
        ];
        table("steps", "Steps and clocks", columns, marks.into_iter().map(row).collect(), "No step is recorded.")
    }
}

fn estimate_chart(asset: &str, versions: &[(String, Decimal, Decimal)]) -> Chart {
    let whole = |version: &(String, Decimal, Decimal)| version.1.checked_add(version.2).unwrap_or_default();
    let (first, last) = (versions.first().map(whole).unwrap_or_default(), versions.last().map(whole).unwrap_or_default());
    let shown = |number| format::decimal(number, 4);
    let finding = if first == last {
        format!("Every version came to {} {asset} in all.", shown(last))
    } else {
        format!("From {} to {} {asset} over {} versions.", shown(first), shown(last), versions.len())
    };
    Chart {
        id: format!("estimate-{asset}"),
        title: "Estimate by version".to_owned(),
        finding,
        kind: ChartKind::Stacked {
            categories: versions.iter().map(|(label, ..)| (label.clone(), Some("#estimates".to_owned()))).collect(),
            parts: vec![
                ("Identified claimants".to_owned(), versions.iter().map(|version| version.1).collect()),
                ("Not identified yet".to_owned(), versions.iter().map(|version| version.2).collect()),
            ],
            unit: asset.to_owned(),
        },
    }
}

/// The payout batches of an incident.
pub(super) fn batches(refs: &Refs, incident: &str, batches: &[Batch]) -> Table {
    let row = |batch: &Batch| {
        let to = link::payout(incident, batch.id);
        let units = |quantity| Cell::units(quantity, refs.scale(batch.asset)).to(&to);
        let wallet = refs.wallets.get(&batch.wallet).map_or("", |wallet| wallet.code.as_str());
        Row::body(vec![
            code(batch.id.to_string()).to(&to),
            day(batch.paid_on),
            Cell::text(wallet),
            Cell::text(refs.code(batch.asset)),
            count(batch.claims).to(&to),
            units(batch.quantity),
            units(batch.network_fee),
            entry(batch.entry.0),
            time(batch.recorded_at),
        ])
    };
    let columns = vec![
        Column::text("batch", "Batch"),
        Column::text("paid_on", "Paid on"),
        Column::text("wallet", "From"),
        Column::text("asset", "Asset"),
        Column::number("claims", "Claims"),
        Column::number("quantity", "Units"),
        Column::number("network_fee", "Network fee"),
        Column::text("entry", "Entry"),
        Column::text("recorded_at", "Recorded"),
    ];
    let empty = "Nothing is paid yet; `safu payouts record` takes approved claims and their transactions.";
    table("payouts", "Payout batches", columns, batches.iter().map(row).collect(), empty)
}
