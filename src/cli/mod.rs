//! The command line: nouns, then verbs. Data goes to stdout, words and progress bars to stderr.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where the terminal is")]

mod accounts;
mod approvals;
mod assets;
mod audit;
mod backup;
mod balances;
mod claims;
mod config;
mod contributions;
pub mod ctx;
mod demo;
mod doctor;
mod entries;
mod evidence;
mod export;
mod incidents;
mod init;
mod keys;
mod listing;
mod manual;
mod mode;
mod openapi;
mod payouts;
mod periods;
mod policy;
mod prices;
mod report;
mod secrets;
mod serve;
mod treasury;
mod users;
mod venues;
mod verify;
mod wallets;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use ctx::{CliError, Ctx, GlobalArgs};
use std::process::ExitCode;

/// The books of an exchange's user-protection fund.
#[derive(Debug, Parser)]
#[command(name = "safu", version, about, long_about = None, max_term_width = 110, propagate_version = true)]
#[command(after_help = "Exit codes: 0 done, 2 the command line is wrong, 3 partly done, 4 refused, 5 not verified.")]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a complete book with a real story, and serve it.
    Demo(demo::Args),
    /// Make a new book in an empty database.
    Init(init::Args),
    /// Bring the schema of an existing book up to this version.
    Migrate(init::MigrateArgs),
    /// Assets that the fund holds and owes.
    #[command(subcommand)]
    Assets(assets::Verb),
    /// The chart of accounts.
    #[command(subcommand)]
    Accounts(accounts::Verb),
    /// Wallets, custody and bank accounts of the fund.
    #[command(subcommand)]
    Wallets(wallets::Verb),
    /// Observed balances of wallets: import, list.
    #[command(subcommand)]
    Balances(balances::Verb),
    /// Differences between book and observed: list, explain, assign.
    #[command(subcommand)]
    Breaks(balances::BreakVerb),
    /// Months of reconciliation: show, match, sign off.
    #[command(subcommand)]
    Reconciliation(balances::ReconciliationVerb),
    /// Venues that owe contributions.
    #[command(subcommand)]
    Venues(venues::Verb),
    /// Policies: contribution, coverage, prices.
    #[command(subcommand)]
    Policy(policy::Verb),
    /// Memo figures: what the fund is compared with.
    #[command(subcommand)]
    Memo(policy::MemoVerb),
    /// Price sets: import, lock, value.
    #[command(subcommand)]
    Prices(prices::Verb),
    /// Fee reports and single contributions: submit, calendar, ageing.
    #[command(subcommand)]
    Contributions(contributions::Verb),
    /// The fund's own movements: settlements, transfers, capital, loans.
    Treasury(treasury::Args),
    /// Entries of the journal: list, show, post by hand, reverse.
    #[command(subcommand)]
    Entries(entries::Verb),
    /// Files that show why something was booked.
    #[command(subcommand)]
    Evidence(evidence::Verb),
    /// Close months.
    #[command(subcommand)]
    Periods(periods::Verb),
    /// What waits for a decision, and how many must agree.
    #[command(subcommand)]
    Approvals(approvals::Verb),
    /// Keys of service accounts.
    #[command(subcommand)]
    Keys(keys::Verb),
    /// Persons: their roles, invitations and sessions.
    #[command(subcommand)]
    Users(users::Verb),
    /// The key that seals second factors in the database: make it, check it, change it.
    #[command(subcommand)]
    Secrets(secrets::Verb),
    /// Incidents: declare, estimate, recognise, close.
    #[command(subcommand)]
    Incidents(incidents::Verb),
    /// Claims of an incident: import, approve, list.
    #[command(subcommand)]
    Claims(claims::Verb),
    /// Payouts of an incident.
    #[command(subcommand)]
    Payouts(payouts::Verb),
    /// What is traced, recognised and received back of a loss.
    #[command(subcommand)]
    Recoveries(payouts::RecoveryVerb),
    /// Replay the log, recompute every balance, lot and sub-ledger, and compare.
    Verify(verify::Args),
    /// The audit log: list, show, and check the chain.
    #[command(subcommand)]
    Audit(audit::Verb),
    /// Write the populations that an auditor asks for, or verify such a pack.
    AuditPack(audit::PackArgs),
    /// Check that the database is reachable, current, set up for durable writes, guarded, and has room.
    Doctor(doctor::Args),
    /// Copy a book that may be in use into a new file, and verify the copy.
    Backup(backup::Args),
    /// Verify a backup and make a book of it.
    Restore(backup::RestoreArgs),
    /// Make the book read-only, and writable again.
    #[command(subcommand)]
    Mode(mode::Verb),
    /// Reports: coverage, trial balance, statements, journal; as a table, JSON, CSV, XLSX or HTML.
    Report(report::Args),
    /// The whole journal for hledger, ledger, Beancount, or as CSV or JSON lines.
    Export(export::Args),
    /// Check the settings, and show them.
    #[command(subcommand)]
    Config(config::Verb),
    /// Serve pages and API of the book.
    Serve(serve::Args),
    /// Print the description of the API (OpenAPI 3.1).
    Openapi(openapi::Args),
    /// Print the completions of a shell.
    Completions(manual::CompletionsArgs),
    /// Write the manual pages.
    Man(manual::ManArgs),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let command = Cli::command();
    let args: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let matches = match config::options(&command, &args) {
        Ok(matches) => matches,
        Err(config::Wrong::Usage(error)) => error.exit(),
        Err(config::Wrong::Settings(wrong)) => {
            wrong.iter().for_each(|line| eprintln!("usage: {line}"));
            return ExitCode::from(2);
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let ctx = Ctx::new(cli.global);
    let result = match &cli.command {
        Command::Demo(args) => demo::run(&ctx, args),
        Command::Init(args) => init::run(&ctx, args),
        Command::Migrate(args) => init::migrate(&ctx, args),
        Command::Assets(args) => assets::run(&ctx, args),
        Command::Accounts(args) => accounts::run(&ctx, args),
        Command::Wallets(args) => wallets::run(&ctx, args),
        Command::Balances(args) => balances::run(&ctx, args),
        Command::Breaks(args) => balances::run_breaks(&ctx, args),
        Command::Reconciliation(args) => balances::run_reconciliation(&ctx, args),
        Command::Venues(args) => venues::run(&ctx, args),
        Command::Policy(args) => policy::run(&ctx, args),
        Command::Memo(args) => policy::run_memo(&ctx, args),
        Command::Prices(args) => prices::run(&ctx, args),
        Command::Contributions(args) => contributions::run(&ctx, args),
        Command::Treasury(args) => treasury::run(&ctx, args),
        Command::Entries(args) => entries::run(&ctx, args),
        Command::Evidence(args) => evidence::run(&ctx, args),
        Command::Periods(args) => periods::run(&ctx, args),
        Command::Approvals(args) => approvals::run(&ctx, args),
        Command::Keys(args) => keys::run(&ctx, args),
        Command::Users(args) => users::run(&ctx, args),
        Command::Secrets(args) => secrets::run(&ctx, args),
        Command::Incidents(args) => incidents::run(&ctx, args),
        Command::Claims(args) => claims::run(&ctx, args),
        Command::Payouts(args) => payouts::run(&ctx, args),
        Command::Recoveries(args) => payouts::run_recoveries(&ctx, args),
        Command::Verify(args) => verify::run(&ctx, args),
        Command::Audit(args) => audit::run(&ctx, args),
        Command::AuditPack(args) => audit::run_pack(&ctx, args),
        Command::Doctor(args) => doctor::run(&ctx, args),
        Command::Backup(args) => backup::run(&ctx, args),
        Command::Restore(args) => backup::restore(&ctx, args),
        Command::Mode(args) => mode::run(&ctx, args),
        Command::Report(args) => report::run(&ctx, args),
        Command::Export(args) => export::run(&ctx, args),
        Command::Config(args) => config::run(&ctx, &command, &matches, args),
        Command::Serve(args) => serve::run(&ctx, args),
        Command::Openapi(args) => openapi::run(&ctx, args),
        Command::Completions(args) => manual::completions(&ctx, Cli::command(), args),
        Command::Man(args) => manual::man(&ctx, Cli::command(), args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ctx.print_error(&error);
            error.exit_code()
        }
    }
}

/// What every subcommand returns.
pub type CliResult = Result<(), CliError>;

#[cfg(test)]
mod tests;
