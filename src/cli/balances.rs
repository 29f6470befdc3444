//! `safu balances`, `safu breaks` and `safu reconciliation`: what wallets were observed to hold, and how it compares with the book.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use super::listing::field;
use super::prices::{file_name, read_file};
use crate::service::reconciliation::breaks::{AssignBreak, ExplainBreak, MatchBalances};
use crate::service::reconciliation::sign_off::{SignOff, month};
use crate::service::reconciliation::{Explanation, docs, statement};
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::Value;
use std::path::PathBuf;

/// Balances that a listing shows.
const LISTED: usize = 200;

/// Verbs of `safu balances`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Import a file of observed balances and match it with the book.
    Import {
        /// CSV (`wallet,asset,network,quantity,block_height,observed_at,source`) or a JSON list; `-` for standard input.
        file: PathBuf,
    },
    /// List the latest observed balances.
    List {
        /// Only of this asset and wallet, for example BTC@cold.
        #[arg(long, value_name = "ASSET@WALLET")]
        of: Option<String>,
    },
}

/// Runs `safu balances`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    match verb {
        Verb::Import { file } => {
            let reply = book.import_balances(&ctx.call(), &file_name(file), &read_file(file)?)?;
            ctx.print_reply(&reply, imported_text)
        }
        Verb::List { of } => ctx.print_doc(&book.read(|conn| docs::balances(conn, of.as_deref(), LISTED))?, None),
    }
}

fn imported_text(answer: &Value) -> String {
    let [rows, recorded] = ["rows", "recorded"].map(|name| field(answer, name));
    let known = if answer.get("already_imported") == Some(&Value::Bool(true)) { "The file was imported before. " } else { "" };
    format!("{known}{recorded} of {rows} balances were new.{}", found_text(answer))
}

/// The breaks that were opened and the incidents that were drafted.
fn found_text(answer: &Value) -> String {
    let listed = |name: &str| {
        let items = answer.get(name).and_then(Value::as_array).into_iter().flatten();
        items.map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
    };
    let (breaks, incidents) = (listed("breaks"), listed("incidents"));
    let mut text = String::new();
    if !breaks.is_empty() {
        text.push_str(&format!(" Breaks opened: {breaks}; say why with `safu breaks explain`."));
    }
    if !incidents.is_empty() {
        text.push_str(&format!(" Units are missing: drafted as suspected are {incidents}."));
    }
    text
}

/// Verbs of `safu breaks`.
#[derive(Debug, Subcommand)]
pub enum BreakVerb {
    /// List the breaks that stand.
    List,
    /// Show a break with all that happened to it.
    Show {
        /// Number of the break.
        number: i64,
    },
    /// Say why a break is.
    Explain {
        /// Number of the break.
        number: i64,
        /// The kind of reason.
        #[arg(long = "as", value_name = "KIND", value_parser = PossibleValuesParser::new(Explanation::ALL.iter().map(|kind| kind.slug())))]
        kind: String,
        /// In words.
        #[arg(long)]
        reason: String,
        /// For `entry`: an entry that accounts for it.
        #[arg(long, value_name = "NUMBER")]
        entry: Vec<i64>,
        /// The difference as it was seen; the present one if left out.
        #[arg(long, value_name = "UNITS", allow_hyphen_values = true)]
        difference: Option<String>,
    },
    /// Give a break an owner.
    Assign {
        /// Number of the break.
        number: i64,
        /// Login name of who clears it up.
        #[arg(long, value_name = "LOGIN")]
        to: String,
        /// Remark.
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
}

/// Runs `safu breaks`.
pub fn run_breaks(ctx: &Ctx, verb: &BreakVerb) -> CliResult {
    let book = ctx.book()?;
    let now = book.clock.now();
    match verb {
        BreakVerb::List => ctx.print_doc(&book.read(|conn| docs::standing_breaks(conn, now))?, None),
        BreakVerb::Show { number } => ctx.print_doc(&book.read(|conn| docs::one_break(conn, *number, now))?, None),
        BreakVerb::Explain { number, kind, reason, entry, difference } => {
            let explanation = Explanation::from_slug(kind).ok_or_else(|| CliError::Usage(format!("{kind:?} is no kind")))?;
            let seen = book.read(|conn| docs::find_break(conn, *number))?;
            let difference = difference.clone().unwrap_or_else(|| seen.pair.text(seen.difference));
            let (number, reason, entries) = (*number, reason.clone(), entry.clone());
            let reply = book.explain_break(&ctx.call(), ExplainBreak { number, explanation, reason, difference, entries })?;
            ctx.print_reply(&reply, |_| format!("The reason of break {number} is recorded."))
        }
        BreakVerb::Assign { number, to, note } => {
            let command = AssignBreak { number: *number, owner: to.clone(), note: note.clone() };
            let reply = book.assign_break(&ctx.call(), command)?;
            ctx.print_reply(&reply, |_| format!("Break {number} is {to}'s."))
        }
    }
}

/// Verbs of `safu reconciliation`.
#[derive(Debug, Subcommand)]
pub enum ReconciliationVerb {
    /// Show a month: what the book has, what was observed, and what explains the difference.
    Show {
        /// The month, for example 2019-05.
        period: String,
    },
    /// Compare a month's observations with the book once more, for entries that came later.
    Match {
        /// The month.
        period: String,
    },
    /// Sign a month's reconciliation off.
    SignOff {
        /// The month.
        period: String,
        /// Hash of the statement as it was seen; that of now if left out.
        #[arg(long, value_name = "HASH")]
        statement: Option<String>,
        /// Remark; in a book in one hand, why the preparer signs himself.
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
}

/// Runs `safu reconciliation`.
pub fn run_reconciliation(ctx: &Ctx, verb: &ReconciliationVerb) -> CliResult {
    let book = ctx.book()?;
    match verb {
        ReconciliationVerb::Show { period } => {
            let (period, now) = (month("PERIOD", period)?, book.clock.now());
            ctx.print_doc(&book.read(|conn| docs::month(conn, period, now))?, None)
        }
        ReconciliationVerb::Match { period } => {
            let reply = book.match_balances(&ctx.call(), MatchBalances { period: period.clone() })?;
            ctx.print_reply(&reply, |answer| format!("{period} is matched.{}", found_text(answer)))
        }
        ReconciliationVerb::SignOff { period, statement: seen, note } => {
            let wanted = month("PERIOD", period)?;
            let now = || book.read(|conn| Ok(statement::statement(conn, wanted)?.hash()));
            let seen = seen.clone().map_or_else(now, Ok)?;
            let command = SignOff { period: period.clone(), statement: seen, note: note.clone() };
            let reply = book.sign_off(&ctx.call(), command)?;
            ctx.print_reply(&reply, |answer| format!("Signed off {period}: statement {}.", field(answer, "statement")))
        }
    }
}
