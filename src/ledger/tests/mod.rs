//! Tests that drive several posting rules against a book in memory.

mod book;
mod random;
mod rules;
mod story;
