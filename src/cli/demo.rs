//! `safu demo`: a complete book with a real story, built and looked at in one command.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use super::serve::announce;
use crate::demo::people::{Member, PASSWORD, PEOPLE};
use crate::demo::{self, Demo, DemoError, Folder, Progress, SEED, THEFT_DAY};
use crate::report::{format, link};
use crate::service::clock::Clock;
use crate::service::verify::{Verdict, verify};
use crate::telemetry::{self, LogFormat};
use crate::web::server::{self, Options, Running};
use indicatif::{ProgressBar, ProgressStyle};
use rust_decimal::Decimal;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

/// Ports that are tried before the usual one's error is shown.
const PORTS_TRIED: usize = 50;

/// Options of `safu demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the demo; the book is `book.db` in it, what it was fed lies in `inputs`.
    #[arg(long, default_value = "./safu-demo", value_name = "DIR")]
    dir: PathBuf,
    /// Print what the device of this person of the demo shows now, and nothing else.
    #[arg(long, value_name = "LOGIN", conflicts_with_all = ["no_serve", "listen"])]
    code: Option<String>,
    /// Build and verify only.
    #[arg(long)]
    no_serve: bool,
    /// Address to listen on, of this machine only; without it 127.0.0.1:8080 or the next free port.
    #[arg(long, env = "SAFU_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

impl From<DemoError> for CliError {
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::NotADemo(_) | DemoError::Busy(_) => Self::Usage(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// Runs `safu demo`.
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    if let Some(login) = &args.code {
        return code(ctx, login);
    }
    if let Some(listen) = args.listen.filter(|listen| !listen.ip().is_loopback()) {
        let words = "can be reached from other machines, and everybody knows the passwords of the demo; listen on 127.0.0.1";
        return Err(CliError::Usage(format!("--listen: {listen} {words}")));
    }
    let demo = build(ctx, args)?;
    let verdict = verify(&demo.book()?)?;
    ctx.print(&summary(&demo, &verdict))?;
    ctx.print(&who_logs_in())?;
    if !verdict.is_good() {
        return Err(CliError::NotVerified(format!(
            "{} findings; see `safu verify {}`",
            verdict.finding_count,
            demo.url.display()
        )));
    }
    if args.no_serve { Ok(()) } else { serve(ctx, args, &demo) }
}

/// Serves the demo with the clock of its story, so that what was due in July 2019 is not years late today.
fn serve(ctx: &Ctx, args: &Args, demo: &Demo) -> CliResult {
    telemetry::start_log(telemetry::DEFAULT_FILTER, LogFormat::Text);
    let usual = Options::default();
    let options = Options { listen: args.listen.unwrap_or_else(|| free_port(usual.listen)), ..usual };
    let book = demo.book()?;
    ctx.say(&format!("The clock of the served demo goes on from {}.", format::instant(book.clock.now())));
    let ready = |running: &Running| {
        announce(ctx, running, false)?;
        for address in &running.addresses {
            ctx.say(&format!("The evening of the theft: http://{address}/?as_of={THEFT_DAY}"));
            ctx.say(&format!("Its coverage, with every ratio: http://{address}{}", link::coverage_on(THEFT_DAY)));
        }
        Ok(())
    };
    let failed = |error: std::io::Error| CliError::Failed(format!("cannot serve on {}: {error}", options.listen));
    server::run(book, &options, ready).map_err(failed)
}

/// The first free port from the usual one on; the usual one where none of the next is free, so that the error names it.
fn free_port(usual: SocketAddr) -> SocketAddr {
    let ports = (usual.port()..=u16::MAX).take(PORTS_TRIED).map(|port| SocketAddr::new(usual.ip(), port));
    ports.into_iter().find(|address| TcpListener::bind(address).is_ok()).unwrap_or(usual)
}

/// Builds the demo, or finds it, with a bar where there is a terminal and one line an event everywhere.
fn build(ctx: &Ctx, args: &Args) -> Result<Demo, CliError> {
    let folder = Folder::take(&args.dir)?;
    let bar = ProgressBar::new(0);
    bar.set_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} days  {msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let demo = demo::build(folder, SEED, &mut |progress: &Progress<'_>| {
        bar.set_length(progress.days);
        bar.set_position(progress.done);
        match progress.happens {
            Some(what) => bar.suspend(|| ctx.say(&format!("{}  {what}", progress.day))),
            None => bar.set_message(progress.day.to_string()),
        }
    });
    bar.finish_and_clear();
    let demo = demo?;
    let words = if demo.reused { "The demo is there already" } else { "The demo is built" };
    ctx.say(&format!("{words}: {}. Fees, claims and addresses in it are synthetic.", demo.url.display()));
    Ok(demo)
}

/// The second factor of a person of the demo. The secrets follow from the names and are the same in every demo; no other book has them.
fn code(ctx: &Ctx, login: &str) -> CliResult {
    let unknown = || {
        let known: Vec<&str> = PEOPLE.iter().map(|member| member.login).collect();
        CliError::Usage(format!("--code: {login} is nobody of the demo; use one of {}", known.join(", ")))
    };
    ctx.print(&Member::find(login).ok_or_else(unknown)?.code(Clock::System.of_devices()))
}

/// Who can log in, and how.
fn who_logs_in() -> String {
    let mut out =
        format!("To log in (demo only, everybody knows this): password \"{PASSWORD}\", code by `safu demo --code LOGIN`,\n");
    out.push_str("or let an authenticator keep the secret.\n");
    for member in PEOPLE {
        out.push_str(&format!("  {:<7}{:<18}secret {}\n", member.login, member.role, member.secret().text()));
    }
    out
}

/// What a reader should see first.
fn summary(demo: &Demo, verdict: &Verdict) -> String {
    let figures = &demo.figures;
    let rows = [
        ("Fund value", format!("{} USD", compact(&figures.fund_value))),
        ("Obligations", format!("{} USD", compact(&figures.obligations))),
        ("Coverage", times(&figures.coverage)),
        ("Matched BTC coverage", format!("{}, which is what the victims are owed in", times(&figures.matched_btc))),
    ];
    let mut out = format!("On {THEFT_DAY}, the day of the theft:\n");
    for (label, value) in rows {
        out.push_str(&format!("  {label:<22}{value}\n"));
    }
    out.push_str(&format!(
        "Claims paid: {} of {}, {} BTC. Fund value at the end: {} USD.\n",
        figures.claims_paid,
        figures.claims,
        figures.btc_paid,
        compact(&figures.fund_value_at_end)
    ));
    out.push_str(&format!(
        "{} fee reports, {} entries, {} leaves in the log: {}.\n",
        figures.reports,
        figures.entries,
        verdict.log_size,
        if verdict.is_good() { "verified, every figure recomputed equal" } else { "NOT VERIFIED" }
    ));
    out
}

fn compact(value: &str) -> String {
    value.parse::<Decimal>().map_or_else(|_| value.to_owned(), format::compact)
}

fn times(ratio: &str) -> String {
    ratio.parse::<Decimal>().map_or_else(|_| ratio.to_owned(), |ratio| format!("{}×", format::decimal(ratio, 2)))
}
