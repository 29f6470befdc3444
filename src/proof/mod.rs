//! The public log: trees and canonical bytes. Pure: bytes in, bytes and verdicts out.

pub mod leaf;
pub mod merkle;
pub mod row;
pub mod tree;
