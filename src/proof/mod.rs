//! The public log: trees and canonical bytes, pure.

pub mod row;
