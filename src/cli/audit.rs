//! `safu audit`: the audit log and the check of the chain; `safu audit-pack`: what an auditor takes along.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use crate::report::render::Format;
use crate::service::audit::list::Filter;
use crate::service::audit::pack::{self, Options, Target};
use crate::service::audit::{check, docs};
use crate::service::verify::Progress;
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;
use std::time::Duration;

/// Verbs of `safu audit`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List what was recorded and refused, latest first.
    List(Box<ListArgs>),
    /// Show one record: what it changed, its command, its proof.
    Show {
        /// Its index, as the list has it.
        record: i64,
    },
    /// Replay the log, recompute everything, and record the result.
    Check,
    /// List the results of checks.
    Checks,
}

/// What the list shows.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Recorded on or after this day, UTC.
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Recorded on or before this day, UTC.
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Recorded in this month.
    #[arg(long, value_name = "YYYY-MM")]
    period: Option<String>,
    /// Who, for example person:paula; the beginning is enough. (The option --actor says who runs this command.)
    #[arg(long, value_name = "ACTOR")]
    by: Option<String>,
    /// Kind of record or fact, or its beginning up to a dot.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// recorded or refused.
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// What it is about contains this.
    #[arg(long, value_name = "WORDS")]
    subject: Option<String>,
    /// What was recorded contains this.
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    /// Where the next page starts, as the page before said.
    #[arg(long)]
    cursor: Option<i64>,
    /// Lines of a page.
    #[arg(long, value_name = "LINES", default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// table, json, csv or xlsx.
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
}

/// Runs `safu audit`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    match verb {
        Verb::List(list) => run_list(ctx, list),
        Verb::Show { record } => ctx.print_doc(&ctx.book()?.audit_record(*record)?, None),
        Verb::Checks => ctx.print_doc(&ctx.book()?.read(|conn| check::doc(conn, None))?, None),
        Verb::Check => run_check(ctx),
    }
}

fn run_list(ctx: &Ctx, args: &ListArgs) -> CliResult {
    let format = args
        .format
        .as_deref()
        .map(|text| Format::parse(text).ok_or_else(|| CliError::Usage(format!("--format {text}: use table, json, csv or xlsx"))));
    let own = [
        ("from", &args.from),
        ("to", &args.to),
        ("period", &args.period),
        ("actor", &args.by),
        ("kind", &args.kind),
        ("outcome", &args.outcome),
        ("subject", &args.subject),
        ("text", &args.text),
    ];
    let named: Vec<(String, String)> =
        own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect();
    let filter = Filter::parse(&named)?;
    let doc = ctx.book()?.read(|conn| docs::page(conn, &filter, named, args.cursor, args.limit))?;
    if let Some(next) = doc.tables.iter().find_map(|table| table.next.as_ref()) {
        ctx.say(&format!("There is more: --cursor {next}"));
    }
    ctx.print_doc(&doc, format.transpose()?)
}

fn run_check(ctx: &Ctx) -> CliResult {
    let book = ctx.book()?;
    let (call, progress) = (ctx.call(), Progress::default());
    let done = std::thread::scope(|scope| {
        let work = scope.spawn(|| book.check_chain(&call, &progress));
        let bar = bar();
        while !work.is_finished() {
            bar.set_position(progress.percent());
            bar.set_message(progress.step());
            std::thread::sleep(Duration::from_millis(50));
        }
        bar.finish_and_clear();
        work.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    let json = serde_json::to_string_pretty(&done).map_err(|e| CliError::Failed(e.to_string()))?;
    if ctx.global.json {
        ctx.print(&json)?;
    } else {
        let took = done.took_ms;
        ctx.print(&format!(
            "Log: {} leaves, root {}\nReplayed {} entries in {took} ms.",
            done.log_size, done.log_root, done.entries
        ))?;
        for finding in &done.findings {
            ctx.print(&format!("DIFFERS  {finding}"))?;
        }
    }
    if done.is_good() { Ok(()) } else { Err(CliError::NotVerified(format!("{} findings", done.finding_count))) }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos} %  {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(100).with_style(style)
}

/// Options of `safu audit-pack`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Example: safu audit-pack --from 2019-01-01 --to 2019-12-31 --out pack-2019.zip")]
pub struct PackArgs {
    #[command(subcommand)]
    verb: Option<PackVerb>,
    #[command(flatten)]
    make: MakeArgs,
}

#[derive(Debug, Subcommand)]
enum PackVerb {
    /// Check a pack: its files against its manifest, and both against the book, made again at the size the pack names.
    Verify {
        /// The ZIP file or the folder.
        pack: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct MakeArgs {
    /// First day, UTC.
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Last day, UTC.
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Where to write it: a file whose name ends in .zip, or a folder that is not there yet.
    #[arg(long, value_name = "FILE|DIR")]
    out: Option<PathBuf>,
    /// Entries recorded more than this many days after their date are back-dated.
    #[arg(long, value_name = "DAYS")]
    backdated_days: Option<String>,
    /// Office hours in UTC; other times and weekends are after hours.
    #[arg(long, value_name = "HH:MM-HH:MM")]
    hours: Option<String>,
    /// The log as it was at this size.
    #[arg(long, value_name = "LEAVES")]
    size: Option<String>,
}

/// Runs `safu audit-pack`.
pub fn run_pack(ctx: &Ctx, args: &PackArgs) -> CliResult {
    if let Some(PackVerb::Verify { pack }) = &args.verb {
        let found = pack::check(&ctx.book()?, pack)?;
        if ctx.global.json {
            ctx.print(&serde_json::to_string_pretty(&found).map_err(|e| CliError::Failed(e.to_string()))?)?;
        } else {
            ctx.print(&format!(
                "{} files, {} rows; log of {} leaves, root {}",
                found.files, found.rows, found.log_size, found.log_root
            ))?;
            for finding in &found.findings {
                ctx.print(&format!("DIFFERS  {finding}"))?;
            }
        }
        let wrong = found.findings.len();
        return if wrong == 0 { Ok(()) } else { Err(CliError::NotVerified(format!("{wrong} findings"))) };
    }
    let make = &args.make;
    let value = |name: &str| match name {
        "from" => make.from.clone(),
        "to" => make.to.clone(),
        "backdated_days" => make.backdated_days.clone(),
        "hours" => make.hours.clone(),
        "size" => make.size.clone(),
        _ => None,
    };
    let Some(out) = &make.out else {
        return Err(CliError::Usage("--out FILE.zip or --out DIR says where to write it".to_owned()));
    };
    let options = Options::parse(&value)?;
    let manifest = ctx.book()?.audit_pack(&options, Target::new(out))?;
    if ctx.global.json {
        return ctx.print(&manifest.to_json());
    }
    for file in &manifest.files {
        ctx.print(&format!("{:>9} rows  {}  {}", file.rows, file.sha256, file.name))?;
    }
    ctx.say(&format!("Written to {}: log of {} leaves, root {}", out.display(), manifest.log.size, manifest.log.root));
    Ok(())
}
