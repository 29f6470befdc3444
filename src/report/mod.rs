//! Reports: data in, tables and charts out. Pure; rendering to HTML is the web layer's, every other format is here.

pub mod doc;
pub mod export;
pub mod link;
pub mod render;
