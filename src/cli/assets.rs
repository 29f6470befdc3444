//! `safu assets`: what the fund can hold and owe.

use super::CliResult;
use super::ctx::Ctx;
use super::listing::{doc, field};
use crate::report::doc::{Cell, Column, Row};
use crate::service::registry::NewAsset;
use crate::store::reference;
use clap::Subcommand;

/// Verbs of `safu assets`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Add an asset; its code and decimals can never be changed.
    Add {
        /// Code, for example BTC.
        code: String,
        /// Network that the units live on, for example bitcoin.
        #[arg(long)]
        network: String,
        /// Decimals of one whole unit, 0 to 18.
        #[arg(long, value_name = "DECIMALS")]
        scale: u8,
        /// The asset is issued by the sponsor itself.
        #[arg(long)]
        own_token: bool,
    },
    /// List the assets.
    List,
}

/// Runs `safu assets`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    match verb {
        Verb::Add { code, network, scale, own_token } => {
            let new = NewAsset { code: code.clone(), network: network.clone(), scale: *scale, own_token: *own_token };
            let reply = book.add_asset(&ctx.call(), new)?;
            ctx.print_reply(&reply, |answer| format!("Asset {} is number {}.", field(answer, "asset"), field(answer, "id")))
        }
        Verb::List => {
            let rows = book.read(reference::asset_rows)?.into_iter().map(|asset| {
                let own = if asset.own_token == 1 { "yes" } else { "" };
                Row::body(vec![
                    Cell::text(asset.code),
                    Cell::text(asset.network),
                    Cell::count(i64::from(asset.scale)),
                    Cell::text(own),
                ])
            });
            let columns = vec![
                Column::text("code", "Code"),
                Column::text("network", "Network"),
                Column::number("scale", "Decimals"),
                Column::text("own_token", "Own token"),
            ];
            ctx.print_doc(&doc("assets", "Assets", columns, rows.collect(), "There is no asset."), None)
        }
    }
}
