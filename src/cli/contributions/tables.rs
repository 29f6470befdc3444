//! Contributions as tables.

use super::submit::Outcome;
use crate::cli::listing::{doc, field};
use crate::domain::amount::{Quantity, Value};
use crate::domain::contribution::calendar::{DayState, count_states};
use crate::domain::ids::EntryNo;
use crate::report::doc::{Basis, Cell, Column, Doc, Figure, Row, RowKind, Table, Tone};
use crate::report::link;
use crate::service::contributions::ageing::{AssetAgeing, Bucket};
use crate::service::contributions::calendar::VenueCalendar;
use crate::service::contributions::changes::{ChangeItem, RestatementView};
use crate::service::contributions::view::{Amounts, Page, ReportItem, ReportView};
use crate::service::refs::Refs;
use jiff::Timestamp;
use jiff::civil::Date;

fn columns(columns: &[(&str, &str, bool)]) -> Vec<Column> {
    let column = |(key, title, numeric): &(&str, &str, bool)| {
        if *numeric { Column::number(key, title) } else { Column::text(key, title) }
    };
    columns.iter().map(column).collect()
}

fn tone(state: &str) -> Tone {
    match state {
        "accepted" | "recorded" => Tone::Good,
        "superseded" => Tone::Neutral,
        "quarantined" => Tone::Warn,
        _ => Tone::Bad,
    }
}

fn state(state: &str) -> Cell {
    Cell::state(state.to_owned(), tone(state))
}

fn date(text: &str) -> Cell {
    text.parse().map_or_else(|_| Cell::text(text), |day: Date| Cell::date(day))
}

fn entry(no: Option<i64>) -> Cell {
    no.map_or_else(Cell::empty, |no| Cell::count(no).to(link::entry(EntryNo(no))))
}

fn amounts(amounts: &Amounts) -> Cell {
    Cell::text(amounts.iter().map(|(code, amount)| format!("{amount} {code}")).collect::<Vec<_>>().join(", "))
}

/// What became of each file.
pub fn outcomes(outcomes: &[Outcome]) -> Doc {
    let row = |outcome: &Outcome| {
        let answer = &outcome.answer;
        let owed: Amounts =
            answer.get("contributions").and_then(|owed| serde_json::from_value(owed.clone()).ok()).unwrap_or_default();
        let events = field(answer, "accepted");
        let what = if events.is_empty() {
            amounts(&owed)
        } else {
            Cell::text(format!("{events} events, {} known before", field(answer, "known")))
        };
        let reason = if outcome.replayed { "submitted before" } else { &outcome.reason };
        Row::body(vec![
            Cell::text(&outcome.file),
            state(&outcome.state),
            Cell::text(reason),
            Cell::text(field(answer, "report_id")),
            Cell::text(field(answer, "version")),
            entry(answer.get("entry").and_then(serde_json::Value::as_i64)),
            what,
        ])
    };
    let columns = columns(&[
        ("file", "File", false),
        ("state", "State", false),
        ("reason", "Reason", false),
        ("report", "Report", false),
        ("version", "Version", true),
        ("entry", "Entry", true),
        ("contributions", "Contributions", false),
    ]);
    doc("submitted", "Submitted", columns, outcomes.iter().map(row).collect(), "Nothing was submitted.")
}

/// Reports.
pub fn list(page: &Page<ReportItem>) -> Doc {
    let row = |item: &ReportItem| {
        Row::body(vec![
            Cell::count(item.id).to(link::fee_report(item.id)),
            Cell::text(&item.report_id),
            Cell::text(&item.venue),
            date(&item.business_date),
            Cell::count(item.version),
            state(&item.state),
            Cell::text(&item.reason),
            Cell::count(item.rows),
            amounts(&item.control_totals),
            amounts(&item.contributions),
            entry(item.entry),
            Cell::time(item.recorded_at),
        ])
    };
    let columns = columns(&[
        ("id", "No.", true),
        ("report_id", "Report", false),
        ("venue", "Venue", false),
        ("business_date", "Day", false),
        ("version", "Version", true),
        ("state", "State", false),
        ("reason", "Reason", false),
        ("rows", "Rows", true),
        ("control_totals", "Net fees", false),
        ("contributions", "Contributions", false),
        ("entry", "Entry", true),
        ("recorded_at", "Came", false),
    ]);
    let empty = "No fee report is here; submit one with `safu contributions submit FILE`.";
    let mut doc = doc("fee-reports", "Fee reports", columns, page.items.iter().map(row).collect(), empty);
    if let Some(table) = doc.tables.first_mut() {
        table.next = page.next.map(|next| next.to_string());
    }
    doc
}

/// One report.
pub fn show(report: &ReportView, restated: Option<&RestatementView>) -> Doc {
    let item = &report.item;
    let mut doc = Doc {
        name: "fee-report".to_owned(),
        title: format!("Fee report {} version {}", item.report_id, item.version),
        figures: figures(report),
        tables: vec![totals(report), steps(report)],
        ..Doc::default()
    };
    doc.tables.extend(restated.map(changes));
    if let Some(restated) = restated.filter(|restated| restated.rows_changed != Some(0)) {
        let all = || format!("Print the rows that differ with `safu contributions show {} --changed-rows`.", item.id);
        doc.notes.push(restated.left_off.clone().unwrap_or_else(all));
    }
    doc.notes.push(format!("Leaf {} of the log; root over the rows {}.", report.leaf, report.rows_root));
    doc
}

fn figures(report: &ReportView) -> Vec<Figure> {
    let item = &report.item;
    vec![
        Figure::new("state", "State", state(&item.state)),
        Figure::new("reason", "Reason", Cell::text(&item.reason)),
        Figure::new("venue", "Venue", Cell::text(&item.venue)),
        Figure::new("business_date", "Business date", date(&item.business_date)),
        Figure::new("rows", "Rows", Cell::count(item.rows)),
        Figure::new("share", "Share", Cell::text(report.share.as_deref().unwrap_or_default())),
        Figure::new("price_set", "Prices of", Cell::text(report.price_set.as_deref().unwrap_or_default())),
        Figure::new("entry", "Entry", entry(item.entry)),
        Figure::new("submitted_by", "Sent by", Cell::text(&item.submitted_by)),
        Figure::new("sha256", "SHA-256", Cell::code(report.sha256.clone())),
    ]
}

fn totals(report: &ReportView) -> Table {
    let row = |total: &crate::service::contributions::view::TotalItem| {
        let texts = [
            &total.asset,
            &total.gross_fee,
            &total.rebate,
            &total.net_fee,
            &total.control_total,
            &total.difference,
            &total.contribution,
        ];
        Row::body(texts.into_iter().map(Cell::text).collect())
    };
    let columns = columns(&[
        ("asset", "Asset", false),
        ("gross_fee", "Charged", true),
        ("rebate", "Given back", true),
        ("net_fee", "Net fee", true),
        ("control_total", "Control total", true),
        ("difference", "Difference", true),
        ("contribution", "Contribution", true),
    ]);
    Table::new("totals", "Totals", columns, report.totals.iter().map(row).collect(), "The report has no totals.")
}

fn steps(report: &ReportView) -> Table {
    let mut rows = Vec::new();
    for step in &report.steps {
        let first = step.problems.first().map(|p| format!("{}: {}", p.pointer, p.detail));
        let first = first.or_else(|| step.because.clone()).unwrap_or_default();
        let cells = vec![
            Cell::count(step.step),
            state(&step.state),
            Cell::text(&step.reason),
            entry(step.entry),
            Cell::text(&step.by),
            Cell::time(step.recorded_at),
            Cell::text(first),
        ];
        rows.push(Row::body(cells));
        for problem in step.problems.iter().skip(1) {
            let mut cells: Vec<Cell> = (0..6).map(|_| Cell::empty()).collect();
            cells.push(Cell::text(format!("{}: {}", problem.pointer, problem.detail)));
            rows.push(Row::body(cells));
        }
    }
    let columns = columns(&[
        ("step", "Step", true),
        ("state", "State", false),
        ("reason", "Reason", false),
        ("entry", "Entry", true),
        ("by", "By", false),
        ("recorded_at", "When", false),
        ("problems", "Problems, or why", false),
    ]);
    Table::new("steps", "What became of it", columns, rows, "Nothing became of it yet.")
}

fn changes(restated: &RestatementView) -> Table {
    let row = |change: &ChangeItem| {
        Row::body([&change.asset, &change.before, &change.after, &change.difference].into_iter().map(Cell::text).collect())
    };
    let columns = columns(&[
        ("asset", "Asset", false),
        ("before", "Contribution before", true),
        ("after", "Now", true),
        ("difference", "Difference", true),
    ]);
    let rows = restated.rows_changed.map_or_else(|| "rows not compared".to_owned(), |many| format!("{many} rows differ"));
    let caption = format!("Against version {}: {rows}", restated.previous.version);
    Table::new("changes", &caption, columns, restated.contributions.iter().map(row).collect(), "No contribution differs.")
}

/// Calendars; `open` leaves out the days on which nothing is wrong.
pub fn calendar(calendars: &[VenueCalendar], open: bool) -> Doc {
    let fine = [DayState::Accepted, DayState::NotDue];
    let mut rows = Vec::new();
    let mut notes = Vec::new();
    for calendar in calendars {
        for day in calendar.days.iter().filter(|day| !open || !fine.contains(&day.state)) {
            let tone = match day.state {
                DayState::NotDue => Tone::Neutral,
                DayState::Accepted => Tone::Good,
                DayState::Late | DayState::Stale => Tone::Warn,
                DayState::Quarantined | DayState::Missing => Tone::Bad,
            };
            let report = calendar.reports.get(&day.date);
            let version = day.posted_version.or(day.newest_version);
            rows.push(Row::body(vec![
                Cell::text(&calendar.venue),
                Cell::date(day.date),
                Cell::state(day.state.title().to_owned(), tone),
                Cell::time(day.due_at),
                day.first_received_at.map_or_else(Cell::empty, Cell::time),
                version.map_or_else(Cell::empty, |version| Cell::count(i64::from(version))),
                report.map_or_else(Cell::empty, |id| Cell::count(*id).to(link::fee_report(*id))),
            ]));
        }
        let counts = count_states(&calendar.days);
        let counts = counts.iter().filter(|(_, n)| *n > 0).map(|(state, n)| format!("{n} {}", state.slug()));
        notes.push(format!("{}: {}", calendar.venue, counts.collect::<Vec<_>>().join(", ")));
    }
    let columns = columns(&[
        ("venue", "Venue", false),
        ("date", "Day", false),
        ("state", "State", false),
        ("due_at", "Due", false),
        ("received_at", "First came", false),
        ("version", "Version", true),
        ("report", "Report", true),
    ]);
    let empty = if open { "No day is open." } else { "No venue has a day that is due; add one with `safu venues add`." };
    let mut doc = doc("contributions-calendar", "Contributions by day", columns, rows, empty);
    doc.notes = notes;
    doc
}

/// Ageing, by asset and bucket, then date by date.
pub fn ageing(refs: &Refs, assets: &[AssetAgeing], as_of: Date, known_at: Option<Timestamp>) -> Doc {
    let (mut buckets, mut items) = (Vec::new(), Vec::new());
    for asset in assets {
        let scale = refs.scale(asset.asset);
        for bucket in Bucket::ALL {
            let of_bucket = || asset.items.iter().filter(|item| item.bucket == bucket);
            let units = Quantity::checked_sum(of_bucket().map(|item| item.quantity)).unwrap_or_default();
            if units.is_zero() {
                continue;
            }
            let value = Value::checked_sum(of_bucket().map(|item| item.value)).unwrap_or_default();
            let cells = vec![
                Cell::text(refs.code(asset.asset)),
                Cell::text(bucket.title()),
                Cell::units(units, scale),
                Cell::value(value),
            ];
            buckets.push(Row::body(cells));
        }
        let cells = vec![
            Cell::text(refs.code(asset.asset)),
            Cell::text("receivable"),
            Cell::units(asset.quantity, scale),
            Cell::value(asset.value),
        ];
        buckets.push(Row::of(RowKind::Subtotal, cells));
        items.extend(asset.items.iter().map(|item| {
            let entries = item.entries.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
            let first = item.entries.first().copied().unwrap_or_default();
            Row::body(vec![
                Cell::text(refs.code(item.asset)),
                Cell::date(item.date),
                Cell::count(item.age_days),
                Cell::text(item.bucket.title()),
                Cell::units(item.quantity, scale),
                Cell::value(item.value),
                Cell::text(entries).to(link::entry(EntryNo(first))),
            ])
        }));
    }
    let by_bucket =
        columns(&[("asset", "Asset", false), ("age", "Age", false), ("quantity", "Units", true), ("value", "Value", true)]);
    let by_date = columns(&[
        ("asset", "Asset", false),
        ("date", "Day", false),
        ("age_days", "Days", true),
        ("age", "Age", false),
        ("quantity", "Units", true),
        ("value", "Value", true),
        ("entries", "Entries", false),
    ]);
    let empty = "Everything that was accrued is settled.";
    let tables = vec![
        Table::new("buckets", "Accrued but not settled", by_bucket, buckets, empty),
        Table::new("items", "Day by day", by_date, items, empty),
    ];
    Doc {
        name: "contributions-ageing".to_owned(),
        title: "Contributions not settled yet".to_owned(),
        basis: Basis { as_of: Some(as_of), known_at, ..Basis::default() },
        tables,
        ..Doc::default()
    }
}
