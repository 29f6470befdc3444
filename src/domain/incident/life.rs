//! The life of an incident, derived from its recorded steps: suspected → declared → assessed → recognised → claims open →
//! paying → closed; also rejected and reopened.

use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::words::words;
use std::fmt;

words! {
    /// Where an incident stands; a step is recorded by the name of the state that it leads to.
    State / title {
    /// Something looks wrong; nothing is certain.
    Suspected = "suspected", "Suspected";
    /// It happened.
    Declared = "declared", "Declared";
    /// There is an estimate of the loss.
    Assessed = "assessed", "Assessed";
    /// The loss is in the books.
    Recognised = "recognised", "Recognised";
    /// Claims are being taken.
    ClaimsOpen = "claims-open", "Claims open";
    /// Claimants are being paid.
    Paying = "paying", "Paying";
    /// All is settled; recoveries may follow.
    Closed = "closed", "Closed";
    /// It was no incident.
    Rejected = "rejected", "No incident";
    /// It was closed or rejected too early.
    Reopened = "reopened", "Reopened";
    }
}

impl State {
    /// True while something may still be owed.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::Rejected)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// What somebody wants to do with an incident beside moving it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Record an estimate.
    Estimate,
    /// Import claims.
    ImportClaims,
    /// Approve claims.
    ApproveClaims,
    /// Pay claims.
    Pay,
    /// Record a memo of traced or frozen funds, or a public statement.
    Note,
    /// Book a recovery.
    Recover,
}

/// An incident's life so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Where it stands.
    pub state: State,
    /// True once the loss has been in the books.
    pub recognised: bool,
}

impl Life {
    /// The life that starts with this step.
    ///
    /// # Errors
    /// `WrongState` unless it is suspected or declared.
    pub fn begin(step: State) -> Result<Self, Rejection> {
        if matches!(step, State::Suspected | State::Declared) {
            return Ok(Self { state: step, recognised: false });
        }
        Err(refused(step.slug(), "an incident begins as suspected or declared"))
    }

    /// The life after all these steps.
    ///
    /// # Errors
    /// `WrongState` for the first step that may not follow.
    pub fn fold(steps: impl IntoIterator<Item = State>) -> Result<Option<Self>, Rejection> {
        steps.into_iter().try_fold(None, |life: Option<Self>, step| match life {
            None => Self::begin(step).map(Some),
            Some(life) => life.next(step).map(Some),
        })
    }

    /// The life after one more step.
    ///
    /// # Errors
    /// `WrongState`, with what may follow.
    pub fn next(self, step: State) -> Result<Self, Rejection> {
        let following = self.following();
        if following.contains(&step) {
            return Ok(Self { state: step, recognised: self.recognised || step == State::Recognised });
        }
        let may: Vec<&str> = following.iter().map(|state| state.slug()).collect();
        let detail = format!("the incident is {}; after that comes {}", self.state, may.join(" or "));
        Err(refused(step.slug(), &detail))
    }

    /// The steps that may follow.
    pub const fn following(self) -> &'static [State] {
        use State::{Assessed, ClaimsOpen, Closed, Declared, Paying, Recognised, Rejected, Reopened};
        match (self.state, self.recognised) {
            (State::Suspected, _) => &[Declared, Rejected],
            (Declared, _) => &[Assessed, Rejected],
            (Assessed, _) => &[Recognised, Rejected],
            (Recognised, _) => &[ClaimsOpen, Closed],
            (ClaimsOpen, _) => &[Paying, Closed],
            (Paying, _) => &[Closed],
            (Closed | Rejected, _) => &[Reopened],
            (Reopened, true) => &[ClaimsOpen, Paying, Closed],
            (Reopened, false) => &[Assessed, Rejected],
        }
    }

    /// Refuses what may not be done where the incident stands.
    ///
    /// # Errors
    /// `WrongState`, with the mend.
    pub fn require(self, act: Act) -> Result<(), Rejection> {
        use State::{Closed, Recognised, Rejected, Suspected};
        let refuse = |mend: &str| Err(refused(self.state.slug(), &format!("the incident is {}; {mend}", self.state)));
        match (act, self.state) {
            (Act::Note | Act::Recover, Rejected) => refuse("reopen it first"),
            (Act::Note, _) => Ok(()),
            (Act::Estimate, Suspected) => refuse("declare it first"),
            (Act::Estimate | Act::ImportClaims | Act::ApproveClaims | Act::Pay, Closed | Rejected) => refuse("reopen it first"),
            (Act::Estimate, _) => Ok(()),
            _ if !self.recognised => refuse("estimate the loss and recognise it first"),
            (Act::ApproveClaims | Act::Pay, Recognised) => refuse("import its claims first"),
            _ => Ok(()),
        }
    }
}

fn refused(value: &str, detail: &str) -> Rejection {
    Rejection::new(OutcomeCode::WrongState, "/incident/state", value, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_straight_way_leads_from_suspicion_to_the_end_and_back() {
        let way = [
            State::Suspected,
            State::Declared,
            State::Assessed,
            State::Recognised,
            State::ClaimsOpen,
            State::Paying,
            State::Closed,
            State::Reopened,
            State::Paying,
            State::Closed,
        ];
        let life = Life::fold(way).unwrap().unwrap();
        assert_eq!(life, Life { state: State::Closed, recognised: true });
        assert_eq!(Life::fold([]).unwrap(), None);
    }

    #[test]
    fn no_step_is_taken_out_of_turn() {
        assert!(Life::begin(State::Paying).is_err());
        for from in State::ALL {
            for recognised in [false, true] {
                let life = Life { state: *from, recognised };
                for to in State::ALL {
                    assert_eq!(life.next(*to).is_ok(), life.following().contains(to), "{from} to {to}");
                }
            }
        }
        let reopened = Life::fold([State::Declared, State::Rejected, State::Reopened]).unwrap().unwrap();
        assert_eq!(reopened.next(State::Paying).unwrap_err().code, OutcomeCode::WrongState);
        assert!(reopened.next(State::Assessed).is_ok());
    }

    #[test]
    fn nobody_is_paid_before_the_loss_is_in_the_books() {
        for state in State::ALL {
            let life = Life { state: *state, recognised: false };
            for act in [Act::ImportClaims, Act::ApproveClaims, Act::Pay, Act::Recover] {
                assert!(life.require(act).is_err(), "{state} {act:?}");
            }
        }
        let paying = Life { state: State::Paying, recognised: true };
        for act in [Act::Estimate, Act::ImportClaims, Act::ApproveClaims, Act::Pay, Act::Note, Act::Recover] {
            assert!(paying.require(act).is_ok());
        }
        let closed = Life { state: State::Closed, recognised: true };
        assert!(closed.require(Act::Recover).is_ok() && closed.require(Act::Pay).is_err());
    }
}
