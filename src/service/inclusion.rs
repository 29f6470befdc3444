//! Where a record stands in the log, and how that is proven.

use crate::proof::tree::Tree;
use crate::report::source::Inclusion;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::log;
use std::sync::{Mutex, PoisonError};

/// The proof that a leaf is in the log as it stands; nothing for one that is not. The tree is grown by what is new since it was used
/// last.
///
/// # Errors
/// The database's failure.
pub fn inclusion(conn: &mut Conn, tree: &Mutex<Tree>, leaf: i64) -> Result<Option<Inclusion>, StoreError> {
    let size = usize::try_from(log::size(conn)?).unwrap_or_default();
    let mut tree = tree.lock().unwrap_or_else(PoisonError::into_inner);
    if tree.size() < size {
        let from = i64::try_from(tree.size()).unwrap_or(i64::MAX);
        log::leaf_hashes_from(conn, from)?.into_iter().for_each(|hash| tree.push(hash));
    }
    let Some(index) = usize::try_from(leaf).ok() else { return Ok(None) };
    let found = tree.leaf(index).zip(tree.inclusion_proof(index, size)).zip(tree.root(size));
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    Ok(found.map(|((leaf_hash, path), root)| Inclusion { leaf_hash, size, root, path }))
}
