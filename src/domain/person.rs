//! Natural persons and what they may do. Whoever acts in the books is one of them; two accounts of one human are one person.

use crate::domain::outcome::Rejection;
use crate::domain::text::{Name, check_free_text};
use crate::domain::words::words;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Number of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub i32);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

words! {
    /// What a person may do.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    Role / about {
    Administrator = "administrator", "Keeps persons, roles and keys; moves no money";
    Preparer = "preparer", "Prepares entries, settlements, memo figures, prices and closes";
    Approver = "approver", "Approves what others have prepared";
    Treasurer = "treasurer", "Prepares transfers, rebalances, capital, wallets and payouts";
    IncidentOfficer = "incident-officer", "Keeps incidents: estimates, statements, claims, recoveries";
    Auditor = "auditor", "Reads everything, changes nothing";
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl Role {
    /// The role of this word.
    ///
    /// # Errors
    /// `InvalidField` naming the words there are.
    pub fn parse(pointer: &str, slug: &str) -> Result<Self, Rejection> {
        Self::from_slug(slug).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|role| role.slug()).collect();
            Rejection::invalid(pointer, slug, format!("is not a role; use one of {}", all.join(", ")))
        })
    }

    /// True where one person must not hold both: whoever keeps accounts or audits does nothing else, and whoever approves prepares
    /// nothing.
    pub fn excludes(self, other: Self) -> bool {
        if self == other {
            return false;
        }
        let alone = |role| matches!(role, Self::Administrator | Self::Auditor);
        alone(self) || alone(other) || self == Self::Approver || other == Self::Approver
    }
}

/// The first two roles of these that one person must not hold together.
pub fn conflict(roles: &[Role]) -> Option<(Role, Role)> {
    let pairs =
        roles.iter().enumerate().flat_map(|(at, one)| roles.iter().skip(at.saturating_add(1)).map(move |other| (*one, *other)));
    pairs.into_iter().find(|(one, other)| one.excludes(*other))
}

/// Checks the login name and the name of a new person.
///
/// # Errors
/// `InvalidField`.
pub fn check_person(login: &str, name: &str) -> Result<(), Rejection> {
    Name::parse(login).map_err(|e| Rejection::invalid("/login", login, e.to_string()))?;
    check_free_text(name, 80).map_err(|e| Rejection::invalid("/name", name, e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_that_break_the_separation_of_duties_exclude_each_other() {
        use Role::{Administrator, Approver, Auditor, IncidentOfficer, Preparer, Treasurer};
        assert_eq!(conflict(&[Preparer, Treasurer, IncidentOfficer]), None);
        for bad in [
            [Preparer, Approver],
            [Administrator, Preparer],
            [Auditor, Treasurer],
            [Approver, Treasurer],
            [Administrator, Auditor],
        ] {
            assert_eq!(conflict(&bad), Some((bad[0], bad[1])));
        }
        for one in Role::ALL {
            assert_eq!(Role::from_slug(one.slug()), Some(*one));
            assert!(!one.excludes(*one));
            for other in Role::ALL {
                assert_eq!(one.excludes(*other), other.excludes(*one));
            }
        }
    }
}
