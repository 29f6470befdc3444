//! The folder of a demo: which folders it may touch, whether it is finished, and where things lie in it.

use super::{DemoError, Figures};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Name of the file that marks a folder as a demo's.
const MARKER: &str = "demo.json";
/// Version of the story; a folder of another version is built again.
const STORY: &str = "safu-demo/3";

/// What the marker says. Only a finished demo has figures.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Marker {
    story: String,
    seed: u64,
    #[serde(default)]
    figures: Option<Figures>,
}

/// A folder that holds a demo or is about to.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    /// Locked while this process builds or looks, so that two never build in one folder.
    marker: File,
}

impl Folder {
    /// Takes the folder, making it where there is none.
    ///
    /// # Errors
    /// `NotADemo` for a folder that has something else in it, `Busy` while another process builds there.
    pub fn take(dir: &Path) -> Result<Self, DemoError> {
        let path = dir.join(MARKER);
        let files = |error| DemoError::File(path.clone(), error);
        fs::create_dir_all(dir).map_err(|error| DemoError::File(dir.to_owned(), error))?;
        let known = path.try_exists().map_err(files)?;
        if !known && fs::read_dir(dir).map_err(files)?.next().is_some() {
            return Err(DemoError::NotADemo(dir.to_owned()));
        }
        let mut marker = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(files)?;
        match marker.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DemoError::Busy(dir.to_owned())),
            Err(TryLockError::Error(error)) => return Err(files(error)),
        }
        // Someone else's file of this name is as good a reason to stay away as any other file.
        if known && read(&mut marker).map_err(files)?.is_none() {
            return Err(DemoError::NotADemo(dir.to_owned()));
        }
        Ok(Self { dir: dir.to_owned(), marker })
    }

    /// The figures of a finished demo of this story and seed.
    ///
    /// # Errors
    /// The marker cannot be read.
    pub fn finished(&mut self, seed: u64) -> Result<Option<Figures>, DemoError> {
        let marker = read(&mut self.marker).map_err(|error| DemoError::File(self.dir.join(MARKER), error))?.unwrap_or_default();
        let same = marker.story == STORY && marker.seed == seed && self.book().is_file();
        Ok(marker.figures.filter(|_| same))
    }

    /// Empties the folder of what a demo leaves, and of nothing else.
    ///
    /// # Errors
    /// A file cannot be removed or written.
    pub fn clear(&mut self, seed: u64) -> Result<(), DemoError> {
        self.mark(seed, None)?;
        for name in ["book.db", "book.db-wal", "book.db-shm", "book.db.key"] {
            remove(&self.dir.join(name), |path| fs::remove_file(path))?;
        }
        remove(&self.inputs(), |path| fs::remove_dir_all(path))
    }

    /// Marks the demo as finished.
    ///
    /// # Errors
    /// The marker cannot be written.
    pub fn finish(&mut self, seed: u64, figures: &Figures) -> Result<(), DemoError> {
        self.mark(seed, Some(figures.clone()))
    }

    fn mark(&mut self, seed: u64, figures: Option<Figures>) -> Result<(), DemoError> {
        let text = serde_json::to_string_pretty(&Marker { story: STORY.to_owned(), seed, figures }).unwrap_or_default();
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write(&mut self.marker).map_err(|error| DemoError::File(self.dir.join(MARKER), error))
    }

    /// The book.
    pub fn book(&self) -> PathBuf {
        self.dir.join("book.db")
    }

    /// The input files.
    pub fn inputs(&self) -> PathBuf {
        self.dir.join("inputs")
    }

    /// Keeps an input file, so that people can see and send it again.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), DemoError> {
        let path = self.inputs().join(name);
        let parent = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(parent).and_then(|()| fs::write(&path, bytes)).map_err(|error| DemoError::File(path.clone(), error))
    }
}

/// The marker; `None` for a file that is something else. An empty file is one whose building never began.
fn read(file: &mut File) -> std::io::Result<Option<Marker>> {
    let mut text = Vec::new();
    file.rewind()?;
    Read::by_ref(file).take(65_536).read_to_end(&mut text)?;
    if text.is_empty() {
        return Ok(Some(Marker::default()));
    }
    Ok(serde_json::from_slice(&text).ok().filter(|marker: &Marker| marker.story.starts_with("safu-demo/")))
}

fn remove(path: &Path, remove: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<(), DemoError> {
    match remove(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(DemoError::File(path.to_owned(), error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_demos_are_touched() {
        let dir = tempfile::tempdir().unwrap();
        let mine = dir.path().join("mine");
        fs::create_dir(&mine).unwrap();
        fs::write(mine.join("notes.txt"), "keep").unwrap();
        assert!(matches!(Folder::take(&mine), Err(DemoError::NotADemo(_))));
        fs::write(mine.join(MARKER), "{\"name\":\"something else\"}").unwrap();
        assert!(matches!(Folder::take(&mine), Err(DemoError::NotADemo(_))));
        assert_eq!(fs::read_to_string(mine.join("notes.txt")).unwrap(), "keep");
    }

    #[test]
    fn a_finished_demo_is_known_again_and_a_half_built_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("new/demo");
        let mut folder = Folder::take(&at).unwrap();
        assert!(matches!(Folder::take(&at), Err(DemoError::Busy(_))), "two must not build in one folder");
        folder.clear(7).unwrap();
        fs::write(folder.book(), "").unwrap();
        folder.keep("a/b.csv", b"x").unwrap();
        assert_eq!(folder.finished(7).unwrap(), None);
        drop(folder);
        let mut folder = Folder::take(&at).unwrap();
        let figures = Figures { claims: 3, ..Figures::default() };
        folder.finish(7, &figures).unwrap();
        assert_eq!(folder.finished(7).unwrap(), Some(figures));
        assert_eq!(folder.finished(8).unwrap(), None, "another seed is another story");
        folder.clear(7).unwrap();
        assert!(!folder.inputs().exists() && !folder.book().exists());
        assert_eq!(folder.finished(7).unwrap(), None);
    }
}
