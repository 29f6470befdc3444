//! The API over real connections.

#[path = "api/description.rs"]
mod description;
#[path = "api/events.rs"]
mod events;
#[path = "api/frame.rs"]
mod frame;
#[path = "api/outcomes.rs"]
mod outcomes;
#[path = "api/parallel.rs"]
mod parallel;
#[path = "api/stories.rs"]
mod stories;
