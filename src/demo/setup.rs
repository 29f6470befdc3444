//! What stands before the first contribution: assets, wallets, venues, policies, and what users hold.

use super::DemoError;
use super::fees::{MARGIN, SPOT};
use super::story::{FIRST_DAY, Story, done};
use crate::domain::account::no;
use crate::service::memo::MemoFigure;
use crate::service::policies::{ContributionTerms, CoveragePolicy};
use crate::service::registry::{NewAsset, NewVenue, NewWallet};
use jiff::civil::Date;
use serde_json::{Value, json};

/// The floor from November 2018 on, in USD.
const FLOOR: &str = "16000000";

/// Records all of it on the day the fund is announced.
pub fn run(story: &mut Story<'_>) -> Result<(), DemoError> {
    for (code, network, scale, own_token) in
        [("BTC", "bitcoin", 8, false), ("BNB", "bnb-chain", 8, true), ("USDC", "ethereum", 6, false)]
    {
        let new = NewAsset { code: code.to_owned(), network: network.to_owned(), scale, own_token };
        let call = story.call("cli:controller");
        done(story.book.add_asset(&call, new))?;
    }
    for (code, account) in [
        ("cold-btc", no::COLD),
        ("cold-bnb", no::COLD),
        ("cold-usdc", no::COLD),
        ("payout-btc", no::PAYOUT),
        ("payout-usdc", no::PAYOUT),
        ("bank-usd", no::BANK),
    ] {
        let new = NewWallet::new(code, account.0, &format!("synthetic:{code}"));
        let call = story.call("cli:controller");
        done(story.book.add_wallet(&call, new))?;
    }
    for venue in [SPOT, MARGIN] {
        let call = story.call("cli:controller");
        done(story.book.add_venue(&call, NewVenue { code: venue.to_owned(), first_due: FIRST_DAY }))?;
    }
    policies(story)?;
    user_assets(story, FIRST_DAY, "350000", "7060")
}

fn policies(story: &mut Story<'_>) -> Result<(), DemoError> {
    let terms = ContributionTerms::of_all_venues("0.1");
    story.folder.keep("policies/contribution.json", pretty(&json!({"effective_on": FIRST_DAY, "terms": &terms})).as_bytes())?;
    let call = story.call("cli:controller");
    done(story.book.set_contribution_policy(&call, FIRST_DAY, terms))?;
    coverage_policy(story, "policies/coverage-1.json", FIRST_DAY, None)
}

/// From the first of November the fund may not fall below a floor.
pub fn floor(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(12, 0)?;
    coverage_policy(story, "policies/coverage-2.json", story.today, Some(FLOOR))
}

fn coverage_policy(story: &mut Story<'_>, file: &str, on: Date, floor: Option<&str>) -> Result<(), DemoError> {
    let mut terms = json!({
        "target": "100000000",
        "minimum_coverage": "1",
        "bands": [
            {"below": "1", "name": "not covered"},
            {"below": "1.25", "name": "thin"},
            {"below": "1.5", "name": "watch"},
        ],
        "haircuts": {"BTC": "0.1", "BNB": "0.5", "USDC": "0.02"},
        "stress_payout_share": "0.1",
        "scenarios": [
            {"name": "BTC falls by half", "shocks": {"BTC": "0.5"}},
            {"name": "own token crashes", "shocks": {"BNB": "0.8"}},
            {"name": "loss of 40 M and own token crashes", "shocks": {"BTC": "0.2", "BNB": "0.8"}, "loss": "40000000"},
        ],
    });
    if let (Some(floor), Some(fields)) = (floor, terms.as_object_mut()) {
        fields.insert("floor".to_owned(), Value::String(floor.to_owned()));
    }
    story.folder.keep(file, pretty(&json!({"effective_on": on, "terms": &terms})).as_bytes())?;
    let policy: CoveragePolicy =
        serde_json::from_value(terms).map_err(|e| DemoError::Unexpected(format!("the coverage policy: {e}")))?;
    let call = story.call("cli:controller");
    done(story.book.set_coverage_policy(&call, on, policy))?;
    Ok(())
}

/// What users hold in Bitcoin, all in all and in the hot wallet, in whole units.
pub fn user_assets(story: &mut Story<'_>, on: Date, all: &str, hot: &str) -> Result<(), DemoError> {
    for (account, quantity) in [(no::COVERED_USER_ASSETS, all), (no::HOT_WALLET_USER_ASSETS, hot)] {
        let figure = MemoFigure {
            account: account.0,
            asset: Some("BTC".to_owned()),
            quantity: quantity.to_owned(),
            note: Some("synthetic".to_owned()),
        };
        let call = story.call("cli:controller");
        done(story.book.set_memo(&call, on, figure))?;
    }
    Ok(())
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
