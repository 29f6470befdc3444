//! Where figures lead: the URL paths of the pages, made in one place.

use crate::domain::account::AccountNo;
use crate::domain::ids::EntryNo;

/// An entry.
pub fn entry(no: EntryNo) -> String {
    format!("/entries/{no}")
}

/// An account's postings, optionally of one asset.
pub fn account(no: AccountNo, asset: Option<&str>) -> String {
    match asset {
        Some(code) => format!("/accounts/{no}?asset={code}"),
        None => format!("/accounts/{no}"),
    }
}

/// An account's postings of one asset and one business date.
pub fn account_on(no: AccountNo, asset: &str, day: jiff::civil::Date) -> String {
    format!("/accounts/{no}?asset={asset}&from={day}&to={day}")
}

/// A proposal.
pub fn proposal(id: i64) -> String {
    format!("/approvals/{id}")
}

/// A file of evidence, as a download.
pub fn evidence(sha256: &str) -> String {
    format!("/evidence/{sha256}")
}

/// The months and how far their closing is.
pub fn closes() -> String {
    "/close".to_owned()
}

/// The close of one month.
pub fn close(period: &str) -> String {
    format!("/close/{period}")
}

/// A record of the log.
pub fn audit(leaf: i64) -> String {
    format!("/audit/records/{leaf}")
}

/// A person.
pub fn person(id: crate::domain::person::PersonId) -> String {
    format!("/people/{id}")
}

/// Persons.
pub fn people() -> String {
    "/people".to_owned()
}

/// Service keys.
pub fn keys() -> String {
    "/keys".to_owned()
}

/// A fee report with its rows.
pub fn fee_report(id: i64) -> String {
    format!("/contributions/reports/{id}")
}

/// Single contribution events, by batch.
pub fn events() -> String {
    "/contributions/events".to_owned()
}

/// The events of one batch.
pub fn batch(id: i64) -> String {
    format!("/contributions/events/{id}")
}

/// An incident.
pub fn incident(code: &str) -> String {
    format!("/incidents/{code}")
}

/// The claims of an incident.
pub fn claims(incident: &str) -> String {
    format!("/incidents/{incident}/claims")
}

/// The payout batches of an incident.
pub fn payouts(incident: &str) -> String {
    format!("/incidents/{incident}/payouts")
}

/// One payout batch.
pub fn payout(incident: &str, batch: i64) -> String {
    format!("/incidents/{incident}/payouts/{batch}")
}

/// The reconciliation of a month.
pub fn reconciliation(period: &str) -> String {
    format!("/reconciliation?period={period}")
}

/// One break.
pub fn reconciliation_break(number: i64) -> String {
    format!("/reconciliation/breaks/{number}")
}

/// What was observed of an asset at a wallet, as `BTC@cold`.
pub fn balances(of: &str) -> String {
    format!("/reconciliation/balances?of={of}")
}

/// A locked price set.
pub fn price_set(cutoff: jiff::civil::Date) -> String {
    format!("/prices/{cutoff}")
}

/// A report of the registry.
pub fn report(name: &str) -> String {
    format!("/reports/{name}")
}

/// A table of the coverage report.
pub fn coverage(table: &str) -> String {
    format!("/reports/coverage#{table}")
}

/// The feed of one venue.
pub fn contributions(venue: &str) -> String {
    format!("/contributions?venue={venue}")
}

/// The coverage report as of a day.
pub fn coverage_on(day: jiff::civil::Date) -> String {
    format!("/reports/coverage?as_of={day}")
}

/// The journal of one period, a day or another filter in force; `query` is what follows the question mark.
pub fn journal(query: &str) -> String {
    format!("/journal?{query}")
}

/// The entries of several accounts.
pub fn postings(accounts: &[AccountNo]) -> String {
    journal(&format!("account={}", listed(accounts)))
}

/// The entries of several accounts up to a day.
pub fn postings_to(accounts: &[AccountNo], to: jiff::civil::Date) -> String {
    format!("{}&to={to}", postings(accounts))
}

/// Accounts as the journal's filter takes them.
pub fn listed(accounts: &[AccountNo]) -> String {
    let accounts: Vec<String> = accounts.iter().map(ToString::to_string).collect();
    accounts.join(",")
}

/// An address that leads to the same basis, where it names none of its own.
pub fn on_basis(href: &str, as_of: Option<jiff::civil::Date>, known_at: Option<jiff::Timestamp>) -> String {
    let (address, anchor) = href.find('#').map_or((href, ""), |at| href.split_at(at));
    if !address.starts_with('/') {
        return href.to_owned();
    }
    let mut out = address.to_owned();
    let wanted = [("as_of", as_of.map(|day| day.to_string())), ("known_at", known_at.map(|at| at.to_string()))];
    for (name, value) in wanted {
        let has = out.contains(&format!("?{name}=")) || out.contains(&format!("&{name}="));
        if let Some(value) = value.filter(|_| !has) {
            out.push(if out.contains('?') { '&' } else { '?' });
            out.push_str(&format!("{name}={value}"));
        }
    }
    out.push_str(anchor);
    out
}

/// True for an address that a page may link to: a path of the product itself, an anchor, or https. Everything else, such as
/// `javascript:` or `//elsewhere`, is shown as plain text.
pub fn is_safe(href: &str) -> bool {
    let own = href.starts_with('/') && !href.starts_with("//") && !href.starts_with("/\\");
    (own || href.starts_with('#') || href.starts_with("https://")) && !href.chars().any(|c| c.is_control())
}
