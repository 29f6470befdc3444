//! `safu completions` and `safu man`: what a shell and a manual reader need, made from the commands themselves.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use clap_complete::Shell;
use std::path::PathBuf;

/// Options of `safu completions`.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Runs `safu completions`.
pub fn completions(ctx: &Ctx, mut command: clap::Command, args: &CompletionsArgs) -> CliResult {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "safu", &mut script);
    ctx.print(&String::from_utf8_lossy(&script))
}

/// Options of `safu man`.
#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// A folder that gets a page for every command; it is made if it is not there.
    folder: PathBuf,
}

/// Runs `safu man`.
pub fn man(ctx: &Ctx, command: clap::Command, args: &ManArgs) -> CliResult {
    let failed = |error: std::io::Error| CliError::Failed(format!("{}: {error}", args.folder.display()));
    std::fs::create_dir_all(&args.folder).map_err(failed)?;
    clap_mangen::generate_to(command, &args.folder).map_err(failed)?;
    ctx.say(&format!("The pages are in {0}; read one with `man -l {0}/safu.1`.", args.folder.display()));
    Ok(())
}
