//! E29: an entry is taken back by its exact negation, once.

use super::context::Header;
use super::entry::seal;
use crate::domain::amount::{Quantity, Value};
use crate::domain::entry::{Balanced, Draft, Posting};
use crate::domain::event::Event;
use crate::domain::ids::{EntryNo, LotId};
use crate::domain::lot::Lot;
use crate::domain::outcome::{OutcomeCode, Rejection};
use std::collections::BTreeMap;

/// The entry to take back, as it was posted, and what became of the lots that it opened.
#[derive(Debug, Clone, Copy)]
pub struct Original<'a> {
    /// Its number.
    pub no: EntryNo,
    /// Its event.
    pub event: Event,
    /// Its lines.
    pub lines: &'a [Posting],
    /// The entry that reversed it already, if one did.
    pub reversed_by: Option<EntryNo>,
    /// The lots it opened, as they are now.
    pub lots: &'a BTreeMap<LotId, Lot>,
}

/// Every line negated, linked to the original. Lots it opened are consumed whole; units it consumed return to the lots they came
/// from (quantity above zero, `dims.lot` set, no opening). Lots loaded before are stale afterwards: load them anew, or apply the
/// entry to a [`LotTable`](crate::ledger::lots::LotTable).
///
/// # Errors
/// `AlreadyReversed`; `WrongState` for valuations, closes and reversals, and when a lot it opened has been used since.
pub fn post(header: Header, original: &Original<'_>) -> Result<Balanced, Rejection> {
    let pointer = "/entry";
    if let Some(by) = original.reversed_by {
        let detail = format!("was reversed by entry {by}; an entry is reversed once");
        return Err(Rejection::new(OutcomeCode::AlreadyReversed, pointer, original.no, detail));
    }
    if let Some(why) = refusal(original.event) {
        return Err(Rejection::new(OutcomeCode::WrongState, pointer, original.no, why));
    }
    let mut draft = Draft::new(Event::Reversal, header.effective_on, header.memo);
    draft.reverses = Some(original.no);
    for line in original.lines {
        if line.opens.is_some() {
            require_whole(original, line)?;
        }
        draft.lines.push(Posting { quantity: line.quantity.negated(), value: line.value.negated(), opens: None, ..line.clone() });
    }
    seal(draft)
}

const fn refusal(event: Event) -> Option<&'static str> {
    match event {
        Event::MarkToMarket | Event::Remeasured => {
            Some("is a valuation; it is not reversed but replaced by the next one: correct the price set and value again")
        }
        Event::PeriodClose => Some("closes a period; closes are not reversed: book the correction in the open period"),
        Event::Reversal => Some("is a reversal; post the original event again instead"),
        _ => None,
    }
}

fn require_whole(original: &Original<'_>, line: &Posting) -> Result<(), Rejection> {
    let lot = line.dims.lot.and_then(|id| original.lots.get(&id));
    let (quantity, cost) = lot.map_or((Quantity::ZERO, Value::ZERO), |lot| (lot.quantity, lot.cost));
    if (quantity, cost) == (line.quantity, line.value) {
        return Ok(());
    }
    let id = line.dims.lot.map_or_else(String::new, |id| id.to_string());
    let detail = format!("opened lot {id}, and units of it were used since; reverse the later entries that used them first");
    Err(Rejection::new(OutcomeCode::WrongState, "/entry", original.no, detail))
}
