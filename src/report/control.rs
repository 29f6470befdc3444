//! What reports on control read: who may do what since when, who made and who checked what.

use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::ids::EntryNo;
use crate::domain::person::Role;
use jiff::{Timestamp, civil::Date};

/// What stands on the receivable of one asset, by the business dates it is open of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receivable {
    /// Asset.
    pub asset: AssetId,
    /// Units on the receivable.
    pub quantity: Quantity,
    /// Value on the receivable.
    pub value: Value,
    /// Open dates, oldest first.
    pub items: Vec<OpenDate>,
}

/// What is open of one business date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDate {
    /// Business date.
    pub day: Date,
    /// Age on the as-of day.
    pub age_days: i64,
    /// Units left.
    pub quantity: Quantity,
    /// Their share of the carrying value.
    pub value: Value,
}

/// Who recorded something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Moment.
    pub at: Timestamp,
    /// Actor as the log names it.
    pub by: String,
}

/// A role over the time it was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSpell {
    /// Role.
    pub role: Role,
    /// Given.
    pub since: Recorded,
    /// Why it was given.
    pub reason: String,
    /// Taken, if it was.
    pub until: Option<Recorded>,
}

impl RoleSpell {
    /// True where both were held at some moment.
    pub fn overlaps(&self, other: &Self) -> bool {
        let before = |end: &Option<Recorded>, start: &Recorded| end.as_ref().is_some_and(|end| end.at <= start.at);
        !before(&self.until, &other.since) && !before(&other.until, &self.since)
    }
}

/// A person with everything that gives access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Login name.
    pub login: String,
    /// Name.
    pub name: String,
    /// Made known.
    pub since: Recorded,
    /// Roles in the order in which they were given.
    pub spells: Vec<RoleSpell>,
    /// The last login.
    pub last_login: Option<Timestamp>,
}

/// A service key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldKey {
    /// Name.
    pub name: String,
    /// Word of what it may do.
    pub scope: String,
    /// Login name of the person who answers for it.
    pub owner: Option<String>,
    /// Made.
    pub since: Recorded,
    /// From then on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Revoked, if it was.
    pub revoked: Option<Recorded>,
    /// The last command recorded with it, as far back as was looked.
    pub last_command: Option<Timestamp>,
}

/// Everybody and every key with access.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holders {
    /// Persons by number.
    pub persons: Vec<Holder>,
    /// Keys by number.
    pub keys: Vec<HeldKey>,
    /// Records of the log that were looked through for the last use of keys.
    pub looked_back: i64,
}

/// Somebody who decided on a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// Login name.
    pub login: String,
    /// When.
    pub at: Timestamp,
    /// True for the maker's own person: must never be.
    pub own: bool,
}

/// A proposal with who made, checked and carried it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Number.
    pub proposal: i64,
    /// What it asks for.
    pub title: String,
    /// Login name of its maker.
    pub maker: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Everybody who approved, ratified or rejected, over all revisions.
    pub voices: Vec<Voice>,
    /// Login name of whoever carried it out.
    pub executed_by: Option<String>,
    /// What it books, where it was submitted.
    pub amount: Option<Value>,
    /// Word of where it stands.
    pub state: String,
    /// The entries it booked.
    pub entries: Option<(EntryNo, EntryNo)>,
}
