//! `safu contributions submit`.

use super::files::{self, Item};
use super::remote::Remote;
use super::tables;
use crate::cli::CliResult;
use crate::cli::ctx::{CliError, Ctx};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::clock::fresh_id;
use crate::service::contributions::events::EventFeed;
use crate::service::{Book, Call, Reply, problem};
use crate::store::error::StoreError;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Options of `safu contributions submit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files of rows with FILE.manifest.json beside them, files of events (.events.ndjson, .json), folders of either, or `-` for
    /// standard input (events, or rows with --manifest).
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The manifest of the one file given, if it is not beside it.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Send to this server instead of the local book.
    #[arg(long, value_name = "URL", env = "SAFU_SERVER")]
    server: Option<String>,
    /// Key for the server, made with `safu keys create`. Better given as SAFU_KEY: command lines can be read by others.
    #[arg(long, env = "SAFU_KEY", hide_env_values = true, value_name = "KEY")]
    key: Option<String>,
}

/// What became of one file.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// File.
    pub file: String,
    /// Status, as HTTP has it; 0 if it was not sent.
    pub status: u16,
    /// State, or the code of the refusal.
    pub state: String,
    /// Why it waits.
    pub reason: String,
    /// True when it had been submitted before.
    pub replayed: bool,
    /// The answer.
    pub answer: Value,
}

impl Outcome {
    /// True when the book has taken it in.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    fn of(file: String, reply: &Reply) -> Self {
        let answer = reply.json();
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        let state = text("state").or_else(|| text("code")).unwrap_or_else(|| "recorded".to_owned());
        let reason = text("reason").unwrap_or_default();
        Self { file, status: reply.status, state, reason, replayed: reply.replayed, answer }
    }
}

enum Target {
    Local { book: Box<Book>, feed: Option<EventFeed>, call: Call },
    Server(Remote),
}

/// Runs `safu contributions submit`.
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    if args.manifest.is_some() && args.files.len() != 1 {
        return Err(CliError::Usage("--manifest is for one file".to_owned()));
    }
    let (items, left_out) = files::collect(&args.files, args.manifest.as_deref())?;
    for file in &left_out {
        ctx.say(&format!("{}: left out, it has no manifest beside it", file.display()));
    }
    if items.is_empty() {
        return Err(CliError::Usage("there is nothing to submit".to_owned()));
    }
    let mut target = target(ctx, args)?;
    let bar = progress(items.len());
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(items.len());
    let mut stopped = None;
    for (item, at) in items.iter().zip(1_usize..) {
        let file = item.path().display().to_string();
        bar.set_message(file.clone());
        let given = ctx.global.idempotency_key.as_ref();
        let given = given.map(|key| if items.len() == 1 { key.clone() } else { format!("{key}/{at}") });
        match submit(&mut target, item, given.as_deref()) {
            Ok(reply) => outcomes.push(Outcome::of(file, &reply)),
            Err(CliError::Refused(rejection)) => outcomes.push(refused(file, &rejection)),
            // A server that cannot be reached, or a file that cannot be read: what follows would fare no better.
            Err(error) => {
                stopped = Some(error);
                break;
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    report(ctx, &outcomes, items.len(), stopped)
}

fn target(ctx: &Ctx, args: &Args) -> Result<Target, CliError> {
    let Some(server) = &args.server else {
        return Ok(Target::Local { book: Box::new(ctx.book()?), feed: None, call: ctx.call() });
    };
    let Some(key) = args.key.as_deref().filter(|key| !key.is_empty()) else {
        return Err(CliError::Usage("a server wants a key: set SAFU_KEY, made with `safu keys create`".to_owned()));
    };
    Ok(Target::Server(Remote::new(server, key, ctx.global.dry_run)?))
}

fn progress(count: usize) -> ProgressBar {
    // Hidden by itself where standard error is not a terminal.
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

fn submit(target: &mut Target, item: &Item, given: Option<&str>) -> Result<Reply, CliError> {
    match item {
        Item::Report { rows, manifest, .. } => {
            let rows = files::read(rows)?;
            let key = given.map_or_else(|| files::report_key(manifest, &rows), str::to_owned);
            let reply = target.report(&key, manifest, &rows)?;
            // The book may have changed since it refused this: ask once more, unless the caller chose the key.
            if reply.replayed && !reply.is_success() && given.is_none() && reply.status != 409 {
                return target.report(&fresh_id(), manifest, &rows);
            }
            Ok(reply)
        }
        Item::Events(path) => {
            let bytes = files::read(path)?;
            let mut replies = Vec::new();
            for (part, at) in files::event_parts(&bytes).into_iter().zip(1_usize..) {
                let key = given.map_or_else(|| files::events_key(part), |key| format!("{key}/{at}"));
                let reply = target.events(&key, part)?;
                let stop = !reply.is_success();
                replies.push(reply);
                if stop {
                    break;
                }
            }
            Ok(together(replies))
        }
    }
}

/// One reply for the parts of a file: counts are added up; the first refusal stands for the whole.
fn together(mut replies: Vec<Reply>) -> Reply {
    if replies.len() == 1 || replies.last().is_some_and(|last| !last.is_success()) {
        return replies.pop().unwrap_or(Reply { status: 200, body: json!({}).to_string(), replayed: false });
    }
    let answers: Vec<Value> = replies.iter().map(Reply::json).collect();
    let sum = |name: &str| answers.iter().filter_map(|answer| answer.get(name)?.as_u64()).fold(0_u64, u64::saturating_add);
    let body = json!({"accepted": sum("accepted"), "known": sum("known"), "parts": answers.len()}).to_string();
    Reply { status: 201, body, replayed: replies.iter().all(|reply| reply.replayed) }
}

impl Target {
    fn report(&self, key: &str, manifest: &[u8], rows: &[u8]) -> Result<Reply, CliError> {
        match self {
            Self::Local { book, call, .. } => {
                let call = Call { key: key.to_owned(), ..call.clone() };
                Ok(book.submit_report(&call, manifest, rows.to_vec())?)
            }
            Self::Server(remote) => remote.report(key, manifest, rows),
        }
    }

    fn events(&mut self, key: &str, events: &[u8]) -> Result<Reply, CliError> {
        match self {
            Self::Local { book, feed, call } => {
                let call = Call { key: key.to_owned(), ..call.clone() };
                let feed = match feed {
                    Some(feed) => feed,
                    None => feed.insert(EventFeed::start(book)?),
                };
                feed.submit_and_wait(call, events).map_err(|error: StoreError| error.into())
            }
            Self::Server(remote) => remote.events(key, events),
        }
    }
}

fn refused(file: String, rejection: &Rejection) -> Outcome {
    let answer = problem(rejection);
    Outcome {
        file,
        status: rejection.code.status(),
        state: rejection.code.slug().to_owned(),
        reason: String::new(),
        replayed: false,
        answer,
    }
}

/// Prints the outcomes and says by the exit code how many of all there are.
fn report(ctx: &Ctx, outcomes: &[Outcome], wanted: usize, stopped: Option<CliError>) -> CliResult {
    if ctx.global.json {
        let list = serde_json::to_string_pretty(outcomes).map_err(|e| CliError::Failed(e.to_string()))?;
        ctx.print(&list)?;
    } else if !outcomes.is_empty() {
        ctx.print_doc(&tables::outcomes(outcomes), None)?;
        for outcome in outcomes.iter().filter(|outcome| !outcome.is_success()) {
            ctx.say(&format!("{}:", outcome.file));
            for line in problem_lines(&outcome.answer) {
                ctx.say(&line);
            }
        }
    }
    if ctx.global.dry_run {
        ctx.say("Dry run: nothing was recorded.");
    }
    let done = outcomes.iter().filter(|outcome| outcome.is_success()).count();
    match (stopped, outcomes.iter().find(|outcome| !outcome.is_success())) {
        (Some(error), _) if done == 0 => Err(error),
        (Some(error), _) => {
            ctx.print_error(&error);
            Err(CliError::Partly(format!("{done} of {wanted} files are in the book; the same command goes on where it stopped")))
        }
        (None, None) => Ok(()),
        (None, Some(_)) if done > 0 => Err(CliError::Partly(format!("{done} of {wanted} files are in the book"))),
        (None, Some(refused)) => Err(CliError::Failed(match wanted {
            1 => format!("the file was refused: {}", refused.state),
            _ => format!("all {wanted} files were refused"),
        })),
    }
}

fn problem_lines(answer: &Value) -> Vec<String> {
    let text = |problem: &Value, name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let errors = answer.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let line = |error: &Value| {
        let value = text(error, "value");
        let found = if value.is_empty() { String::new() } else { format!(" (found: {value})") };
        format!("  {}: {}{found}", text(error, "pointer"), text(error, "detail"))
    };
    let mut lines: Vec<String> = errors.iter().map(line).collect();
    if let Some(report) = answer.get("report").and_then(Value::as_i64) {
        let code = text(answer, "code");
        if code != OutcomeCode::ReportConflict.slug() {
            lines.push(format!(
                "  kept as report {report}; `safu contributions show {report} --failed-rows` gives its failed rows"
            ));
        }
    }
    lines
}
