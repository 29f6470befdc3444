//! What people and programs get over HTTP. [`view`] and [`assets`] are pure; request handling stands beside them: [`server`]
//! starts and stops, [`app`] is what the workers share, [`frame`] surrounds every request, [`routes`] is the table of all
//! addresses with who may come there, [`operation`] that of the API, from which its description is made.

pub mod api;
pub mod app;
pub mod assets;
mod auth;
mod blocking;
mod entries;
mod evidence;
mod files;
mod form;
mod frame;
mod health;
mod identity;
mod input;
mod json;
mod limits;
pub mod oidc;
pub mod openapi;
pub mod operation;
mod pages;
pub mod problem;
mod report_cache;
pub mod routes;
pub mod server;
pub mod session;
pub mod view;
