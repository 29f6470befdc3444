//! `safu evidence`: files that show why something was booked.

use super::CliResult;
use super::contributions::files::read;
use super::ctx::{CliError, Ctx};
use super::listing::field;
use crate::service::Book;
use crate::service::evidence::{self, AttachEvidence, GivenFile};
use clap::Subcommand;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Files that a listing shows.
const LISTED: i64 = 100;

/// Verbs of `safu evidence`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Add files; each is kept once by its content, and its SHA-256 is printed.
    Add {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Attach a file that was added to an entry, a proposal, an incident or an item of a month's checklist.
    Attach {
        /// SHA-256 of its content.
        sha256: String,
        /// What it is attached to: entry/NUMBER, proposal/NUMBER, incident/CODE or close/MONTH/ITEM.
        #[arg(long, value_name = "SUBJECT")]
        to: String,
        /// What it shows.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Fetch a file.
    Get {
        /// SHA-256 of its content.
        sha256: String,
        /// Where it is written; - is standard output.
        #[arg(long, short, default_value = "-", value_name = "FILE")]
        output: PathBuf,
    },
    /// List files, latest first.
    List,
}

/// Runs `safu evidence`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    match verb {
        Verb::Add { files } => {
            for file in files {
                let reply = add(ctx, &book, file)?;
                ctx.print_reply(&reply, |answer| format!("{}  {}", field(answer, "sha256"), field(answer, "name")))?;
            }
            Ok(())
        }
        Verb::Attach { sha256, to, note } => {
            let ask = AttachEvidence { sha256: sha256.clone(), subject: to.clone(), note: note.clone() };
            let reply = book.attach_evidence(&ctx.call(), ask)?;
            ctx.print_reply(&reply, |answer| format!("Attached to {}.", field(answer, "subject")))
        }
        Verb::Get { sha256, output } => {
            let (_, bytes) = book.evidence(sha256)?;
            if output.as_os_str() == "-" {
                std::io::stdout().lock().write_all(&bytes)?;
            } else {
                std::fs::write(output, &bytes).map_err(|error| CliError::Usage(format!("{}: {error}", output.display())))?;
            }
            Ok(())
        }
        Verb::List => ctx.print_doc(&book.read(|conn| evidence::list(conn, None, LISTED))?, None),
    }
}

/// Adds one file under a key of its own.
pub(super) fn add(ctx: &Ctx, book: &Book, file: &Path) -> Result<crate::service::Reply, CliError> {
    let bytes = read(file)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(book.add_evidence(&ctx.call_part(&name), GivenFile { name, bytes: bytes.into() })?)
}
