//! `safu periods`: closing months.

use super::CliResult;
use super::ctx::Ctx;
use super::listing::{doc, entry_text, field};
use crate::domain::ids::EntryNo;
use crate::report::doc::{Cell, Column, Row};
use crate::report::link;
use crate::store::price;
use clap::Subcommand;

/// Options of `safu periods`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Close a month for good: income and expense go to the fund balance.
    Close {
        /// The month, for example 2019-05. Months are closed in order.
        month: String,
    },
    /// List the closed months.
    List,
}

/// Runs `safu periods`.
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    let book = ctx.book()?;
    match &args.verb {
        Verb::Close { month } => {
            let reply = book.close_period(&ctx.call(), month)?;
            ctx.print_reply(&reply, |answer| match answer.get("lines") {
                Some(_) => format!("{} is closed.\n{}", field(answer, "period"), entry_text(answer)),
                None => format!("{} is closed; it had no income and no expense.", field(answer, "period")),
            })
        }
        Verb::List => {
            let rows = book.read(price::closed_periods)?.into_iter().map(|period| {
                let entry = match period.closed_entry {
                    Some(no) => Cell::text(no.to_string()).to(link::entry(EntryNo(no))),
                    None => Cell::blank("no income and no expense"),
                };
                Row::body(vec![Cell::text(period.period), entry])
            });
            let columns = vec![Column::text("period", "Month"), Column::text("entry", "Closing entry")];
            ctx.print_doc(&doc("periods", "Closed months", columns, rows.collect(), "No month is closed yet."), None)
        }
    }
}
