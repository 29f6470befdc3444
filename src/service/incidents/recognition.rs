//! Recognising an incident (E07): what it costs by the latest estimate becomes an obligation at the day's price.

use super::estimates::{self, latest};
use super::{Case, check_note, has_begun, step_moment};
use crate::domain::approval::Risk;
use crate::domain::incident::estimate::amount;
use crate::domain::incident::life::State;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::ledger::posting::Header;
use crate::ledger::posting::incident::{self, Estimate, Recognition};
use crate::service::command::{Command, OfIncident};
use crate::service::desk::Desk;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// How an incident is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecognition {
    /// Business date; its price is used.
    pub on: Date,
    /// Expected cost of handling the claims, in the functional currency.
    #[serde(default)]
    pub handling: Option<String>,
    /// What it rests on.
    #[serde(default)]
    pub note: String,
}

impl Book {
    /// Recognises an incident by its latest estimate.
    ///
    /// # Errors
    /// `NotFound`, `WrongState`, `OutOfOrder` without an estimate, `InvalidField`, `PriceMissing`, `PriceStale`.
    pub fn recognise_incident(&self, call: &Call, code: &str, new: NewRecognition) -> Result<Reply, StoreError> {
        self.give(call, OfIncident { incident: code.to_owned(), ask: new })
    }
}

impl Command for OfIncident<NewRecognition> {
    const KIND: &'static str = "incident.recognise";
    const TITLE: &'static str = "Recognise the loss of an incident";
    const GIVERS: &'static [Role] = &[Role::IncidentOfficer];

    fn risk(&self) -> Risk {
        Risk::ByAmount
    }

    fn check(&self) -> Result<(), Rejection> {
        check_note("/note", &self.ask.note)
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (code, new) = (&self.incident, &self.ask);
        let mut case = Case::load(tx.conn, code)?;
        has_begun(tx, "/on", new.on)?;
        let at = step_moment(tx, new.on);
        case.step(tx, State::Recognised, at, &new.note)?;
        let desk = Desk::load(tx, new.on)?;
        let Some(estimate) = latest(&estimates::history(tx.conn, code)?, &desk.refs)? else {
            let detail = "has no estimate yet; record one first";
            return Err(Rejection::new(OutcomeCode::OutOfOrder, "/incident", code, detail).into());
        };
        let handling = match &new.handling {
            Some(text) => amount(text, desk.assets.functional_scale(), "/handling")?,
            None => crate::domain::amount::Quantity::ZERO,
        };
        let input = Recognition {
            incident: case.id(),
            estimates: estimate.iter().map(|(asset, e)| Estimate { asset: *asset, case: e.best, ibnr: e.ibnr }).collect(),
            handling,
        };
        let header = Header::new(new.on, format!("Incident {code} recognised: {}", case.row.title));
        let entry = desk.run(tx, &[], &[], |ctx| incident::post(ctx, header, &input))?;
        let entry = case.post(tx, &desk.refs, entry)?;
        Ok(Answer::created(json!({"incident": code, "state": State::Recognised.slug(), "entries": [entry]})))
    }
}
