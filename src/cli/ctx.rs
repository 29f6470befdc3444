//! What every subcommand shares: where the book is, who calls, and how to print.

use crate::domain::outcome::Rejection;
use crate::report::doc::Doc;
use crate::report::render::{self, Format, Look};
use crate::service::clock::{Clock, fresh_id};
use crate::service::keys::{self, KeyScope, ServiceAccount};
use crate::service::secrets::Secrets;
use crate::service::{Book, Call, Reply, init, problem};
use crate::store::conn::DatabaseUrl;
use crate::store::error::StoreError;
use serde_json::Value;
use std::cell::OnceCell;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Options that every subcommand takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct GlobalArgs {
    /// The book: sqlite://PATH or postgres://USER@HOST/NAME.
    #[arg(long, short = 'd', global = true, env = "SAFU_DATABASE_URL", default_value = "sqlite://safu.db", value_name = "URL")]
    pub database: String,
    /// A file with settings, as TOML; flags and the environment go before it.
    #[arg(long, global = true, env = "SAFU_CONFIG", value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Decide and show, but record nothing.
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// The command is recorded once under this key, however often it is repeated.
    #[arg(long, global = true, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Who does this, as the log will name it.
    #[arg(long, global = true, env = "SAFU_ACTOR", value_name = "NAME")]
    pub actor: Option<String>,
    /// File with the key that seals second factors; beside an embedded book without it.
    #[arg(long, global = true, env = "SAFU_SECRETS_KEY_FILE", value_name = "FILE")]
    pub secrets_key_file: Option<std::path::PathBuf>,
    /// The key itself, taken from the environment only.
    #[arg(skip = std::env::var("SAFU_SECRETS_KEY").ok().filter(|key| !key.is_empty()))]
    pub secrets_key: Option<String>,
    /// A key whose owner gives the command, where the book asks for a person. Taken from the environment only, so that it stands
    /// in no list of processes.
    #[arg(skip = std::env::var("SAFU_KEY").ok().filter(|key| !key.is_empty()))]
    pub key: Option<String>,
}

/// Why a subcommand did not succeed.
#[derive(Debug)]
pub enum CliError {
    /// The command line or a local file is wrong (exit 2).
    Usage(String),
    /// Some of several things were done (exit 3); the text says how many.
    Partly(String),
    /// The book refused (exit 4).
    Refused(Rejection),
    /// Something could not be verified (exit 5).
    NotVerified(String),
    /// The system failed: a file, a socket, the database (exit 4, nothing was recorded).
    Failed(String),
}

impl CliError {
    /// The documented exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::Partly(_) => 3,
            Self::Refused(_) | Self::Failed(_) => 4,
            Self::NotVerified(_) => 5,
        })
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into_rejection())
    }
}

impl From<Rejection> for CliError {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The context of one invocation.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// Options as given.
    pub global: GlobalArgs,
    /// Who the key in SAFU_KEY belongs to, once the book is open.
    account: OnceCell<ServiceAccount>,
}

impl Ctx {
    /// A context for these options.
    pub const fn new(global: GlobalArgs) -> Self {
        Self { global, account: OnceCell::new() }
    }

    /// Where the book is.
    pub fn url(&self) -> Result<DatabaseUrl, CliError> {
        DatabaseUrl::parse(&self.global.database).map_err(|e| CliError::Usage(format!("--database: {e}")))
    }

    /// Where the key of secrets is.
    pub fn secrets(&self, url: &DatabaseUrl) -> Secrets {
        match (&self.global.secrets_key, &self.global.secrets_key_file) {
            (Some(key), _) => Secrets::given(key),
            (None, Some(file)) => Secrets::File(file.clone()),
            (None, None) => Secrets::beside(url),
        }
    }

    /// Opens the book, and looks up there who the key in SAFU_KEY belongs to.
    pub fn book(&self) -> Result<Book, CliError> {
        let url = self.url()?;
        let book = init::open(&url, Clock::System)?.with_secrets(self.secrets(&url));
        if let Some(key) = &self.global.key {
            let account = book.read(|conn| keys::authenticate(conn, key, book.clock.now()));
            let account = account.map_err(|_| CliError::Usage("SAFU_KEY is not a valid key of this book".to_owned()))?;
            // A key that only feeds gives nobody's commands.
            if account.scope == KeyScope::Operate {
                self.account.get_or_init(|| account);
            }
        }
        Ok(book)
    }

    /// Who calls: `key:NAME` with a key in SAFU_KEY, else `cli:NAME`.
    pub fn actor(&self) -> String {
        if let Some(account) = self.account.get() {
            return format!("key:{}", account.name);
        }
        let named = self.global.actor.clone().or_else(|| std::env::var("USER").ok()).filter(|name| !name.is_empty());
        format!("cli:{}", named.as_deref().unwrap_or("operator"))
    }

    /// The call of this invocation.
    pub fn call(&self) -> Call {
        let key = self.global.idempotency_key.clone().unwrap_or_else(fresh_id);
        Call { actor: self.actor(), key, dry_run: self.global.dry_run, by: self.account.get().and_then(ServiceAccount::by) }
    }

    /// A call of its own for the `part`-th of several commands of this invocation.
    pub fn call_part(&self, part: &str) -> Call {
        let call = self.call();
        match &self.global.idempotency_key {
            Some(key) => Call { key: format!("{key}/{part}"), ..call },
            None => call,
        }
    }

    /// Prints a reply: its JSON, or `text` made from it. A refusal becomes an error.
    pub fn print_reply(&self, reply: &Reply, text: impl FnOnce(&Value) -> String) -> Result<(), CliError> {
        let reply = reply.clone().success()?;
        if reply.replayed {
            self.say("This was recorded before under the same idempotency key; here is the first answer again.");
        }
        if self.global.dry_run {
            self.say("Dry run: nothing was recorded.");
        }
        if self.global.json { self.print(&reply.body) } else { self.print(&text(&reply.json())) }
    }

    /// Prints a report in the wanted format; `--json` wins over the default of a table.
    pub fn print_doc(&self, doc: &Doc, format: Option<Format>) -> Result<(), CliError> {
        let format = format.unwrap_or(if self.global.json { Format::Json } else { Format::Table });
        let bytes = render::render(doc, format, look()).map_err(|e| CliError::Failed(e.to_string()))?;
        if format == Format::Xlsx && std::io::stdout().is_terminal() {
            return Err(CliError::Usage("XLSX is not for a terminal; redirect it, for example `> report.xlsx`".to_owned()));
        }
        written(std::io::stdout().lock().write_all(&bytes))
    }

    /// Data: one text to stdout.
    pub fn print(&self, text: &str) -> Result<(), CliError> {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        written(write!(std::io::stdout().lock(), "{text}{end}"))
    }

    /// Words: one line to stderr.
    pub fn say(&self, text: &str) {
        eprintln!("{text}");
    }

    /// An error: problem JSON with `--json`, else text, to stderr.
    pub fn print_error(&self, error: &CliError) {
        match error {
            CliError::Refused(rejection) if self.global.json => eprintln!("{}", problem(rejection)),
            CliError::Refused(rejection) => eprintln!("refused: {rejection}"),
            CliError::Usage(text) => eprintln!("usage: {text}"),
            CliError::Partly(text) => eprintln!("partly done: {text}"),
            CliError::NotVerified(text) => eprintln!("not verified: {text}"),
            CliError::Failed(text) => eprintln!("failed: {text}"),
        }
    }
}

/// What became of writing to stdout. A reader that has seen enough, such as `head`, is no failure.
fn written(result: std::io::Result<()>) -> Result<(), CliError> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Colour only for people at a terminal who did not opt out (NO_COLOR).
fn look() -> Look {
    let opted_out = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Look { colour: std::io::stdout().is_terminal() && !opted_out }
}
