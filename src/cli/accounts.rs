//! `safu accounts`: the chart of accounts.

use super::CliResult;
use super::ctx::Ctx;
use super::listing::{doc, field};
use crate::domain::account::{AccountClass, AccountNo};
use crate::report::doc::{Cell, Column, Row};
use crate::report::link;
use crate::service::registry::NewAccount;
use crate::store::reference;
use clap::Subcommand;

/// Verbs of `safu accounts`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Add a leaf account.
    Add {
        /// Number, 1000 to 5999 or 9000 to 9999; the first digit is its class.
        number: i32,
        /// Name on statements.
        name: String,
    },
    /// List the chart.
    List,
}

/// Runs `safu accounts`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    match verb {
        Verb::Add { number, name } => {
            let reply = book.add_account(&ctx.call(), NewAccount { no: *number, name: name.clone() })?;
            ctx.print_reply(&reply, |answer| format!("Account {} is in the chart.", field(answer, "account")))
        }
        Verb::List => {
            let rows = book.read(reference::account_rows)?.into_iter().map(|account| {
                let no = AccountNo(account.no);
                let class = AccountClass::of(no).map_or("", AccountClass::title);
                Row::body(vec![
                    Cell::text(no.to_string()).to(link::account(no, None)),
                    Cell::text(account.name),
                    Cell::text(class),
                ])
            });
            let columns = vec![Column::text("no", "No"), Column::text("name", "Name"), Column::text("class", "Class")];
            ctx.print_doc(&doc("accounts", "Chart of accounts", columns, rows.collect(), "There is no account."), None)
        }
    }
}
