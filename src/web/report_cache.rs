//! Reports that were made a moment ago, as the bytes that were sent. One is sent again while nothing was recorded since, by this
//! process or another, and for a second at most, because some of what reports say depends on the time of day.

use actix_web::web::Bytes;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Reports that are kept; when there are more, all are made anew.
const KEPT: usize = 64;
/// Larger reports are not kept.
const MAX_BYTES: usize = 1 << 20;
/// How long one is sent again.
const BELIEVED: Duration = Duration::from_secs(1);

/// A report as it was sent.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    /// Media type.
    pub(super) media: &'static str,
    /// Name of the file, if it is sent as one.
    pub(super) file_name: Option<String>,
    /// Content.
    pub(super) bytes: Bytes,
}

#[derive(Debug)]
struct Kept {
    version: i64,
    at: Duration,
    sent: Sent,
}

/// The reports of one server, by address and query.
#[derive(Debug, Default)]
pub(super) struct ReportCache(Mutex<HashMap<String, Kept>>);

impl ReportCache {
    /// The report of this address, made when the book stood at this version.
    pub(super) fn find(&self, address: &str, version: i64, now: Duration) -> Option<Sent> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(address).filter(|k| k.version == version && now.saturating_sub(k.at) < BELIEVED);
        found.map(|k| k.sent.clone())
    }

    /// Keeps a report. `version` was read before it was made, so that a report is never older than it says.
    pub(super) fn keep(&self, address: String, version: i64, at: Duration, sent: &Sent) {
        if sent.bytes.len() > MAX_BYTES {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(address, Kept { version, at, sent: sent.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_sent_again_until_the_book_or_the_second_has_moved_on() {
        let (cache, second) = (ReportCache::default(), Duration::from_secs);
        let sent = Sent { media: "application/json", file_name: None, bytes: Bytes::from_static(b"{}") };
        cache.keep("a?b".to_owned(), 7, second(1), &sent);
        assert!(cache.find("a?b", 7, second(1)).is_some());
        assert!(cache.find("a?c", 7, second(1)).is_none());
        assert!(cache.find("a?b", 8, second(1)).is_none(), "something was recorded");
        assert!(cache.find("a?b", 7, second(2)).is_none(), "a second is over");
        let large = Sent { bytes: Bytes::from(vec![0; MAX_BYTES + 1]), ..sent };
        cache.keep("large".to_owned(), 7, second(1), &large);
        assert!(cache.find("large", 7, second(1)).is_none());
    }
}
