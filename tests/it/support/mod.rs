//! Helpers that several tests share.

pub mod tools;
