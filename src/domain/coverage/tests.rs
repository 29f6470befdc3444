//! The ratios of the worked story's last state, and what has no value.

use super::*;

fn position(asset: i32, code: &str, price: &str, [held, encumbered, owed, obligations]: [&str; 4]) -> Position {
    Position {
        asset: AssetId(asset),
        code: code.to_owned(),
        scale: 8,
        own_token: code == "BNB",
        price: Some(Price::parse(price).unwrap()),
        held: Quantity::parse(held, 8).unwrap(),
        encumbered: Quantity::parse(encumbered, 8).unwrap(),
        owed: Quantity::parse(owed, 8).unwrap(),
        obligations: Value::parse(obligations).unwrap(),
        haircut: 0,
    }
}

/// The last state of the worked story.
fn story() -> Input {
    let value = |text: &str| Value::parse(text).unwrap();
    Input {
        positions: vec![
            position(1, "USD", "1", ["0", "0", "0", "30000"]),
            position(2, "BTC", "6300", ["361.295", "50", "191.9", "1208970"]),
            position(3, "BNB", "12", ["5000", "0", "0", "0"]),
            position(4, "USDC", "1", ["191019.56596", "0", "256409.76596", "256409.76596"]),
        ],
        totals: Totals {
            assets: value("2543978.06596"),
            liabilities: value("2198879.76596"),
            loans: value("703500"),
            ..Totals::default()
        },
        targets: Targets::default(),
        memo: Memo { covered: Err("no memo figure".to_owned()), hot_wallets: Ok(value("1000000")) },
        flows: Flows::default(),
    }
}

fn text(coverage: &Coverage, key: &str) -> String {
    match &coverage.get(key).unwrap().value {
        Ok(value) => value.to_string(),
        Err(why) => format!("n/a: {why}"),
    }
}

#[test]
fn the_worked_story_ends_with_its_ratios() {
    let end: serde_json::Value = serde_json::from_str(include_str!("../../../tests/fixtures/fund_story.json")).unwrap();
    let coverage = story().coverage();
    let end = |name: &str| end["end"][name].as_str().unwrap().to_owned();
    assert_eq!(coverage.fund_value, Ok(Value::parse(&end("fund_fair_value_usd")).unwrap()));
    assert_eq!(coverage.obligations, Value::parse(&end("obligations_usd")).unwrap());
    assert_eq!(text(&coverage, "coverage"), end("coverage_ratio"));
    assert_eq!(text(&coverage, "available"), end("available_ratio_excluding_encumbered"));
    assert_eq!(text(&coverage, "matched.BTC"), end("btc_matched_ratio"));
}

#[test]
fn every_other_ratio_follows_its_formula() {
    let mut input = story();
    input.targets = Targets {
        target: Some(Value::parse("5054356.13192").unwrap()),
        floor: Some(Value::parse("1263589.03298").unwrap()),
        stress_payout_share: 100_000,
        scenarios: vec![Scenario {
            name: "crash and loss".to_owned(),
            shocks: BTreeMap::from([(AssetId(2), 500_000), (AssetId(3), MILLION)]),
            loss: Value::parse("100000").unwrap(),
        }],
    };
    input.memo.covered = Ok(Value::parse("34509830").unwrap());
    input.flows = Flows { days: 100, contributions: Value::parse("1000").unwrap(), net_outflow: Value::parse("-5").unwrap() };
    for position in &mut input.positions {
        position.haircut = if position.own_token { MILLION } else { 0 };
    }
    let coverage = input.coverage();
    for (key, expected) in [
        // (2527178.06596 − 315000 − 703500) / 1495379.76596
        ("net_of_loans", "1.008893"),
        // (2527178.06596 − 60000) / 1495379.76596
        ("liquid", "1.649867"),
        // 191019.56596 / 256409.76596: the lowest of two
        ("matched", "0.744978"),
        ("reserve_ratio", "0.010000"),
        ("hot_wallet_coverage", "2.527178"),
        ("target_attainment", "0.500000"),
        ("distance_to_floor", "0.500000"),
        ("trigger_price", "n/a: the fund holds 3 assets; one price alone does not decide"),
        ("wrong_way_share", "0.023742"),
        // 0.900672² + 0.023742² + 0.075586²
        ("concentration", "0.817487"),
        ("run_off", "n/a: more came in than went out in the window"),
        ("time_to_target", "252717.806596"),
        // (1138079.25 + 0 + 191019.56596) / (1495379.76596 + 100000 + 100000)
        ("stress.crash and loss", "0.783953"),
    ] {
        assert_eq!(text(&coverage, key), expected, "{key}");
    }
}

#[test]
fn nothing_owed_is_not_applicable_and_never_infinite() {
    let mut input = story();
    for position in &mut input.positions {
        position.owed = Quantity::ZERO;
        position.obligations = Value::ZERO;
    }
    let coverage = input.coverage();
    for key in ["coverage", "available", "net_of_loans", "liquid", "matched"] {
        assert_eq!(text(&coverage, key), "n/a: nothing is owed", "{key}");
    }
    assert_eq!(text(&coverage, "reserve_ratio"), "n/a: no memo figure");
}

#[test]
fn a_missing_price_is_said_and_not_guessed() {
    let mut input = story();
    input.positions[2].price = None;
    let coverage = input.coverage();
    assert_eq!(text(&coverage, "coverage"), "n/a: there is no locked price of BNB");
    assert_eq!(text(&coverage, "matched.BTC"), "1.622173", "units need no price");
}

#[test]
fn a_fund_of_one_asset_has_a_trigger_price() {
    let mut input = story();
    input.positions.truncate(2);
    input.targets.floor = Some(Value::parse("722590").unwrap());
    assert_eq!(text(&input.coverage(), "trigger_price"), "2000.000000");
}
