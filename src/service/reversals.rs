//! E29: an entry is taken back by its exact negation, once. Only entries that were posted by hand are: what a workflow posted is
//! mended in that workflow, so that its states and the books never disagree.

use super::command::Command;
use super::desk;
use super::policies::require_open;
use super::refs::Refs;
use super::treasury::require_not_future;
use super::{Answer, Book, Call, Reply};
use crate::domain::approval::Risk;
use crate::domain::event::Event;
use crate::domain::ids::EntryNo;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::ledger::posting::Header;
use crate::ledger::posting::reversal::{self, Original};
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use crate::store::{journal, projection};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A reversal as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reverse {
    /// Number of the entry.
    pub entry: i64,
    /// Business date of the reversal, in an open period and not before the entry's own.
    pub on: Date,
    /// Why.
    pub reason: String,
}

impl Book {
    /// Reverses an entry.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyReversed`, `PeriodClosed`, `InvalidField`; `WrongState` for entries of workflows, valuations, closes,
    /// reversals, and receipts whose units were used since.
    pub fn reverse_entry(&self, call: &Call, command: Reverse) -> Result<Reply, StoreError> {
        self.give(call, command)
    }
}

impl Command for Reverse {
    const KIND: &'static str = "reversal";
    const TITLE: &'static str = "Reverse an entry";
    const GIVERS: &'static [Role] = &[Role::Preparer, Role::Treasurer];

    fn risk(&self) -> Risk {
        Risk::ByAmount
    }

    fn check(&self) -> Result<(), Rejection> {
        check_free_text(&self.reason, 500).map_err(|e| Rejection::invalid("/reason", &self.reason, e.to_string()))
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        require_not_future("/on", self.on, tx.today())?;
        reverse(tx, self)
    }
}

fn reverse(tx: &mut Tx<'_>, command: &Reverse) -> Result<Answer, StoreError> {
    let no = EntryNo(command.entry);
    let Some((header, rows)) = journal::find(tx.conn, no)? else {
        return Err(Rejection::new(OutcomeCode::NotFound, "/entry", no, "is not an entry of this book").into());
    };
    let damaged = |what: &str| StoreError::Damaged(format!("entry {no}: {what}"));
    let event = Event::from_code(&header.event).ok_or_else(|| damaged("event"))?;
    let reversed_by = journal::reversal_of(tx.conn, no)?;
    if reversed_by.is_none()
        && let Some(mend) = mend_of_workflow(&header.source)
    {
        return Err(Rejection::new(OutcomeCode::WrongState, "/entry", no, mend).into());
    }
    let effective_on: Date = header.effective_on.parse().map_err(|_| damaged("effective_on"))?;
    if command.on < effective_on {
        let detail = format!("lies before the entry's own date {effective_on}; use that day or a later one");
        return Err(Rejection::invalid("/on", command.on, detail).into());
    }
    require_open(tx, "/on", command.on)?;
    let lines = rows.iter().map(journal::PostingRow::to_domain).collect::<Result<Vec<_>, _>>()?;
    let opened: Vec<_> = lines.iter().filter(|line| line.opens.is_some()).filter_map(|line| line.dims.lot).collect();
    let lots: BTreeMap<_, _> = projection::lots_by_id(tx.conn, &opened)?.into_iter().map(|lot| (lot.id, lot)).collect();
    let original = Original { no, event, lines: &lines, reversed_by, lots: &lots };
    let entry = reversal::post(Header::new(command.on, command.reason.clone()), &original)?;
    let refs = Refs::load(tx.conn)?;
    let reversal_no = tx.post_entry(entry.clone(), format!("reversal:{no}"))?;
    let mut answer = desk::describe(&refs, reversal_no, &entry);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("reverses".to_owned(), json!(no.0));
    }
    Ok(Answer::created(answer))
}

/// How to mend what a workflow posted; `None` for entries of the treasury. Valuations, closes and reversals are refused by the
/// posting rule, with its own words.
fn mend_of_workflow(source: &str) -> Option<String> {
    let (kind, _) = source.split_once(':').unwrap_or((source, ""));
    let mend = match kind {
        "treasury" | "manual" | "prices" | "period" | "reversal" => return None,
        "report" => "submit the report again with a higher version; the difference is posted (E22)",
        "batch" => "what arrives less than was accrued is booked with its settlement, as a settlement difference (4320)",
        _ => "use the next step of its incident (revise the estimate, or book what happened as its own event)",
    };
    Some(format!("was posted by {source}, not by hand, and is not reversed by itself; {mend}"))
}

#[cfg(test)]
mod tests {
    use super::mend_of_workflow;

    #[test]
    fn only_entries_posted_by_hand_are_reversed() {
        assert_eq!(mend_of_workflow("treasury:7"), None);
        assert_eq!(mend_of_workflow("manual:7"), None);
        assert!(mend_of_workflow("report:12").unwrap().contains("higher version"));
        assert!(mend_of_workflow("incident:INC-1").unwrap().contains("incident"));
        assert!(mend_of_workflow("payout:1").is_some());
    }
}
