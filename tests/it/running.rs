//! `safu serve` as operators run it: how it is configured, what it logs, how it stops, what it sends with every answer.

#[path = "running/config.rs"]
mod config;
#[path = "running/headers.rs"]
mod headers;
#[path = "running/logs.rs"]
mod logs;
#[path = "running/stopping.rs"]
mod stopping;
