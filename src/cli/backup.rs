//! `safu backup` and `safu restore`.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use crate::service::backup;
use crate::service::verify::Verdict;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Options of `safu backup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to make; it must not be there yet.
    file: PathBuf,
}

/// Options of `safu restore`.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The backup. It becomes the book of --database, where there must be none yet.
    backup: PathBuf,
}

/// Runs `safu backup`.
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    let verdict = backup::backup(&ctx.url()?, &args.file)?;
    tell(ctx, &verdict, "backed up to", &args.file)?;
    ctx.say("The key of secrets is not in the backup; keep it apart from it, because nobody logs in without it.");
    Ok(())
}

/// Runs `safu restore`.
pub fn restore(ctx: &Ctx, args: &RestoreArgs) -> CliResult {
    let url = ctx.url()?;
    let verdict = backup::restore(&args.backup, &url)?;
    tell(ctx, &verdict, "restored to", url.path().unwrap_or(Path::new("")))?;
    ctx.say("All sessions and invitations have ended in it.");
    if let Err(error) = ctx.book()?.check_secrets() {
        ctx.say(&format!("Nobody can log in to it yet: {error}"));
    }
    Ok(())
}

fn tell(ctx: &Ctx, verdict: &Verdict, done: &str, file: &Path) -> CliResult {
    if let Some(first) = verdict.findings.first() {
        let detail = format!("{} differences, the first: {}: {}", verdict.finding_count, first.subject, first.detail);
        return Err(CliError::NotVerified(detail));
    }
    if ctx.global.json {
        let told = json!({"file": file.display().to_string(), "log_size": verdict.log_size, "log_root": verdict.log_root});
        return ctx.print(&told.to_string());
    }
    ctx.print(&format!(
        "Verified and {done} {}.\nLog: {} leaves, root {}. Keep both figures elsewhere: an older copy shows a smaller log.",
        file.display(),
        verdict.log_size,
        verdict.log_root
    ))
}
