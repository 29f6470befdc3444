//! `safu verify`: is the book what its log says?

use super::CliResult;
use super::ctx::{CliError, Ctx};
use crate::service::verify::{Verdict, verify};

/// Options of `safu verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The book; the same as --database.
    #[arg(value_name = "BOOK")]
    book: Option<String>,
}

/// Runs `safu verify`.
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    let mut ctx = ctx.clone();
    if let Some(book) = &args.book {
        ctx.global.database.clone_from(book);
    }
    let verdict = verify(&ctx.book()?)?;
    if ctx.global.json {
        ctx.print(&serde_json::to_string_pretty(&verdict).map_err(|e| CliError::Failed(e.to_string()))?)?;
    } else {
        ctx.print(&text(&verdict))?;
    }
    if verdict.is_good() { Ok(()) } else { Err(CliError::NotVerified(format!("{} findings", verdict.finding_count))) }
}

fn text(verdict: &Verdict) -> String {
    let counts = &verdict.counts;
    let mut out = format!("Log: {} leaves, root {}\n", verdict.log_size, verdict.log_root);
    let rows = [
        ("entries", counts.entries),
        ("postings", counts.postings),
        ("running balances", counts.balances),
        ("lots", counts.lots),
        ("fee report rows", counts.fee_rows),
        ("single contributions", counts.contributions),
        ("claims", counts.claims),
        ("payouts", counts.payouts),
    ];
    for (name, count) in rows {
        out.push_str(&format!("  {count:>10} {name} recomputed\n"));
    }
    for finding in &verdict.findings {
        out.push_str(&format!("DIFFERS  {}: {}\n", finding.subject, finding.detail));
    }
    let unlisted = verdict.finding_count.saturating_sub(verdict.findings.len());
    if unlisted > 0 {
        out.push_str(&format!("… and {unlisted} more\n"));
    }
    out.push_str(if verdict.is_good() {
        "Verified: every leaf, balance, lot and sub-ledger is what the log says.\n"
    } else {
        "NOT VERIFIED: stored rows differ from the log.\n"
    });
    out
}
