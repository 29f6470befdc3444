//! `safu report`: every report of the registry.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use crate::report::doc::{Cell, Column, Doc, Row, RowKind, Table};
use crate::report::registry::{self, Group, REPORTS};
use crate::report::render::Format;
use crate::web::view::{PageContext, render_doc};
use std::str::FromStr;

/// Options of `safu report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: safu report coverage --as-of 2019-05-07 --known-at 2019-05-08T00:00:00Z --format json")]
pub struct Args {
    /// Name of the report, or `list` for all names with their parameters.
    name: String,
    /// Entries up to this business date count; the last day of the book where none is given.
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,
    /// The book as it was known at this moment (or at the end of this day).
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
    /// Put the report as of this business date beside it: before, after, difference.
    #[arg(long, value_name = "DATE")]
    compare_as_of: Option<String>,
    /// Put the report as it was known at this moment beside it.
    #[arg(long, value_name = "TIME")]
    compare_known_at: Option<String>,
    /// table, json, csv, xlsx, or html: one file that needs nothing else.
    #[arg(long, value_name = "FORMAT")]
    format: Option<Output>,
    /// From this business date.
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Up to this business date.
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Account number.
    #[arg(long, value_name = "NO")]
    account: Option<String>,
    /// Asset code.
    #[arg(long, value_name = "CODE")]
    asset: Option<String>,
    /// Event code, for example E01.
    #[arg(long, value_name = "CODE")]
    event: Option<String>,
    /// Memo or source contains this.
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    /// Any other parameter of the report, as NAME=VALUE; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Where the next page starts, as the page before said.
    #[arg(long)]
    cursor: Option<String>,
    /// Rows of a page.
    #[arg(long, value_name = "ROWS")]
    limit: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Output {
    Plain(Format),
    Html,
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Format::parse(text) {
            Some(format) => Ok(Self::Plain(format)),
            None if text == "html" => Ok(Self::Html),
            None => Err("use table, json, csv, xlsx or html".to_owned()),
        }
    }
}

impl Args {
    fn query(&self) -> Result<Vec<(String, String)>, CliError> {
        let own = [
            ("as_of", &self.as_of),
            ("known_at", &self.known_at),
            ("compare_as_of", &self.compare_as_of),
            ("compare_known_at", &self.compare_known_at),
            ("from", &self.from),
            ("to", &self.to),
            ("account", &self.account),
            ("asset", &self.asset),
            ("event", &self.event),
            ("text", &self.text),
            ("cursor", &self.cursor),
            ("limit", &self.limit),
        ];
        let mut query: Vec<(String, String)> =
            own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect();
        for pair in &self.set {
            let (name, value) = pair.split_once('=').ok_or_else(|| CliError::Usage(format!("--set {pair}: write NAME=VALUE")))?;
            query.push((name.to_owned(), value.to_owned()));
        }
        Ok(query)
    }
}

/// Runs `safu report`.
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    let plain = match args.format {
        Some(Output::Plain(format)) => Some(format),
        _ => None,
    };
    if args.name == "list" {
        return ctx.print_doc(&list(), plain);
    }
    registry::find(&args.name)?;
    let query = args.query()?;
    let book = ctx.book()?;
    let doc = book.report(&args.name, &query)?;
    if let Some(next) = doc.tables.iter().find_map(|table| table.next.as_ref()) {
        ctx.say(&format!("There is more: --cursor {next}"));
    }
    match args.format {
        Some(Output::Html) => ctx.print(&page(&book.title()?, doc)?),
        _ => ctx.print_doc(&doc, plain),
    }
}

/// The report as a file of its own: its style in it, no script, nothing fetched.
fn page((book, currency): &(String, String), mut doc: Doc) -> Result<String, CliError> {
    let more = doc.tables.iter().filter_map(|table| Some((table.caption.clone(), table.next.clone()?)));
    let notes: Vec<String> = more.map(|(caption, next)| format!("{caption}: there is more, from --cursor {next} on.")).collect();
    doc.notes.extend(notes);
    render_doc(&PageContext::file(book, currency), &doc).map_err(|e| CliError::Failed(e.to_string()))
}

fn list() -> Doc {
    let mut rows = Vec::new();
    for group in Group::ALL {
        let reports: Vec<_> = REPORTS.iter().filter(|report| report.group == group).collect();
        if !reports.is_empty() {
            rows.push(Row::of(RowKind::Group, vec![Cell::text(group.title())]));
        }
        rows.extend(reports.iter().map(|report| {
            let params: Vec<String> = report
                .params
                .iter()
                .map(|p| if p.required { format!("{} (needed)", p.name) } else { p.name.to_owned() })
                .collect();
            Row::body(vec![Cell::code(report.name.to_owned()), Cell::text(report.about), Cell::text(params.join(", "))])
        }));
    }
    Doc {
        name: "reports".to_owned(),
        title: "Reports".to_owned(),
        tables: vec![Table {
            id: "reports".to_owned(),
            caption: "Reports of the book".to_owned(),
            columns: vec![
                Column::text("name", "Name"),
                Column::text("about", "What it shows"),
                Column::text("parameters", "Parameters"),
            ],
            rows,
            ..Table::default()
        }],
        ..Doc::default()
    }
}
