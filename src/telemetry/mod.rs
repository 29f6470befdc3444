//! What a running server tells its operators: log lines, counters, and how long things took.

mod metrics;

pub use metrics::{Metrics, RequestLabels};

use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// The filter of log lines where `SAFU_LOG` says nothing.
pub const DEFAULT_FILTER: &str = "info,actix_server=warn";

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Whether a filter of log lines can be read.
///
/// # Errors
/// What is wrong with it.
pub fn check_filter(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(drop).map_err(|error| format!("{filter:?}: {error}; write info, or warn,safu_ledger=debug"))
}

/// Sends log lines to stderr, filtered by `filter` (as `info,safu_ledger=debug`). A filter that cannot be read gives the
/// default one and is named in the first line. May be called more than once; only the first call counts.
pub fn start_log(filter: &str, format: LogFormat) {
    let (wanted, complaint) = match EnvFilter::try_new(filter) {
        Ok(wanted) => (wanted, None),
        Err(error) => (EnvFilter::new(DEFAULT_FILTER), Some(error)),
    };
    let lines = tracing_subscriber::fmt().with_env_filter(wanted).with_span_events(FmtSpan::NONE).with_target(false);
    let lines = lines.with_writer(std::io::stderr).with_ansi(false);
    // A second subscriber is refused; the first one keeps working, which is all that is wanted.
    let _ = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
    };
    if let Some(error) = complaint {
        tracing::warn!(%error, "the log filter cannot be read; using {DEFAULT_FILTER}");
    }
}

/// Measures how long something takes, on a clock that never goes back.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
