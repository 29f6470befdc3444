//! `safu keys`: keys of service accounts.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use crate::service::identity::docs;
use crate::service::keys::KeyScope;
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::json;

/// Verbs of `safu keys`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a key for a program; its secret is shown once.
    Create {
        /// Name of the service account, for example `fee-job`.
        name: String,
        /// What it may do: feed contributions, or give the finance team's commands.
        #[arg(long, value_enum, default_value_t = ScopeArg::Feed)]
        scope: ScopeArg,
        /// Moment from which the key is refused, for example 2026-12-31T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        expires: Option<Timestamp>,
        /// Login name of the person who answers for what the key does; commands with it are that person's.
        #[arg(long, value_name = "LOGIN")]
        owner: Option<String>,
    },
    /// List keys, without secrets.
    List,
    /// Refuse a key from now on.
    Revoke {
        /// Name of the service account.
        name: String,
    },
}

/// The scopes as words of the command line.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum ScopeArg {
    /// Submit fee reports and contributions, and read them back.
    Feed,
    /// Prices, treasury, incidents, claims and payouts, and reading the whole book.
    Operate,
}

impl From<ScopeArg> for KeyScope {
    fn from(arg: ScopeArg) -> Self {
        match arg {
            ScopeArg::Feed => Self::Feed,
            ScopeArg::Operate => Self::Operate,
        }
    }
}

/// Runs `safu keys`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    match verb {
        Verb::Create { name, scope, expires, owner } => {
            if ctx.global.dry_run {
                return Err(CliError::Usage("a key that is not recorded would be of no use; leave --dry-run out".to_owned()));
            }
            let key = book.create_key_for(&ctx.call(), name, (*scope).into(), *expires, owner.as_deref())?;
            ctx.say(&format!("Key of {name}. It is shown this once; only its hash is kept."));
            if key.waits {
                ctx.say("It is good once an administrator other than you has approved it.");
            }
            let shown = if ctx.global.json { json!({"name": key.name, "key": key.secret}).to_string() } else { key.secret };
            ctx.print(&shown)
        }
        Verb::List => ctx.print_doc(&book.read(|conn| docs::keys_doc(conn, book.clock.now()))?, None),
        Verb::Revoke { name } => {
            book.revoke_key(&ctx.call(), name)?;
            ctx.say(&format!("The key of {name} is revoked; requests with it are refused from now on."));
            Ok(())
        }
    }
}
