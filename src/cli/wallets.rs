//! `safu wallets`: where the fund's units lie.

use super::CliResult;
use super::ctx::Ctx;
use super::listing::field;
use crate::service::reconciliation::docs;
use crate::service::registry::{DescribeWallet, NewWallet};
use clap::Subcommand;

/// Verbs of `safu wallets`.
#[derive(Debug, Subcommand)]
pub enum Verb {
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
    /// Say what a wallet is for, and on which network it lies.
    Describe {
        /// Code of the wallet.
        code: String,
        /// What it is for, in words.
        #[arg(long, default_value = "", hide_default_value = true)]
        purpose: String,
        /// Network, for example bitcoin; then only balances of this network are taken as observed.
        #[arg(long, default_value = "", hide_default_value = true)]
        network: String,
    },
    /// List the wallets with what they hold by the book and by the last observation.
    List,
}

/// Runs `safu wallets`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    match verb {
        Verb::Add { code, account, address, purpose, network } => {
            let new = NewWallet { purpose: purpose.clone(), network: network.clone(), ..NewWallet::new(code, *account, address) };
            let reply = book.add_wallet(&ctx.call(), new)?;
            ctx.print_reply(&reply, |answer| format!("Wallet {} is number {}.", field(answer, "wallet"), field(answer, "id")))
        }
        Verb::Describe { code, purpose, network } => {
            let command = DescribeWallet { wallet: code.clone(), purpose: purpose.clone(), network: network.clone() };
            let reply = book.describe_wallet(&ctx.call(), command)?;
            ctx.print_reply(&reply, |answer| format!("Wallet {} is described.", field(answer, "wallet")))
        }
        Verb::List => ctx.print_doc(&book.read(docs::wallets)?, None),
    }
}
