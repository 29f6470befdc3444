//! Making a login worthless, for somebody who has lost it. Two administrators agree to it where the book is under four eyes: whoever
//! could do this alone could take the place of an approver.

use crate::domain::approval::Risk;
use crate::domain::outcome::Rejection;
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::service::command::Command;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::error::StoreError;
use crate::store::person;
use crate::store::tx::Tx;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Kind of the facts that reset logins; the subject is the login name.
pub const RESET: &str = "person.reset";

/// A login that is to be worthless, so that its person can be invited anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetLogin {
    /// Whose.
    pub login: String,
    /// Why.
    pub reason: String,
}

impl Book {
    /// Makes the password, second factor, recovery codes and sessions of a person worthless.
    ///
    /// # Errors
    /// `NotFound`, `InvalidField` without a reason.
    pub fn reset_login(&self, call: &Call, reset: ResetLogin) -> Result<Reply, StoreError> {
        self.give(call, reset)
    }
}

impl Command for ResetLogin {
    const KIND: &'static str = RESET;
    const TITLE: &'static str = "Reset a login";
    const GIVERS: &'static [Role] = &[Role::Administrator];
    const APPROVERS: &'static [Role] = &[Role::Administrator];

    fn risk(&self) -> Risk {
        Risk::One
    }

    fn check(&self) -> Result<(), Rejection> {
        check_free_text(&self.reason, 500).map_err(|e| Rejection::invalid("/reason", &self.reason, e.to_string()))
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let row = person::of_login(tx.conn, &self.login)?.ok_or_else(|| super::unknown_person(&self.login))?;
        // A fact, not a change of the credential: it stands in the log, and the credential it was set before is dead by it.
        tx.add_fact(RESET, &row.login, tx.today(), self);
        Ok(Answer::created(json!({"login": row.login, "reset": true})))
    }
}
