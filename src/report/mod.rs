//! Reports: data in, tables and charts out. Pure; rendering to HTML is the web layer's, every other format is here.

pub mod chart;
pub mod control;
pub mod diff;
pub mod doc;
pub mod export;
pub mod format;
pub mod fund;
pub mod link;
pub mod params;
pub mod posting;
pub mod registry;
pub mod render;
pub mod reports;
pub mod source;
