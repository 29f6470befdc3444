//! `safu users`: persons, their roles, and how they come in.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use crate::report::doc::Doc;
use crate::service::Book;
use crate::service::identity::docs;
use crate::service::identity::provider::LinkProvider;
use crate::service::identity::reset::ResetLogin;
use crate::service::identity::session;
use crate::service::people::{self, NewPerson, RenamePerson, SetRole};
use clap::Subcommand;
use serde_json::json;

/// Verbs of `safu users`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a person known; without a role the person can do nothing.
    Add {
        /// Login name, never changed and never used again.
        login: String,
        /// Name as others know the person.
        #[arg(long)]
        name: String,
    },
    /// List persons with their roles.
    List,
    /// Give a role, or take it with --take.
    Role {
        /// Login name.
        login: String,
        /// administrator, preparer, approver, treasurer, incident-officer or auditor.
        role: String,
        /// Take the role away.
        #[arg(long)]
        take: bool,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Change the name of a person; the login name stays.
    Rename {
        /// Login name.
        login: String,
        /// Name as others know the person from now on.
        #[arg(long)]
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Make a one-time token with which a person sets a login up; good for 24 hours.
    Invite {
        /// Login name.
        login: String,
    },
    /// Make a new setup token for the first administrator; the one before is worthless.
    Setup,
    /// Make a lost login worthless, so that its person can be invited anew.
    Reset {
        /// Login name.
        login: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Link a person to an identity of the identity provider, or take the link away with --take.
    Link {
        /// Login name.
        login: String,
        /// The provider, as its tokens name it.
        #[arg(long)]
        issuer: String,
        /// The person there: the `sub` of its tokens, never an e-mail address.
        #[arg(long)]
        subject: String,
        /// Take the link away.
        #[arg(long)]
        take: bool,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List the sessions of a person.
    Sessions {
        /// Login name.
        login: String,
    },
    /// End all sessions of a person.
    Revoke {
        /// Login name.
        login: String,
    },
}

/// Runs `safu users`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    match verb {
        Verb::Add { login, name } => {
            let new = NewPerson { login: login.clone(), name: name.clone() };
            let reply = book.add_person(&ctx.call(), new)?;
            ctx.print_reply(&reply, |body| format!("{login} is person {}.", body["person"]))
        }
        Verb::List => ctx.print_doc(&book.read(|conn| docs::people_doc(conn, book.clock.now()))?, None),
        Verb::Role { login, role, take, reason } => {
            let set = SetRole { login: login.clone(), role: role.clone(), held: !take, reason: reason.clone() };
            let reply = book.set_role(&ctx.call(), set)?;
            ctx.print_reply(&reply, |body| said(body, "The role is set; all sessions of the person have ended."))
        }
        Verb::Rename { login, name, reason } => {
            let new = RenamePerson { login: login.clone(), name: name.clone(), reason: reason.clone() };
            let reply = book.give(&ctx.call(), new)?;
            ctx.print_reply(&reply, |body| said(body, "The name is changed."))
        }
        Verb::Reset { login, reason } => {
            let reply = book.reset_login(&ctx.call(), ResetLogin { login: login.clone(), reason: reason.clone() })?;
            ctx.print_reply(&reply, |body| said(body, "The login is worthless; make a new one with `safu users invite`."))
        }
        Verb::Link { login, issuer, subject, take, reason } => {
            let (issuer, subject) = (issuer.clone(), subject.clone());
            let new = LinkProvider { login: login.clone(), issuer, subject, held: !take, reason: reason.clone() };
            let reply = book.link_provider(&ctx.call(), new)?;
            let done = if *take { "The link is taken away" } else { "The link is made" };
            ctx.print_reply(&reply, |body| said(body, &format!("{done}; all sessions of the person have ended.")))
        }
        Verb::Invite { login } => {
            not_dry(ctx)?;
            let token = book.invite(&ctx.call(), login)?;
            ctx.say(&format!("{login} opens this address of `safu serve` within 24 hours; it is good once:"));
            show(ctx, "path", &format!("/invitation/{token}"))
        }
        Verb::Setup => {
            not_dry(ctx)?;
            let token = book.invite_first_administrator(&ctx.actor())?;
            ctx.say("Setup token of the first administrator, good once and for 24 hours, to be typed in at /setup:");
            show(ctx, "token", &token)
        }
        Verb::Sessions { login } => ctx.print_doc(&sessions(&book, login)?, None),
        Verb::Revoke { login } => {
            not_dry(ctx)?;
            let ended = book.end_sessions_of(&ctx.call(), login)?;
            ctx.say(&format!("{ended} session(s) of {login} ended."));
            Ok(())
        }
    }
}

/// What was done, or that others have to agree to it first.
fn said(body: &serde_json::Value, done: &str) -> String {
    match body.get("proposal") {
        Some(proposal) => format!("Proposal {proposal} waits for another administrator."),
        None => done.to_owned(),
    }
}

fn not_dry(ctx: &Ctx) -> CliResult {
    if ctx.global.dry_run {
        return Err(CliError::Usage("this cannot be tried out; leave --dry-run out".to_owned()));
    }
    Ok(())
}

fn show(ctx: &Ctx, name: &str, secret: &str) -> CliResult {
    if ctx.global.json { ctx.print(&json!({ name: secret }).to_string()) } else { ctx.print(secret) }
}

fn sessions(book: &Book, login: &str) -> Result<Doc, CliError> {
    let now = book.clock.now();
    let found = book.read(|conn| {
        let person = people::all(conn)?.into_iter().find(|person| person.login == login);
        person.map(|person| session::of_person(conn, person.id.0, now)).transpose()
    })?;
    let found = found.ok_or_else(|| CliError::Usage(format!("{login} is not a person of this book")))?;
    let table = docs::sessions_table(&found);
    Ok(Doc { name: "sessions".to_owned(), title: format!("Sessions of {login}"), tables: vec![table], ..Doc::default() })
}
