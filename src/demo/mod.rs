//! The demo: the story of a fund from July 2018 to June 2019, told through the product's own services and input files, with a
//! clock that stands where the story is. Prices are public market closes (straight lines between them, and marked so); all fees,
//! claims and addresses are synthetic, and say so.
//!
//! Cost: about 1,800 commands; seconds in a release build.

mod agenda;
mod claims;
mod closes;
mod fees;
mod figures;
mod folder;
pub mod people;
mod random;
mod setup;
mod story;
mod theft;

pub use figures::Figures;
pub use folder::Folder;

use crate::domain::outcome::Rejection;
use crate::service::Book;
use crate::service::clock::Clock;
use crate::store::conn::DatabaseUrl;
use crate::store::error::StoreError;
use crate::store::log;
use std::path::PathBuf;

/// The seed of the story that everybody sees.
pub const SEED: u64 = 20_180_714;
/// The day after which the figures of the theft are looked at.
pub const THEFT_DAY: jiff::civil::Date = jiff::civil::date(2019, 5, 7);
/// Where the story ends.
pub const LAST_DAY: jiff::civil::Date = jiff::civil::date(2019, 6, 30);

/// Why a demo could not be built.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The book refused, or its database failed.
    #[error("{0}")]
    Book(#[from] StoreError),
    /// A file of the demo.
    #[error("{path}: {1}", path = .0.display())]
    File(PathBuf, std::io::Error),
    /// The folder has something else in it.
    #[error("{} has files in it and is not a demo; it was left alone: name another folder with --dir", .0.display())]
    NotADemo(PathBuf),
    /// Another process works there.
    #[error("another process builds or looks at the demo in {}; wait for it, or name another folder with --dir", .0.display())]
    Busy(PathBuf),
    /// The story did not go as written.
    #[error("the story stopped: {0}")]
    Unexpected(String),
}

impl From<Rejection> for DemoError {
    fn from(rejection: Rejection) -> Self {
        Self::Book(rejection.into())
    }
}

/// A demo that is ready.
#[derive(Debug)]
pub struct Demo {
    /// Its database.
    pub url: DatabaseUrl,
    /// What it shows.
    pub figures: Figures,
    /// True when it was there already.
    pub reused: bool,
}

impl Demo {
    /// A clock that goes on where the story ends, or where whoever looked at the demo before left it, so that the log keeps its order.
    ///
    /// # Errors
    /// The database's failure.
    pub fn clock(&self) -> Result<Clock, StoreError> {
        let standing = crate::service::init::open(&self.url, Clock::simulated(story::END))?;
        let recorded = standing.read(|conn| {
            let last = log::size(conn)?.saturating_sub(1);
            log::recorded_at(conn, last)
        })?;
        Ok(Clock::moved(recorded.map_or(story::END, |at| at.max(story::END))))
    }

    /// The book, with the clock of the story.
    ///
    /// # Errors
    /// The database's failure.
    pub fn book(&self) -> Result<Book, StoreError> {
        crate::service::init::open(&self.url, self.clock()?)
    }
}

/// Builds the demo in a folder, or finds it there. `progress` is told where the story is.
///
/// # Errors
/// See [`DemoError`].
pub fn build(mut folder: Folder, seed: u64, progress: &mut dyn FnMut(&Progress<'_>)) -> Result<Demo, DemoError> {
    let url = DatabaseUrl::parse(&format!("sqlite://{}", folder.book().display()))?;
    if let Some(figures) = folder.finished(seed)? {
        let demo = Demo { url, figures, reused: true };
        figures::confirm(&demo.book()?, &demo.figures)?;
        return Ok(demo);
    }
    folder.clear(seed)?;
    let book = story::tell(&url, &folder, seed, progress)?;
    let figures = figures::of(&book)?;
    folder.finish(seed, &figures)?;
    Ok(Demo { url, figures, reused: false })
}

/// Where the story is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The day.
    pub day: jiff::civil::Date,
    /// Days told.
    pub done: u64,
    /// Days in all.
    pub days: u64,
    /// What happens, on days on which something does.
    pub happens: Option<&'a str>,
}
