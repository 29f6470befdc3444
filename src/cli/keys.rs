//! `safu keys`: keys of service accounts.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use super::listing::doc;
use crate::report::doc::{Cell, Column, Content, Doc, Row, Tone};
use crate::service::keys::KeyScope;
use crate::store::{key, person};
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::json;

/// Options of `safu keys`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
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
enum ScopeArg {
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
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    let book = ctx.book()?;
    match &args.verb {
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
        Verb::List => ctx.print_doc(&list(&book)?, None),
        Verb::Revoke { name } => {
            book.revoke_key(&ctx.call(), name)?;
            ctx.say(&format!("The key of {name} is revoked; requests with it are refused from now on."));
            Ok(())
        }
    }
}

fn list(book: &crate::service::Book) -> Result<Doc, CliError> {
    let (keys, revoked, persons) = book.read(|conn| Ok((key::all(conn)?, key::revocations(conn)?, person::all(conn)?)))?;
    let owner = |id| persons.iter().find(|person| Some(person.id) == id).map_or("", |person| person.login.as_str());
    let rows = keys.iter().map(|k| {
        let state = if revoked.iter().any(|r| r.key_id == k.id) {
            Content::State("revoked".to_owned(), Tone::Bad)
        } else if k.expires_at.is_some_and(|at| at <= book.clock.now().as_microsecond()) {
            Content::State("expired".to_owned(), Tone::Warn)
        } else {
            Content::State("in use".to_owned(), Tone::Good)
        };
        let expires = match k.expires_at.and_then(|at| Timestamp::from_microsecond(at).ok()) {
            Some(at) => Cell::time(at),
            None => Cell::text("never"),
        };
        Row::body(vec![
            Cell::text(&k.name),
            Cell::code(format!("safu_{}_…", k.prefix)),
            Cell::text(&k.scope),
            Cell::text(owner(k.owner)),
            expires,
            Cell::new(state),
        ])
    });
    let columns =
        [("name", "Name"), ("key", "Key"), ("scope", "Scope"), ("owner", "Owner"), ("expires", "Expires"), ("state", "State")];
    let columns = columns.iter().map(|(key, title)| Column::text(key, title)).collect();
    let empty = "There is no key yet; make one with `safu keys create NAME`.";
    Ok(doc("keys", "Service keys", columns, rows.collect(), empty))
}
