//! `safu entries`: the journal, one entry at a time.

use super::CliResult;
use super::contributions::files::read;
use super::ctx::{CliError, Ctx};
use super::listing::{doc, entry_text, field};
use crate::domain::account::AccountNo;
use crate::domain::event::Event;
use crate::domain::ids::EntryNo;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::report::doc::{Cell, Column, Doc, Row};
use crate::report::link;
use crate::service::Book;
use crate::service::entries::ManualEntry;
use crate::service::entries::template::{self, EntryTemplate};
use crate::service::refs::Refs;
use crate::service::reversals::Reverse;
use crate::store::journal::{self, EntryRow, PostingRow};
use crate::store::log::Head;
use clap::Subcommand;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// Verbs of `safu entries`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the latest entries.
    List {
        /// How many.
        #[arg(long, default_value_t = 20, value_name = "COUNT")]
        limit: u16,
    },
    /// Show one entry with its lines.
    Show {
        /// Number of the entry.
        number: i64,
    },
    /// Post a manual entry, for what no other event covers. The file has one JSON object; `safu entries post --help` shows its fields.
    #[command(after_help = EXAMPLE)]
    Post {
        /// The file; - is standard input.
        file: PathBuf,
        /// Files that show it; each is added to the book first.
        #[arg(long, value_name = "FILE")]
        evidence: Vec<PathBuf>,
    },
    /// Keep a template, or replace the one of its name; without lines it is retired.
    SaveTemplate {
        /// A file with one JSON object: name, memo, reason, lines; - is standard input.
        file: PathBuf,
    },
    /// List the templates.
    Templates,
    /// Take an entry back by its exact negation, once.
    Reverse {
        /// Number of the entry.
        number: i64,
        /// Business date of the reversal, in an open month.
        #[arg(long, value_name = "DATE")]
        on: Date,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// What a file of an entry holds.
const EXAMPLE: &str = r#"A file:
  {"on": "2026-05-10", "memo": "Custody fee of April", "reason": "The custodian bills in arrears",
   "lines": [{"account": 5210, "asset": "USD", "side": "debit", "units": "1250.00"},
             {"account": 2300, "asset": "USD", "side": "credit", "units": "1250.00"}]}
A line has account, asset, side, units and value; the value may be left out in the functional currency. Lines on 1160 name
the bank account as "wallet"."#;

/// Runs `safu entries`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    match verb {
        Verb::List { limit } => ctx.print_doc(&list(&book, i64::from(*limit))?, None),
        Verb::Show { number } => ctx.print_doc(&show(&book, EntryNo(*number))?, None),
        Verb::Post { file, evidence } => post(ctx, &book, file, evidence),
        Verb::SaveTemplate { file } => {
            let template: EntryTemplate = parsed(file)?;
            let reply = book.save_template(&ctx.call(), template)?;
            ctx.print_reply(&reply, |answer| format!("Template {} has {} lines.", field(answer, "name"), field(answer, "lines")))
        }
        Verb::Templates => ctx.print_doc(&templates(&book)?, None),
        Verb::Reverse { number, on, reason } => {
            let command = Reverse { entry: *number, on: *on, reason: reason.clone() };
            let reply = book.reverse_entry(&ctx.call(), command)?;
            ctx.print_reply(&reply, entry_text)
        }
    }
}

fn post(ctx: &Ctx, book: &Book, file: &Path, evidence: &[PathBuf]) -> CliResult {
    if ctx.global.dry_run && !evidence.is_empty() {
        let mend = "add the files with `safu evidence add`, and name their hashes under \"evidence\" in the file";
        return Err(CliError::Usage(format!("--evidence adds files, which a dry run does not; {mend}")));
    }
    let mut entry: ManualEntry = parsed(file)?;
    for file in evidence {
        let added = super::evidence::add(ctx, book, file)?.success()?.json();
        entry.evidence.push(field(&added, "sha256"));
    }
    let reply = book.post_manual(&ctx.call(), entry)?;
    ctx.print_reply(&reply, |answer| match field(answer, "proposal").as_str() {
        "" => entry_text(answer),
        number => format!("Proposal {number} waits for {} approvals.", field(answer, "needs")),
    })
}

fn parsed<T: DeserializeOwned>(file: &Path) -> Result<T, CliError> {
    serde_json::from_slice(&read(file)?).map_err(|error| CliError::Usage(format!("{}: {error}", file.display())))
}

fn templates(book: &Book) -> Result<Doc, CliError> {
    let rows = book.read(template::all)?.into_iter().map(|template| {
        let lines = i64::try_from(template.lines.len()).unwrap_or(i64::MAX);
        Row::body(vec![Cell::text(template.name), Cell::text(template.memo), Cell::count(lines)])
    });
    let columns = vec![Column::text("name", "Template"), Column::text("memo", "Memo"), Column::number("lines", "Lines")];
    let empty = "There is no template; keep one with `safu entries save-template`.";
    Ok(doc("templates", "Templates of entries", columns, rows.collect(), empty))
}

fn list(book: &Book, limit: i64) -> Result<Doc, CliError> {
    let headers = book.read(|conn| {
        let last = Head::load(conn)?.last_entry;
        journal::headers_between(conn, last.saturating_sub(limit).saturating_add(1), last)
    })?;
    let rows = headers.iter().rev().map(|entry| {
        Row::body(vec![
            Cell::count(entry.no).to(link::entry(EntryNo(entry.no))),
            Cell::text(&entry.effective_on),
            Cell::text(&entry.event),
            Cell::text(&entry.memo),
            Cell::text(&entry.source),
        ])
    });
    let columns = vec![
        Column::number("no", "No"),
        Column::text("effective_on", "Date"),
        Column::text("event", "Event"),
        Column::text("memo", "Memo"),
        Column::text("source", "Source"),
    ];
    Ok(doc("entries", "Latest entries", columns, rows.collect(), "Nothing is booked yet."))
}

fn show(book: &Book, no: EntryNo) -> Result<Doc, CliError> {
    let (found, refs, reversed_by) =
        book.read(|conn| Ok((journal::find(conn, no)?, Refs::load(conn)?, journal::reversal_of(conn, no)?)))?;
    let Some((header, postings)) = found else {
        return Err(Rejection::new(OutcomeCode::NotFound, "/number", no, "is not an entry of this book").into());
    };
    let columns = vec![
        Column::number("line", "Line"),
        Column::text("account", "Account"),
        Column::text("name", "Name"),
        Column::text("asset", "Asset"),
        Column::number("quantity", "Units"),
        Column::number("value", "Value"),
        Column::text("wallet", "Wallet"),
        Column::text("lot", "Lot"),
    ];
    let rows = postings.iter().map(|posting| line(posting, &refs)).collect();
    let event = Event::from_code(&header.event).map_or("", Event::title);
    let title = format!("Entry {no}: {event} ({})", header.event);
    Ok(Doc { notes: notes(&header, reversed_by), ..doc("entry", &title, columns, rows, "") })
}

fn line(posting: &PostingRow, refs: &Refs) -> Row {
    let (account, asset) = (AccountNo(posting.account_no), crate::domain::asset::AssetId(posting.asset_id));
    let name = refs.accounts.get(&account).map_or("", |account| account.name.as_str());
    let wallet = posting.wallet_id.and_then(|id| refs.wallets.get(&crate::domain::ids::WalletId(id)));
    Row::body(vec![
        Cell::count(i64::from(posting.line)),
        Cell::text(account.to_string()).to(link::account(account, Some(refs.code(asset)))),
        Cell::text(name),
        Cell::text(refs.code(asset)),
        Cell::units(posting.quantity.quantity(), refs.scale(asset)),
        Cell::value(posting.value.value()),
        Cell::text(wallet.map_or("", |wallet| wallet.code.as_str())),
        Cell::text(posting.lot_id.map_or_else(String::new, |id| id.to_string())),
    ])
}

fn notes(header: &EntryRow, reversed_by: Option<EntryNo>) -> Vec<String> {
    let recorded = Timestamp::from_microsecond(header.recorded_at).map_or_else(|_| String::new(), |at| at.to_string());
    let mut notes = vec![
        format!("Memo: {}", header.memo),
        format!("Effective on {}, booked in {}", header.effective_on, header.period),
        format!("Recorded {recorded} by {} under key {}", header.actor, header.request_key),
        format!("Caused by {}; proven by leaf {}", header.source, header.leaf),
    ];
    notes.extend(header.reverses.map(|no| format!("Reverses entry {no}")));
    notes.extend(reversed_by.map(|no| format!("Reversed by entry {no}")));
    notes
}
