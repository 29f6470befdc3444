//! A page of the audit log: filtered, latest first, with a bound on how much is read for it.

use super::line::{self, Line, Names, Outcome};
use crate::domain::outcome::Rejection;
use crate::domain::period::Period;
use crate::report::params::moment;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::log::Leaf;
use crate::store::trail::{self, Trace};
use jiff::civil::Date;

/// Leaves that are read at a time.
const CHUNK: i64 = 2_000;
/// Leaves that are looked through for one page. A filter that finds nothing in them says so and goes on where it stopped.
const LOOKED_THROUGH: i64 = 20_000;

/// What is wanted of the log. Empty texts filter nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Actors that begin with this: `person:paula`, or `key:` for all keys.
    pub actor: String,
    /// The kind of record or fact, or the beginning of one up to a dot: `policy`.
    pub kind: String,
    /// `recorded` or `refused`.
    pub outcome: String,
    /// Recorded on or after this day, UTC.
    pub from: Option<Date>,
    /// Recorded on or before this day, UTC.
    pub to: Option<Date>,
    /// What it is about contains this.
    pub subject: String,
    /// Whatever was recorded contains this, letters of either case.
    pub text: String,
}

/// Names of the filter in addresses and on the command line, in the order of forms.
pub const FILTERS: [&str; 8] = ["from", "to", "period", "actor", "kind", "outcome", "subject", "text"];

impl Filter {
    /// Reads a filter from named values; names it does not know are left alone.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn parse(pairs: &[(String, String)]) -> Result<Self, Rejection> {
        let value = |name: &str| {
            let found = pairs.iter().find(|(key, value)| key == name && !value.trim().is_empty());
            found.map(|(_, value)| value.trim().to_owned())
        };
        let day = |name: &str| {
            let wrong = |text: &str| Rejection::invalid(format!("/{name}"), text, "is not a date; write YYYY-MM-DD");
            value(name).map(|text| text.parse::<Date>().map_err(|_| wrong(&text))).transpose()
        };
        let mut filter = Self {
            actor: value("actor").unwrap_or_default(),
            kind: value("kind").unwrap_or_default(),
            outcome: value("outcome").unwrap_or_default(),
            from: day("from")?,
            to: day("to")?,
            subject: value("subject").unwrap_or_default(),
            text: value("text").unwrap_or_default().to_lowercase(),
        };
        if let Some(text) = value("period") {
            let wrong = || Rejection::invalid("/period", &text, "is not a month; write YYYY-MM");
            let period = Period::parse(&text).ok_or_else(wrong)?;
            filter.from = Some(filter.from.map_or(period.first_day(), |from| from.max(period.first_day())));
            filter.to = Some(filter.to.map_or(period.last_day(), |to| to.min(period.last_day())));
        }
        if !["", "recorded", "refused"].contains(&filter.outcome.as_str()) {
            return Err(Rejection::invalid("/outcome", &filter.outcome, "is not an outcome; use recorded or refused"));
        }
        Ok(filter)
    }

    /// True where the bytes of a leaf may be wanted: what is read of it decides.
    fn may_want(&self, bytes: &str) -> bool {
        // Why a command was refused stands with its kept answer, not in the leaf.
        let by_words = || bytes.contains("\"kind\":\"refusal\"") || bytes.to_lowercase().contains(&self.text);
        (self.text.is_empty() || by_words())
            && (self.actor.is_empty() || bytes.contains(&self.actor))
            && (self.kind.is_empty() || bytes.contains(&format!("\"kind\":\"{}", self.kind)))
    }

    fn wants_kind(&self, kind: &str) -> bool {
        // Kinds of leaf are whole: `entry` does not mean `entry.manual`.
        if line::KINDS.contains(&self.kind.as_str()) {
            return kind == self.kind;
        }
        let rest = kind.strip_prefix(self.kind.as_str());
        self.kind.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || self.kind.ends_with('.'))
    }

    fn wants(&self, line: &Line, actors: &[&str], bytes: &str) -> bool {
        let refused = matches!(line.outcome, Outcome::Refused(_));
        let own = [&line.actor, &line.reason, &line.title, &line.subject].into_iter();
        let said = || own.clone().any(|text| text.to_lowercase().contains(&self.text));
        self.wants_kind(&line.kind)
            && (self.actor.is_empty()
                || line.actor.starts_with(&self.actor)
                || actors.iter().any(|actor| actor.starts_with(&self.actor)))
            && (self.outcome.is_empty() || refused == (self.outcome == "refused"))
            && (self.subject.is_empty() || line.subject.to_lowercase().contains(&self.subject.to_lowercase()))
            && (self.text.is_empty() || said() || bytes.to_lowercase().contains(&self.text))
    }

    /// Kinds of leaf that can hold what is wanted; all where the filter does not say.
    fn leaf_kinds(&self) -> Option<Vec<&str>> {
        if self.kind.is_empty() {
            let refused = ["refusal", "fact", "access_event"].to_vec();
            return (self.outcome == "refused").then_some(refused);
        }
        // A fact is known by its own kind, which only its leaf says.
        Some(vec![self.kind.as_str(), "fact"])
    }
}

/// A page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Lines, latest first.
    pub lines: Vec<Line>,
    /// Leaves below this index are on the next page.
    pub next: Option<i64>,
    /// True when the bound of what is read ended the page, not its length.
    pub cut: bool,
}

/// Lines of the leaves below an index, latest first: at least `limit` of them unless the log or the bound ends before.
///
/// # Errors
/// The database's failure.
pub fn page(conn: &mut Conn, filter: &Filter, below: Option<i64>, limit: i64) -> Result<Page, StoreError> {
    let (first, end) = range(conn, filter)?;
    let mut below = below.map_or(end, |below| below.min(end));
    let stop = below.saturating_sub(LOOKED_THROUGH).max(first);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (names, kinds) = (Names::load(conn)?, filter.leaf_kinds());
    let mut page = Page::default();
    while below > stop {
        let chunk = below.saturating_sub(CHUNK).max(stop);
        let leaves = match &kinds {
            Some(kinds) => trail::below_of(conn, kinds, chunk, below, CHUNK)?,
            None => trail::below(conn, chunk, below, CHUNK)?,
        };
        for leaf in leaves {
            if page.lines.len() >= limit {
                page.next = Some(leaf.idx.saturating_add(1));
                return Ok(page);
            }
            page.lines.extend(lines(conn, &names, filter, &leaf)?);
        }
        below = chunk;
    }
    page.cut = stop > first;
    page.next = page.cut.then_some(stop);
    Ok(page)
}

fn lines(conn: &mut Conn, names: &Names, filter: &Filter, leaf: &Leaf) -> Result<Vec<Line>, StoreError> {
    if !filter.may_want(&leaf.bytes) {
        return Ok(Vec::new());
    }
    let trace = Trace::read(leaf)?;
    if !filter.wants_kind(line::kind_of(&trace)) {
        return Ok(Vec::new());
    }
    let actors: Vec<&str> = trail::actors_in(&leaf.bytes).collect();
    let mut lines = line::read(conn, names, &trace)?;
    lines.retain(|line| filter.wants(line, &actors, &leaf.bytes));
    Ok(lines)
}

/// The first leaf of the filter's days, and the one after the last.
fn range(conn: &mut Conn, filter: &Filter) -> Result<(i64, i64), StoreError> {
    let mut until = |day: Date| -> Result<i64, StoreError> { trail::count_until(conn, moment("/to", &day.to_string())?) };
    let first = match filter.from.and_then(|from| from.yesterday().ok()) {
        Some(before) => until(before)?,
        None => 0,
    };
    let end = match filter.to {
        Some(to) => until(to)?,
        None => trail::count(conn)?,
    };
    Ok((first, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(pairs: &[(&str, &str)]) -> Result<Filter, Rejection> {
        Filter::parse(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn a_period_is_the_days_of_its_month() {
        let found = filter(&[("period", "2019-02"), ("from", "2019-02-10")]).unwrap();
        assert_eq!((found.from.unwrap().to_string(), found.to.unwrap().to_string()), ("2019-02-10".into(), "2019-02-28".into()));
        for wrong in [("period", "2019"), ("from", "yesterday"), ("outcome", "maybe")] {
            assert!(filter(&[wrong]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_kind_is_whole_or_ends_at_a_dot() {
        let policy = filter(&[("kind", "policy")]).unwrap();
        assert!(policy.wants_kind("policy.coverage") && policy.wants_kind("policy") && !policy.wants_kind("policyholder"));
        let entry = filter(&[("kind", "entry")]).unwrap();
        assert!(entry.wants_kind("entry") && !entry.wants_kind("entry.manual"));
        assert_eq!(entry.leaf_kinds(), Some(vec!["entry", "fact"]));
        assert_eq!(filter(&[]).unwrap().leaf_kinds(), None);
    }
}
