//! What a pack has.

/// Every file that each pack has, with what it holds; `facts/` has one more for each kind of fact.
pub const CONTENTS: &[(&str, &str)] = &[
    ("entries.csv", "Every entry recorded in the range or with its business date in it"),
    ("lines.csv", "The lines of these entries, with exact units and values"),
    ("reversals.csv", "Those that reverse another or were reversed"),
    ("backdated.csv", "Those recorded more than some days after their business date"),
    ("after_hours.csv", "Those recorded outside of office hours"),
    ("manual_entries.csv", "Those that a person wrote line by line"),
    ("approvals.csv", "Every step on a proposal: who made, submitted, approved, rejected, carried out, and when"),
    ("users.csv", "All persons"),
    ("roles.csv", "Who held which role from when until when, given and taken by whom"),
    ("keys.csv", "All keys with owner, expiry and revocation"),
    ("policy_changes.csv", "Every change of a policy, a memo figure or a role: before and after"),
    ("prices.csv", "Locked prices with source, and who locked them"),
    ("periods.csv", "Closed periods with the entry that closed each"),
    ("access_events.csv", "Logins, refused logins, changes of logins"),
    ("refusals.csv", "Commands that were refused, and why"),
    ("records.csv", "Every record of the log in the range, as its bytes"),
    ("log.csv", "The hash of every record of the log up to its size"),
    ("facts/", "One file for each kind of fact recorded in the range: closes, reconciliations, incidents, whatever there is"),
];

/// What a file holds.
pub(super) fn about(name: &str) -> String {
    if let Some(kind) = name.strip_prefix("facts/") {
        return format!("Facts of the kind {}", kind.trim_end_matches(".csv"));
    }
    CONTENTS.iter().find(|(known, _)| *known == name).map_or("", |(_, about)| *about).to_owned()
}
