//! The fields of a manifest, read one by one: a bad one is noted with its place and what to write instead.

use super::{Manifest, SCHEMA};
use crate::domain::amount::parse_minor;
use crate::domain::asset::AssetCode;
use crate::domain::contribution::findings::Findings;
use crate::domain::contribution::json::Loose;
use crate::domain::contribution::rows::{self, VOLUME_SCALE, amount_mend};
use crate::domain::contribution::{DAY_MEND, parse_day};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::text::Name;
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Version 1 replaces nothing; each later one names an earlier one.
pub(super) fn check_versions(version: u32, supersedes: Option<u32>) -> Result<(), Rejection> {
    let detail = match (version, supersedes) {
        (0, _) => return Err(Rejection::invalid("/version", version, "must be 1 or more")),
        (1, None) => return Ok(()),
        (1, Some(_)) => "version 1 replaces nothing; write null".to_owned(),
        (_, Some(older)) if older >= 1 && older < version => return Ok(()),
        _ => format!("version {version} must name the version it replaces, 1 to {}", version.saturating_sub(1)),
    };
    let found = supersedes.map_or_else(|| "null".to_owned(), |older| older.to_string());
    Err(Rejection::invalid("/supersedes", found, detail))
}

/// Reads fields one by one and notes what is wrong with each.
pub(super) struct FieldReader {
    pub(super) findings: Findings,
}

impl FieldReader {
    fn note(&mut self, pointer: &str, value: &str, detail: impl Into<String>) {
        self.findings.add(OutcomeCode::InvalidField, pointer, value, detail);
    }

    pub(super) fn manifest(&mut self, values: [Option<Loose<'_>>; 11]) -> Option<Manifest> {
        let [schema, report_id, venue, business_date, version, supersedes, generated_at, row_count, totals, owed, sha256] =
            values;
        self.schema(schema);
        let report_id = self.name("/report_id", report_id);
        let venue = self.name("/venue", venue);
        let business_date = self.day(business_date);
        let version = self.version(version);
        let supersedes = self.supersedes(supersedes);
        let generated_at = self.instant(generated_at);
        let row_count = self.row_count(row_count);
        let control_totals = self.required_totals(totals);
        let contribution_total = match owed {
            None | Some(Loose::Null) => Some(None),
            given => self.required_map("/contribution_total", given).map(Some),
        };
        let sha256 = self.sha256(sha256);
        if let (Some(version), Some(supersedes)) = (version, supersedes)
            && let Err(rejection) = check_versions(version, supersedes)
        {
            self.findings.absorb(rejection);
        }
        if let (Some(day), Some(instant)) = (business_date, generated_at)
            && instant.to_zoned(TimeZone::UTC).date() < day
        {
            self.note("/generated_at", &instant.to_string(), format!("is before the business date {day} began (UTC)"));
        }
        Some(Manifest {
            report_id: report_id?,
            venue: venue?,
            business_date: business_date?,
            version: version?,
            supersedes: supersedes?,
            generated_at: generated_at?,
            row_count: row_count?,
            control_totals: control_totals?,
            contribution_total: contribution_total?,
            sha256: sha256?,
        })
    }

    fn text<'a>(&mut self, pointer: &str, value: Option<Loose<'a>>) -> Option<Cow<'a, str>> {
        match value {
            Some(Loose::Text(text)) => return Some(text),
            Some(other) => self.note(pointer, "", format!("is {}; write a string", other.kind())),
            None => self.note(pointer, "", "is missing"),
        }
        None
    }

    fn whole(&mut self, pointer: &str, value: Option<Loose<'_>>) -> Option<u64> {
        match value {
            Some(Loose::Whole(number)) => return Some(number),
            Some(Loose::Text(text)) => self.note(pointer, &text, "is a string; write a number without quotes"),
            Some(other) => self.note(pointer, "", format!("is {}; write a whole number", other.kind())),
            None => self.note(pointer, "", "is missing"),
        }
        None
    }

    fn schema(&mut self, value: Option<Loose<'_>>) {
        if let Some(text) = self.text("/schema", value)
            && text != SCHEMA
        {
            self.note("/schema", &text, format!("is not a schema this version reads; write {SCHEMA}"));
        }
    }

    fn name(&mut self, pointer: &str, value: Option<Loose<'_>>) -> Option<Name> {
        let text = self.text(pointer, value)?;
        Name::parse(&text).map_err(|error| self.note(pointer, &text, error.to_string())).ok()
    }

    fn day(&mut self, value: Option<Loose<'_>>) -> Option<Date> {
        let text = self.text("/business_date", value)?;
        let day = parse_day(&text);
        if day.is_none() {
            self.note("/business_date", &text, DAY_MEND);
        }
        day
    }

    fn instant(&mut self, value: Option<Loose<'_>>) -> Option<Timestamp> {
        let text = self.text("/generated_at", value)?;
        // Only the plain RFC 3339 form: ends in Z, no offset and no zone name that people would have to convert.
        let shaped = text.len() <= 30 && text.ends_with('Z') && text.get(10..11) == Some("T");
        let instant = text.parse::<Timestamp>().ok().filter(|_| shaped);
        if instant.is_none() {
            self.note("/generated_at", &text, "is not an instant in UTC; write it as 2018-07-15T00:05:00Z");
        }
        instant
    }

    fn version(&mut self, value: Option<Loose<'_>>) -> Option<u32> {
        let number = self.whole("/version", value)?;
        let version = u32::try_from(number).ok().filter(|v| *v >= 1 && *v <= 1_000_000);
        if version.is_none() {
            self.note("/version", &number.to_string(), "must be 1 to 1000000");
        }
        version
    }

    fn supersedes(&mut self, value: Option<Loose<'_>>) -> Option<Option<u32>> {
        match value {
            Some(Loose::Null) => Some(None),
            None => {
                self.note("/supersedes", "", "is missing; write null for the first version, else the version this one replaces");
                None
            }
            given => {
                let number = self.whole("/supersedes", given)?;
                Some(Some(u32::try_from(number).unwrap_or(u32::MAX)))
            }
        }
    }

    fn row_count(&mut self, value: Option<Loose<'_>>) -> Option<u64> {
        let number = self.whole("/row_count", value)?;
        let most = u64::try_from(rows::MAX_ROWS).unwrap_or(u64::MAX);
        if (1..=most).contains(&number) {
            return Some(number);
        }
        self.note("/row_count", &number.to_string(), format!("must be 1 to {most}"));
        None
    }

    fn required_totals(&mut self, value: Option<Loose<'_>>) -> Option<BTreeMap<AssetCode, String>> {
        let totals = self.required_map("/control_totals", value)?;
        if totals.is_empty() {
            self.note("/control_totals", "{}", "is empty; give the sum of net_fee for each fee_asset");
            return None;
        }
        Some(totals)
    }

    fn required_map(&mut self, pointer: &str, value: Option<Loose<'_>>) -> Option<BTreeMap<AssetCode, String>> {
        let entries = match value {
            Some(Loose::Object(entries)) => entries,
            Some(other) => {
                self.note(
                    pointer,
                    "",
                    format!("is {}; write an object of asset and amount, for example {{\"BTC\": \"1.5\"}}", other.kind()),
                );
                return None;
            }
            None => {
                self.note(pointer, "", "is missing");
                return None;
            }
        };
        let mut map = BTreeMap::new();
        let mut good = true;
        for (key, value) in entries {
            let here = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
            match (AssetCode::parse(&key), self.amount(&here, value)) {
                (Ok(code), Some(amount)) => {
                    if map.insert(code, amount).is_some() {
                        self.findings.add(OutcomeCode::UnknownField, here, "", "is given twice; give it once");
                    }
                }
                (Err(error), _) => {
                    good = false;
                    self.note(&here, &key, error.to_string());
                }
                (Ok(_), None) => good = false,
            }
        }
        good.then_some(map)
    }

    fn amount(&mut self, pointer: &str, value: Loose<'_>) -> Option<String> {
        let text = match value {
            Loose::Text(text) => text,
            other => {
                self.note(pointer, "", format!("is {}; write a string, for example \"1.5\"", other.kind()));
                return None;
            }
        };
        match parse_minor(&text, VOLUME_SCALE) {
            Ok(_) => Some(text.into_owned()),
            Err(error) => {
                self.note(pointer, &text, amount_mend(&text, error));
                None
            }
        }
    }

    fn sha256(&mut self, value: Option<Loose<'_>>) -> Option<[u8; 32]> {
        let text = self.text("/sha256", value)?;
        let mut hash = [0_u8; 32];
        let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        if lower && hex::decode_to_slice(text.as_bytes(), &mut hash).is_ok() {
            return Some(hash);
        }
        self.note("/sha256", &text, "is not a SHA-256; write 64 characters 0-9 and a-f");
        None
    }
}
