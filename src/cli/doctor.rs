//! `safu doctor`: is the place where the book lies fit for it?

use super::CliResult;
use super::ctx::{CliError, Ctx};
use crate::service::clock::Clock;
use crate::service::doctor;

/// Options of `safu doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs `safu doctor`.
pub fn run(ctx: &Ctx, _: &Args) -> CliResult {
    let findings = doctor::examine(&ctx.url()?, &Clock::System);
    ctx.print_doc(&findings.doc(), None)?;
    match findings.bad() {
        0 => Ok(()),
        bad => Err(CliError::Failed(format!("{bad} of {} checks", findings.checks.len()))),
    }
}
