//! Which fee reports are due, and how each day of a venue stands.

use super::policy::{DEFAULT_DUE_AFTER_HOURS, PolicyBook};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use std::collections::BTreeMap;

/// The most days one calendar shows: ten years.
pub const MAX_DAYS: usize = 3_660;

/// What the book did with one version of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportStanding {
    /// It is posted, or was until a newer version took its place.
    Posted,
    /// It waits for something: a price, a person, an earlier version.
    Waiting,
    /// It was refused for good; as if it had not come.
    Refused,
}

/// One version of a report that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportFact {
    /// The day it is for.
    pub business_date: Date,
    /// Its version.
    pub version: u32,
    /// When it came.
    pub received_at: Timestamp,
    /// What became of it.
    pub standing: ReportStanding,
}

/// How a day stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DayState {
    /// Nothing came and nothing is due yet.
    NotDue,
    /// A report came in time and is posted.
    Accepted,
    /// A report is posted, but the first one came after it was due.
    Late,
    /// A report is posted, but a newer version waits: the figures shown are known to be out of date.
    Stale,
    /// Something came, nothing of it is posted yet.
    Quarantined,
    /// Due, and nothing came.
    Missing,
}

impl DayState {
    /// All states, from the best to the worst.
    pub const ALL: [Self; 6] = [Self::NotDue, Self::Accepted, Self::Late, Self::Stale, Self::Quarantined, Self::Missing];

    /// The name in JSON and addresses.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::NotDue => "not-due",
            Self::Accepted => "accepted",
            Self::Late => "late",
            Self::Stale => "stale",
            Self::Quarantined => "quarantined",
            Self::Missing => "missing",
        }
    }

    /// The word for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::NotDue => "Not due yet",
            Self::Accepted => "Accepted",
            Self::Late => "Accepted late",
            Self::Stale => "Newer version waits",
            Self::Quarantined => "In quarantine",
            Self::Missing => "Missing",
        }
    }
}

/// One day of a venue's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CalendarDay {
    /// The day.
    pub date: Date,
    /// When its report is due.
    pub due_at: Timestamp,
    /// How it stands.
    pub state: DayState,
    /// The version that is posted, if one is.
    pub posted_version: Option<u32>,
    /// The newest version that came, refused ones left out.
    pub newest_version: Option<u32>,
    /// When the first report that was not refused came.
    pub first_received_at: Option<Timestamp>,
}

/// The days of a venue from `from` (its first due day, or later) to `until`, oldest first, at most [`MAX_DAYS`].
///
/// Every day is due; when, the policy in force on it says (24 hours after the day's end without one).
pub fn calendar(
    venue: &str,
    from: Date,
    until: Date,
    policies: &PolicyBook,
    facts: &[ReportFact],
    now: Timestamp,
) -> Vec<CalendarDay> {
    let mut by_day: BTreeMap<Date, Vec<&ReportFact>> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.standing != ReportStanding::Refused) {
        by_day.entry(fact.business_date).or_default().push(fact);
    }
    let days = from.series(1.day()).take_while(|date| *date <= until).take(MAX_DAYS);
    days.map(|date| {
        let hours = policies.in_force(venue, date).map_or(DEFAULT_DUE_AFTER_HOURS, |policy| policy.due_after_hours);
        day(date, due_at(date, hours), by_day.get(&date).map_or(&[], Vec::as_slice), now)
    })
    .collect()
}

/// When the report of a day is due: that many hours after 24:00 UTC.
pub fn due_at(date: Date, due_after_hours: u32) -> Timestamp {
    let end = date.checked_add(1.day()).and_then(|next| next.to_zoned(TimeZone::UTC)).map(|midnight| midnight.timestamp());
    let due = end.and_then(|end| end.checked_add(SignedDuration::from_hours(i64::from(due_after_hours))));
    // Past the year 9999 nothing is ever due.
    due.unwrap_or(Timestamp::MAX)
}

fn day(date: Date, due_at: Timestamp, facts: &[&ReportFact], now: Timestamp) -> CalendarDay {
    let posted_version = facts.iter().filter(|f| f.standing == ReportStanding::Posted).map(|f| f.version).max();
    let newest_version = facts.iter().map(|f| f.version).max();
    let first_received_at = facts.iter().map(|f| f.received_at).min();
    let state = match (posted_version, first_received_at) {
        (Some(_), _) if newest_version > posted_version => DayState::Stale,
        (Some(_), Some(first)) if first > due_at => DayState::Late,
        (Some(_), _) => DayState::Accepted,
        (None, Some(_)) => DayState::Quarantined,
        (None, None) if now > due_at => DayState::Missing,
        (None, None) => DayState::NotDue,
    };
    CalendarDay { date, due_at, state, posted_version, newest_version, first_received_at }
}

/// How many days stand how, in the order of [`DayState::ALL`].
pub fn count_states(days: &[CalendarDay]) -> [(DayState, usize); 6] {
    DayState::ALL.map(|state| (state, days.iter().filter(|day| day.state == state).count()))
}

#[cfg(test)]
mod tests {
    use super::super::parse_day;
    use super::super::policy::{ContributionPolicy, Share};
    use super::*;

    fn date(text: &str) -> Date {
        parse_day(text).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn fact(day: &str, version: u32, received: &str, standing: ReportStanding) -> ReportFact {
        ReportFact { business_date: date(day), version, received_at: at(received), standing }
    }

    fn states(facts: &[ReportFact], policies: &PolicyBook, until: &str, now: &str) -> Vec<DayState> {
        calendar("spot", date("2018-07-14"), date(until), policies, facts, at(now)).into_iter().map(|day| day.state).collect()
    }

    #[test]
    fn each_day_stands_as_its_reports_do() {
        use ReportStanding::{Posted, Refused, Waiting};
        let facts = [
            fact("2018-07-14", 1, "2018-07-15T01:00:00Z", Posted),
            fact("2018-07-15", 1, "2018-07-17T00:00:01Z", Posted),
            fact("2018-07-16", 1, "2018-07-17T01:00:00Z", Posted),
            fact("2018-07-16", 3, "2018-07-18T01:00:00Z", Waiting),
            fact("2018-07-17", 1, "2018-07-18T01:00:00Z", Waiting),
            fact("2018-07-18", 1, "2018-07-19T01:00:00Z", Refused),
            fact("2018-07-20", 2, "2018-07-23T01:00:00Z", Posted),
            fact("2018-07-20", 1, "2018-07-21T01:00:00Z", Posted),
        ];
        let found = states(&facts, &PolicyBook::default(), "2018-07-21", "2018-07-22T12:00:00Z");
        use DayState::{Accepted, Late, Missing, NotDue, Quarantined, Stale};
        assert_eq!(found, [Accepted, Late, Stale, Quarantined, Missing, Missing, Accepted, NotDue]);
    }

    #[test]
    fn a_report_is_missing_only_after_its_hour() {
        let none = PolicyBook::default();
        assert_eq!(states(&[], &none, "2018-07-14", "2018-07-16T00:00:00Z"), [DayState::NotDue]);
        assert_eq!(states(&[], &none, "2018-07-14", "2018-07-16T00:00:00.000001Z"), [DayState::Missing]);
        let mut quick = ContributionPolicy::new(date("2018-07-15"), None, Share::parse("0.1").unwrap());
        quick.due_after_hours = 2;
        let book = PolicyBook::new(vec![quick]);
        assert_eq!(states(&[], &book, "2018-07-15", "2018-07-16T02:00:01Z"), [DayState::Missing, DayState::Missing]);
        assert_eq!(states(&[], &book, "2018-07-15", "2018-07-16T00:00:00Z"), [DayState::NotDue, DayState::NotDue]);
    }

    #[test]
    fn calendars_are_bounded_and_counted() {
        let days = calendar("spot", date("2018-07-14"), Date::MAX, &PolicyBook::default(), &[], at("2018-07-20T00:00:00Z"));
        assert_eq!(days.len(), MAX_DAYS);
        let counts = count_states(&days);
        assert_eq!(counts[5], (DayState::Missing, 4));
        assert_eq!(counts.iter().map(|(_, n)| n).sum::<usize>(), MAX_DAYS);
        assert!(
            calendar("spot", date("2018-07-14"), date("2018-07-13"), &PolicyBook::default(), &[], at("2018-07-20T00:00:00Z"))
                .is_empty()
        );
        assert_eq!(due_at(Date::MAX, 24), Timestamp::MAX);
    }
}
