//! `safu serve`: pages and API of a book.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use crate::telemetry;
use crate::web::app::{Limits, OPEN_PAGES};
use crate::web::server::{self, Options, Running};
use std::net::SocketAddr;
use std::time::Duration;

/// Options of `safu serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, env = "SAFU_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Allow an address that other machines can reach, although pages are not behind a login yet.
    #[arg(long)]
    open_to_network: bool,
    /// Threads that answer requests; at least 2. Without it, one a processor.
    #[arg(long, env = "SAFU_WORKERS", value_name = "N")]
    workers: Option<usize>,
    /// Largest JSON body, in bytes.
    #[arg(long, env = "SAFU_MAX_JSON_BYTES", default_value_t = Limits::default().json_bytes, value_name = "BYTES")]
    max_json_bytes: usize,
    /// Largest upload, in bytes.
    #[arg(long, env = "SAFU_MAX_UPLOAD_BYTES", default_value_t = Limits::default().upload_bytes, value_name = "BYTES")]
    max_upload_bytes: usize,
    /// Requests a second and key; 0 for no limit.
    #[arg(long, env = "SAFU_RATE_LIMIT", default_value_t = Limits::default().requests_per_second, value_name = "N")]
    rate_limit: u64,
    /// Seconds that running requests get after the signal to stop.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    patience: u64,
    /// What to log, as `info` or `warn,safu_ledger=debug`.
    #[arg(long, env = "SAFU_LOG", default_value = telemetry::DEFAULT_FILTER, value_name = "FILTER")]
    log: String,
}

impl Args {
    fn options(&self) -> Result<Options, CliError> {
        if !self.listen.ip().is_loopback() && !self.open_to_network {
            return Err(CliError::Usage(format!(
                "{} can be reached from other machines, and pages are not behind a login yet; \
                 listen on 127.0.0.1, or add --open-to-network if the network itself is closed",
                self.listen
            )));
        }
        let usual = Options::default();
        Ok(Options {
            listen: self.listen,
            workers: self.workers.unwrap_or(usual.workers),
            patience: Duration::from_secs(self.patience),
            limits: Limits {
                json_bytes: self.max_json_bytes,
                upload_bytes: self.max_upload_bytes,
                requests_per_second: self.rate_limit,
                ..usual.limits
            },
            ..usual
        })
    }
}

/// Runs `safu serve`.
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    let options = args.options()?;
    telemetry::start_log(&args.log);
    serve(ctx, &options)
}

/// Serves the book of this invocation until it is asked to stop.
pub fn serve(ctx: &Ctx, options: &Options) -> CliResult {
    let failed = |error: std::io::Error| CliError::Failed(format!("cannot serve on {}: {error}", options.listen));
    server::run(ctx.book()?, options, |running| announce(ctx, running)).map_err(failed)
}

/// Prints the addresses on stdout, one a line, so that scripts can wait for them; the words go to stderr.
pub(super) fn announce(ctx: &Ctx, running: &Running) -> std::io::Result<()> {
    for address in &running.addresses {
        let failed = |error| std::io::Error::other(format!("{error:?}"));
        ctx.print(&format!("http://{address}/")).map_err(failed)?;
        if !address.ip().is_loopback() {
            ctx.say("WARNING: this address can be reached from other machines.");
        }
    }
    ctx.say(OPEN_PAGES);
    ctx.say("The API wants a key (`safu keys create NAME`); it is described at /api/docs. Stop with Ctrl-C.");
    Ok(())
}
