//! `safu payouts` and `safu recoveries`: what leaves the fund for an incident, and what comes back.

use super::CliResult;
use super::ctx::Ctx;
use super::listing::{entries_text, field};
use super::prices::read_file;
use crate::service::at::At;
use crate::service::incidents::docs;
use crate::service::incidents::payouts::{NewPayout, PaidBy};
use crate::service::incidents::recoveries::{NewRecovery, NewRecoveryReceipt, RecoveryMemo};
use clap::Subcommand;
use jiff::civil::Date;
use std::path::PathBuf;

/// Verbs of `safu payouts`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Record that approved claims were paid in kind, and book it.
    Pay(Pay),
    /// List the payout batches of an incident.
    List {
        /// Code of the incident.
        code: String,
    },
    /// Show one payout batch.
    Show {
        /// Number of the batch.
        batch: i64,
    },
}

#[derive(Debug, clap::Args)]
pub struct Pay {
    /// Code of the incident.
    code: String,
    /// Asset code; claims in other assets are left alone.
    #[arg(long)]
    asset: String,
    /// Wallet that paid.
    #[arg(long)]
    wallet: String,
    /// The one transaction that paid all.
    #[arg(long, required_unless_present = "transactions", conflicts_with = "transactions", value_name = "ID")]
    txid: Option<String>,
    /// CSV file `claim_id,txid`, or - for standard input.
    #[arg(long, value_name = "FILE")]
    transactions: Option<PathBuf>,
    /// Claim numbers, for example 1-200,301. If left out: the claims of the file, or all that are approved and not paid.
    #[arg(long, value_name = "NUMBERS")]
    claims: Option<String>,
    /// What the network took in all, in the same asset.
    #[arg(long, value_name = "UNITS")]
    network_fee: Option<String>,
    /// Business date on which it was paid; today if left out.
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
    /// Remark.
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
}

/// Runs `safu payouts`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    match verb {
        Verb::Pay(pay) => {
            let by = match (&pay.txid, &pay.transactions) {
                (Some(txid), _) => PaidBy::One(txid.clone()),
                (None, Some(file)) => PaidBy::File(read_file(file)?),
                (None, None) => PaidBy::One(String::new()),
            };
            let new = NewPayout {
                on: pay.on.unwrap_or_else(|| book.clock.today()),
                asset: pay.asset.clone(),
                wallet: pay.wallet.clone(),
                claims: pay.claims.clone(),
                network_fee: pay.network_fee.clone(),
                note: pay.note.clone(),
            };
            let reply = book.pay_claims(&ctx.call(), &pay.code, new, by)?;
            ctx.print_reply(&reply, |body| {
                let [batch, claims, quantity, asset] = ["batch", "claims", "quantity", "asset"].map(|name| field(body, name));
                format!("Batch {batch}: {claims} claims of {} paid with {quantity} {asset}.\n{}", pay.code, entries_text(body))
            })
        }
        Verb::List { code } => ctx.print_doc(&book.read(|conn| docs::payouts(conn, code, &At::NOW))?, None),
        Verb::Show { batch } => ctx.print_doc(&book.read(|conn| docs::payout(conn, None, *batch, 0, docs::MAX_PAGE))?, None),
    }
}

/// Verbs of `safu recoveries`.
#[derive(Debug, Subcommand)]
pub enum RecoveryVerb {
    /// Record stolen funds as traced or frozen: a memo, never an asset. The latest of a channel and asset holds.
    Memo {
        /// What is traced.
        #[command(flatten)]
        what: Recovered,
    },
    /// Book a recovery that may be recognised, at most up to the loss.
    Recognise {
        /// What is recognised.
        #[command(flatten)]
        what: Recovered,
        /// It is virtually certain, which IFRS asks for.
        #[arg(long)]
        virtually_certain: bool,
    },
    /// Book a recovery that arrived.
    Receive {
        /// What arrived.
        #[command(flatten)]
        what: Recovered,
        /// Wallet it arrived in.
        #[arg(long)]
        wallet: String,
    },
}

#[derive(Debug, clap::Args)]
pub struct Recovered {
    /// Code of the incident.
    code: String,
    /// Asset code.
    #[arg(long)]
    asset: String,
    /// Units.
    #[arg(long, value_name = "UNITS")]
    quantity: String,
    /// Through which channel, for example exchange-a, police or chain.
    #[arg(long, default_value = "", hide_default_value = true)]
    channel: String,
    /// What it rests on.
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    /// Business date; today if left out.
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
}

/// Runs `safu recoveries`.
pub fn run_recoveries(ctx: &Ctx, verb: &RecoveryVerb) -> CliResult {
    let book = ctx.book()?;
    let call = ctx.call();
    let on = |what: &Recovered| what.on.unwrap_or_else(|| book.clock.today());
    match verb {
        RecoveryVerb::Memo { what } => {
            let memo = RecoveryMemo {
                channel: what.channel.clone(),
                asset: what.asset.clone(),
                quantity: what.quantity.clone(),
                note: what.note.clone(),
            };
            let reply = book.record_recovery_memo(&call, &what.code, on(what), memo)?;
            ctx.print_reply(&reply, |body| {
                format!("{} {} are traced or frozen in all.", field(body, "traced_in_all"), what.asset)
            })
        }
        RecoveryVerb::Recognise { what, virtually_certain } => {
            let new = NewRecovery {
                on: on(what),
                asset: what.asset.clone(),
                quantity: what.quantity.clone(),
                channel: what.channel.clone(),
                virtually_certain: *virtually_certain,
                note: what.note.clone(),
            };
            ctx.print_reply(&book.recognise_recovery(&call, &what.code, new)?, entries_text)
        }
        RecoveryVerb::Receive { what, wallet } => {
            let new = NewRecoveryReceipt {
                on: on(what),
                asset: what.asset.clone(),
                quantity: what.quantity.clone(),
                wallet: wallet.clone(),
                channel: what.channel.clone(),
                note: what.note.clone(),
            };
            ctx.print_reply(&book.receive_recovery(&call, &what.code, new)?, entries_text)
        }
    }
}
