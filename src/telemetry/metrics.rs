//! Counters and histograms in the text format that Prometheus reads.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Upper bounds of the latency histogram, in seconds.
const BOUNDS: [f64; 12] = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

/// What requests are counted by. The route is the pattern, not the path, so that ids do not make ever new series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// Pattern of the route, for example `/api/v1/fee-reports/{id}`; `other` where nothing matched.
    pub route: String,
    /// Method.
    pub method: &'static str,
    /// Status.
    pub status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone)]
struct Latency;

impl MetricConstructor<Histogram> for Latency {
    fn new_metric(&self) -> Histogram {
        Histogram::new(BOUNDS)
    }
}

/// The counters of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, Latency>,
    running: Gauge,
    events: Counter,
    reports: Counter,
    replays: Counter,
    commits: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("safu");
        let requests = Family::default();
        let seconds = Family::new_with_constructor(Latency);
        let (running, events, reports, replays, commits) =
            (Gauge::default(), Counter::default(), Counter::default(), Counter::default(), Counter::default());
        registry.register("http_requests", "Requests answered, by route, method and status", requests.clone());
        registry.register("http_request_seconds", "Time to answer a request, by route", seconds.clone());
        registry.register("http_requests_running", "Requests being answered", running.clone());
        registry.register("contribution_events", "Contribution events recorded over HTTP", events.clone());
        registry.register("fee_reports", "Fee reports recorded over HTTP", reports.clone());
        registry.register("idempotent_replays", "Writes answered with the kept first answer", replays.clone());
        registry.register("store_commits", "Write transactions made durable by this process", commits.clone());
        Self { registry, requests, seconds, running, events, reports, replays, commits }
    }
}

impl Metrics {
    /// A request has begun; [`Metrics::answered`] ends it.
    pub fn began(&self) {
        self.running.inc();
    }

    /// A request was answered.
    pub fn answered(&self, labels: &RequestLabels, took: Duration) {
        self.running.dec();
        self.requests.get_or_create(labels).inc();
        self.seconds.get_or_create(&RouteLabels { route: labels.route.clone() }).observe(took.as_secs_f64());
    }

    /// Contribution events were recorded.
    pub fn events_recorded(&self, count: u64) {
        self.events.inc_by(count);
    }

    /// A fee report was recorded.
    pub fn report_recorded(&self) {
        self.reports.inc();
    }

    /// A write was answered with its kept answer.
    pub fn replayed(&self) {
        self.replays.inc();
    }

    /// All of it as text. `commits` is the store's own count at this moment.
    ///
    /// # Errors
    /// Only if the text cannot be written, which memory does not do.
    pub fn render(&self, commits: u64) -> Result<String, std::fmt::Error> {
        self.commits.inner().store(commits, Ordering::Relaxed);
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_printed() {
        let metrics = Metrics::default();
        metrics.began();
        let labels = RequestLabels { route: "/api/v1/contributions".into(), method: "POST", status: 201 };
        metrics.answered(&labels, Duration::from_millis(3));
        metrics.events_recorded(1_000);
        let text = metrics.render(7).unwrap();
        for line in [
            r#"safu_http_requests_total{route="/api/v1/contributions",method="POST",status="201"} 1"#,
            r#"safu_http_request_seconds_bucket{le="0.005",route="/api/v1/contributions"} 1"#,
            r#"safu_http_request_seconds_bucket{le="0.0025",route="/api/v1/contributions"} 0"#,
            "safu_http_requests_running 0",
            "safu_contribution_events_total 1000",
            "safu_store_commits_total 7",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
    }
}
