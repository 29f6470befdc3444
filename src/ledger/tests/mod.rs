//! Tests that drive several posting rules against a book in memory.

mod book;
#[path = "../../../tests/fixtures/fund_story.rs"]
mod fund_story;
mod manual;
mod random;
mod rules;
mod story;
