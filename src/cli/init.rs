//! `safu init`, `safu migrate`.

use super::CliResult;
use super::ctx::Ctx;
use crate::service::clock::Clock;
use crate::service::init::{self, NewBook};
use crate::store::migrate;

/// Options of `safu init`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the fund, as every page shows it.
    #[arg(long, default_value = "User protection fund")]
    name: String,
    /// Functional currency of the book; cannot be changed later.
    #[arg(long, default_value = "USD", value_name = "CODE")]
    functional: String,
    /// Accounting framework: decides when recoveries may be recognised.
    #[arg(long, default_value = "us-gaap", value_parser = ["us-gaap", "ifrs"])]
    framework: String,
    /// Leave the append-only triggers out (only for engines without triggers).
    #[arg(long)]
    no_triggers: bool,
}

/// Options of `safu migrate`.
#[derive(Debug, clap::Args)]
pub struct MigrateArgs {
    /// Leave the append-only triggers out (only for engines without triggers).
    #[arg(long)]
    no_triggers: bool,
}

/// Runs `safu init`.
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    let url = ctx.url()?;
    let new = NewBook {
        name: args.name.clone(),
        functional: args.functional.clone(),
        framework: args.framework.clone(),
        triggers: !args.no_triggers,
        ..NewBook::default()
    };
    let book = init::create(&url, Clock::System, &ctx.actor(), &new)?.with_secrets(ctx.secrets(&url));
    book.secrets.make()?;
    let token = book.invite_first_administrator(&ctx.actor())?;
    ctx.say(&format!("The book \"{}\" is in {}.", new.name, url.display()));
    match book.secrets.file() {
        Some(file) => ctx.say(&format!("The key of its secrets is in {}; keep a copy apart from backups.", file.display())),
        None => ctx.say("Before anybody sets a login up, say where the key of its secrets is (`safu secrets --help`)."),
    }
    ctx.say("Setup token of the first administrator, good once and for 24 hours, to be typed in at /setup of `safu serve`:");
    ctx.print(&token)?;
    ctx.say(
        "Next: add assets, wallets and venues (`safu assets add --help`), then a contribution policy (`safu policy --help`).",
    );
    Ok(())
}

/// Runs `safu migrate`.
pub fn migrate(ctx: &Ctx, args: &MigrateArgs) -> CliResult {
    let done = migrate::run(&mut ctx.url()?.connect()?, !args.no_triggers)?;
    if done.is_empty() {
        ctx.say("The schema is up to date.");
    }
    for name in done {
        ctx.print(&name)?;
    }
    Ok(())
}
