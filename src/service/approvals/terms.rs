//! Approval terms: how many approvals an amount needs, and how long a proposal waits.

use crate::domain::amount::Value;
use crate::domain::approval::{Risk, Tiers};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::service::command::{Command, From};
use crate::service::people::{self, Person};
use crate::service::policies::FunctionalAmount;
use crate::service::registry::parsed_facts;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Kind of the facts that hold approval terms.
pub const APPROVAL: &str = "policy.approval";

/// The longest time a proposal or a ratification may wait, in hours.
const MAX_HOURS: u32 = 90 * 24;
/// The largest committee.
const MAX_COMMITTEE: u8 = 9;

/// Approval terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalTerms {
    /// Up to this amount one approval is enough.
    #[schema(value_type = String)]
    pub one_up_to: FunctionalAmount,
    /// Up to this amount two are.
    #[schema(value_type = String)]
    pub two_up_to: FunctionalAmount,
    /// Approvals above it, and for what always goes to the committee.
    pub committee: u8,
    /// Hours after which a proposal that was not carried out expires.
    pub expire_hours: u32,
    /// Hours within which an emergency has to be ratified.
    pub ratify_hours: u32,
    /// Above this amount a manual entry needs evidence; where it is not said, above what one approval carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub evidence_above: Option<FunctionalAmount>,
}

impl ApprovalTerms {
    /// The tiers.
    pub const fn tiers(&self) -> Tiers {
        Tiers { one_up_to: self.one_up_to.0, two_up_to: self.two_up_to.0, committee: self.committee }
    }

    /// Above this amount a manual entry needs evidence.
    pub fn evidence_limit(&self) -> Value {
        self.evidence_above.unwrap_or(self.one_up_to).0
    }
}

impl Book {
    /// Sets the approval terms; the first ones put the book under four eyes for good.
    ///
    /// # Errors
    /// `InvalidField`; `OutOfOrder` while the book lacks the persons that its terms need.
    pub fn set_approval_terms(&self, call: &Call, on: Date, terms: ApprovalTerms) -> Result<Reply, StoreError> {
        self.give(call, From { effective_on: on, terms })
    }
}

impl Command for From<ApprovalTerms> {
    const KIND: &'static str = APPROVAL;
    const TITLE: &'static str = "Set the approval terms";
    const GIVERS: &'static [Role] = &[Role::Administrator];

    fn risk(&self) -> Risk {
        Risk::Committee
    }

    fn check(&self) -> Result<(), Rejection> {
        let terms = &self.terms;
        if terms.two_up_to < terms.one_up_to {
            return Err(Rejection::invalid("/terms/two_up_to", "", "must not be less than one_up_to"));
        }
        if !(1..=MAX_COMMITTEE).contains(&terms.committee) {
            return Err(Rejection::invalid("/terms/committee", terms.committee, format!("must be 1 to {MAX_COMMITTEE} persons")));
        }
        for (pointer, hours) in [("/terms/expire_hours", terms.expire_hours), ("/terms/ratify_hours", terms.ratify_hours)] {
            if !(1..=MAX_HOURS).contains(&hours) {
                return Err(Rejection::invalid(pointer, hours, format!("must be 1 to {MAX_HOURS} hours")));
            }
        }
        Ok(())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        if self.effective_on > tx.today() {
            let detail = "lies in the future; set the terms on the day from which they hold";
            return Err(Rejection::invalid("/effective_on", self.effective_on, detail).into());
        }
        require_persons(&people::all(tx.conn)?, self.terms.committee)?;
        let id = tx.add_fact(APPROVAL, "", self.effective_on, &self.terms);
        Ok(Answer::created(json!({"fact": id, "policy": "approval", "effective_on": self.effective_on, "terms": &self.terms})))
    }
}

/// Terms that nobody can meet would lock the book.
fn require_persons(persons: &[Person], committee: u8) -> Result<(), Rejection> {
    let wanted = [(Role::Approver, usize::from(committee)), (Role::Administrator, 2), (Role::Preparer, 1)];
    for (role, least) in wanted {
        let found = persons.iter().filter(|person| person.roles.contains(&role)).count();
        if found < least {
            let detail = format!("needs {least} with the role {role}; give the role to more persons first");
            return Err(Rejection::new(OutcomeCode::OutOfOrder, "/terms", format!("{found} of them"), detail));
        }
    }
    Ok(())
}

/// The terms in force: those recorded last. `None` while the book is in one hand.
pub fn in_force(conn: &mut Conn) -> Result<Option<ApprovalTerms>, StoreError> {
    Ok(parsed_facts::<ApprovalTerms>(conn, APPROVAL)?.pop().map(|(_, _, terms)| terms))
}
