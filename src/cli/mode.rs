//! `safu mode`: make the book read-only, and writable again.

use super::CliResult;
use super::ctx::Ctx;
use crate::service::mode::{Mode, SetMode};
use clap::Subcommand;
use serde_json::json;

/// Verbs of `safu mode`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show whether commands are taken.
    Show,
    /// Refuse every command from now on, in every process, until the book is opened again. Logins go on.
    ReadOnly {
        /// Why; shown above every page.
        #[arg(long)]
        reason: String,
    },
    /// Take commands again.
    Open {
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// Runs `safu mode`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    let set = match verb {
        Verb::Show => {
            let mode = Mode::of(&book)?;
            if ctx.global.json {
                return ctx.print(&json!({"mode": mode.word(), "words": mode.banner()}).to_string());
            }
            return ctx.print(&mode.banner().unwrap_or_else(|| "The book takes commands.".to_owned()));
        }
        Verb::ReadOnly { reason } => SetMode { read_only: true, reason: reason.clone() },
        Verb::Open { reason } => SetMode { read_only: false, reason: reason.clone() },
    };
    let read_only = set.read_only;
    let reply = book.set_mode(&ctx.call(), set)?;
    ctx.print_reply(&reply, |_| {
        let words = if read_only { "The book is read-only; logins go on." } else { "The book takes commands again." };
        words.to_owned()
    })
}
