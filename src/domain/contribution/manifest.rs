//! The manifest that goes with a file of fee rows: what the file is, and the totals it must have.

mod fields;

use super::findings::Findings;
use super::json::Fields;
use super::rows::{RowSet, parse_rows, sums};
use crate::domain::amount::{MAX_SCALE, Quantity, format_minor_trimmed};
use crate::domain::asset::{AssetCode, AssetId};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::text::Name;
use fields::{FieldReader, check_versions};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The schema this module reads and writes.
pub const SCHEMA: &str = "safu-fee-report/1";
/// The largest manifest, in bytes.
pub const MAX_MANIFEST_BYTES: usize = 65_536;

const FIELDS: Fields<11> = Fields(&[
    "schema",
    "report_id",
    "venue",
    "business_date",
    "version",
    "supersedes",
    "generated_at",
    "row_count",
    "control_totals",
    "contribution_total",
    "sha256",
]);

/// A checked manifest. Amounts stay texts, since only the book knows how many decimals their assets have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The report's name; the same for all its versions.
    pub report_id: Name,
    /// The venue the fees were taken at.
    pub venue: Name,
    /// The day the fees are for, in UTC.
    pub business_date: Date,
    /// 1 for the first version of the report.
    pub version: u32,
    /// The version this one replaces; none exactly for version 1.
    pub supersedes: Option<u32>,
    /// When the file was made.
    pub generated_at: Timestamp,
    /// How many rows the file has.
    pub row_count: u64,
    /// The sum of `net_fee` per asset, as plain decimals.
    pub control_totals: BTreeMap<AssetCode, String>,
    /// What the sender expects to owe per asset, if he says so, as plain decimals.
    pub contribution_total: Option<BTreeMap<AssetCode, String>>,
    /// SHA-256 of the file of rows.
    pub sha256: [u8; 32],
}

/// What [`describe`] cannot know from the rows.
#[derive(Debug, Clone)]
pub struct DescribeMeta {
    /// The report's name.
    pub report_id: Name,
    /// Its version, from 1.
    pub version: u32,
    /// The version it replaces.
    pub supersedes: Option<u32>,
    /// When the file was made.
    pub generated_at: Timestamp,
}

impl Manifest {
    /// Reads a manifest. Every bad field is a problem of its own with its JSON pointer; unknown and repeated fields are refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, Rejection> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            let detail = format!("a manifest may have {MAX_MANIFEST_BYTES} bytes; send the rows as the other file");
            return Err(Rejection::new(OutcomeCode::BodyTooLarge, "", bytes.len(), detail));
        }
        let malformed = |detail: String| Rejection::new(OutcomeCode::Malformed, "", "", detail);
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            return Err(malformed("the manifest starts with a byte order mark (BOM); save it as UTF-8 without BOM".to_owned()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("the manifest is not UTF-8; save it as UTF-8".to_owned()))?;
        let record =
            FIELDS.read(text).map_err(|error| malformed(format!("the manifest is not JSON ({error}); send one JSON object")))?;
        let mut findings = Findings::new();
        let shaped = record.note_shape(OutcomeCode::UnknownField, &mut findings, |key| format!("/{key}"));
        let mut read = FieldReader { findings };
        let manifest = if shaped { read.manifest(record.values) } else { None };
        read.findings.into_result()?;
        // Nothing was found, so every field is there; the fallback cannot be reached and still says what to do.
        manifest.ok_or_else(|| malformed("the manifest is incomplete".to_owned()))
    }

    /// Writes the manifest: two-space indents, fields in the order of the format, assets in alphabetical order, a last line
    /// break. The same manifest always gives the same bytes.
    pub fn to_json(&self) -> String {
        let texts =
            |map: &BTreeMap<AssetCode, String>| map.iter().map(|(code, amount)| (code.to_string(), amount.clone())).collect();
        let shape = Shape {
            schema: SCHEMA,
            report_id: self.report_id.as_str(),
            venue: self.venue.as_str(),
            business_date: self.business_date.to_string(),
            version: self.version,
            supersedes: self.supersedes,
            generated_at: self.generated_at.to_string(),
            row_count: self.row_count,
            control_totals: texts(&self.control_totals),
            contribution_total: self.contribution_total.as_ref().map(texts),
            sha256: hex::encode(self.sha256),
        };
        let mut text = serde_json::to_string_pretty(&shape).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// The written form.
#[derive(Serialize)]
struct Shape<'a> {
    schema: &'static str,
    report_id: &'a str,
    venue: &'a str,
    business_date: String,
    version: u32,
    supersedes: Option<u32>,
    generated_at: String,
    row_count: u64,
    control_totals: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contribution_total: Option<BTreeMap<String, String>>,
    sha256: String,
}

/// Makes the manifest of a file of rows: venue, day, count and totals come from the rows themselves, which must all be right.
pub fn describe(rows: &[u8], meta: DescribeMeta) -> Result<Manifest, Rejection> {
    check_versions(meta.version, meta.supersedes)?;
    let mut last = 0_i32;
    // Without a book every code is taken as an asset with the most decimals there are; the book checks the real ones.
    let set = parse_rows(rows, None, &mut |_| {
        last = last.saturating_add(1);
        Some((AssetId(last), MAX_SCALE))
    })?;
    Ok(Manifest {
        report_id: meta.report_id,
        venue: set.venue.clone(),
        business_date: set.business_date,
        version: meta.version,
        supersedes: meta.supersedes,
        generated_at: meta.generated_at,
        row_count: u64::try_from(set.rows.len()).unwrap_or(u64::MAX),
        control_totals: total_texts(&set)?,
        contribution_total: None,
        sha256: Sha256::digest(rows).into(),
    })
}

fn total_texts(set: &RowSet) -> Result<BTreeMap<AssetCode, String>, Rejection> {
    let sums = sums(set, |row| row.net_fee()).ok_or_else(|| {
        Rejection::invalid("/control_totals", "", "the sum of net_fee is too large to keep; check the amounts' unit")
    })?;
    let text = |(id, sum): (AssetId, Quantity)| {
        set.asset(id).map(|asset| (asset.code.clone(), format_minor_trimmed(sum.minor(), asset.scale)))
    };
    Ok(sums.into_iter().filter_map(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROWS: &[u8] = b"venue,business_date,pair,fee_asset,trades,volume_base,volume_quote,gross_fee,rebate,net_fee\n\
        spot,2018-07-14,BTC-USD,BTC,12,100,600000,0.1,0.02,0.08\n\
        spot,2018-07-14,ETH-BTC,BTC,1,10,1,0.001,0,0.001\n\
        spot,2018-07-14,ETH-BTC,ETH,1,10,1,0.000000000000000001,0,0.000000000000000001\n";

    fn meta() -> DescribeMeta {
        DescribeMeta {
            report_id: Name::parse("spot-2018-07-14").unwrap(),
            version: 1,
            supersedes: None,
            generated_at: "2018-07-15T00:05:00Z".parse().unwrap(),
        }
    }

    fn text() -> String {
        describe(ROWS, meta()).unwrap().to_json()
    }

    /// Asserts that the manifest after one replacement is refused with these pointers.
    fn refused(from: &str, to: &str, code: OutcomeCode, pointers: &[&str]) {
        let json = text().replacen(from, to, 1);
        assert_ne!(json, text(), "{from} is not in the manifest");
        let rejection = Manifest::parse(json.as_bytes()).unwrap_err();
        assert_eq!(rejection.code, code, "{rejection}");
        assert_eq!(rejection.problems.iter().map(|p| p.pointer.as_str()).collect::<Vec<_>>(), pointers, "{rejection}");
    }

    #[test]
    fn a_described_file_has_its_totals_and_reads_back() {
        let manifest = describe(ROWS, meta()).unwrap();
        let json = manifest.to_json();
        assert!(json.starts_with("{\n  \"schema\": \"safu-fee-report/1\",\n  \"report_id\": \"spot-2018-07-14\",\n"), "{json}");
        assert!(
            json.contains("\"control_totals\": {\n    \"BTC\": \"0.081\",\n    \"ETH\": \"0.000000000000000001\"\n  }"),
            "{json}"
        );
        assert!(json.contains("\"supersedes\": null") && !json.contains("contribution_total"), "{json}");
        assert_eq!(Manifest::parse(json.as_bytes()).unwrap(), manifest);
        let bad = describe(&[ROWS, b"spot,2018-07-15,X,BTC,1,1,1,1,0,1\n"].concat(), meta()).unwrap_err();
        assert_eq!(bad.problems[0].pointer, "row 4, column business_date");
    }

    #[test]
    fn each_bad_field_has_its_own_problem() {
        let invalid = OutcomeCode::InvalidField;
        refused("report/1", "report/2", invalid, &["/schema"]);
        refused("\"spot-2018-07-14\"", "\"spot 14\"", invalid, &["/report_id"]);
        refused("\"venue\": \"spot\"", "\"venue\": 5", invalid, &["/venue"]);
        refused("\"2018-07-14\"", "\"14.07.2018\"", invalid, &["/business_date"]);
        refused("\"version\": 1", "\"version\": 0", invalid, &["/version"]);
        refused("\"version\": 1", "\"version\": \"1\"", invalid, &["/version"]);
        refused("\"version\": 1", "\"version\": 2", invalid, &["/supersedes"]);
        refused("\"supersedes\": null", "\"supersedes\": 1", invalid, &["/supersedes"]);
        refused("  \"supersedes\": null,\n", "", invalid, &["/supersedes"]);
        refused("05:00Z", "05:00+02:00", invalid, &["/generated_at"]);
        refused("2018-07-15T", "2018-07-13T", invalid, &["/generated_at"]);
        refused("\"row_count\": 3", "\"row_count\": 3.0", invalid, &["/row_count"]);
        refused("\"row_count\": 3", "\"row_count\": 1000001", invalid, &["/row_count"]);
        refused("\"0.081\"", "0.081", invalid, &["/control_totals/BTC"]);
        refused("\"0.081\"", "\"0,081\"", invalid, &["/control_totals/BTC"]);
        refused("\"BTC\"", "\"b/c\"", invalid, &["/control_totals/b~1c"]);
        refused("\"sha256\": \"", "\"sha256\": \"0", invalid, &["/sha256"]);
        let json = text().replace("spot\"", "s p\"").replace("\"version\": 1", "\"version\": null");
        assert_eq!(Manifest::parse(json.as_bytes()).unwrap_err().problems.len(), 2);
    }

    #[test]
    fn unknown_and_repeated_fields_are_refused() {
        refused("\"version\"", "\"note\": \"x\", \"version\"", OutcomeCode::UnknownField, &["/note"]);
        refused("\"version\"", "\"version\": 1, \"version\"", OutcomeCode::UnknownField, &["/version"]);
        refused("\"BTC\"", "\"BTC\": \"1\", \"BTC\"", OutcomeCode::UnknownField, &["/control_totals/BTC"]);
    }

    #[test]
    fn later_versions_name_what_they_replace() {
        let json = text().replace("\"version\": 1", "\"version\": 3").replace("\"supersedes\": null", "\"supersedes\": 1");
        assert_eq!(Manifest::parse(json.as_bytes()).map(|m| m.supersedes), Ok(Some(1)));
        assert!(describe(ROWS, DescribeMeta { version: 2, ..meta() }).is_err());
    }

    #[test]
    fn what_is_no_manifest_is_named() {
        for (bytes, part) in [
            (b"".as_slice(), "not JSON"),
            (b"\xEF\xBB\xBF{}", "BOM"),
            (b"\xFF", "UTF-8"),
            (b"[]", "object"),
            (b"{} x", "not JSON"),
        ] {
            let rejection = Manifest::parse(bytes).unwrap_err();
            assert!(rejection.problems[0].detail.contains(part), "{rejection}");
        }
        assert_eq!(Manifest::parse(b"{}").unwrap_err().problems.len(), 10, "every field but contribution_total is missing");
        assert_eq!(Manifest::parse(&vec![b' '; MAX_MANIFEST_BYTES + 1]).unwrap_err().code, OutcomeCode::BodyTooLarge);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..400) {
            let _ = Manifest::parse(&bytes);
            let mut broken = text().into_bytes();
            let at = at.min(broken.len());
            broken.splice(at..at, bytes);
            let _ = Manifest::parse(&broken);
        }
    }
}
