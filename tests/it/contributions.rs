//! Contributions through the book's own commands, on both engines.

#[path = "contributions/book.rs"]
pub mod book;
#[path = "contributions/changes.rs"]
mod changes;
#[path = "contributions/command.rs"]
mod command;
#[path = "contributions/open.rs"]
mod open;
#[path = "contributions/parallel.rs"]
mod parallel;
#[path = "contributions/refused.rs"]
mod refused;
#[path = "contributions/rejection.rs"]
mod rejection;
#[path = "contributions/stop.rs"]
mod stop;
#[path = "contributions/versions.rs"]
mod versions;
