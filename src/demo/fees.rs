//! Synthetic fee reports: what each venue charged on each day, by pair and fee asset, from a seeded generator.

use super::DemoError;
use super::random::Random;
use crate::domain::amount::{Rounding, format_minor, mul_div, pow10};
use crate::domain::contribution::manifest::{DescribeMeta, describe};
use crate::domain::text::Name;
use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use std::fmt::Write;

/// The venue where most is traded.
pub const SPOT: &str = "synthetic-spot";
/// The smaller venue.
pub const MARGIN: &str = "synthetic-margin";

const MILLION: i128 = 1_000_000;

/// One line of a venue's tariff: a pair whose fees are taken in one asset.
struct Line {
    pair: &'static str,
    fee_asset: &'static str,
    /// Decimals of the fee asset.
    scale: u8,
    /// Fees of an ordinary day, in whole units of the fee asset and thousandths of it.
    daily_milli: i128,
    /// What the fee asset is worth in the quote asset, in millionths; a round figure is enough for a volume.
    in_quote: i128,
    /// Base units a quote unit buys, in millionths.
    base_per_quote: i128,
    /// The fee rate in millionths of the volume.
    rate: i128,
}

const fn line(pair: &'static str, fee: (&'static str, u8), daily_milli: i128, in_quote: i128, base_per_quote: i128) -> Line {
    // Whoever pays in the own token gets a quarter off.
    let rate = if matches!(fee.0.as_bytes(), b"BNB") { 750 } else { 1_000 };
    Line { pair, fee_asset: fee.0, scale: fee.1, daily_milli, in_quote, base_per_quote, rate }
}

const BTC: (&str, u8) = ("BTC", 8);
const BNB: (&str, u8) = ("BNB", 8);
const USDC: (&str, u8) = ("USDC", 6);
/// What one unit is worth in USDC and in BTC, in millionths: round figures of the period.
const BNB_IN_USDC: i128 = 10_000_000;
const BNB_IN_BTC: i128 = 1_900;

const SPOT_LINES: &[Line] = &[
    line("ETH-BTC", BTC, 17_300, MILLION, 30_000_000),
    line("XRP-BTC", BTC, 8_900, MILLION, 12_000_000_000),
    line("EOS-BTC", BTC, 7_400, MILLION, 1_300_000_000),
    line("TRX-BTC", BTC, 6_100, MILLION, 220_000_000_000),
    line("LTC-BTC", BTC, 4_300, MILLION, 90_000_000),
    line("ADA-BTC", BTC, 3_600, MILLION, 90_000_000_000),
    line("BNB-BTC", BTC, 5_200, MILLION, 520_000_000),
    line("NEO-BTC", BTC, 2_700, MILLION, 340_000_000),
    line("BTC-USDC", USDC, 268_000_000, MILLION, 180),
    line("ETH-USDC", USDC, 96_000_000, MILLION, 5_600),
    line("BNB-USDC", USDC, 41_000_000, MILLION, 100_000),
    line("XRP-USDC", USDC, 33_000_000, MILLION, 2_700_000),
    line("BTC-USDC", BNB, 17_900_000, BNB_IN_USDC, 180),
    line("ETH-USDC", BNB, 9_300_000, BNB_IN_USDC, 5_600),
    line("ETH-BTC", BNB, 11_800_000, BNB_IN_BTC, 30_000_000),
    line("XRP-BTC", BNB, 6_700_000, BNB_IN_BTC, 12_000_000_000),
    line("EOS-BTC", BNB, 4_900_000, BNB_IN_BTC, 1_300_000_000),
    line("ADA-BNB", BNB, 1_400_000, MILLION, 180_000_000),
    line("TRX-BNB", BNB, 1_100_000, MILLION, 420_000_000),
];

const MARGIN_LINES: &[Line] = &[
    line("ETH-BTC", BTC, 6_900, MILLION, 30_000_000),
    line("LTC-BTC", BTC, 2_300, MILLION, 90_000_000),
    line("EOS-BTC", BTC, 1_900, MILLION, 1_300_000_000),
    line("BTC-USDC", USDC, 84_000_000, MILLION, 180),
    line("ETH-USDC", USDC, 27_000_000, MILLION, 5_600),
    line("BTC-USDC", BNB, 6_200_000, BNB_IN_USDC, 180),
    line("ETH-USDC", BNB, 3_100_000, BNB_IN_USDC, 5_600),
    line("ETH-BTC", BNB, 2_600_000, BNB_IN_BTC, 30_000_000),
];

/// How busy each month is, in thousandths of an ordinary one.
const MONTHS: &[(&str, i128)] = &[
    ("2018-07", 1_080),
    ("2018-08", 1_040),
    ("2018-09", 960),
    ("2018-10", 840),
    ("2018-11", 900),
    ("2018-12", 790),
    ("2019-01", 930),
    ("2019-02", 970),
    ("2019-03", 1_090),
    ("2019-04", 1_220),
    ("2019-05", 1_240),
    ("2019-06", 1_260),
];

/// How a corrected report differs from the first version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// As first reported.
    None,
    /// A rebate had been forgotten: less is owed.
    RebateForgotten,
    /// Trades had been left out: more is owed.
    TradesForgotten,
}

/// A fee report as its job sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Venue.
    pub venue: &'static str,
    /// Business date.
    pub day: Date,
    /// Version, from 1.
    pub version: u32,
    /// The rows, CSV.
    pub rows: String,
    /// The manifest, JSON.
    pub manifest: String,
}

impl Report {
    /// The first version of a venue's day.
    pub fn first(seed: u64, venue: &'static str, day: Date) -> Result<Self, DemoError> {
        Self::make(seed, venue, day, Correction::None)
    }

    /// The second version of a venue's day.
    pub fn corrected(seed: u64, venue: &'static str, day: Date, correction: Correction) -> Result<Self, DemoError> {
        Self::make(seed, venue, day, correction)
    }

    fn make(seed: u64, venue: &'static str, day: Date, correction: Correction) -> Result<Self, DemoError> {
        let rows = rows(seed, venue, day, correction);
        let version = if correction == Correction::None { 1 } else { 2 };
        let manifest = manifest(venue, day, version, &rows)?;
        Ok(Self { venue, day, version, rows, manifest })
    }

    /// The same report cut off after half of its rows, with the manifest of the whole.
    pub fn cut_off(&self) -> Self {
        let half = self.rows.lines().count().div_euclid(2);
        let rows = self.rows.lines().take(half).fold(String::new(), |text, line| text + line + "\n");
        Self { rows, ..self.clone() }
    }

    /// Another file under the same name and version: a job that ran twice on different data.
    pub fn contradicting(&self, seed: u64) -> Result<Self, DemoError> {
        let rows = rows(seed, self.venue, self.day, Correction::TradesForgotten);
        let manifest = manifest(self.venue, self.day, self.version, &rows)?;
        Ok(Self { rows, manifest, ..self.clone() })
    }

    /// Name of its files, without an ending.
    pub fn file_name(&self) -> String {
        format!("{}/{}.v{}", self.venue, self.day, self.version)
    }
}

fn manifest(venue: &str, day: Date, version: u32, rows: &str) -> Result<String, DemoError> {
    let unexpected = |e: String| DemoError::Unexpected(format!("the report of {venue} for {day}: {e}"));
    let meta = DescribeMeta {
        report_id: Name::parse(&format!("{venue}-{day}")).map_err(|e| unexpected(e.to_string()))?,
        version,
        supersedes: version.checked_sub(1).filter(|older| *older > 0),
        generated_at: generated_at(day, version).ok_or_else(|| unexpected("its time is out of range".to_owned()))?,
    };
    Ok(describe(rows.as_bytes(), meta).map_err(|e| unexpected(e.to_string()))?.to_json())
}

/// An hour after the end of the day; corrections a week later.
fn generated_at(day: Date, version: u32) -> Option<Timestamp> {
    let days = if version == 1 { 1 } else { 8 };
    let day = day.checked_add(jiff::Span::new().days(days)).ok()?;
    Some(day.at(1, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// How busy a day is, in millionths of an ordinary one.
fn activity(random: &mut Random, day: Date) -> i128 {
    let month = day.to_string();
    let month = MONTHS.iter().find(|(name, _)| month.starts_with(name)).map_or(1_000, |(_, milli)| *milli);
    let weekend = if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) { 780 } else { 1_090 };
    month.saturating_mul(weekend).saturating_mul(random.between(820, 1_180)).div_euclid(1_000)
}

fn rows(seed: u64, venue: &str, day: Date, correction: Correction) -> String {
    let mut random = Random::new(seed, &format!("fees {venue} {day}"));
    let activity = activity(&mut random, day);
    let mut text = String::from("venue,business_date,pair,fee_asset,trades,volume_base,volume_quote,gross_fee,rebate,net_fee\n");
    let lines = if venue == SPOT { SPOT_LINES } else { MARGIN_LINES };
    for (line, at) in lines.iter().zip(0_usize..) {
        let noise = random.between(850, 1_150);
        let (rebate_milli, trades) = (random.between(20, 90), random.between(900, 60_000));
        let gross = line.gross(activity, noise, if correction == Correction::TradesForgotten && at < 3 { 1_120 } else { 1_000 });
        let forgotten = if correction == Correction::RebateForgotten && at.is_multiple_of(2) { 90 } else { 0 };
        let rebate = part(gross, rebate_milli.saturating_add(forgotten), 1_000);
        let net = gross.saturating_sub(rebate);
        let volume_quote = line.volume_quote(gross);
        let volume_base = part(volume_quote, line.base_per_quote, MILLION);
        let (gross, rebate, net) =
            (format_minor(gross, line.scale), format_minor(rebate, line.scale), format_minor(net, line.scale));
        let (base, quote) = (format_minor(volume_base, 8), format_minor(volume_quote, 8));
        let _ = writeln!(text, "{venue},{day},{},{},{trades},{base},{quote},{gross},{rebate},{net}", line.pair, line.fee_asset);
    }
    text
}

impl Line {
    /// Fees charged, in minor units.
    fn gross(&self, activity: i128, noise_milli: i128, extra_milli: i128) -> i128 {
        let minor = part(self.daily_milli, pow10(u32::from(self.scale)).unwrap_or_default(), 1_000);
        part(part(part(minor, activity, MILLION), noise_milli, 1_000), extra_milli, 1_000)
    }

    /// The volume that such fees come from, in 10^-8 of the quote asset.
    fn volume_quote(&self, gross: i128) -> i128 {
        let at_8 = part(gross, pow10(u32::from(8_u8.saturating_sub(self.scale))).unwrap_or_default(), 1);
        part(part(at_8, self.in_quote, MILLION), MILLION, self.rate)
    }
}

fn part(of: i128, times: i128, divisor: i128) -> i128 {
    mul_div(of, times, divisor, Rounding::HalfEven).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::contribution::manifest::Manifest;
    use jiff::civil::date;

    #[test]
    fn reports_repeat_with_the_seed_and_describe_themselves() {
        let day = date(2018, 10, 9);
        let report = Report::first(7, SPOT, day).unwrap();
        assert_eq!(report, Report::first(7, SPOT, day).unwrap());
        assert_ne!(report.rows, Report::first(8, SPOT, day).unwrap().rows);
        let manifest = Manifest::parse(report.manifest.as_bytes()).unwrap();
        assert_eq!((manifest.row_count, manifest.version, manifest.supersedes), (19, 1, None));
        assert!(manifest.report_id.as_str().starts_with("synthetic-"), "the data says what it is");
    }

    #[test]
    fn corrections_owe_less_or_more() {
        let day = date(2018, 10, 9);
        let total = |report: &Report| {
            let manifest = Manifest::parse(report.manifest.as_bytes()).unwrap();
            let texts = manifest.control_totals.values();
            texts.map(|text| crate::domain::amount::parse_minor(text, 8).unwrap()).sum::<i128>()
        };
        let first = Report::first(7, SPOT, day).unwrap();
        let lower = Report::corrected(7, SPOT, day, Correction::RebateForgotten).unwrap();
        let higher = Report::corrected(7, SPOT, day, Correction::TradesForgotten).unwrap();
        assert!(total(&lower) < total(&first) && total(&first) < total(&higher));
        assert!(lower.manifest.contains("\"supersedes\": 1"), "{}", lower.manifest);
        assert!(first.cut_off().rows.len() < first.rows.len());
    }
}
