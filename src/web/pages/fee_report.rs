//! One fee report: what it said, what became of it, what it owes, what changed since the version before, its rows, and exactly the
//! rows that failed.

use super::{Asked, Download, PAGE_ROWS, Page};
use crate::domain::amount::Quantity;
use crate::domain::ids::EntryNo;
use crate::report::doc::{Cell, Column, Content, Doc, Row, RowKind, Table, Tone};
use crate::report::link;
use crate::service::contributions::changes::{self, ChangeItem, RestatementView, RowChangeItem};
use crate::service::contributions::view::{
    self, KeptProblem, ReportFilter, ReportItem, ReportView, RowItem, StepItem, TotalItem,
};
use crate::service::contributions::waiting::{ACCEPTED, BY_HAND, CONFLICT, DUPLICATE_KEYS, QUARANTINED, REJECTED, SUPERSEDED};
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::web::view::{Extras, Section};

/// Decimals of volumes.
const VOLUME_SCALE: u8 = 18;

/// Everything about one report.
struct Found {
    refs: Refs,
    report: ReportView,
    rows: view::Page<RowItem>,
    /// The other reports of the venue's day.
    others: Vec<ReportItem>,
    restatement: Option<RestatementView>,
}

/// The page.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let (id, cursor) = (asked.number("report")?, asked.cursor()?);
    let found = asked.book.read(|conn| load(conn, id, cursor))?;
    let mut extras = Extras {
        crumbs: vec![("Contributions".to_owned(), Section::Contributions.path())],
        facts: found.facts(),
        ..Extras::default()
    };
    if !found.keeps_rows() && !found.problems().is_empty() {
        let path = format!("{}/failed.csv", link::fee_report(id));
        extras.actions.push(("Download the failed rows".to_owned(), path));
    }
    if found.restatement.is_some() {
        let path = format!("{}/changes.csv", link::fee_report(id));
        extras.actions.push(("Download all rows that differ".to_owned(), path));
    }
    let context =
        asked.context_of_now(Section::Contributions, "A fee report is shown as it stands now, with every step it took.");
    Ok(Page { context, doc: found.doc(), extras })
}

/// Every row that differs from the version that was replaced.
pub(super) fn changed(asked: &Asked<'_>) -> Result<Download, StoreError> {
    let id = asked.number("report")?;
    let text = asked.book.read(|conn| changes::changed_rows_csv(conn, id))?;
    Ok(Download { media: "text/csv; charset=utf-8", name: format!("changed-rows-{id}.csv"), bytes: text.into_bytes() })
}

/// Exactly the rows that failed, each with what is wrong, to be mended and sent again.
pub(super) fn failed(asked: &Asked<'_>) -> Result<Download, StoreError> {
    let id = asked.number("report")?;
    let text = asked.book.read(|conn| view::failed_rows_csv(conn, id))?;
    Ok(Download { media: "text/csv; charset=utf-8", name: format!("failed-rows-{id}.csv"), bytes: text.into_bytes() })
}

fn load(conn: &mut Conn, id: i64, cursor: Option<i64>) -> Result<Found, StoreError> {
    let report = view::report(conn, id)?;
    let day = report.item.business_date.parse().ok();
    let same_day = ReportFilter {
        venue: Some(report.item.venue.clone()),
        from: day,
        until: day,
        limit: PAGE_ROWS,
        ..ReportFilter::default()
    };
    let mut others = view::reports(conn, &same_day)?.items;
    others.retain(|other| other.id != id);
    Ok(Found {
        refs: Refs::load(conn)?,
        rows: view::rows(conn, id, cursor, PAGE_ROWS)?,
        restatement: changes::restatement(conn, id)?,
        report,
        others,
    })
}

/// The word for the state of a report.
pub(super) fn word(slug: &str) -> &'static str {
    match slug {
        ACCEPTED => "Accepted",
        QUARANTINED => "In quarantine",
        SUPERSEDED => "Superseded",
        REJECTED => "Rejected",
        _ => "Unknown",
    }
}

/// The state of a report as a cell.
pub(super) fn state_of(slug: &str) -> Cell {
    let tone = match slug {
        ACCEPTED => Tone::Good,
        QUARANTINED => Tone::Warn,
        REJECTED => Tone::Bad,
        _ => Tone::Neutral,
    };
    Cell::state(word(slug), tone)
}

/// A reason in words: `waiting-for-price` is `waiting for price`.
pub(super) fn reason(slug: &str) -> String {
    slug.replace('-', " ")
}

impl Found {
    /// What is wrong with it; of a report rejected by hand, why it had been in quarantine.
    fn problems(&self) -> &[KeptProblem] {
        let last = self.report.steps.iter().rfind(|step| step.because.is_none());
        last.map(|step| step.problems.as_slice()).unwrap_or_default()
    }

    /// False for one that was refused when it came.
    fn keeps_rows(&self) -> bool {
        self.report.item.state != REJECTED || self.report.item.reason == BY_HAND
    }

    fn doc(&self) -> Doc {
        let item = &self.report.item;
        let mut tables = Vec::new();
        if !self.problems().is_empty() {
            tables.push(problem_table(self.problems()));
        }
        tables.push(self.totals());
        if let Some(restated) = &self.restatement {
            tables.push(self.contribution_changes(restated));
            tables.push(self.row_changes(restated));
        }
        tables.push(step_table(&self.report.steps));
        if !self.others.is_empty() {
            tables.push(list("others", "Other reports of this day", &self.others));
        }
        tables.push(self.row_table());
        Doc {
            name: format!("fee-report-{}", item.id),
            title: format!("{} of {}, version {}", item.venue, item.business_date, item.version),
            finding: Some(finding(item)),
            tables,
            notes: self.restatement.iter().filter_map(|restated| restated.left_off.clone()).collect(),
            ..Doc::default()
        }
    }

    fn facts(&self) -> Vec<(String, Cell)> {
        let (report, item) = (&self.report, &self.report.item);
        let mut facts = vec![
            ("State", state_of(&item.state)),
            ("Venue", Cell::text(&item.venue)),
            ("Business date", Cell::text(&item.business_date)),
            ("Report", Cell::code(&item.report_id)),
            ("Version", Cell::count(item.version)),
            ("Replaces version", item.supersedes.map_or_else(|| Cell::blank("none: it is the first"), Cell::count)),
            ("Rows", Cell::count(item.rows).to("#rows")),
            ("Made by the sender", Cell::time(report.generated_at)),
            ("Received", Cell::time(item.recorded_at)),
            ("Sent by", Cell::text(&item.submitted_by)),
            ("SHA-256 of the rows", Cell::code(&report.sha256)),
            ("Root over the rows", Cell::code(&report.rows_root)),
            ("Leaf of the log", Cell::count(report.leaf)),
        ];
        if let Some(step) = report.steps.iter().find(|step| step.because.is_some()) {
            facts.push(("Rejected by", Cell::text(&step.by)));
            facts.push(("Rejected at", Cell::time(step.recorded_at)));
            facts.push(("Rejected because", Cell::text(step.because.as_deref().unwrap_or_default())));
        }
        if item.state == QUARANTINED {
            facts.push(("To end the quarantine", Cell::code(format!("safu contributions reject {} --reason \"…\"", item.id))));
        }
        if let Some(no) = item.entry {
            facts.push(("Entry", Cell::entry(EntryNo(no))));
        }
        if let Some(text) = &report.share {
            let share = rust_decimal::Decimal::from_str_exact(text);
            facts
                .push(("Share of the fees", share.map_or_else(|_| Cell::text(text), |share| Cell::new(Content::Percent(share)))));
        }
        if let Some(stop) = &report.stop {
            let coverage = format!("{}?as_of={}", link::report("coverage"), item.business_date);
            facts.push(("Fund value of the day", Cell::value(stop.fund_value.0).to(coverage)));
            facts.push(("Contributions stop at", Cell::value(stop.stop_at.0)));
        }
        if let Some(set) = &report.price_set {
            facts.push(("Valued with prices of", Cell::text(set).to(set.parse().map(link::price_set).unwrap_or_default())));
        }
        facts.into_iter().map(|(label, cell)| (label.to_owned(), cell)).collect()
    }

    /// An amount of an asset as it is stored, with the reason where there is none.
    fn units(&self, asset: &str, text: &str, why: &str) -> Cell {
        let scale = self.refs.assets.values().find(|known| known.code.as_str() == asset).map(|known| known.scale);
        amount(text, scale, why)
    }

    /// A figure of the report with the entry that it was posted by; nothing stands behind one that was not posted.
    fn posted(&self, cell: Cell) -> Cell {
        match self.report.item.entry {
            Some(no) => cell.to(link::entry(EntryNo(no))),
            None => cell,
        }
    }

    /// By asset: what the manifest says, what the rows say, the difference, and what the fund gets of it.
    fn totals(&self) -> Table {
        let posted = |cell| self.posted(cell);
        let row = |total: &TotalItem| {
            let rows = |text: &str| {
                let cell = self.units(&total.asset, text, "rows not kept");
                if text.is_empty() { cell } else { cell.to("#rows") }
            };
            let agrees = match total.difference.as_str() {
                "" => Cell::empty(),
                "0" => Cell::state("agrees", Tone::Good),
                _ => Cell::state("differs", Tone::Bad),
            };
            let contribution = self.units(&total.asset, &total.contribution, "not posted");
            Row::body(vec![
                Cell::text(&total.asset),
                rows(&total.gross_fee),
                rows(&total.rebate),
                rows(&total.net_fee),
                posted(self.units(&total.asset, &total.control_total, "not named")),
                posted(self.units(&total.asset, &total.difference, "unknown")),
                agrees,
                posted(contribution),
            ])
        };
        let columns = vec![
            Column::text("asset", "Asset"),
            Column::number("gross_fee", "Gross fee"),
            Column::number("rebate", "Rebate"),
            Column::number("net_fee", "Net fee"),
            Column::number("control_total", "Control total"),
            Column::number("difference", "Difference"),
            Column::text("check", "Check"),
            Column::number("contribution", "Contribution"),
        ];
        let rows = self.report.totals.iter().map(row).collect();
        Table::new("totals", "Totals by asset, in units", columns, rows, "It names no asset.")
    }

    fn contribution_changes(&self, restated: &RestatementView) -> Table {
        let to = link::fee_report(restated.previous.id);
        let row = |change: &ChangeItem| {
            let units = |text: &str| self.units(&change.asset, text, "unknown");
            let difference = units(&change.difference);
            Row::body(vec![
                Cell::text(&change.asset),
                units(&change.before).to(&to),
                units(&change.after).to("#totals"),
                self.posted(difference),
            ])
        };
        let columns = vec![
            Column::text("asset", "Asset"),
            Column::number("before", &format!("Version {}", restated.previous.version)),
            Column::number("after", &format!("Version {}", self.report.item.version)),
            Column::number("difference", "Difference"),
        ];
        let rows = restated.contributions.iter().map(row).collect();
        let empty = "The contribution is the same, or one of the two versions is not posted.";
        Table::new("restated", "What the restatement changed for the fund, in units", columns, rows, empty)
    }

    fn row_changes(&self, restated: &RestatementView) -> Table {
        let row = |change: &RowChangeItem| {
            let tone = match change.kind {
                "added" => Tone::Good,
                "removed" => Tone::Bad,
                _ => Tone::Warn,
            };
            let to = link::fee_report(restated.previous.id);
            let side = |figures: &Option<[String; 3]>| {
                let cells = figures.as_ref().map(|all| all.each_ref().map(|text| self.units(&change.fee_asset, text, "")));
                cells.unwrap_or_else(|| [Cell::empty(), Cell::empty(), Cell::empty()])
            };
            let mut cells = vec![Cell::state(change.kind, tone), Cell::text(&change.pair), Cell::text(&change.fee_asset)];
            for (before, after) in side(&change.before).into_iter().zip(side(&change.after)) {
                cells.extend([before.to(&to), self.posted(after)]);
            }
            Row::body(cells)
        };
        let columns = vec![
            Column::text("change", "Change"),
            Column::text("pair", "Pair"),
            Column::text("fee_asset", "Fee asset"),
            Column::number("gross_before", "Gross before"),
            Column::number("gross_after", "Gross now"),
            Column::number("rebate_before", "Rebate before"),
            Column::number("rebate_after", "Rebate now"),
            Column::number("net_before", "Net before"),
            Column::number("net_after", "Net now"),
        ];
        let mut rows: Vec<Row> = restated.rows.iter().map(row).collect();
        if let Some(hidden) = restated.rows_left_off.filter(|hidden| *hidden > 0) {
            let mut cells = vec![Cell::text(format!("and {hidden} more rows"))];
            cells.resize(columns.len(), Cell::empty());
            rows.push(Row::of(RowKind::Check, cells));
        }
        let caption = format!("Rows that differ from version {}", restated.previous.version);
        let empty =
            if restated.rows_changed.is_some() { "No row differs." } else { "They are not compared here; see the notes." };
        Table::new("changes", &caption, columns, rows, empty)
    }

    fn row_table(&self) -> Table {
        // What is not posted has no entry behind it; the totals that it is part of are on this page.
        let posted = |cell: Cell| if self.report.item.entry.is_some() { self.posted(cell) } else { cell.to("#totals") };
        let row = |row: &RowItem| {
            let units = |text: &str| self.units(&row.fee_asset, text, "");
            let volume = |text: &str| amount(text, Some(VOLUME_SCALE), "");
            Row::body(vec![
                Cell::count(row.line),
                Cell::text(&row.pair),
                Cell::text(&row.fee_asset),
                Cell::count(row.trades),
                volume(&row.volume_base),
                volume(&row.volume_quote),
                posted(units(&row.gross_fee)),
                posted(units(&row.rebate)),
                posted(units(&row.net_fee)),
            ])
        };
        let columns = vec![
            Column::number("row", "Row"),
            Column::text("pair", "Pair"),
            Column::text("fee_asset", "Fee asset"),
            Column::number("trades", "Trades"),
            Column::number("volume_base", "Volume (base)"),
            Column::number("volume_quote", "Volume (quote)"),
            Column::number("gross_fee", "Gross fee"),
            Column::number("rebate", "Rebate"),
            Column::number("net_fee", "Net fee"),
        ];
        let empty = if self.keeps_rows() {
            "No more rows here; go back to the first page."
        } else {
            "The rows of a refused report are not kept; mend it and send it again."
        };
        let mut list = Table::new("rows", "Rows as they came", columns, self.rows.items.iter().map(row).collect(), empty);
        list.next = self.rows.next.map(|line| line.to_string());
        list
    }
}

fn amount(text: &str, scale: Option<u8>, why: &str) -> Cell {
    let quantity = scale.and_then(|scale| Some(Cell::units(Quantity::parse(text, scale).ok()?, scale)));
    quantity.unwrap_or_else(|| if text.is_empty() { Cell::blank(why) } else { Cell::text(text) })
}

fn finding(item: &ReportItem) -> String {
    let (state, why) = (word(&item.state), reason(&item.reason));
    match (item.state.as_str(), why.as_str()) {
        (_, "") => format!("{state}."),
        (REJECTED, _) => format!("{state} ({why}); nothing of it is posted."),
        (QUARANTINED, _) if [CONFLICT, DUPLICATE_KEYS].contains(&item.reason.as_str()) => {
            format!("{state} ({why}); it is never posted. Reject it, and send what is right as a higher version.")
        }
        (QUARANTINED, _) => format!("{state} ({why}); nothing of it is posted yet."),
        _ => format!("{state} ({why})."),
    }
}

/// A list of reports, each leading to its page.
pub(super) fn list(id: &str, caption: &str, items: &[ReportItem]) -> Table {
    let row = |item: &ReportItem| {
        let to = link::fee_report(item.id);
        Row::body(vec![
            Cell::text(&item.business_date).to(&to),
            Cell::text(&item.venue),
            Cell::code(&item.report_id).to(&to),
            Cell::count(item.version),
            state_of(&item.state),
            Cell::text(reason(&item.reason)),
            Cell::count(item.rows).to(format!("{to}#rows")),
            item.entry.map_or_else(Cell::empty, |no| Cell::entry(EntryNo(no))),
            Cell::text(&item.submitted_by),
            Cell::time(item.recorded_at),
        ])
    };
    let columns = vec![
        Column::text("business_date", "Day"),
        Column::text("venue", "Venue"),
        Column::text("report", "Report"),
        Column::number("version", "Version"),
        Column::text("state", "State"),
        Column::text("reason", "Why"),
        Column::number("rows", "Rows"),
        Column::text("entry", "Entry"),
        Column::text("by", "Sent by"),
        Column::text("recorded_at", "Received"),
    ];
    let empty = "No fee report here. `safu contributions submit FILE` takes one in; `safu contributions manifest FILE` writes its \
                 manifest.";
    Table::new(id, caption, columns, items.iter().map(row).collect(), empty)
}

fn step_table(steps: &[StepItem]) -> Table {
    let row = |step: &StepItem| {
        Row::body(vec![
            Cell::time(step.recorded_at),
            state_of(&step.state),
            Cell::text(reason(&step.reason)),
            Cell::text(step.because.as_deref().unwrap_or_default()),
            Cell::text(&step.by),
            step.entry.map_or_else(Cell::empty, |no| Cell::entry(EntryNo(no))),
            Cell::count(step.leaf),
        ])
    };
    let columns = vec![
        Column::text("at", "When"),
        Column::text("state", "State"),
        Column::text("reason", "Why"),
        Column::text("because", "In words"),
        Column::text("by", "By"),
        Column::text("entry", "Entry"),
        Column::number("leaf", "Leaf"),
    ];
    Table::new("steps", "What became of it", columns, steps.iter().map(row).collect(), "No step is recorded.")
}

fn problem_table(problems: &[KeptProblem]) -> Table {
    let row = |problem: &KeptProblem| {
        let line = problem.line.as_deref().unwrap_or_default();
        Row::body(vec![Cell::code(&problem.pointer), Cell::text(&problem.detail), Cell::code(&problem.value), Cell::code(line)])
    };
    let columns = vec![
        Column::text("where", "Where"),
        Column::text("detail", "What is wrong, and how to mend it"),
        Column::text("value", "Found"),
        Column::text("line", "The row"),
    ];
    Table::new("problems", "Problems", columns, problems.iter().map(row).collect(), "There are none.")
}
