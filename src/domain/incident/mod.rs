//! Incidents: what happened to users, what is estimated, who claims, and what may be done when. Pure: steps and files in; checked
//! values, or a [`Rejection`](super::outcome::Rejection) that names row, column, value and mend, out.

pub mod claims;
pub mod estimate;
pub mod kind;
pub mod life;
pub mod ranges;
pub mod transactions;

use super::outcome::Rejection;

/// Checks the code of an incident, for example `INC-2019-001`: it stands in addresses of pages and in journals.
///
/// # Errors
/// `InvalidField`.
pub fn check_code(code: &str) -> Result<(), Rejection> {
    let ok = (3..=40).contains(&code.len())
        && code.starts_with(|c: char| c.is_ascii_uppercase())
        && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
    if ok {
        return Ok(());
    }
    let detail = "is not an incident code; 3 to 40 characters A-Z, 0-9 and '-', a letter first, for example INC-2019-001";
    Err(Rejection::invalid("/code", code, detail))
}

/// The next free code of a year, for incidents that are given none.
pub fn next_code<'c>(year: i16, taken: impl IntoIterator<Item = &'c str>) -> String {
    let prefix = format!("INC-{year:04}-");
    let last = taken.into_iter().filter_map(|code| code.strip_prefix(&prefix)?.parse::<u32>().ok()).max();
    format!("{prefix}{:03}", last.unwrap_or(0).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_checked_and_counted_up_per_year() {
        assert!(check_code("INC-2019-001").is_ok());
        for bad in ["", "in-1", "1-INC", "INC 1", "INC/1", "ÍNC-1", "I"] {
            assert!(check_code(bad).is_err(), "{bad:?}");
        }
        assert_eq!(next_code(2019, []), "INC-2019-001");
        assert_eq!(next_code(2019, ["INC-2019-007", "INC-2018-100", "INC-2019-X", "OTHER"]), "INC-2019-008");
    }
}
