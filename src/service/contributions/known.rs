//! What the book holds already of what a group of requests brings: one look a sender and one a venue for all of them together.
//! Keys and ids that grow in the order of time meet little that is stored, whoever of many connections sent them.

use super::events::Group;
use crate::store::conn::Conn;
use crate::store::contribution::{self, ContributionRow};
use crate::store::error::StoreError;
use crate::store::request;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

/// Stored events by venue and external id.
pub(super) type Stored = HashMap<i32, HashMap<String, ContributionRow>>;

/// What was found. Where a sender or a venue is missing, each request looks for itself: the group is a single request, or much is
/// stored between its ends.
#[derive(Default)]
pub(super) struct Known {
    keys: HashMap<String, HashSet<String>>,
    events: Stored,
}

/// The ends of a range.
type Ends<'a> = (&'a str, &'a str);

impl Known {
    /// Looks for the keys and events of these requests of a group. A request alone looks for itself.
    pub(super) fn of(conn: &mut Conn, group: &Group, which: &Range<usize>) -> Result<Self, StoreError> {
        let mut known = Self::default();
        if which.len() < 2 {
            return Ok(known);
        }
        // What lies between the ends without being asked for is read in vain; so little is worth the try.
        let limit = i64::try_from(which.len()).unwrap_or(i64::MAX).saturating_mul(2);
        let (keys, ids) = ranges(group, which);
        for (actor, (first, last)) in keys {
            let used = request::keys_within(conn, actor, first, last, limit)?;
            if is_all(used.len(), limit) {
                known.keys.insert(actor.to_owned(), used.into_iter().collect());
            }
        }
        for (venue, (first, last)) in ids {
            let stored = contribution::within(conn, venue, first, last, limit)?;
            if is_all(stored.len(), limit) {
                known.events.insert(venue, by_external_id(stored));
            }
        }
        Ok(known)
    }

    /// True when this sender surely never used the key.
    pub(super) fn is_fresh(&self, actor: &str, key: &str) -> bool {
        self.keys.get(actor).is_some_and(|used| !used.contains(key))
    }

    /// All of the venue's stored events that the group may bring again, if they were found.
    pub(super) fn events_of(&self, venue: i32) -> Option<&HashMap<String, ContributionRow>> {
        self.events.get(&venue)
    }
}

/// Rows by the id that their sender gave them.
pub(super) fn by_external_id(rows: Vec<ContributionRow>) -> HashMap<String, ContributionRow> {
    rows.into_iter().map(|row| (row.external_id.clone(), row)).collect()
}

fn is_all(found: usize, limit: i64) -> bool {
    i64::try_from(found).is_ok_and(|found| found < limit)
}

/// From the lowest to the highest: keys by sender, external ids by venue.
fn ranges<'a>(group: &'a Group, which: &Range<usize>) -> (BTreeMap<&'a str, Ends<'a>>, BTreeMap<i32, Ends<'a>>) {
    let (mut keys, mut ids) = (BTreeMap::new(), BTreeMap::new());
    let requests = group.requests.iter().zip(group.rows.iter()).skip(which.start).take(which.len());
    for (request, rows) in requests {
        widen(&mut keys, request.call.actor.as_str(), &request.call.key);
        for row in rows {
            widen(&mut ids, row.venue_id, &row.external_id);
        }
    }
    (keys, ids)
}

fn widen<'a, K: Ord>(ranges: &mut BTreeMap<K, Ends<'a>>, of: K, text: &'a str) {
    ranges.entry(of).and_modify(|(first, last)| (*first, *last) = (text.min(first), text.max(last))).or_insert((text, text));
}
