//! The vocabulary and the rules of the books: pure, without I/O, clock or randomness.

pub mod account;
pub mod amount;
pub mod approval;
pub mod asset;
pub mod close;
pub mod contribution;
pub mod coverage;
pub mod csv_text;
pub mod entry;
pub mod event;
pub mod evidence;
pub mod ids;
pub mod incident;
pub mod lot;
pub mod manual;
pub mod observation;
pub mod outcome;
pub mod period;
pub mod person;
pub mod price;
pub mod text;
pub mod words;
