//! `safu claims`: import, approve, list, show.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use super::listing::{entries_text, field, pair};
use super::prices::read_file;
use crate::domain::incident::claims::ControlTotals;
use crate::report::render::Format;
use crate::service::at::At;
use crate::service::incidents::approvals::NewApproval;
use crate::service::incidents::claims::NewClaims;
use crate::service::incidents::docs;
use clap::Subcommand;
use jiff::civil::Date;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Verbs of `safu claims`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Import a CSV file `claim_id,claimant_ref,asset,quantity,payout_address`; checked whole first, then all or nothing.
    Import {
        /// Code of the incident.
        code: String,
        /// The file, or - for standard input.
        file: PathBuf,
        /// Claims that must be in it.
        #[arg(long, value_name = "COUNT")]
        rows: Option<u64>,
        /// Sum that must be in it, as ASSET=UNITS; may be repeated, then every asset must be named.
        #[arg(long = "total", value_name = "ASSET=UNITS", value_parser = pair)]
        totals: Vec<(String, String)>,
        /// Remark.
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Approve claims: what the case reserve holds for them becomes payable.
    Approve {
        /// Code of the incident.
        code: String,
        /// Claim numbers, for example 1-200,301; all that are not approved if left out.
        #[arg(long, value_name = "NUMBERS")]
        claims: Option<String>,
        /// Business date; today if left out.
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
        /// Remark.
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
    /// List claims with their states.
    List {
        /// Code of the incident.
        code: String,
        /// Claims after this number.
        #[arg(long, default_value_t = 0, value_name = "NUMBER")]
        after: i64,
        /// Claims of a page.
        #[arg(long, default_value_t = 100, value_name = "COUNT")]
        limit: i64,
        /// table, json, csv or xlsx.
        #[arg(long)]
        format: Option<String>,
    },
    /// Show one claim.
    Show {
        /// Code of the incident.
        code: String,
        /// Id of the claim, or its number.
        claim: String,
    },
}

/// Runs `safu claims`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    let call = ctx.call();
    match verb {
        Verb::Import { code, file, rows, totals, note } => {
            let control = ControlTotals { row_count: *rows, totals: totals.iter().cloned().collect() };
            let new = NewClaims { file_name: name_of(file), bytes: read_file(file)?, control, note: note.clone() };
            ctx.print_reply(&book.import_claims(&call, code, new)?, |body| import_text(code, body))
        }
        Verb::Approve { code, claims, on, note } => {
            let on = on.unwrap_or_else(|| book.clock.today());
            let new = NewApproval { on, claims: claims.clone(), note: note.clone() };
            ctx.print_reply(&book.approve_claims(&call, code, new)?, |body| {
                format!("{} claims of {code} are approved.\n{}", field(body, "claims"), entries_text(body))
            })
        }
        Verb::List { code, after, limit, format } => {
            let format = format.as_deref().map(format_of).transpose()?;
            ctx.print_doc(&book.read(|conn| docs::claims(conn, code, *after, *limit, &At::NOW))?, format)
        }
        Verb::Show { code, claim } => ctx.print_doc(&book.read(|conn| docs::claim(conn, code, claim))?, None),
    }
}

fn format_of(name: &str) -> Result<Format, CliError> {
    Format::parse(name).ok_or_else(|| CliError::Usage("--format: use table, json, csv or xlsx".to_owned()))
}

fn name_of(file: &Path) -> String {
    match file.file_name() {
        Some(name) if file != Path::new("-") => name.to_string_lossy().into_owned(),
        _ => "standard input".to_owned(),
    }
}

fn import_text(code: &str, answer: &Value) -> String {
    let known = answer.get("already_imported").and_then(Value::as_bool).unwrap_or_default();
    let what = if known { "had this file already" } else { "has the claims of file" };
    let [file, claims, first, last] = ["file", "claims", "first_claim", "last_claim"].map(|name| field(answer, name));
    let mut text = format!("{code} {what} {file}: {claims} claims, numbers {first} to {last}.");
    let totals = answer.get("totals").and_then(Value::as_object);
    for (asset, total) in totals.into_iter().flatten() {
        text.push_str(&format!("\n  {asset}: {} in {} claims", field(total, "quantity"), field(total, "claims")));
    }
    text
}
