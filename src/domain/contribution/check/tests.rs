use super::super::manifest::{DescribeMeta, describe};
use super::super::parse_day;
use super::super::policy::Share;
use super::super::testing::SmallBook;
use super::*;
use crate::domain::text::Name;

const HEADER: &str = "venue,business_date,pair,fee_asset,trades,volume_base,volume_quote,gross_fee,rebate,net_fee";
const BTC: &str = "spot,2018-07-14,BTC-USD,BTC,12,100,600000,0.10000009,0.02,0.08000009";
const USD: &str = "spot,2018-07-14,BTC-USD,USD,12,100,600000,600.19,0,600.19";

fn file(rows: &[&str]) -> Vec<u8> {
    format!("{HEADER}\n{}\n", rows.join("\n")).into_bytes()
}

fn manifest(bytes: &[u8]) -> Manifest {
    let report_id = Name::parse("spot-2018-07-14").unwrap();
    describe(
        bytes,
        DescribeMeta { report_id, version: 1, supersedes: None, generated_at: "2018-07-15T00:05:00Z".parse().unwrap() },
    )
    .unwrap()
}

fn check(manifest: &Manifest, bytes: &[u8]) -> Result<CheckedReport, Rejection> {
    let policies =
        PolicyBook::new(vec![ContributionPolicy::new(parse_day("2018-07-14").unwrap(), None, Share::parse("0.1").unwrap())]);
    let context = CheckContext { directory: &SmallBook::new(), policies: &policies, today: parse_day("2018-07-15").unwrap() };
    check_report(manifest, bytes, context)
}

fn refused(manifest: &Manifest, bytes: &[u8], code: OutcomeCode, pointers: &[&str]) -> Rejection {
    let rejection = check(manifest, bytes).unwrap_err();
    assert_eq!(rejection.code, code, "{rejection}");
    assert_eq!(rejection.problems.iter().map(|p| p.pointer.as_str()).collect::<Vec<_>>(), pointers, "{rejection}");
    rejection
}

fn amounts(map: &[(&str, &str)]) -> BTreeMap<AssetCode, String> {
    map.iter().map(|(code, text)| (AssetCode::parse(code).unwrap(), (*text).to_owned())).collect()
}

#[test]
fn a_right_report_has_totals_and_contributions_truncated_once() {
    let bytes = file(&[BTC, USD, "spot,2018-07-14,ETH-BTC,BTC,1,10,1,0.00000001,0,0.00000001"]);
    let report = check(&manifest(&bytes), &bytes).unwrap();
    assert_eq!(report.rows.rows.len(), 3);
    let shown: Vec<(i32, i128, i128)> =
        report.totals.iter().map(|t| (t.asset.0, t.net_fee.minor(), t.contribution.minor())).collect();
    // 0.0800001 BTC × 0.1 = 800001 units: truncating row by row would have lost one.
    assert_eq!(shown, [(2, 8_000_010, 800_001), (1, 60_019, 6_001)]);
    assert_eq!(report.policy.share.to_string(), "0.1");
    let mut stated = manifest(&bytes);
    stated.contribution_total = Some(amounts(&[("BTC", "0.00800001"), ("USD", "60.01"), ("ETH", "0.0")]));
    assert!(check(&stated, &bytes).is_ok());
}

#[test]
fn a_file_cut_at_a_line_is_not_the_one_described() {
    let whole = file(&[BTC, USD]);
    let cut = file(&[BTC]);
    let rejection =
        refused(&manifest(&whole), &cut, OutcomeCode::HashMismatch, &["/sha256", "/row_count", "/control_totals/USD"]);
    assert!(rejection.problems[1].detail.contains("1 rows"), "{rejection}");
}

#[test]
fn a_file_cut_inside_a_row_names_the_row_and_the_hash() {
    let whole = file(&[BTC, USD]);
    refused(&manifest(&whole), &whole[..whole.len() - 20], OutcomeCode::InvalidRow, &["row 2", "/sha256"]);
}

#[test]
fn counts_come_before_totals() {
    let bytes = file(&[BTC, USD]);
    let mut wrong = manifest(&bytes);
    wrong.row_count = 3;
    wrong.control_totals = amounts(&[("BTC", "0.09"), ("ETH", "1"), ("BNB", "0")]);
    let pointers = ["/row_count", "/control_totals/BTC", "/control_totals/USD", "/control_totals/ETH"];
    let rejection = refused(&wrong, &bytes, OutcomeCode::RowCountMismatch, &pointers);
    assert!(rejection.problems[1].detail.contains("sums to 0.08000009, a difference of -0.00999991"), "{rejection}");
    wrong.row_count = 2;
    refused(&wrong, &bytes, OutcomeCode::TotalsMismatch, &pointers[1..]);
    wrong.control_totals = amounts(&[("BTC", "0.080000090"), ("USD", "600.19")]);
    refused(&wrong, &bytes, OutcomeCode::InvalidField, &["/control_totals/BTC"]);
}

#[test]
fn duplicates_and_unknown_names_are_told_without_misleading_sums() {
    let twice = file(&[BTC, USD]);
    let described = manifest(&twice);
    let mut same = described.clone();
    let doubled = file(&[BTC, USD, BTC]);
    same.sha256 = Sha256::digest(&doubled).into();
    refused(&same, &doubled, OutcomeCode::DuplicateRow, &["row 3, column pair"]);
    let doge = file(&[&BTC.replace(",BTC,", ",DOGE,"), USD]);
    refused(&manifest(&doge), &doge, OutcomeCode::UnknownAsset, &["row 1, column fee_asset"]);
    let other = file(&[&BTC.replace("spot", "attic")]);
    refused(&manifest(&other), &other, OutcomeCode::UnknownVenue, &["/venue"]);
    let mut extra = described;
    extra.control_totals.insert(AssetCode::parse("DOGE").unwrap(), "1".to_owned());
    refused(&extra, &twice, OutcomeCode::UnknownAsset, &["/control_totals/DOGE"]);
}

#[test]
fn days_outside_the_policy_or_in_the_future_are_refused() {
    let early = file(&[&BTC.replace("07-14", "07-13")]);
    refused(&manifest(&early), &early, OutcomeCode::PolicyMissing, &["/business_date"]);
    let future = file(&[&BTC.replace("07-14", "07-16")]);
    refused(&manifest(&future), &future, OutcomeCode::InvalidField, &["/business_date"]);
}

#[test]
fn a_day_may_not_give_back_more_than_it_charged() {
    let row = "spot,2018-07-14,BTC-USD,BTC,12,100,600000,0.1,0.2,-0.1";
    let bytes = file(&[row]);
    refused(&manifest(&bytes), &bytes, OutcomeCode::InvalidField, &["/control_totals/BTC"]);
    let covered = file(&[row, "spot,2018-07-14,ETH-BTC,BTC,1,1000,100,0.1,0,0.1"]);
    assert!(check(&manifest(&covered), &covered).is_ok());
}

#[test]
fn a_wrong_unit_and_a_rate_too_high_are_outliers() {
    // 0.1 BTC written in satoshi; then 6 % of the quote volume; then a fee asset that is neither side and cannot be compared.
    let satoshi = "spot,2018-07-14,BTC-USD,BTC,12,100,600000,10000000,0,10000000";
    let high = "spot,2018-07-14,BTC-USD,USD,12,100,600000,36000,0,36000";
    let neither = "spot,2018-07-14,BTC-USD,BNB,12,100,600000,9999999,0,9999999";
    let bytes = file(&[satoshi, high, neither]);
    let rejection =
        refused(&manifest(&bytes), &bytes, OutcomeCode::RateOutlier, &["row 1, column gross_fee", "row 2, column gross_fee"]);
    assert!(rejection.problems[0].detail.contains("smallest unit"), "{rejection}");
    assert!(rejection.problems[1].detail.contains("more than 0.05 of the volume_quote 600000"), "{rejection}");
    let at_the_limit = file(&[&high.replace("36000", "30000")]);
    assert!(check(&manifest(&at_the_limit), &at_the_limit).is_ok());
}

#[test]
fn a_stated_contribution_must_be_the_policys_share() {
    let bytes = file(&[BTC, USD]);
    let mut stated = manifest(&bytes);
    stated.contribution_total = Some(amounts(&[("BTC", "0.01600001"), ("ETH", "1")]));
    let pointers = ["/contribution_total/BTC", "/contribution_total/USD", "/contribution_total/ETH"];
    let rejection = refused(&stated, &bytes, OutcomeCode::RateOutlier, &pointers);
    assert!(rejection.problems[0].detail.contains("is 0.1, which makes 0.008; this implies a share of 0.2"), "{rejection}");
}

#[test]
fn sums_past_the_largest_amount_are_refused() {
    let most = "9".repeat(30);
    let rows: Vec<String> = (0..3).map(|at| format!("spot,2018-07-14,P{at},BTC,1,1,1,{most},0,{most}")).collect();
    let bytes = file(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let mut stated = manifest(&file(&[BTC]));
    stated.sha256 = Sha256::digest(&bytes).into();
    stated.row_count = 3;
    refused(&stated, &bytes, OutcomeCode::InvalidField, &["/control_totals"]);
}
