//! Starting and stopping.

use super::app::{AppState, Limits};
use super::frame::frame;
use super::oidc::OidcConfig;
use super::routes;
use super::session::gate;
use crate::service::Book;
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// How a server is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Threads that answer; at least 2.
    pub workers: usize,
    /// How long running requests may take after the signal to stop.
    pub patience: Duration,
    /// Stop on SIGINT and SIGTERM.
    pub signals: bool,
    /// Limits.
    pub limits: Limits,
    /// What browsers call the site, as `https://safu.example`, where a proxy speaks HTTPS for it. Cookies are marked as secure by
    /// this. Without it browsers come over plain HTTP, which is for the machine itself only.
    pub public_origin: Option<String>,
    /// The identity provider by which persons may log in.
    pub oidc: Option<OidcConfig>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            patience: Duration::from_secs(30),
            signals: true,
            limits: Limits::default(),
            public_origin: None,
            oidc: None,
        }
    }
}

/// A server that takes requests.
#[derive(Debug, Clone)]
pub struct Running {
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    handle: ServerHandle,
}

impl Running {
    /// Asks it to stop: no new connections, running requests are answered. Returns at once.
    pub fn stop(&self) {
        // The signal is sent when the future is made; waiting for it is the business of [`run`].
        drop(self.handle.stop(true));
    }
}

/// Serves `book` until it is asked to stop. `ready` hears where it listens, once it does.
///
/// # Errors
/// The address cannot be taken, the book cannot be read, or `ready` failed.
pub fn run(book: Book, options: &Options, ready: impl FnOnce(&Running) -> io::Result<()>) -> io::Result<()> {
    let state = AppState::new(book, options.limits, options.public_origin.clone())
        .map_err(|error| io::Error::other(error.to_string()))?;
    let state = web::Data::new(state.with_provider(options.oidc.clone()));
    let kept = state.clone();
    actix_web::rt::System::new().block_on(async move {
        let app =
            move || App::new().app_data(state.clone()).wrap(from_fn(gate)).wrap(from_fn(frame)).configure(routes::configure);
        let server = HttpServer::new(app)
            .workers(options.workers.max(2))
            .shutdown_timeout(options.patience.as_secs())
            .client_request_timeout(Duration::from_secs(10))
            .server_hostname("localhost");
        let server = if options.signals { server } else { server.disable_signals() };
        let server = server.bind(options.listen)?;
        let addresses = server.addrs();
        let server = server.run();
        ready(&Running { addresses, handle: server.handle() })?;
        let ended = server.await;
        if let Err(error) = kept.refusals.flush(&kept.book) {
            tracing::error!(%error, "the last refusals could not be recorded");
        }
        ended
    })
}
