//! `safu contributions`: submit fee reports and single events, write manifests, and see what came, what is due and what is open.

pub(super) mod files;
mod remote;
mod submit;
mod tables;

use super::CliResult;
use super::ctx::{CliError, Ctx};
use super::listing::{field, moved_text};
use crate::domain::contribution::manifest::{DescribeMeta, describe};
use crate::domain::text::Name;
use crate::service::clock::Clock;
use crate::service::contributions::rejection::RejectReport;
use crate::service::contributions::{ageing, calendar, changes, view};
use clap::Subcommand;
use jiff::civil::Date;
use jiff::{Timestamp, Unit};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Verbs of `safu contributions`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Submit fee reports and single events: into the local book, or to a server with a key.
    Submit(submit::Args),
    /// Write the manifest of a file of rows that has none; venue, day, count, totals and hash come from the rows.
    #[command(disable_version_flag = true)]
    Manifest(ManifestArgs),
    /// How every business day of the venues stands: accepted, late, stale, in quarantine, missing.
    Calendar {
        /// Only this venue.
        #[arg(long)]
        venue: Option<String>,
        /// First day; a venue's first due day if left out.
        #[arg(long, value_name = "DATE")]
        from: Option<Date>,
        /// Last day; today if left out.
        #[arg(long, value_name = "DATE")]
        until: Option<Date>,
        /// Leave out the days on which nothing is wrong.
        #[arg(long)]
        open: bool,
    },
    /// List fee reports, newest first.
    List {
        /// Only this venue.
        #[arg(long)]
        venue: Option<String>,
        /// Only reports that stand so.
        #[arg(long, value_parser = ["accepted", "quarantined", "superseded", "rejected"])]
        state: Option<String>,
        /// First business date.
        #[arg(long, value_name = "DATE")]
        from: Option<Date>,
        /// Last business date.
        #[arg(long, value_name = "DATE")]
        until: Option<Date>,
        /// Only reports with a lower number: the cursor of the page before.
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
        /// How many.
        #[arg(long, default_value_t = 100, value_name = "COUNT")]
        limit: i64,
    },
    /// Show one report: totals, steps, what it restated.
    Show {
        /// Its number in the book.
        id: i64,
        /// Print the rows that were refused, as CSV, and nothing else.
        #[arg(long)]
        failed_rows: bool,
        /// Print every row that differs from the version it replaced, as CSV, and nothing else.
        #[arg(long, conflicts_with = "failed_rows")]
        changed_rows: bool,
    },
    /// Reject a report that is in quarantine, whatever it waits for; its rows stay, and a higher version mends it.
    Reject {
        /// Its number in the book.
        report: i64,
        /// Why, for those who read the book later.
        #[arg(long)]
        reason: String,
    },
    /// What is accrued but not settled, by age.
    Ageing {
        /// The day to look from; today if left out.
        #[arg(long, value_name = "DATE")]
        as_of: Option<Date>,
        /// Count only what was recorded until this moment.
        #[arg(long, value_name = "TIME")]
        known_at: Option<Timestamp>,
    },
    /// Post reports that waited for a price and now have it; locking a price does this by itself.
    Release,
}

#[derive(Debug, clap::Args)]
pub struct ManifestArgs {
    /// CSV or NDJSON rows; `-` for standard input, then the manifest goes to standard output.
    file: PathBuf,
    /// The report's name, the same for all its versions; VENUE-DATE if left out.
    #[arg(long, value_name = "NAME")]
    report_id: Option<String>,
    /// Refuse the file if it is not of this venue.
    #[arg(long)]
    venue: Option<String>,
    /// Version.
    #[arg(long, default_value_t = 1)]
    version: u32,
    /// The version it replaces; the one before if left out.
    #[arg(long, value_name = "VERSION")]
    supersedes: Option<u32>,
    /// When the file was made; now if left out.
    #[arg(long, value_name = "TIME")]
    generated_at: Option<Timestamp>,
    /// Print it instead of writing FILE.manifest.json.
    #[arg(long)]
    stdout: bool,
    /// Replace a manifest that is there already.
    #[arg(long)]
    force: bool,
}

/// Runs `safu contributions`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    match verb {
        Verb::Submit(args) => submit::run(ctx, args),
        Verb::Manifest(args) => manifest(ctx, args),
        Verb::Calendar { venue, from, until, open } => {
            let book = ctx.book()?;
            let (now, until) = (book.clock.now(), until.unwrap_or_else(|| book.clock.today()));
            let found = book.read(|conn| calendar::calendars(conn, venue.as_deref(), *from, until, now))?;
            ctx.print_doc(&tables::calendar(&found, *open), None)
        }
        Verb::List { venue, state, from, until, before, limit } => {
            let filter = view::ReportFilter {
                venue: venue.clone(),
                state: state.clone(),
                from: *from,
                until: *until,
                known_at: None,
                cursor: *before,
                limit: *limit,
            };
            let page = ctx.book()?.read(|conn| view::reports(conn, &filter))?;
            ctx.print_doc(&tables::list(&page), None)
        }
        Verb::Show { id, changed_rows: true, .. } => ctx.print(&ctx.book()?.read(|conn| changes::changed_rows_csv(conn, *id))?),
        Verb::Show { id, failed_rows: true, .. } => ctx.print(&ctx.book()?.read(|conn| view::failed_rows_csv(conn, *id))?),
        Verb::Show { id, .. } => {
            let (report, restated) = ctx.book()?.read(|conn| Ok((view::report(conn, *id)?, changes::restatement(conn, *id)?)))?;
            ctx.print_doc(&tables::show(&report, restated.as_ref()), None)
        }
        Verb::Reject { report, reason } => {
            let reply = ctx.book()?.reject_report(&ctx.call(), *report, RejectReport { reason: reason.clone() })?;
            ctx.print_reply(&reply, rejected)
        }
        Verb::Ageing { as_of, known_at } => {
            let book = ctx.book()?;
            let as_of = as_of.unwrap_or_else(|| book.clock.today());
            let doc = book.read(|conn| {
                let refs = crate::service::refs::Refs::load(conn)?;
                Ok(tables::ageing(&refs, &ageing::ageing(conn, as_of, *known_at)?, as_of, *known_at))
            })?;
            ctx.print_doc(&doc, None)
        }
        Verb::Release => {
            let reply = ctx.book()?.release_waiting(&ctx.call())?;
            ctx.print_reply(&reply, |answer| match moved_text(answer, "released") {
                text if text.is_empty() => "No report could move.".to_owned(),
                text => text,
            })
        }
    }
}

fn rejected(answer: &Value) -> String {
    let [id, name, version] = ["id", "report_id", "version"].map(|member| field(answer, member));
    let moved = moved_text(answer, "moved");
    format!(
        "Report {id} ({name} version {version}) is rejected and will not be posted; its rows are kept. A higher version mends it.\n{moved}"
    )
}

fn manifest(ctx: &Ctx, args: &ManifestArgs) -> CliResult {
    let rows = files::read(&args.file)?;
    let generated_at = args.generated_at.unwrap_or_else(|| Clock::System.now());
    let name = |text: &str| Name::parse(text).map_err(|e| CliError::Usage(format!("--report-id {text:?} {e}")));
    let meta = DescribeMeta {
        report_id: name(args.report_id.as_deref().unwrap_or("unnamed"))?,
        version: args.version,
        supersedes: args.supersedes.or_else(|| args.version.checked_sub(1).filter(|before| *before > 0)),
        generated_at: generated_at.round(Unit::Second).unwrap_or(generated_at),
    };
    let mut manifest = describe(&rows, meta)?;
    if args.report_id.is_none() {
        manifest.report_id = name(&format!("{}-{}", manifest.venue, manifest.business_date))?;
    }
    if let Some(venue) = args.venue.as_deref().filter(|venue| *venue != manifest.venue.as_str()) {
        return Err(CliError::Usage(format!("the rows are of the venue {}, not of {venue}", manifest.venue)));
    }
    let text = manifest.to_json();
    if args.stdout || is_stdin(&args.file) {
        return ctx.print(&text);
    }
    let path = files::manifest_path(&args.file);
    if path.exists() && !args.force {
        return Err(CliError::Usage(format!("{} is there already; --force replaces it", path.display())));
    }
    if !ctx.global.dry_run {
        std::fs::write(&path, text).map_err(|e| CliError::Failed(format!("{}: {e}", path.display())))?;
    }
    ctx.print(&path.display().to_string())
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}
