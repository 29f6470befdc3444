//! From a command to its posting rule: parse the amounts, load what the rule asks for, run it.

use super::Decision;
use super::event::{IdentifiedAs, IncidentUnits, TreasuryCommand, TreasuryEvent, Units};
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::price::Price;
use crate::ledger::posting::asset_loss::{self, AssetLoss};
use crate::ledger::posting::claims_handling::{self, ClaimsHandlingPayment};
use crate::ledger::posting::encumbrance::{self, Encumbrance};
use crate::ledger::posting::fixed_price::{self, Election, FixedPayout};
use crate::ledger::posting::incident::{self, Recognition};
use crate::ledger::posting::rebalance::{self, Rebalance};
use crate::ledger::posting::recovery::RecoveryPosition;
use crate::ledger::posting::restatement::{self, Offset};
use crate::ledger::posting::rights::{self, Rights};
use crate::ledger::posting::settlement::{self, Settlement};
use crate::ledger::posting::shortfall::{self, LegalRelease, Shortfall};
use crate::ledger::posting::subrogation::{self, SubrogatedClaim, WriteOff};
use crate::ledger::posting::surplus::{self, Surplus};
use crate::ledger::posting::suspense::{self, Identification, Identity};
use crate::ledger::posting::transfer::{self, NetworkFee, Transfer};
use crate::ledger::posting::unclaimed::{self, Unclaimed};
use crate::ledger::posting::yields::{self, YieldAccrued, YieldReceived};
use crate::ledger::posting::{Carrying, Context, Header, Place, Receipt, loan, sponsor};
use crate::service::desk::{self, Desk};
use crate::service::refs::FUNCTIONAL;
use crate::service::valuation;
use crate::store::error::StoreError;
use crate::store::reference;
use crate::store::tx::Tx;
use std::collections::BTreeMap;

/// What the command comes to; nothing is queued yet.
pub(super) fn decide(tx: &mut Tx<'_>, desk: &Desk, command: &TreasuryCommand) -> Result<Decision, StoreError> {
    let memo = command.memo.clone().unwrap_or_else(|| command.event.event().title().to_owned());
    let mut teller = Teller { tx, desk, header: Header::new(command.on, memo) };
    teller.decide(&command.event)
}

struct Teller<'a, 't> {
    tx: &'a mut Tx<'t>,
    desk: &'a Desk,
    header: Header,
}

/// Units of an incident, parsed.
#[derive(Clone, Copy)]
struct Claims {
    incident: IncidentId,
    asset: AssetId,
    quantity: Quantity,
}

type Rule<T> = Result<T, StoreError>;

impl<'a> Teller<'a, '_> {
    fn decide(&mut self, event: &TreasuryEvent) -> Rule<Decision> {
        use TreasuryEvent as E;
        match event {
            E::Settlement { receipts } => self.settlement(receipts),
            E::YieldAccrued { asset, quantity } => {
                let (asset, quantity) = self.desk.amount("/quantity", asset, quantity)?;
                self.run(&[], |ctx, header| yields::post_accrued(ctx, header, &YieldAccrued { asset, quantity }))
            }
            E::YieldReceived { receipt } => self.yield_received(receipt),
            E::Transfer { from, to, asset, quantity, fee } => self.transfer(from, to, (asset, quantity), fee.as_ref()),
            E::Rebalance { sold, bought } => self.rebalance(sold, bought),
            E::SponsorCapital { receipts } => {
                let receipts = self.receipts(receipts)?;
                self.run(&receipts, |ctx, header| sponsor::post_capital(ctx, header, &receipts))
            }
            E::Loan { receipt } => {
                let receipt = self.units("/receipt", receipt)?;
                self.run(&[receipt], |ctx, header| loan::post_received(ctx, header, &receipt))
            }
            E::LoanInterest { asset, quantity } => {
                let (asset, quantity) = self.desk.amount("/quantity", asset, quantity)?;
                self.run(&[], |ctx, header| loan::post_interest(ctx, header, asset, quantity))
            }
            E::TopUpEnforceable { amount } => {
                let amount = self.functional("/amount", amount)?;
                self.run(&[], |ctx, header| sponsor::post_enforceable(ctx, header, amount))
            }
            E::AssetLoss { lost, incident } => self.asset_loss(lost, incident.as_deref()),
            E::Offset { asset, quantity } => {
                let (asset, quantity) = self.desk.amount("/quantity", asset, quantity)?;
                let refundable = desk::owed(self.tx, no::REFUNDABLE, asset, None)?;
                self.run(&[], |ctx, header| restatement::post_offset(ctx, header, &Offset { asset, quantity, refundable }))
            }
            E::UnidentifiedReceipt { receipt } => {
                let receipt = self.units("/receipt", receipt)?;
                self.run(&[receipt], |ctx, header| suspense::post_received(ctx, header, &receipt))
            }
            E::Identified { asset, quantity, identity, incident } => {
                self.identified((asset, quantity), *identity, incident.as_deref())
            }
            E::Encumber { units, to } => self.encumbrance(units, to.as_deref(), true),
            E::Release { units, to } => self.encumbrance(units, to.as_deref(), false),
            E::SurplusReleased { against, units } => {
                let Receipt { place, asset, quantity } = self.units("/units", units)?;
                let input = Surplus { against: AccountNo(*against), from: place, asset, quantity };
                self.run(&[Receipt { place, asset, quantity }], |ctx, header| surplus::post(ctx, header, &input))
            }
            _ => self.of_incident(event),
        }
    }

    fn of_incident(&mut self, event: &TreasuryEvent) -> Rule<Decision> {
        use TreasuryEvent as E;
        match event {
            E::HandlingReserveRaised { incident, amount } => {
                let (incident, handling) = (self.incident(incident)?, self.functional("/amount", amount)?);
                let input = Recognition { incident, estimates: Vec::new(), handling };
                self.run(&[], |ctx, header| incident::post(ctx, header, &input))
            }
            E::ClaimsHandlingPaid { incident, amount, paid } => self.handling_paid(incident, amount, paid),
            E::FixedPriceElected { claims, fixed_price, stable } => self.election(claims, fixed_price, stable),
            E::FixedPricePaid { incident, paid } => self.fixed_price_paid(incident, paid),
            E::SubrogatedClaim { claims } => {
                let Claims { incident, asset, quantity } = self.claims(claims)?;
                self.run(&[], |ctx, header| subrogation::post(ctx, header, &SubrogatedClaim { incident, asset, quantity }))
            }
            E::Undeliverable { claims } => self.reclassify(claims, no::CLAIMS_PAYABLE, unclaimed::post_undeliverable),
            E::UnclaimedForfeited { claims } => self.reclassify(claims, no::UNCLAIMED, unclaimed::post_forfeited),
            E::UnclaimedEscheated { claims } => self.reclassify(claims, no::UNCLAIMED, unclaimed::post_escheated),
            E::EscheatPaid { incident, paid } => self.pay_in_kind(incident, paid, no::ESCHEAT),
            E::RightsRedeemed { incident, paid } => self.pay_in_kind(incident, paid, no::RECOVERY_RIGHTS),
            E::Shortfall { claims } => {
                let Claims { incident, asset, quantity } = self.claims(claims)?;
                let payable = desk::owed(self.tx, no::CLAIMS_PAYABLE, asset, Some(incident))?;
                let input = Shortfall { incident, asset, quantity, payable };
                self.run(&[], |ctx, header| shortfall::post(ctx, header, &input))
            }
            E::LegallyReleased { account, claims } => self.legally_released(AccountNo(*account), claims),
            E::RightsConverted { claims } => {
                let Claims { incident, asset, quantity } = self.claims(claims)?;
                let rights = desk::owed(self.tx, no::RECOVERY_RIGHTS, asset, Some(incident))?;
                let input = Rights { incident, asset, quantity, rights };
                self.run(&[], |ctx, header| rights::post_converted(ctx, header, &input))
            }
            E::RecoveryWrittenOff { claims } => {
                let Claims { incident, asset, quantity } = self.claims(claims)?;
                let RecoveryPosition { gross, allowance, .. } = self.position(incident, asset)?;
                let input = WriteOff { incident, asset, quantity, gross, allowance };
                self.run(&[], |ctx, header| subrogation::post_write_off(ctx, header, &input))
            }
            other => {
                let detail = "has no posting rule; this is a fault of the program";
                Err(Rejection::new(OutcomeCode::Internal, "/event", other.event(), detail).into())
            }
        }
    }

    /// Runs a rule with the lots and banks of the places that units come from or go to.
    fn run(
        &mut self,
        touched: &[Receipt],
        rule: impl FnOnce(&mut Context<'a>, Header) -> Result<Balanced, Rejection>,
    ) -> Rule<Decision> {
        let assets: Vec<AssetId> = touched.iter().map(|units| units.asset).collect();
        let places: Vec<Place> = touched.iter().map(|units| units.place).collect();
        let header = self.header.clone();
        self.desk.run(self.tx, &assets, &places, |ctx| rule(ctx, header)).map(Decision::from)
    }

    fn units(&self, pointer: &str, units: &Units) -> Result<Receipt, Rejection> {
        let place = self.desk.place(&format!("{pointer}/wallet"), &units.wallet)?;
        let (asset, quantity) = self.desk.amount(&format!("{pointer}/quantity"), &units.asset, &units.quantity)?;
        Ok(Receipt { place, asset, quantity })
    }

    fn receipts(&self, receipts: &[Units]) -> Result<Vec<Receipt>, Rejection> {
        receipts.iter().enumerate().map(|(at, units)| self.units(&format!("/receipts/{at}"), units)).collect()
    }

    fn functional(&self, pointer: &str, amount: &str) -> Result<Quantity, Rejection> {
        Ok(self.desk.amount(pointer, self.desk.refs.code(FUNCTIONAL), amount)?.1)
    }

    fn incident(&mut self, code: &str) -> Rule<IncidentId> {
        let found = reference::incident_id(self.tx.conn, code)?;
        found.map(IncidentId).ok_or_else(|| {
            let detail = "is not an incident of this book; declare it first";
            Rejection::new(OutcomeCode::NotFound, "/incident", code, detail).into()
        })
    }

    fn claims(&mut self, claims: &IncidentUnits) -> Rule<Claims> {
        let incident = self.incident(&claims.incident)?;
        let (asset, quantity) = self.desk.amount("/claims/quantity", &claims.asset, &claims.quantity)?;
        Ok(Claims { incident, asset, quantity })
    }

    fn position(&mut self, incident: IncidentId, asset: AssetId) -> Rule<RecoveryPosition> {
        Ok(RecoveryPosition {
            gross: desk::claimed(self.tx, no::RECOVERIES, asset, Some(incident))?,
            allowance: desk::owed(self.tx, no::RECOVERIES_ALLOWANCE, asset, Some(incident))?,
            loss_room: desk::loss_room(self.tx, incident)?,
        })
    }

    fn settlement(&mut self, receipts: &[Units]) -> Rule<Decision> {
        let receipts = self.receipts(receipts)?;
        let mut receivable = BTreeMap::new();
        for receipt in &receipts {
            receivable.insert(receipt.asset, desk::claimed(self.tx, no::CONTRIBUTIONS_RECEIVABLE, receipt.asset, None)?);
        }
        let input = Settlement { receipts: receipts.clone(), receivable };
        self.run(&receipts, |ctx, header| settlement::post(ctx, header, &input))
    }

    fn yield_received(&mut self, receipt: &Units) -> Rule<Decision> {
        let receipt = self.units("/receipt", receipt)?;
        let receivable = desk::claimed(self.tx, no::YIELD_RECEIVABLE, receipt.asset, None)?;
        let input = YieldReceived { receipt, receivable };
        self.run(&[receipt], |ctx, header| yields::post_received(ctx, header, &input))
    }

    fn transfer(&mut self, from: &str, to: &str, (asset, quantity): (&str, &str), fee: Option<&Units>) -> Rule<Decision> {
        let (from, to) = (self.desk.place("/from", from)?, self.desk.place("/to", to)?);
        let (asset, quantity) = self.desk.amount("/quantity", asset, quantity)?;
        let fee = fee.map(|fee| self.units("/fee", fee)).transpose()?;
        let mut touched = vec![Receipt { place: from, asset, quantity }];
        touched.extend(fee);
        let fee = fee.map(|Receipt { place, asset, quantity }| NetworkFee { place, asset, quantity });
        let input = Transfer { from, to, asset, quantity, fee };
        self.run(&touched, |ctx, header| transfer::post(ctx, header, &input))
    }

    fn rebalance(&mut self, sold: &Units, bought: &Units) -> Rule<Decision> {
        let (sold, bought) = (self.units("/sold", sold)?, self.units("/bought", bought)?);
        let input = Rebalance { from: sold.place, sold: sold.asset, quantity: sold.quantity, bought };
        self.run(&[sold, bought], |ctx, header| rebalance::post(ctx, header, &input))
    }

    fn asset_loss(&mut self, lost: &Units, incident: Option<&str>) -> Rule<Decision> {
        let incident = incident.map(|code| self.incident(code)).transpose()?;
        let lost = self.units("/lost", lost)?;
        let input = AssetLoss { incident, place: lost.place, asset: lost.asset, quantity: lost.quantity };
        self.run(&[lost], |ctx, header| asset_loss::post(ctx, header, &input))
    }

    fn identified(&mut self, (asset, quantity): (&str, &str), identity: IdentifiedAs, incident: Option<&str>) -> Rule<Decision> {
        let (asset, quantity) = self.desk.amount("/quantity", asset, quantity)?;
        let identity = match (identity, incident) {
            (IdentifiedAs::Contribution, None) => Identity::Contribution,
            (IdentifiedAs::Capital, None) => Identity::Capital,
            (IdentifiedAs::Recovery, Some(code)) => {
                let incident = self.incident(code)?;
                Identity::Recovery(incident, self.position(incident, asset)?)
            }
            (_, given) => {
                let detail = "goes with a recovery, and only with one: name the incident that the units are recovered for";
                return Err(Rejection::invalid("/incident", given.unwrap_or_default(), detail).into());
            }
        };
        let suspense = desk::owed(self.tx, no::SUSPENSE, asset, None)?;
        let input = Identification { asset, quantity, suspense, identity };
        self.run(&[], |ctx, header| suspense::post_identified(ctx, header, &input))
    }

    fn encumbrance(&mut self, units: &Units, to: Option<&str>, encumber: bool) -> Rule<Decision> {
        let Receipt { place: wallet, asset, quantity } = self.units("/units", units)?;
        let to = to.map(|to| self.desk.place("/to", to)).transpose()?;
        let pledged = Place::new(wallet.wallet, no::ENCUMBERED);
        let (from, to) = if encumber { (wallet, to.unwrap_or(pledged)) } else { (pledged, to.unwrap_or(wallet)) };
        let input = Encumbrance { from, to, asset, quantity };
        self.run(&[Receipt { place: from, asset, quantity }], |ctx, header| encumbrance::post(ctx, header, &input))
    }

    fn handling_paid(&mut self, incident: &str, amount: &str, paid: &Units) -> Rule<Decision> {
        let incident = self.incident(incident)?;
        let (amount, paid) = (self.functional("/amount", amount)?, self.units("/paid", paid)?);
        let reserve = desk::owed(self.tx, no::CLAIMS_HANDLING, FUNCTIONAL, Some(incident))?;
        let Receipt { place: from, asset, quantity } = paid;
        let input = ClaimsHandlingPayment { incident, amount, reserve, from, asset, quantity };
        self.run(&[paid], |ctx, header| claims_handling::post(ctx, header, &input))
    }

    fn election(&mut self, claims: &IncidentUnits, fixed_price: &str, stable: &str) -> Rule<Decision> {
        let claims = self.claims(claims)?;
        let fixed_price =
            Price::parse(fixed_price).map_err(|e| Rejection::invalid("/fixed_price", fixed_price, e.to_string()))?;
        let stable = self.desk.refs.asset("/stable", stable)?.id;
        let (before, payable) = self.remeasured(no::CLAIMS_PAYABLE, claims)?;
        let Claims { incident, asset, quantity } = claims;
        let input = Election { incident, asset, quantity, payable, fixed_price, stable };
        let decision = self.run(&[], |ctx, header| fixed_price::post_election(ctx, header, &input))?;
        Ok(Decision { before, ..decision })
    }

    fn fixed_price_paid(&mut self, incident: &str, paid: &Units) -> Rule<Decision> {
        let incident = self.incident(incident)?;
        let paid = self.units("/paid", paid)?;
        let Receipt { place: from, asset: stable, quantity } = paid;
        let payable = desk::owed(self.tx, no::CLAIMS_PAYABLE_FIXED, stable, Some(incident))?;
        let input = FixedPayout { incident, from, stable, quantity, payable };
        self.run(&[paid], |ctx, header| fixed_price::post_payout(ctx, header, &input))
    }

    fn reclassify(
        &mut self,
        claims: &IncidentUnits,
        from: AccountNo,
        rule: fn(&mut Context<'_>, Header, &Unclaimed) -> Result<Balanced, Rejection>,
    ) -> Rule<Decision> {
        let Claims { incident, asset, quantity } = self.claims(claims)?;
        let carrying = desk::owed(self.tx, from, asset, Some(incident))?;
        let input = Unclaimed { incident, asset, quantity, carrying };
        self.run(&[], |ctx, header| rule(ctx, header, &input))
    }

    fn pay_in_kind(&mut self, incident: &str, paid: &Units, account: AccountNo) -> Rule<Decision> {
        let incident = self.incident(incident)?;
        let paid = self.units("/paid", paid)?;
        let Receipt { place, asset, quantity } = paid;
        let (before, carrying) = self.remeasured(account, Claims { incident, asset, quantity })?;
        let decision = self.run(&[paid], |ctx, header| {
            if account == no::ESCHEAT {
                unclaimed::post_escheat_paid(ctx, header, place, &Unclaimed { incident, asset, quantity, carrying })
            } else {
                rights::post_redeemed(ctx, header, place, &Rights { incident, asset, quantity, rights: carrying })
            }
        })?;
        Ok(Decision { before, ..decision })
    }

    fn legally_released(&mut self, account: AccountNo, claims: &IncidentUnits) -> Rule<Decision> {
        let Claims { incident, asset, quantity } = self.claims(claims)?;
        let carrying = desk::owed(self.tx, account, asset, Some(incident))?;
        let input = LegalRelease { incident, account, asset, quantity, carrying };
        let decision = self.run(&[], |ctx, header| shortfall::post_released(ctx, header, &input))?;
        Ok(Decision { contingent: Some((asset, quantity)), ..decision })
    }

    /// What an obligation in kind carries once it stands at the day's price, and the entry that brings it there.
    fn remeasured(&mut self, account: AccountNo, claims: Claims) -> Rule<(Option<Balanced>, Carrying)> {
        valuation::remeasure_one(self.tx, self.desk, account, claims.asset, claims.incident)
    }
}
