//! `safu secrets`: the key that seals second factors in the database.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use crate::service::secrets::Secrets;
use clap::Subcommand;

/// Verbs of `safu secrets`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make the key file where there is none (`safu init` does so for an embedded book).
    Make,
    /// Check that every second factor can be read with the keys at hand.
    Check,
    /// Change the key: seal everything anew with a fresh one. A key in SAFU_SECRETS_KEY is changed by hand: put the new one in front
    /// with a comma, run this, then take the old one out.
    Rotate,
}

/// Runs `safu secrets`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    match *verb {
        Verb::Make => make(ctx),
        Verb::Check => {
            let found = ctx.book()?.check_secrets()?;
            ctx.say(&format!("{found} second factor(s) can be read."));
            Ok(())
        }
        Verb::Rotate => {
            if ctx.global.dry_run {
                return Err(CliError::Usage("this cannot be tried out; leave --dry-run out".to_owned()));
            }
            let sealed = ctx.book()?.rotate_secrets()?;
            ctx.say(&format!("{sealed} second factor(s) are sealed with the new key. Backups before this need the key before."));
            Ok(())
        }
    }
}

fn make(ctx: &Ctx) -> CliResult {
    let secrets = ctx.secrets(&ctx.url()?);
    let Some(file) = secrets.file() else {
        ctx.say("Name a file with --secrets-key-file, or put this into SAFU_SECRETS_KEY:");
        return ctx.print(&Secrets::fresh_text()?);
    };
    if secrets.make()? {
        ctx.say(&format!("{} is made; keep a copy apart from backups.", file.display()));
    } else {
        ctx.say(&format!("{} is there already.", file.display()));
    }
    Ok(())
}
