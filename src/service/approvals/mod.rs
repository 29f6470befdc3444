//! Approvals: in a book under four eyes a command with weight becomes a proposal, which takes effect once enough other persons
//! have agreed to exactly that command. There is one engine for all kinds of commands; a kind says who gives it, who approves it
//! and how weighty it is, and [`kinds::KINDS`] lists them.
//!
//! Whoever makes a proposal cannot approve it: refused here by the person, and by the database by a CHECK over the numbers of both.
//! A book is put under four eyes by its first approval terms; they cannot be taken back, only replaced, by their own rules.

mod act;
pub mod docs;
pub mod gate;
pub mod kinds;
mod preview;
mod proposal;
pub mod terms;

pub use act::{Decide, Draft, Revise};
pub use preview::{Preview, Rehearsed};
pub use proposal::{Proposal, StepDone, Submission, all_before, find, list};
pub use terms::{APPROVAL, ApprovalTerms};
