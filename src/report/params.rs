//! Parameters of a report, as a page's query or the command line gives them.

use super::registry::{ParamKind, ReportDef};
use super::source::{BookFacts, JournalFilter};
use crate::domain::account::AccountNo;
use crate::domain::event::Event;
use crate::domain::ids::EntryNo;
use crate::domain::outcome::{OutcomeCode, Rejection};
use jiff::{Timestamp, civil::Date};
use std::collections::BTreeMap;

/// Parameters that every report takes.
pub const COMMON: [&str; 7] = ["as_of", "known_at", "compare_as_of", "compare_known_at", "format", "cursor", "limit"];
/// Rows of a page unless the caller says otherwise.
pub const DEFAULT_LIMIT: usize = 50;
/// The most rows a caller may ask for.
pub const MAX_LIMIT: usize = 10_000;

/// A moment; a date stands for its end (24:00 UTC).
///
/// # Errors
/// `InvalidField` at the pointer.
pub fn moment(pointer: &str, text: &str) -> Result<Timestamp, Rejection> {
    let wrong = || {
        let mend = "is not a moment; write 2019-05-08T12:00:00Z, or a date for the end of that day";
        Rejection::invalid(pointer, text, mend)
    };
    // A browser's field for a moment has no zone and no seconds; all times of the book are UTC.
    let instant = text.parse().or_else(|_| format!("{text}Z").parse()).or_else(|_| format!("{text}:00Z").parse());
    if let Ok(at) = instant {
        return Ok(at);
    }
    let day: Date = text.parse().map_err(|_| wrong())?;
    let end = day.at(23, 59, 59, 999_999_000).to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
    Ok(end.timestamp())
}

/// Parsed parameters.
#[derive(Debug, Clone, Default)]
pub struct Params {
    values: BTreeMap<String, String>,
}

impl Params {
    /// Takes the parameters of `report`; empty values do not count.
    ///
    /// # Errors
    /// `InvalidField` for a parameter that the report does not have: it would not filter anything.
    pub fn new(report: &ReportDef, query: &[(String, String)]) -> Result<Self, Rejection> {
        let mut values = BTreeMap::new();
        for (name, value) in query.iter().filter(|(_, value)| !value.trim().is_empty()) {
            if !COMMON.contains(&name.as_str()) && !report.params.iter().any(|param| param.name == name) {
                let known: Vec<&str> = report.params.iter().map(|p| p.name).chain(COMMON).collect();
                let detail = format!("is not a parameter of the report {}; it has {}", report.name, known.join(", "));
                return Err(Rejection::invalid(format!("/{name}"), value, detail));
            }
            values.insert(name.clone(), value.trim().to_owned());
        }
        if let Some(param) = report.params.iter().find(|param| param.required && !values.contains_key(param.name)) {
            let detail = format!("the report {} needs it: {}", report.name, param.title);
            return Err(Rejection::invalid(format!("/{}", param.name), "", detail));
        }
        Ok(Self { values })
    }

    /// A parameter as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    fn parsed<T: std::str::FromStr>(&self, name: &str, wanted: &str) -> Result<Option<T>, Rejection> {
        let parse = |text: &str| text.parse().map_err(|_| Rejection::invalid(format!("/{name}"), text, wanted));
        self.text(name).map(parse).transpose()
    }

    /// A date.
    ///
    /// # Errors
    /// `InvalidField`, like all of these.
    pub fn date(&self, name: &str) -> Result<Option<Date>, Rejection> {
        self.parsed(name, "is not a date; write YYYY-MM-DD")
    }

    /// Business date up to which entries count.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn as_of(&self) -> Result<Option<Date>, Rejection> {
        self.date("as_of")
    }

    /// Moment up to which recordings count; a date stands for its end (24:00 UTC).
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn known_at(&self) -> Result<Option<Timestamp>, Rejection> {
        self.text("known_at").map(|text| moment("/known_at", text)).transpose()
    }

    /// The end of the as-of day where one is asked for: what happened later does not count. For what has moments and no dates.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn until(&self) -> Result<Option<Timestamp>, Rejection> {
        self.as_of()?;
        self.text("as_of").map(|text| moment("/as_of", text)).transpose()
    }

    /// The parameters of the state that this one is compared with, if one is asked for; `as_of` is the day that the report stands
    /// on. What is not said of the other state is as here.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn compared(&self, as_of: Date) -> Result<Option<Self>, Rejection> {
        let (day, known) = (self.date("compare_as_of")?, self.text("compare_known_at"));
        if day.is_none() && known.is_none() {
            return Ok(None);
        }
        if let Some(cursor) = self.text("cursor") {
            return Err(Rejection::invalid("/cursor", cursor, "cannot be given for a comparison, which is of whole lists"));
        }
        let mut values = self.values.clone();
        values.insert("as_of".to_owned(), day.unwrap_or(as_of).to_string());
        if let Some(known) = known {
            moment("/compare_known_at", known)?;
            values.insert("known_at".to_owned(), known.to_owned());
        }
        values.retain(|name, _| !name.starts_with("compare_"));
        Ok(Some(Self { values }))
    }

    /// An entry number.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn entry(&self, name: &str) -> Result<Option<EntryNo>, Rejection> {
        Ok(self.parsed::<i64>(name, "is not an entry number")?.map(EntryNo))
    }

    /// An account of the book.
    ///
    /// # Errors
    /// `InvalidField`, `UnknownAccount`.
    pub fn account(&self, book: &BookFacts) -> Result<Option<AccountNo>, Rejection> {
        let Some(no) = self.parsed::<i32>("account", "is not an account number")?.map(AccountNo) else { return Ok(None) };
        if book.accounts.contains_key(&no) {
            return Ok(Some(no));
        }
        Err(Rejection::new(OutcomeCode::UnknownAccount, "/account", no, "is not in the chart of this book"))
    }

    /// One or several accounts of the book, parted by commas.
    fn accounts(&self, book: &BookFacts) -> Result<Vec<AccountNo>, Rejection> {
        let Some(text) = self.text("account") else { return Ok(Vec::new()) };
        let account = |part: &str| {
            let unknown = || Rejection::new(OutcomeCode::UnknownAccount, "/account", part, "is not in the chart of this book");
            let no = part.trim().parse().map(AccountNo).map_err(|_| unknown())?;
            if book.accounts.contains_key(&no) { Ok(no) } else { Err(unknown()) }
        };
        text.split(',').map(account).collect()
    }

    /// How many rows a page has.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn limit(&self) -> Result<usize, Rejection> {
        let limit = self.parsed("limit", "is not a number of rows")?.unwrap_or(DEFAULT_LIMIT);
        if (1..=MAX_LIMIT).contains(&limit) {
            return Ok(limit);
        }
        Err(Rejection::invalid("/limit", limit, format!("use 1 to {MAX_LIMIT} rows; the next page starts at the cursor")))
    }

    /// The filter of a journal.
    ///
    /// # Errors
    /// `InvalidField`, `UnknownAccount`, `UnknownAsset`.
    pub fn journal(&self, book: &BookFacts) -> Result<JournalFilter, Rejection> {
        let event = self.text("event").map(|code| {
            Event::from_code(code).ok_or_else(|| Rejection::invalid("/event", code, "is not an event code, for example E01"))
        });
        Ok(JournalFilter {
            accounts: self.accounts(book)?,
            period: self.text("period").map(str::to_owned),
            without_closings: self.text("closings") == Some("out"),
            asset: self.text("asset").map(|code| book.asset("/asset", code).map(|asset| asset.id)).transpose()?,
            event: event.transpose()?,
            from: self.date("from")?,
            to: self.date("to")?,
            text: self.text("text").map(str::to_owned),
        })
    }

    /// The report's own parameters in force, as (title, value), for the basis of its document.
    pub fn filters(&self, params: &[super::registry::ParamDef]) -> Vec<(String, String)> {
        let shown = params.iter().filter(|param| param.kind != ParamKind::Subject);
        shown.filter_map(|param| Some((param.title.to_owned(), self.text(param.name)?.to_owned()))).collect()
    }
}
