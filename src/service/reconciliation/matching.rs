//! Matching: an observation that differs from the book opens a break unless one is running, and units that are missing without
//! a reason draft an incident.

use super::history::{Break, BreakStep, History, Opened, Seen};
use super::{BREAK, STEP};
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::Quantity;
use crate::domain::incident::kind::IncidentKind;
use crate::service::incidents;
use crate::service::incidents::declare::{NewIncident, declare};
use crate::service::refs::Refs;
use crate::store::error::StoreError;
use crate::store::incident::{self, IncidentRow};
use crate::store::tx::Tx;

/// Matching at work: what it has found is queued, and known to what it finds next.
pub struct Matching {
    breaks: Vec<Break>,
    incidents: Vec<IncidentRow>,
    /// Numbers of the breaks it opened.
    pub opened: Vec<i64>,
    /// Codes of the incidents it drafted.
    pub drafted: Vec<String>,
}

impl Matching {
    /// Loads what there is.
    pub fn load(tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        let (breaks, incidents) = (super::history::breaks(tx.conn)?, incident::all(tx.conn)?);
        Ok(Self { breaks, incidents, opened: Vec::new(), drafted: Vec::new() })
    }

    /// All breaks by number, those just opened included.
    pub fn breaks(&self) -> &[Break] {
        &self.breaks
    }

    /// Opens a break for an observation that differs, unless one is running.
    pub fn open(&mut self, tx: &mut Tx<'_>, history: &History, at: &Seen) -> Result<(), StoreError> {
        let difference = history.difference(at)?;
        if difference.is_zero() || history.running(&self.breaks, at)?.is_some() {
            return Ok(());
        }
        let number = self.breaks.last().map_or(1, |last| last.number.saturating_add(1));
        let pair = &history.pair;
        let opened = Opened {
            of: pair.subject(),
            observation: at.id,
            observed_at: at.at(),
            observed: pair.text(at.quantity),
            book: pair.text(history.book_on(at.day())?),
            difference: pair.text(difference),
            by: tx.stamp.actor.clone(),
        };
        tx.add_fact(BREAK, &number.to_string(), at.day(), &opened);
        self.breaks.push(Break { number, opened, steps: Vec::new() });
        self.opened.push(number);
        Ok(())
    }

    /// Drafts an incident where the latest observation of a pair is short of the book, the break has no reason for that, and
    /// nobody looks at it as an incident yet.
    pub fn suspect(&mut self, tx: &mut Tx<'_>, refs: &Refs, history: &History) -> Result<(), StoreError> {
        let Some(latest) = history.seen.last() else { return Ok(()) };
        let difference = history.difference(latest)?;
        if difference.minor() >= 0 {
            return Ok(());
        }
        let text = history.pair.text(difference);
        let Some(running) = history.running(&self.breaks, latest)? else { return Ok(()) };
        if running.explanation(&text).is_some() || is_looked_at(tx, history, running, difference)? {
            return Ok(());
        }
        let new = suspected(refs, history, latest, running, difference);
        let code = declare(tx, &new, &mut self.incidents)?;
        let step = BreakStep::Incident { incident: code.clone(), difference: text, by: tx.stamp.actor.clone() };
        let (number, id) = (running.number, tx.add_fact(STEP, &running.number.to_string(), latest.day(), &step));
        if let Some(known) = self.breaks.iter_mut().find(|one| one.number == number) {
            known.steps.push((id, step));
        }
        self.drafted.push(code);
        Ok(())
    }
}

/// True where the incident of a break is open, or ended for at least as large a shortfall.
fn is_looked_at(tx: &mut Tx<'_>, history: &History, one: &Break, difference: Quantity) -> Result<bool, StoreError> {
    let Some((incident, then)) = one.incident() else { return Ok(false) };
    Ok(history.pair.units(then)? <= difference || incidents::is_open(tx.conn, incident)?)
}

/// What is recorded as suspected.
fn suspected(refs: &Refs, history: &History, seen: &Seen, one: &Break, difference: Quantity) -> NewIncident {
    let pair = &history.pair;
    let short = pair.text(difference.negated());
    let (number, wallet, asset) = (one.number, &pair.wallet_code, &pair.asset_code);
    let account = refs.wallets.get(&pair.wallet).map(|wallet| AccountNo(wallet.account_no));
    NewIncident {
        code: None,
        kind: likely_kind(account).slug().to_owned(),
        title: format!("Unknown outflow: {short} {asset} missing at {wallet}"),
        occurred_at: seen.at(),
        at: None,
        suspected: true,
        note: format!(
            "Break {number}: {} said at {} that {wallet} holds {} {asset}, which is {short} {asset} less than the book has for {}.",
            seen.observation.source,
            seen.at(),
            pair.text(seen.quantity),
            seen.day(),
        ),
        statement: None,
    }
}

/// What a shortfall most likely is, by where the units lie; whoever declares the incident knows better.
fn likely_kind(account: Option<AccountNo>) -> IncidentKind {
    match account {
        Some(no::COLD | no::ENCUMBERED) => IncidentKind::ColdWalletTheft,
        Some(no::PAYOUT | no::TRANSIT) => IncidentKind::HotWalletTheft,
        Some(no::CUSTODIAN) => IncidentKind::CustodianFailure,
        _ => IncidentKind::Other,
    }
}
