//! The theft of May 2019, from the first minutes to the last claim paid and what came back.

use super::agenda::exchange;
use super::story::{Story, done};
use super::{DemoError, claims, setup};
use crate::domain::account::no;
use crate::domain::amount::{Rounding, mul_div};
use crate::domain::incident::claims::ControlTotals;
use crate::service::incidents::approvals::NewApproval;
use crate::service::incidents::claims::NewClaims;
use crate::service::incidents::declare::{NewIncident, NewStatement};
use crate::service::incidents::estimates::{NewAssetEstimate, NewEstimate};
use crate::service::incidents::payouts::{NewPayout, PaidBy};
use crate::service::incidents::recognition::NewRecognition;
use crate::service::incidents::recoveries::{NewRecovery, NewRecoveryReceipt, RecoveryMemo};
use crate::service::treasury::{TreasuryCommand, TreasuryEvent, Units};

/// Code of the incident.
pub const INCIDENT: &str = "INC-2019-001";
const OFFICER: &str = "cli:incident-officer";

/// What is owed in the end, in satoshi: 7,070.7 BTC.
const LOSS: i128 = 707_070_000_000;
/// What the fund must hold before it pays: the loss, the network's fees, and a little to spare.
const NEEDED: i128 = 708_500_000_000;
/// The fund keeps this much of the stable asset when it buys, in its minor units: 1,000,000 USDC.
const KEPT_USDC: i128 = 1_000_000_000_000;
/// What a conversion brings, in thousandths of the market value.
const BRINGS: i128 = 997;
/// Claims a payout batch pays.
const PER_BATCH: usize = 5_000;

/// 17:15:24 the theft, 19:06 declared, 23:40 the promise to compensate in full.
pub fn struck(story: &mut Story<'_>) -> Result<(), DemoError> {
    let occurred_at = story.at_second(17, 15, 24)?;
    story.at(19, 6)?;
    let call = story.call(OFFICER);
    let new = NewIncident {
        code: Some(INCIDENT.to_owned()),
        kind: "hot-wallet-theft".to_owned(),
        title: "Theft of 7,000 BTC from the hot wallet".to_owned(),
        occurred_at,
        at: None,
        suspected: false,
        note: "One transaction took 7,000 BTC, about 2 % of holdings; all other wallets are unharmed.".to_owned(),
        statement: Some(NewStatement {
            text: "Withdrawals and deposits are suspended while a security breach is examined. (paraphrased)".to_owned(),
            by: "exchange, security notice".to_owned(),
            at: None,
        }),
    };
    done(story.book.declare_incident(&call, new))?;
    story.at(23, 40)?;
    let call = story.call(OFFICER);
    let promise = NewStatement {
        text: "The user protection fund will cover this incident in full; no user funds will be affected. (paraphrased)"
            .to_owned(),
        by: "exchange, public announcement".to_owned(),
        at: None,
    };
    done(story.book.record_statement(&call, INCIDENT, promise))?;
    story.at(23, 50)?;
    let assets = vec![NewAssetEstimate {
        case_low: Some("6950".to_owned()),
        case_high: Some("7200".to_owned()),
        ..estimate(Some("7000"), Some("100"), None)
    }];
    revise(story, "One transaction is known; more accounts may be affected that are not identified yet.", assets)
}

/// The obligation stands from the day of the promise, at its closing price, which is known after midnight.
pub fn recognised(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(0, 30)?;
    let on = story.today.yesterday().map_err(|e| DemoError::Unexpected(e.to_string()))?;
    let call = story.call(OFFICER);
    let note = "The public promise of 23:40 UTC is the obligating event.".to_owned();
    let new = NewRecognition { on, handling: Some("250000".to_owned()), note };
    done(story.book.recognise_incident(&call, INCIDENT, new))?;
    Ok(())
}

/// The count of affected accounts is done: 7,070.7 BTC. The fund begins to buy what it owes.
pub fn revised(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(14, 0)?;
    let assets = vec![estimate(None, None, Some("70.7"))];
    revise(story, "More affected accounts are identified; the loss is 7,070.7 BTC.", assets)?;
    story.at(16, 0)?;
    buy_with_usdc(story)
}

/// Addresses are blocked elsewhere: a memo, not an asset.
pub fn blocked(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(11, 0)?;
    traced(story, "exchange-a", "38.4", "Deposits from addresses of the theft are blocked there; synthetic quantity.")?;
    traced(story, "exchange-b", "12.25", "A tainted deposit is held for the police; synthetic quantity.")?;
    story.at(16, 0)?;
    buy_with_bnb(story, 2)
}

/// The rest is bought.
pub fn bought(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(16, 0)?;
    buy_with_bnb(story, 1)
}

/// The claims file comes in.
pub fn claimed(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(12, 0)?;
    let quantities = claims::quantities(story.seed, LOSS);
    let file = claims::file(story.seed, &quantities).into_bytes();
    story.folder.keep("claims/claims.csv", &file)?;
    let control = ControlTotals {
        row_count: u64::try_from(claims::COUNT).ok(),
        totals: [("BTC".to_owned(), story.text("BTC", LOSS)?)].into(),
    };
    let json = serde_json::to_vec_pretty(&control).unwrap_or_default();
    story.folder.keep("claims/claims.csv.control.json", &json)?;
    let call = story.call(OFFICER);
    let note = "Synthetic claimants; quantities sum to the loss.".to_owned();
    let new = NewClaims { file_name: "claims.csv".to_owned(), bytes: file, control, note };
    done(story.book.import_claims(&call, INCIDENT, new))?;
    Ok(())
}

/// Half of the claims, in two batches.
pub fn approved(story: &mut Story<'_>) -> Result<(), DemoError> {
    for (hour, claims) in [(11, Some("1-5000")), (15, Some("5001-10000"))] {
        story.at(hour, 0)?;
        approve(story, claims)?;
    }
    Ok(())
}

/// The other half; nobody is left to be identified.
pub fn approved_rest(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(11, 0)?;
    approve(story, None)?;
    story.at(17, 0)?;
    let assets = vec![estimate(None, Some("0"), None)];
    revise(story, "All affected accounts are identified.", assets)
}

/// Trading opens again and every claim is paid in Bitcoin.
pub fn paid(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(11, 0)?;
    let transfer = TreasuryEvent::Transfer {
        from: "cold-btc".to_owned(),
        to: "payout-btc".to_owned(),
        asset: "BTC".to_owned(),
        quantity: "7072.7".to_owned(),
        fee: Some(Units::new("cold-btc", "BTC", "0.0042")),
    };
    let command = TreasuryCommand::new(story.today, transfer);
    story.treasury(command.memo("Claims of the theft: into the payout wallet").reference("synthetic-transfer-payout"))?;
    for (first, hour) in (1..=claims::COUNT).step_by(PER_BATCH).zip(12_i8..) {
        story.at(hour, 30)?;
        let last = first.saturating_add(PER_BATCH).saturating_sub(1);
        let file = claims::transactions(story.seed, first, last).into_bytes();
        story.folder.keep(&format!("payouts/claims-{first}-{last}.csv"), &file)?;
        let call = story.call(OFFICER);
        let new = NewPayout {
            on: story.today,
            asset: "BTC".to_owned(),
            wallet: "payout-btc".to_owned(),
            claims: Some(format!("{first}-{last}")),
            network_fee: Some("0.385".to_owned()),
            note: "Synthetic transaction ids.".to_owned(),
        };
        done(story.book.pay_claims(&call, INCIDENT, new, PaidBy::File(file)))?;
    }
    story.at(18, 0)?;
    setup::user_assets(story, story.today, "346000", "3000")
}

/// Support, forensics and auditors are paid.
pub fn handled(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(14, 0)?;
    let transfer = TreasuryEvent::Transfer {
        from: "cold-usdc".to_owned(),
        to: "payout-usdc".to_owned(),
        asset: "USDC".to_owned(),
        quantity: "250000".to_owned(),
        fee: None,
    };
    let command = TreasuryCommand::new(story.today, transfer);
    story.treasury(command.memo("Cost of handling claims: into the payout wallet"))?;
    let event = TreasuryEvent::ClaimsHandlingPaid {
        incident: INCIDENT.to_owned(),
        amount: "250000".to_owned(),
        paid: Units::new("payout-usdc", "USDC", "250000"),
    };
    let command = TreasuryCommand::new(story.today, event);
    story.treasury(command.memo("Support, forensics and audit of the claims, synthetic").reference("synthetic-handling"))
}

/// One of the exchanges will give back what it holds.
pub fn recoverable(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(12, 0)?;
    let call = story.call(OFFICER);
    let new = NewRecovery {
        on: story.today,
        asset: "BTC".to_owned(),
        quantity: "36".to_owned(),
        channel: "exchange-a".to_owned(),
        virtually_certain: false,
        note: "Written confirmation of the exchange, synthetic.".to_owned(),
    };
    done(story.book.recognise_recovery(&call, INCIDENT, new))?;
    Ok(())
}

/// A little more arrives than was promised.
pub fn recovered(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(12, 0)?;
    let call = story.call(OFFICER);
    let new = NewRecoveryReceipt {
        on: story.today,
        asset: "BTC".to_owned(),
        quantity: "36.2".to_owned(),
        wallet: "cold-btc".to_owned(),
        channel: "exchange-a".to_owned(),
        note: "Returned in one transaction, synthetic.".to_owned(),
    };
    done(story.book.receive_recovery(&call, INCIDENT, new))?;
    traced(story, "exchange-a", "2.2", "The rest stays blocked; synthetic quantity.")
}

/// All is paid; the recovery at the other exchange may still come.
pub fn closed(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(12, 0)?;
    let call = story.call(OFFICER);
    done(story.book.close_incident(&call, INCIDENT, story.today, "Every claim is paid."))?;
    Ok(())
}

fn estimate(case: Option<&str>, ibnr: Option<&str>, identified: Option<&str>) -> NewAssetEstimate {
    let own = |text: Option<&str>| text.map(str::to_owned);
    NewAssetEstimate {
        asset: "BTC".to_owned(),
        case: own(case),
        case_low: None,
        case_high: None,
        ibnr: own(ibnr),
        identified: own(identified),
    }
}

fn revise(story: &mut Story<'_>, note: &str, assets: Vec<NewAssetEstimate>) -> Result<(), DemoError> {
    let new = NewEstimate { on: story.today, note: note.to_owned(), assets };
    let call = story.call(OFFICER);
    done(story.book.estimate_incident(&call, INCIDENT, new))?;
    Ok(())
}

fn traced(story: &mut Story<'_>, channel: &str, quantity: &str, note: &str) -> Result<(), DemoError> {
    let new = RecoveryMemo {
        channel: channel.to_owned(),
        asset: "BTC".to_owned(),
        quantity: quantity.to_owned(),
        note: note.to_owned(),
    };
    let call = story.call(OFFICER);
    done(story.book.record_recovery_memo(&call, INCIDENT, story.today, new))?;
    Ok(())
}

fn approve(story: &mut Story<'_>, claims: Option<&str>) -> Result<(), DemoError> {
    let new = NewApproval {
        on: story.today,
        claims: claims.map(str::to_owned),
        note: "A sample was checked against the exchange's own records, synthetic.".to_owned(),
    };
    let call = story.call(OFFICER);
    done(story.book.approve_claims(&call, INCIDENT, new))?;
    Ok(())
}

/// Bitcoin that is still to be bought, in satoshi.
fn missing(story: &Story<'_>) -> Result<i128, DemoError> {
    Ok(NEEDED.saturating_sub(story.units(no::COLD, Some("cold-btc"), "BTC")?).max(0))
}

/// All of the stable asset but a reserve goes into Bitcoin.
fn buy_with_usdc(story: &mut Story<'_>) -> Result<(), DemoError> {
    let sold = story.units(no::COLD, Some("cold-usdc"), "USDC")?.saturating_sub(KEPT_USDC);
    let close = story.close_before_today()?;
    // 10^-6 USD over 10^-2 USD a coin, to 10^-8 coins, of which BRINGS thousandths arrive.
    let bought = mul_div(sold, BRINGS.saturating_mul(10), close.btc, Rounding::TowardZero).unwrap_or_default();
    exchange(story, Units::new("cold-usdc", "USDC", &story.text("USDC", sold)?), ("cold-btc", "BTC", bought))
}

/// A part of what is missing is bought with own tokens.
fn buy_with_bnb(story: &mut Story<'_>, parts: i128) -> Result<(), DemoError> {
    let bought = missing(story)?.div_euclid(parts);
    let close = story.close_before_today()?;
    // 10^-8 coins × 10^-2 USD over 10^-4 USD a token, to 10^-8 tokens, of which BRINGS thousandths count.
    let sold = mul_div(bought, close.btc.saturating_mul(100_000), close.bnb.saturating_mul(BRINGS), Rounding::TowardZero);
    let sold = story.text("BNB", sold.unwrap_or_default())?;
    exchange(story, Units::new("cold-bnb", "BNB", &sold), ("cold-btc", "BTC", bought))
}
