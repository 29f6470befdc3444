//! `safu venues`: who owes contributions, and from when on their reports are due.

use super::CliResult;
use super::ctx::Ctx;
use super::listing::{doc, field};
use crate::report::doc::{Cell, Column, Row};
use crate::service::registry::NewVenue;
use crate::store::reference;
use clap::Subcommand;
use jiff::civil::Date;

/// Verbs of `safu venues`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Add a venue. When its reports are due is set by the contribution policy, for it alone or for all.
    Add {
        /// Code, for example spot.
        code: String,
        /// First business date that a report is due for.
        #[arg(long, value_name = "DATE")]
        first_due: Date,
    },
    /// List the venues.
    List,
}

/// Runs `safu venues`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    match verb {
        Verb::Add { code, first_due } => {
            let new = NewVenue { code: code.clone(), first_due: *first_due };
            let reply = book.add_venue(&ctx.call(), new)?;
            ctx.print_reply(&reply, |answer| format!("Venue {} is number {}.", field(answer, "venue"), field(answer, "id")))
        }
        Verb::List => {
            let rows = book
                .read(reference::venue_rows)?
                .into_iter()
                .map(|venue| Row::body(vec![Cell::text(venue.code), Cell::text(venue.first_due)]));
            let columns = vec![Column::text("code", "Code"), Column::text("first_due", "First report due for")];
            let empty = "There is no venue yet; add one with `safu venues add`.";
            ctx.print_doc(&doc("venues", "Venues", columns, rows.collect(), empty), None)
        }
    }
}
