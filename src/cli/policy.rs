//! `safu policy` and `safu memo`: what holds from a day on.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use super::listing::{doc, field};
use crate::report::doc::{Cell, Column, Doc, Row};
use crate::service::Book;
use crate::service::memo::{self, MemoFigure};
use crate::service::policies::{self, ContributionTerms, CoveragePolicy, PricePolicy, Ratio};
use crate::service::refs::Refs;
use crate::store::fact;
use clap::Subcommand;
use jiff::civil::Date;
use std::path::PathBuf;

/// Verbs of `safu policy`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The share of fees that venues owe.
    Contribution {
        /// First business date it applies to.
        #[arg(long, value_name = "DATE")]
        from: Date,
        /// Share of net fees, for example 0.1.
        #[arg(long)]
        share: String,
        /// Only for this venue.
        #[arg(long)]
        venue: Option<String>,
        /// How old the price of an accrual may be, in hours.
        #[arg(long, value_name = "HOURS")]
        price_max_age_hours: Option<u32>,
        /// Hours after the end of its day that a report is due.
        #[arg(long, value_name = "HOURS")]
        due_after_hours: Option<u32>,
        /// The highest believable fee as a part of the traded volume.
        #[arg(long, value_name = "RATE")]
        max_fee_rate: Option<String>,
        /// Nothing is owed for days on which the fund is worth this or more: an amount, or `target`.
        #[arg(long, value_name = "AMOUNT")]
        stop_at: Option<String>,
    },
    /// Target, floor, minimum coverage, bands, haircuts and scenarios, from a JSON file.
    Coverage {
        /// First day it applies to.
        #[arg(long, value_name = "DATE")]
        from: Date,
        /// JSON with target, floor, minimum_coverage, bands, haircuts, stress_payout_share, scenarios; amounts are texts.
        file: PathBuf,
    },
    /// When prices may be used.
    Price {
        /// First day it applies to.
        #[arg(long, value_name = "DATE")]
        from: Date,
        /// How old a price may be, in hours.
        #[arg(long, default_value_t = 48, value_name = "HOURS")]
        max_age_hours: u32,
        /// How far a price may move between two sets, as a part of the price before.
        #[arg(long, default_value = "0.5", value_parser = Ratio::parse)]
        outlier_share: Ratio,
        /// How far a second source may be from the first, as a part of it, before a person must look.
        #[arg(long, value_name = "PART", default_value = "0.01", value_parser = Ratio::parse)]
        source_tolerance: Ratio,
    },
    /// List all policies.
    List,
}

/// Runs `safu policy`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    let reply = match verb {
        Verb::Contribution { from, share, venue, price_max_age_hours, due_after_hours, max_fee_rate, stop_at } => {
            let plain = ContributionTerms::of_all_venues(share);
            let terms = ContributionTerms {
                venue: venue.clone(),
                price_max_age_hours: price_max_age_hours.unwrap_or(plain.price_max_age_hours),
                due_after_hours: due_after_hours.unwrap_or(plain.due_after_hours),
                max_fee_rate: max_fee_rate.clone().unwrap_or_else(|| plain.max_fee_rate.clone()),
                stop_at: stop_at.clone(),
                ..plain
            };
            book.set_contribution_policy(&ctx.call(), *from, terms)?
        }
        Verb::Coverage { from, file } => book.set_coverage_policy(&ctx.call(), *from, coverage(file)?)?,
        Verb::Price { from, max_age_hours, outlier_share, source_tolerance } => {
            let policy =
                PricePolicy { max_age_hours: *max_age_hours, outlier_share: *outlier_share, source_tolerance: *source_tolerance };
            book.set_price_policy(&ctx.call(), *from, policy)?
        }
        Verb::List => return ctx.print_doc(&list(&book)?, None),
    };
    ctx.print_reply(&reply, |answer| {
        format!("The {} policy holds from {}.", field(answer, "policy"), field(answer, "effective_on"))
    })
}

fn coverage(file: &PathBuf) -> Result<CoveragePolicy, CliError> {
    let usage = |e: &dyn std::fmt::Display| CliError::Usage(format!("{}: {e}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|e| usage(&e))?;
    serde_json::from_str(&text).map_err(|e| usage(&e))
}

fn list(book: &Book) -> Result<Doc, CliError> {
    let kinds = [policies::CONTRIBUTION, policies::COVERAGE, policies::PRICE];
    let mut rows = Vec::new();
    for kind in kinds {
        for policy in book.read(|conn| fact::of_kind(conn, kind))? {
            let what = kind.trim_start_matches("policy.");
            let reach = if kind == policies::CONTRIBUTION && policy.subject.is_empty() { "all venues" } else { &policy.subject };
            rows.push(Row::body(vec![
                Cell::text(what),
                Cell::text(&policy.effective_on),
                Cell::text(reach),
                Cell::code(policy.body.clone()),
            ]));
        }
    }
    let columns = vec![
        Column::text("policy", "Policy"),
        Column::text("from", "From"),
        Column::text("reach", "For"),
        Column::text("terms", "Terms"),
    ];
    Ok(doc("policies", "Policies", columns, rows, "There is no policy yet; record one with `safu policy contribution`."))
}

/// Verbs of `safu memo`.
#[derive(Debug, Subcommand)]
pub enum MemoVerb {
    /// Record a memo figure that holds from a day on.
    Set {
        /// Account: 9100 covered user assets, 9110 hot wallets, 9200 traced, 9300 contingent rights, 9400 undertaking, 9500
        /// possible loss.
        account: i32,
        /// Units.
        quantity: String,
        /// First day it holds.
        #[arg(long, value_name = "DATE")]
        on: Date,
        /// Asset; the functional currency if left out.
        #[arg(long)]
        asset: Option<String>,
        /// Where the figure comes from.
        #[arg(long)]
        note: Option<String>,
    },
    /// List the figures in force.
    List {
        /// On this day; today if left out.
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
    },
}

/// Runs `safu memo`.
pub fn run_memo(ctx: &Ctx, verb: &MemoVerb) -> CliResult {
    let book = ctx.book()?;
    match verb {
        MemoVerb::Set { account, quantity, on, asset, note } => {
            let figure = MemoFigure { account: *account, asset: asset.clone(), quantity: quantity.clone(), note: note.clone() };
            let reply = book.set_memo(&ctx.call(), *on, figure)?;
            ctx.print_reply(&reply, |answer| {
                format!("Memo account {} stands at {} from {on}.", field(answer, "account"), field(answer, "quantity"))
            })
        }
        MemoVerb::List { on } => ctx.print_doc(&list_memo(&book, on.unwrap_or_else(|| book.clock.today()))?, None),
    }
}

fn list_memo(book: &Book, on: Date) -> Result<Doc, CliError> {
    let (figures, refs) = book.read(|conn| {
        let refs = Refs::load(conn)?;
        Ok((memo::in_force(conn, &refs, on)?, refs))
    })?;
    let rows = figures.iter().map(|figure| {
        let name = refs.accounts.get(&figure.account).map_or("", |account| account.name.as_str());
        Row::body(vec![
            Cell::text(figure.account.to_string()),
            Cell::text(name),
            Cell::text(refs.code(figure.asset)),
            Cell::units(figure.quantity, refs.scale(figure.asset)),
            Cell::date(figure.since),
            Cell::text(&figure.note),
        ])
    });
    let columns = vec![
        Column::text("account", "Account"),
        Column::text("name", "Name"),
        Column::text("asset", "Asset"),
        Column::number("quantity", "Units"),
        Column::text("since", "Since"),
        Column::text("note", "Note"),
    ];
    let empty = "No memo figure is in force on this day.";
    Ok(doc("memo", &format!("Memo figures on {on}"), columns, rows.collect(), empty))
}
