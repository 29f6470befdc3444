//! `safu wallets`: where the fund's units lie.

use super::CliResult;
use super::ctx::Ctx;
use super::listing::{doc, field};
use crate::report::doc::{Cell, Column, Row};
use crate::service::registry::NewWallet;
use crate::store::reference;
use clap::Subcommand;

/// Options of `safu wallets`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Add a wallet, a custody account or a bank account of the fund.
    Add {
        /// Code, for example cold-btc.
        code: String,
        /// Account that carries it: 1110 cold, 1120 payout, 1130 in transit, 1140 custodian, 1150 encumbered, 1160 bank.
        #[arg(long)]
        account: i32,
        /// Public address.
        #[arg(long, default_value = "", hide_default_value = true)]
        address: String,
        /// What it is for, in words.
        #[arg(long, default_value = "", hide_default_value = true)]
        purpose: String,
        /// Network, for example bitcoin; then only balances of this network are taken as observed.
        #[arg(long, default_value = "", hide_default_value = true)]
        network: String,
    },
    /// List the wallets.
    List,
}

/// Runs `safu wallets`.
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    let book = ctx.book()?;
    match &args.verb {
        Verb::Add { code, account, address, purpose, network } => {
            let new = NewWallet { purpose: purpose.clone(), network: network.clone(), ..NewWallet::new(code, *account, address) };
            let reply = book.add_wallet(&ctx.call(), new)?;
            ctx.print_reply(&reply, |answer| format!("Wallet {} is number {}.", field(answer, "wallet"), field(answer, "id")))
        }
        Verb::List => {
            let rows = book.read(reference::wallet_rows)?.into_iter().map(|wallet| {
                Row::body(vec![Cell::text(wallet.code), Cell::text(wallet.account_no.to_string()), Cell::code(wallet.address)])
            });
            let columns =
                vec![Column::text("code", "Code"), Column::text("account", "Account"), Column::text("address", "Address")];
            let empty = "There is no wallet yet; add one with `safu wallets add`.";
            ctx.print_doc(&doc("wallets", "Wallets", columns, rows.collect(), empty), None)
        }
    }
}
