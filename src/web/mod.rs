//! What people see in a browser. Everything here that makes HTML is pure; request handling stands beside it.

pub mod assets;
pub mod view;
