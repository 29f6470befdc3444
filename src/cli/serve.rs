//! `safu serve`: pages and API of a book.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use crate::service::{Book, identity};
use crate::telemetry::{self, LogFormat};
use crate::web::app::{Limits, OPEN_PAGES};
use crate::web::oidc::{ClientSecret, OidcConfig};
use crate::web::server::{self, Options, Running};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Options of `safu serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, env = "SAFU_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// What browsers call the site, as https://safu.example, where a proxy speaks HTTPS for it. Makes cookies secure. Without it
    /// browsers come over plain HTTP, which is for this machine only.
    #[arg(long, env = "SAFU_PUBLIC_ORIGIN", value_name = "ORIGIN")]
    public_origin: Option<String>,
    /// Allow an address that other machines can reach without HTTPS, or before anybody can log in.
    #[arg(long, env = "SAFU_OPEN_TO_NETWORK")]
    open_to_network: bool,
    /// Refuse every command; logins go on.
    #[arg(long, env = "SAFU_READ_ONLY")]
    read_only: bool,
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
    #[arg(long, env = "SAFU_PATIENCE", default_value_t = 30, value_name = "SECONDS")]
    patience: u64,
    /// Identity provider by which persons may log in, as https://id.example; its tokens must name it letter by letter.
    #[arg(long, env = "SAFU_OIDC_ISSUER", value_name = "URL", requires = "oidc_client_id")]
    oidc_issuer: Option<String>,
    /// What this server is called at the provider. Its secret comes from a file, or from SAFU_OIDC_CLIENT_SECRET.
    #[arg(long, env = "SAFU_OIDC_CLIENT_ID", value_name = "ID", requires = "oidc_issuer")]
    oidc_client_id: Option<String>,
    /// File with the secret of this server at the provider.
    #[arg(long, env = "SAFU_OIDC_CLIENT_SECRET_FILE", value_name = "FILE", requires = "oidc_issuer")]
    oidc_client_secret_file: Option<PathBuf>,
    /// What the link on the login page says.
    #[arg(long, env = "SAFU_OIDC_NAME", default_value = "Log in with single sign-on", value_name = "WORDS")]
    oidc_name: String,
    /// Let the provider's second factor be enough to log in (its token says `mfa`, or the class of --oidc-acr). Approving asks for the
    /// own one in any case.
    #[arg(long, env = "SAFU_OIDC_TRUST_SECOND_FACTOR", requires = "oidc_issuer")]
    oidc_trust_second_factor: bool,
    /// The class of login (acr) to ask the provider for; it counts as a second factor if that is trusted.
    #[arg(long, env = "SAFU_OIDC_ACR", value_name = "CLASS", requires = "oidc_issuer")]
    oidc_acr: Option<String>,
    /// What to log, as `info` or `warn,safu_ledger=debug`.
    #[arg(long, env = "SAFU_LOG", default_value = telemetry::DEFAULT_FILTER, value_name = "FILTER")]
    log: String,
    /// How log lines are written: for people, or one JSON object a line.
    #[arg(long, env = "SAFU_LOG_FORMAT", default_value = "text", value_enum, value_name = "FORMAT")]
    log_format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

impl From<Format> for LogFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
        }
    }
}

impl Args {
    /// The filter of log lines.
    pub(super) fn filter(&self) -> &str {
        &self.log
    }

    /// How the server is run.
    pub(super) fn options(&self) -> Result<Options, CliError> {
        if let Some(origin) = &self.public_origin {
            check_origin(origin)?;
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
            public_origin: self.public_origin.clone(),
            oidc: self.oidc()?,
            ..usual
        })
    }

    fn oidc(&self) -> Result<Option<OidcConfig>, CliError> {
        let (Some(issuer), Some(client_id)) = (&self.oidc_issuer, &self.oidc_client_id) else { return Ok(None) };
        let given = std::env::var("SAFU_OIDC_CLIENT_SECRET").ok().filter(|secret| !secret.is_empty());
        let secret = match &self.oidc_client_secret_file {
            Some(file) => {
                let failed = |error| CliError::Usage(format!("--oidc-client-secret-file {}: {error}", file.display()));
                Some(std::fs::read_to_string(file).map_err(failed)?.trim().to_owned())
            }
            None => given,
        };
        let config = OidcConfig {
            issuer: issuer.clone(),
            client_id: client_id.clone(),
            client_secret: secret.map(ClientSecret),
            name: self.oidc_name.clone(),
            trusts_second_factor: self.oidc_trust_second_factor,
            acr: self.oidc_acr.clone(),
        };
        config.check().map_err(|why| CliError::Usage(format!("--oidc-issuer: {why}")))?;
        Ok(Some(config))
    }

    /// Refuses an address that others can reach, unless what stands there is behind HTTPS and a login.
    fn check_reach(&self, ctx: &Ctx) -> CliResult {
        if self.listen.ip().is_loopback() || self.open_to_network {
            return Ok(());
        }
        let refuse = |why: &str| {
            Err(CliError::Usage(format!(
                "{} can be reached from other machines, and {why}; listen on 127.0.0.1, or add --open-to-network if the network \
                 itself is closed",
                self.listen
            )))
        };
        if !self.public_origin.as_deref().is_some_and(|origin| origin.starts_with("https://")) {
            return refuse("passwords would cross the network in the open without --public-origin https://…");
        }
        if !ctx.book()?.read(identity::has_logins)? {
            return refuse("nobody can log in to this book yet, so its pages are open");
        }
        Ok(())
    }
}

/// An origin as browsers send it: scheme, host, perhaps a port, and nothing after it.
fn check_origin(origin: &str) -> CliResult {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let is_host = |host: &str| {
        !host.is_empty() && host.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c))
    };
    if host.is_some_and(is_host) {
        return Ok(());
    }
    Err(CliError::Usage(format!("--public-origin {origin:?}: write it as browsers send it, for example https://safu.example")))
}

/// Runs `safu serve`.
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    let options = args.options()?;
    args.check_reach(ctx)?;
    telemetry::start_log(&args.log, args.log_format.into());
    let book = ctx.book()?;
    if args.read_only {
        book.store.hold();
    }
    serve(ctx, book, &options)
}

/// Serves a book until it is asked to stop.
fn serve(ctx: &Ctx, book: Book, options: &Options) -> CliResult {
    let failed = |error: std::io::Error| CliError::Failed(format!("cannot serve on {}: {error}", options.listen));
    book.require_secrets()?;
    if let Err(error) = book.check_secrets() {
        ctx.say(&format!("Warning: nobody whom this is about can log in with codes of a device: {error}"));
    }
    let is_open = !book.read(identity::has_logins)?;
    let store = book.store.clone();
    let served = server::run(book, options, |running| announce(ctx, running, is_open)).map_err(failed);
    store.close();
    ctx.say("Stopped: what was under way is finished, and the book is closed.");
    served
}

/// Prints the addresses on stdout, one a line, so that scripts can wait for them; the words go to stderr.
pub(super) fn announce(ctx: &Ctx, running: &Running, is_open: bool) -> std::io::Result<()> {
    for address in &running.addresses {
        let failed = |error| std::io::Error::other(format!("{error:?}"));
        ctx.print(&format!("http://{address}/")).map_err(failed)?;
        if !address.ip().is_loopback() {
            ctx.say("WARNING: this address can be reached from other machines.");
        }
    }
    if is_open {
        ctx.say(OPEN_PAGES);
    }
    ctx.say("The API wants a key (`safu keys create NAME`); it is described at /api/docs. Stop with Ctrl-C.");
    Ok(())
}
