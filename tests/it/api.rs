//! The API over real connections.

#[path = "api/events.rs"]
mod events;
#[path = "api/frame.rs"]
mod frame;
