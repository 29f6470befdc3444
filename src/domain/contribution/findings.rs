//! Collects everything that is wrong with one submission, so that its sender mends it in one go.

use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use std::fmt;

/// Problems found so far. Holds at most [`Rejection::MAX_PROBLEMS`]; later ones are dropped.
#[derive(Debug, Default)]
pub struct Findings {
    found: Vec<(OutcomeCode, Problem)>,
}

/// The group of a code: structural, idempotency, context, references, limits (the hundreds of its number).
const fn group(code: OutcomeCode) -> u16 {
    code.number() / 100
}

impl Findings {
    /// None yet.
    pub const fn new() -> Self {
        Self { found: Vec::new() }
    }

    /// Notes one problem: where, the value found, and what is wrong with the mend.
    pub fn add(&mut self, code: OutcomeCode, pointer: impl Into<String>, value: impl fmt::Display, detail: impl Into<String>) {
        if self.is_full() && self.found.iter().all(|(known, _)| *known <= code) {
            return;
        }
        // A full list makes room for what outranks it, so that the answer's code never depends on how many problems there are.
        if self.is_full() {
            self.found.pop();
        }
        let problems = Rejection::new(code, pointer, value, detail).problems;
        self.found.extend(problems.into_iter().map(|p| (code, p)));
    }

    /// Takes over the problems of another refusal.
    pub fn absorb(&mut self, rejection: Rejection) {
        for problem in rejection.problems {
            self.add(rejection.code, problem.pointer, problem.value, problem.detail);
        }
    }

    /// True when no further problem of the same rank would be kept, so that reading on is of no use.
    pub fn is_full(&self) -> bool {
        self.found.len() >= Rejection::MAX_PROBLEMS
    }

    /// True when nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// True when a problem of this code was found.
    pub fn has(&self, code: OutcomeCode) -> bool {
        self.found.iter().any(|(found, _)| *found == code)
    }

    /// The answer: `Ok` when nothing was found, otherwise the first code in the order of the outcome table with every problem of
    /// its group, the most important first.
    pub fn into_result(mut self) -> Result<(), Rejection> {
        self.found.sort_by_key(|(code, _)| *code);
        let Some(first) = self.found.first().map(|(code, _)| *code) else {
            return Ok(());
        };
        let problems = self.found.into_iter().filter(|(code, _)| group(*code) == group(first)).map(|(_, p)| p).collect();
        Err(Rejection { code: first, problems })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_code_of_the_table_is_the_answer_and_its_group_is_listed() {
        let mut findings = Findings::new();
        findings.add(OutcomeCode::UnknownAsset, "c", "", "reference");
        findings.add(OutcomeCode::DuplicateRow, "b", "", "structural");
        findings.add(OutcomeCode::InvalidRow, "a", "", "structural");
        let rejection = findings.into_result().unwrap_err();
        assert_eq!(rejection.code, OutcomeCode::InvalidRow);
        assert_eq!(rejection.problems.iter().map(|p| p.pointer.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_full_list_keeps_its_length_but_lets_a_higher_rank_in() {
        let mut findings = Findings::new();
        for at in 0..500 {
            findings.add(OutcomeCode::DuplicateRow, at.to_string(), "", "again");
        }
        findings.add(OutcomeCode::InvalidRow, "late", "", "bad");
        let rejection = findings.into_result().unwrap_err();
        assert_eq!(rejection.code, OutcomeCode::InvalidRow);
        assert_eq!(rejection.problems.len(), Rejection::MAX_PROBLEMS);
    }
}
