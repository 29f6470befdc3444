//! `safu entries`: the journal, one entry at a time.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use super::listing::{doc, entry_text};
use crate::domain::account::AccountNo;
use crate::domain::event::Event;
use crate::domain::ids::EntryNo;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::report::doc::{Cell, Column, Doc, Row};
use crate::report::link;
use crate::service::Book;
use crate::service::refs::Refs;
use crate::service::reversals::Reverse;
use crate::store::journal::{self, EntryRow, PostingRow};
use crate::store::log::Head;
use clap::Subcommand;
use jiff::Timestamp;
use jiff::civil::Date;

/// Options of `safu entries`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
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

/// Runs `safu entries`.
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    let book = ctx.book()?;
    match &args.verb {
        Verb::List { limit } => ctx.print_doc(&list(&book, i64::from(*limit))?, None),
        Verb::Show { number } => ctx.print_doc(&show(&book, EntryNo(*number))?, None),
        Verb::Reverse { number, on, reason } => {
            let command = Reverse { entry: *number, on: *on, reason: reason.clone() };
            let reply = book.reverse_entry(&ctx.call(), command)?;
            ctx.print_reply(&reply, entry_text)
        }
    }
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
