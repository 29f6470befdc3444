//! `safu openapi`: the description of the API.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use crate::web::openapi;

/// Options of `safu openapi`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs `safu openapi`.
pub fn run(ctx: &Ctx, _: &Args) -> CliResult {
    ctx.print(&openapi::document_text().map_err(|error| CliError::Failed(error.to_string()))?)
}
