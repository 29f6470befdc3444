//! `safu export`: the whole journal for other accounting programs.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use crate::report::export::JournalFormat;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// Options of `safu export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: safu export --format hledger --out book.journal && hledger check --strict -f book.journal")]
pub struct Args {
    /// hledger, ledger, beancount, csv or jsonl.
    #[arg(long, value_name = "FORMAT", value_parser = parse_format)]
    format: JournalFormat,
    /// File to write; stdout where none is given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn parse_format(text: &str) -> Result<JournalFormat, String> {
    JournalFormat::parse(text).ok_or_else(|| {
        let names: Vec<&str> = JournalFormat::ALL.into_iter().map(JournalFormat::name).collect();
        format!("use {}", names.join(", "))
    })
}

/// Runs `safu export`.
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    let book = ctx.book()?;
    let out: Box<dyn Write> = match &args.out {
        Some(path) => {
            let file = File::create(path).map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(std::io::stdout().lock()),
    };
    let summary = book.export_journal(args.format, out)?;
    ctx.say(&format!("{} entries, {} postings, {} bytes.", summary.entries, summary.postings, summary.bytes));
    Ok(())
}
