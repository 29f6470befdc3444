//! A server as the other end of `safu contributions submit`.

use crate::cli::ctx::CliError;
use crate::service::Reply;
use std::time::Duration;
use ureq::Agent;
use ureq::http::Response;
use ureq::unversioned::multipart::{Form, Part};

/// How often a request is sent again when the server is busy.
const ATTEMPTS: u32 = 5;
/// The longest wait that a server may ask for, in seconds.
const LONGEST_WAIT: u64 = 60;
/// The largest answer that is read.
const MAX_ANSWER: u64 = 16 << 20;

/// A server and the key for it.
pub struct Remote {
    base: String,
    authorization: String,
    dry_run: bool,
    agent: Agent,
}

impl Remote {
    /// A server at `url`, for example `https://safu.example.com`.
    ///
    /// # Errors
    /// `Usage` for an address that is not one.
    pub fn new(url: &str, key: &str, dry_run: bool) -> Result<Self, CliError> {
        let base = url.trim_end_matches('/');
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(CliError::Usage(format!("--server {url:?} is not an address; write http://HOST:PORT or https://HOST")));
        }
        let agent: Agent = Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        Ok(Self { base: base.to_owned(), authorization: format!("Bearer {key}"), dry_run, agent })
    }

    /// Sends a fee report.
    ///
    /// # Errors
    /// `Failed` when the server cannot be reached.
    pub fn report(&self, key: &str, manifest: &[u8], rows: &[u8]) -> Result<Reply, CliError> {
        self.send("fee-reports", key, |request| {
            let part = |bytes, mime| Part::bytes(bytes).mime_str(mime);
            let form = Form::new()
                .part("manifest", part(manifest, "application/json")?.file_name("manifest.json"))
                .part("rows", part(rows, "text/csv")?.file_name("rows"));
            request.send(form)
        })
    }

    /// Sends single events.
    ///
    /// # Errors
    /// `Failed` when the server cannot be reached.
    pub fn events(&self, key: &str, events: &[u8]) -> Result<Reply, CliError> {
        let list = events.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[');
        let media = if list { "application/json" } else { "application/x-ndjson" };
        self.send("contributions", key, |request| request.content_type(media).send(events))
    }

    fn send(
        &self,
        path: &str,
        key: &str,
        body: impl Fn(ureq::RequestBuilder<ureq::typestate::WithBody>) -> Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<Reply, CliError> {
        let query = if self.dry_run { "?dry_run=true" } else { "" };
        let url = format!("{}/api/v1/{path}{query}", self.base);
        let failed = |e: ureq::Error| CliError::Failed(format!("{}: {e}; the same command may be run again", self.base));
        let mut attempt = 1_u32;
        loop {
            let request = self.agent.post(&url).header("Authorization", &self.authorization).header("Idempotency-Key", key);
            let mut response = body(request).map_err(failed)?;
            let status = response.status().as_u16();
            if [429, 503].contains(&status) && attempt < ATTEMPTS {
                std::thread::sleep(wait(&response, attempt));
                attempt = attempt.saturating_add(1);
                continue;
            }
            let replayed = response.headers().get("Idempotent-Replayed").is_some_and(|value| value == "true");
            let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_string().map_err(failed)?;
            return Ok(Reply { status, body, replayed });
        }
    }
}

/// What the server asks for, within reason; else 1, 2, 4 … seconds.
fn wait(response: &Response<ureq::Body>, attempt: u32) -> Duration {
    let asked = response.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    Duration::from_secs(asked.unwrap_or_else(|| 1_u64 << attempt.saturating_sub(1).min(6)).min(LONGEST_WAIT))
}
