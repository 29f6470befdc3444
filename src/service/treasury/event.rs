//! The commands of the treasury as they are given, stored and shown. Amounts are texts in whole units of their asset.

use crate::domain::approval::Risk;
use crate::domain::event::Event;
use crate::domain::outcome::{OutcomeCode, Rejection};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Units at a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// Wallet code.
    pub wallet: String,
    /// Asset code.
    pub asset: String,
    /// Units, above zero.
    pub quantity: String,
}

impl Units {
    /// Units at a wallet.
    pub fn new(wallet: &str, asset: &str, quantity: &str) -> Self {
        Self { wallet: wallet.to_owned(), asset: asset.to_owned(), quantity: quantity.to_owned() }
    }
}

/// Units of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentUnits {
    /// Incident code.
    pub incident: String,
    /// Asset code.
    pub asset: String,
    /// Units, above zero.
    pub quantity: String,
}

impl IncidentUnits {
    /// Units of an incident.
    pub fn new(incident: &str, asset: &str, quantity: &str) -> Self {
        Self { incident: incident.to_owned(), asset: asset.to_owned(), quantity: quantity.to_owned() }
    }
}

/// What an unidentified receipt turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdentifiedAs {
    /// A contribution that was never accrued.
    Contribution,
    /// A recovery of an incident.
    Recovery,
    /// Capital of the sponsor.
    Capital,
}

/// One event of the treasury. The name in JSON is the variant in kebab-case, in the field `event`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TreasuryEvent {
    /// E02: accrued contributions arrive.
    Settlement {
        /// What arrived, and where.
        receipts: Vec<Units>,
    },
    /// E03a: yield is earned.
    YieldAccrued {
        /// Asset code.
        asset: String,
        /// Units.
        quantity: String,
    },
    /// E03b: accrued yield arrives.
    YieldReceived {
        /// What arrived, and where.
        receipt: Units,
    },
    /// E05: units move between own wallets.
    Transfer {
        /// The wallet that gives.
        from: String,
        /// The wallet that gets.
        to: String,
        /// Asset code.
        asset: String,
        /// Units that arrive; the fee comes on top.
        quantity: String,
        /// The network fee and the wallet that paid it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fee: Option<Units>,
    },
    /// E06: one asset is exchanged for another.
    Rebalance {
        /// What was given.
        sold: Units,
        /// What came back.
        bought: Units,
    },
    /// E19a: the sponsor gives capital.
    SponsorCapital {
        /// What arrived, and where.
        receipts: Vec<Units>,
    },
    /// E19b: the fund borrows.
    Loan {
        /// What arrived, and where.
        receipt: Units,
    },
    /// E19c: interest on a loan accrues in the asset of the loan.
    LoanInterest {
        /// Asset code.
        asset: String,
        /// Units.
        quantity: String,
    },
    /// E19d: an undertaking of the sponsor becomes enforceable.
    TopUpEnforceable {
        /// Amount in functional currency.
        amount: String,
    },
    /// E20: units of the fund itself are lost.
    AssetLoss {
        /// What is gone, and from where.
        lost: Units,
        /// Incident code, where one is open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<String>,
    },
    /// E22: refundable contributions are set off against what is receivable.
    Offset {
        /// Asset code.
        asset: String,
        /// Units.
        quantity: String,
    },
    /// E26: units arrive from nobody knows whom.
    UnidentifiedReceipt {
        /// What arrived, and where.
        receipt: Units,
    },
    /// E26b: an unidentified receipt is identified.
    Identified {
        /// Asset code.
        asset: String,
        /// Units.
        quantity: String,
        /// What it is.
        identity: IdentifiedAs,
        /// Incident code of a recovery.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<String>,
    },
    /// E27: units are pledged or frozen.
    Encumber {
        /// What, and from where.
        units: Units,
        /// A wallet on account 1150 that they move to; none when they stay where they lie.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// E27: encumbered units are free again.
    Release {
        /// What, and from which wallet.
        units: Units,
        /// The wallet that they move to; none when they stay where they lie.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// E28: surplus is released to the sponsor.
    SurplusReleased {
        /// 3200 (capital given back) or 3100 (accumulated balance distributed).
        against: i32,
        /// What leaves, and from where.
        units: Units,
    },
    /// E07: more is reserved for handling the claims of an incident.
    HandlingReserveRaised {
        /// Incident code.
        incident: String,
        /// Amount in functional currency.
        amount: String,
    },
    /// E30: cost of handling claims is paid.
    ClaimsHandlingPaid {
        /// Incident code.
        incident: String,
        /// What is settled, in functional currency.
        amount: String,
        /// What pays for it, and from where.
        paid: Units,
    },
    /// E12a: approved claims will be paid at a fixed price.
    FixedPriceElected {
        /// Units elected.
        claims: IncidentUnits,
        /// Functional currency per unit.
        fixed_price: String,
        /// Code of the stable asset that will be paid.
        stable: String,
    },
    /// E12b: fixed-price claims are paid.
    FixedPricePaid {
        /// Incident code.
        incident: String,
        /// What is paid, and from where.
        paid: Units,
    },
    /// E15: a claim against others is taken over, not yet probable to bring anything.
    SubrogatedClaim {
        /// Units.
        claims: IncidentUnits,
    },
    /// E16a: a payout cannot be delivered.
    Undeliverable {
        /// Units.
        claims: IncidentUnits,
    },
    /// E16b: unclaimed compensation expires in favour of the fund.
    UnclaimedForfeited {
        /// Units.
        claims: IncidentUnits,
    },
    /// E16c: unclaimed compensation is owed to an authority.
    UnclaimedEscheated {
        /// Units.
        claims: IncidentUnits,
    },
    /// E16c: the authority is paid.
    EscheatPaid {
        /// Incident code.
        incident: String,
        /// What is paid, and from where.
        paid: Units,
    },
    /// E17: approved claims are cut pro rata; the rest stays owed as recovery rights.
    Shortfall {
        /// Units cut.
        claims: IncidentUnits,
    },
    /// E17b: an obligation ends by law; its units become contingent rights (memo account 9300).
    LegallyReleased {
        /// 2130 (approved claims) or 2140 (recovery rights).
        account: i32,
        /// Units released.
        claims: IncidentUnits,
    },
    /// E18a: recovery rights are redeemed.
    RightsRedeemed {
        /// Incident code.
        incident: String,
        /// What is paid, and from where.
        paid: Units,
    },
    /// E18b: recovery rights become capital.
    RightsConverted {
        /// Units.
        claims: IncidentUnits,
    },
    /// E21: a recovery will not come.
    RecoveryWrittenOff {
        /// Units.
        claims: IncidentUnits,
    },
}

impl TreasuryEvent {
    /// The accounting event that it posts.
    pub const fn event(&self) -> Event {
        match self {
            Self::Settlement { .. } => Event::Settlement,
            Self::YieldAccrued { .. } => Event::YieldAccrued,
            Self::YieldReceived { .. } => Event::YieldReceived,
            Self::Transfer { .. } => Event::Transfer,
            Self::Rebalance { .. } => Event::Rebalance,
            Self::SponsorCapital { .. } => Event::SponsorCapital,
            Self::Loan { .. } => Event::Loan,
            Self::LoanInterest { .. } => Event::LoanInterest,
            Self::TopUpEnforceable { .. } => Event::TopUpEnforceable,
            Self::AssetLoss { .. } => Event::FundAssetLost,
            Self::Offset { .. } => Event::Restatement,
            Self::UnidentifiedReceipt { .. } => Event::SuspenseReceived,
            Self::Identified { .. } => Event::SuspenseIdentified,
            Self::Encumber { .. } | Self::Release { .. } => Event::Encumbrance,
            Self::SurplusReleased { .. } => Event::SurplusReleased,
            Self::HandlingReserveRaised { .. } => Event::IncidentRecognised,
            Self::ClaimsHandlingPaid { .. } => Event::ClaimsHandlingPaid,
            Self::FixedPriceElected { .. } => Event::FixedPriceElected,
            Self::FixedPricePaid { .. } => Event::PaidFixedPrice,
            Self::SubrogatedClaim { .. } => Event::SubrogatedClaim,
            Self::Undeliverable { .. } => Event::Undeliverable,
            Self::UnclaimedForfeited { .. } => Event::UnclaimedForfeited,
            Self::UnclaimedEscheated { .. } | Self::EscheatPaid { .. } => Event::UnclaimedEscheated,
            Self::Shortfall { .. } => Event::Shortfall,
            Self::LegallyReleased { .. } => Event::RemainderReleased,
            Self::RightsRedeemed { .. } => Event::RightsRedeemed,
            Self::RightsConverted { .. } => Event::RightsConverted,
            Self::RecoveryWrittenOff { .. } => Event::RecoveryWrittenOff,
        }
    }

    /// How much approval it needs: payouts, haircuts, fixed prices and whatever leaves the fund for good always go to the
    /// committee, the rest by its amount.
    pub const fn risk(&self) -> Risk {
        match self {
            Self::SurplusReleased { .. }
            | Self::FixedPriceElected { .. }
            | Self::FixedPricePaid { .. }
            | Self::EscheatPaid { .. }
            | Self::Shortfall { .. }
            | Self::LegallyReleased { .. }
            | Self::RightsRedeemed { .. }
            | Self::RightsConverted { .. }
            | Self::UnclaimedForfeited { .. } => Risk::Committee,
            _ => Risk::ByAmount,
        }
    }
}

/// An event with its day and words. In JSON the fields of the event stand beside these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Map<String, Value>")]
pub struct TreasuryCommand {
    /// Business date.
    pub on: Date,
    /// What people read in the journal; the event's title where none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memo: Option<String>,
    /// Transaction id or other reference from outside; one reference is booked once per event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The event.
    #[serde(flatten)]
    pub event: TreasuryEvent,
}

impl TreasuryCommand {
    /// An event on a day, without further words.
    pub const fn new(on: Date, event: TreasuryEvent) -> Self {
        Self { on, memo: None, reference: None, event }
    }

    /// With a memo.
    #[must_use]
    pub fn memo(mut self, memo: impl Into<String>) -> Self {
        self.memo = Some(memo.into());
        self
    }

    /// With a reference from outside.
    #[must_use]
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// Reads a command from JSON.
    ///
    /// # Errors
    /// `Malformed` with what the reader says.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        serde_json::from_str(text).map_err(|e| Rejection::new(OutcomeCode::Malformed, "", "", e.to_string()))
    }
}

// `flatten` would let unknown fields pass, so the common fields are taken out by hand and the rest must be the event.
impl TryFrom<Map<String, Value>> for TreasuryCommand {
    type Error = String;

    fn try_from(mut fields: Map<String, Value>) -> Result<Self, String> {
        let on = fields.remove("on").ok_or("the field `on` (business date, for example 2019-05-07) is missing")?;
        let on = on.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| format!("`on`: {on} is not a date"))?;
        let mut text = |name: &str| match fields.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("`{name}`: {other} is not a text")),
        };
        let (memo, reference) = (text("memo")?, text("reference")?);
        let event = serde_json::from_value(Value::Object(fields)).map_err(|e| e.to_string())?;
        Ok(Self { on, memo, reference, event })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_flat_json_and_unknown_fields_are_refused() {
        let text = r#"{"event":"loan","on":"2019-06-01","receipt":{"wallet":"cold","asset":"BTC","quantity":"1"}}"#;
        let command = TreasuryCommand::parse(text).unwrap();
        assert_eq!(command.event, TreasuryEvent::Loan { receipt: Units::new("cold", "BTC", "1") });
        assert_eq!(serde_json::to_value(&command).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        for (from, to) in [
            (r#""event":"loan","#, r#""event":"loan","when":"now","#),
            (r#""asset":"BTC""#, r#""asset":"BTC","scale":8"#),
            (r#""quantity":"1""#, r#""quantity":1"#),
            (r#""on":"2019-06-01","#, ""),
            (r#""loan""#, r#""gift""#),
        ] {
            assert!(TreasuryCommand::parse(&text.replace(from, to)).is_err(), "{to}");
        }
    }
}
