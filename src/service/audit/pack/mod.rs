//! The pack for auditors: the populations of a range as CSV files with a manifest that ties them to the log.
//!
//! A pack depends on nothing but the rows that the log covers up to a size, and on its options: no clock, no order of a hash. The same
//! range at the same size gives the same bytes, so a pack is checked by making it again.

mod check;
mod contents;
mod entries;
mod file;
mod readme;
mod scope;

pub use check::{Found, check};
pub use contents::CONTENTS;
pub use file::Target;

use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::proof::merkle::sha256;
use crate::service::Book;
use crate::service::keys::ServiceAccount;
use crate::service::people;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::person;
use file::{Csv, Sink};
use jiff::civil::{Date, Time};
use scope::Scope;
use serde::{Deserialize, Serialize};

/// The form of packs.
pub const FORMAT: &str = "safu-audit-pack";
/// Its version.
pub const VERSION: u32 = 1;
/// Days after which an entry is back-dated, unless said otherwise.
const BACKDATED_DAYS: i64 = 3;
/// Office hours, unless said otherwise.
const HOURS: &str = "08:00-18:00";

/// Which populations are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Entries recorded more than this many days after their date are back-dated.
    pub backdated_days: i64,
    /// Office hours, UTC, Monday to Friday: from the first to before the second.
    pub hours: (Time, Time),
    /// The log as it was at this size; as it is now without one.
    pub size: Option<i64>,
}

impl Options {
    /// Names of the options.
    pub const NAMES: [&'static str; 5] = ["from", "to", "backdated_days", "hours", "size"];

    /// Reads options by their names.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn parse(value: &dyn Fn(&str) -> Option<String>) -> Result<Self, Rejection> {
        let day = |name: &str| {
            let text = value(name).unwrap_or_default();
            let wrong = || Rejection::invalid(format!("/{name}"), &text, "is not a date; a pack needs both, as YYYY-MM-DD");
            text.parse::<Date>().map_err(|_| wrong())
        };
        let number = |name: &str, wanted: &str| {
            let parse = |text: String| {
                let found = text.parse::<i64>().ok().filter(|number| *number >= 0);
                found.ok_or_else(|| Rejection::invalid(format!("/{name}"), &text, format!("is not {wanted}")))
            };
            value(name).map(parse).transpose()
        };
        let (from, to) = (day("from")?, day("to")?);
        if to < from {
            return Err(Rejection::invalid("/to", to, "lies before the first day"));
        }
        let hours = value("hours").unwrap_or_else(|| HOURS.to_owned());
        let wrong = || Rejection::invalid("/hours", &hours, "are not office hours; write 08:00-18:00");
        let (opens, closes) = hours.split_once('-').ok_or_else(wrong)?;
        let time = |text: &str| text.trim().parse::<Time>().map_err(|_| wrong());
        let hours = (time(opens)?, time(closes)?);
        if hours.1 <= hours.0 {
            return Err(wrong());
        }
        let backdated_days = number("backdated_days", "a number of days")?.unwrap_or(BACKDATED_DAYS);
        Ok(Self { from, to, backdated_days, hours, size: number("size", "a size of the log")? })
    }

    /// `08:00-18:00`.
    pub fn hours_text(&self) -> String {
        format!("{}-{}", self.hours.0.strftime("%H:%M"), self.hours.1.strftime("%H:%M"))
    }

    /// The name of the file.
    pub fn file_name(&self) -> String {
        format!("audit-pack-{}-{}.zip", self.from, self.to)
    }

    /// An address with these options.
    pub fn address(&self, path: &str) -> String {
        let size = self.size.map(|size| format!("&size={size}")).unwrap_or_default();
        format!(
            "{path}?from={}&to={}&backdated_days={}&hours={}{size}",
            self.from,
            self.to,
            self.backdated_days,
            self.hours_text()
        )
    }
}

/// A file of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLine {
    /// Name.
    pub name: String,
    /// What it has.
    pub about: String,
    /// Rows without the heading.
    pub rows: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
}

/// The log that a pack was taken at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Leaves.
    pub size: i64,
    /// Root, hex.
    pub root: String,
    /// When the last of them was recorded.
    pub last_recorded_at: Option<String>,
}

/// What a pack has and what it ties to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Name of the book.
    pub book: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// The zone of all days and hours.
    pub zone: String,
    /// Entries recorded more than this many days late are back-dated.
    pub backdated_days: i64,
    /// Office hours, Monday to Friday.
    pub office_hours: String,
    /// The log.
    pub log: LogLine,
    /// The files, in the order in which they were written.
    pub files: Vec<FileLine>,
}

impl Manifest {
    /// The bytes of `manifest.json`.
    pub fn to_json(&self) -> String {
        // Every member is text or a number; there is nothing in it that cannot be written.
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }

    /// The options that it was made with.
    ///
    /// # Errors
    /// `InvalidField` for hours that cannot be read.
    pub fn options(&self) -> Result<Options, Rejection> {
        let value = |name: &str| {
            Some(match name {
                "from" => self.from.to_string(),
                "to" => self.to.to_string(),
                "backdated_days" => self.backdated_days.to_string(),
                "hours" => self.office_hours.clone(),
                _ => self.log.size.to_string(),
            })
        };
        Options::parse(&value)
    }
}

impl Book {
    /// Writes a pack.
    ///
    /// # Errors
    /// `InvalidField` for a size that the log has not reached; `Surroundings` when it cannot be written; else the database's failure.
    pub fn audit_pack(&self, options: &Options, target: Target) -> Result<Manifest, StoreError> {
        let mut sink = target.open()?;
        let manifest = self.read(|conn| write(conn, options, sink.as_mut()))?;
        sink.finish()?;
        Ok(manifest)
    }

    /// The bytes of a pack as ZIP.
    ///
    /// # Errors
    /// As [`Book::audit_pack`].
    pub fn audit_pack_zip(&self, options: &Options) -> Result<Vec<u8>, StoreError> {
        let mut sink = file::Zip::new(std::io::Cursor::new(Vec::new()));
        self.read(|conn| write(conn, options, &mut sink))?;
        Ok(sink.into_inner()?.into_inner())
    }
}

/// Writes every file, the manifest and the readme.
fn write(conn: &mut Conn, options: &Options, sink: &mut dyn Sink) -> Result<Manifest, StoreError> {
    let mut scope = Scope::open(conn, options)?;
    let mut files = Vec::new();
    scope.each_file(&mut |name: &str, csv: Csv| {
        let (rows, bytes) = csv.into_parts();
        files.push(FileLine { name: name.to_owned(), about: contents::about(name), rows, sha256: hex::encode(sha256(&bytes)) });
        sink.file(name, &bytes)
    })?;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        book: scope.book_name.clone(),
        from: options.from,
        to: options.to,
        zone: "UTC".to_owned(),
        backdated_days: options.backdated_days,
        office_hours: options.hours_text(),
        log: LogLine {
            size: scope.size,
            root: scope.root.clone(),
            last_recorded_at: scope.last_recorded_at.map(|at| at.to_string()),
        },
        files,
    };
    sink.file(readme::NAME, readme::text(&manifest).as_bytes())?;
    sink.file("manifest.json", manifest.to_json().as_bytes())?;
    Ok(manifest)
}

/// Refuses a key whose owner is no auditor. In a book without persons nobody can be one, and every key that reads may.
///
/// # Errors
/// `Forbidden`.
pub fn require_auditor(conn: &mut Conn, caller: &ServiceAccount) -> Result<(), StoreError> {
    let may = match caller.owner {
        Some(owner) => people::find(conn, owner)?.is_some_and(|person| person.holds(&[Role::Auditor])),
        None => person::all(conn)?.is_empty(),
    };
    if may {
        return Ok(());
    }
    let detail = "the pack is for auditors; use a key that a person with the role auditor answers for";
    Err(Rejection::new(OutcomeCode::Forbidden, "Authorization", "", detail).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Result<Options, Rejection> {
        let pairs: Vec<(String, String)> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Options::parse(&move |name| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
    }

    #[test]
    fn options_are_read_and_written_back() {
        let found = options(&[("from", "2019-01-01"), ("to", "2019-01-31")]).unwrap();
        assert_eq!((found.backdated_days, found.hours_text().as_str(), found.size), (3, "08:00-18:00", None));
        let days = [("from", "2019-01-01"), ("to", "2019-01-31")];
        for wrong in [("hours", "18:00-08:00"), ("hours", "always"), ("backdated_days", "-1"), ("to", "2018-12-31"), ("from", "")]
        {
            let pairs: Vec<_> = std::iter::once(wrong).chain(days).collect();
            assert!(options(&pairs).is_err(), "{wrong:?}");
        }
    }
}
