//! A whole tree over a log, kept so that a proof costs the logarithm of its size. It only grows, as the log does.

use super::merkle::{Hash, node_hash, sha256};

/// The perfect subtrees of a growing tree: level 0 has the leaves, level `k` the roots over `2^k` of them. 64 bytes a leaf.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// Leaves so far.
    pub fn size(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(nodes) = self.levels.get_mut(level) else { return };
            let left = nodes.last().copied().filter(|_| nodes.len() % 2 == 1);
            nodes.push(hash);
            let Some(left) = left else { return };
            hash = node_hash(&left, &hash);
        }
    }

    /// The root over the first `size` leaves; `None` if there are not so many.
    pub fn root(&self, size: usize) -> Option<Hash> {
        if size == 0 { Some(sha256(b"")) } else { self.over(0, size) }
    }

    /// The hash of leaf `index`.
    pub fn leaf(&self, index: usize) -> Option<Hash> {
        self.levels.first()?.get(index).copied()
    }

    /// The audit path of leaf `index` in the tree over the first `size` leaves (RFC 6962 §2.1.1), bottom up; `None` past the end.
    pub fn inclusion_proof(&self, index: usize, size: usize) -> Option<Vec<Hash>> {
        if index >= size || size > self.size() {
            return None;
        }
        let (mut path, mut start, mut count) = (Vec::new(), 0_usize, size);
        while count > 1 {
            let split = count.next_power_of_two() / 2;
            let (middle, rest) = (start.checked_add(split)?, count.checked_sub(split)?);
            if index < middle {
                path.push(self.over(middle, rest)?);
                count = split;
            } else {
                path.push(self.over(start, split)?);
                (start, count) = (middle, rest);
            }
        }
        path.reverse();
        Some(path)
    }

    /// The root over `count` leaves from `start` on, which is a multiple of the power of two that `count` fits in.
    fn over(&self, start: usize, count: usize) -> Option<Hash> {
        if count.is_power_of_two() {
            let level = usize::try_from(count.trailing_zeros()).ok()?;
            return self.levels.get(level)?.get(start.checked_div(count)?).copied();
        }
        let split = count.next_power_of_two() / 2;
        let right = self.over(start.checked_add(split)?, count.checked_sub(split)?)?;
        Some(node_hash(&self.over(start, split)?, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::merkle::{inclusion_proof, leaf_hash, root_of};

    #[test]
    fn roots_and_paths_are_those_of_the_definition_at_every_size() {
        let leaves: Vec<Hash> = (0..70_usize).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let mut tree = Tree::default();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        for size in 0..=leaves.len() {
            assert_eq!(tree.root(size), Some(root_of(leaves[..size].iter().copied())), "{size}");
            for index in 0..size {
                assert_eq!(tree.inclusion_proof(index, size), inclusion_proof(&leaves[..size], index), "{index} of {size}");
            }
            assert_eq!(tree.inclusion_proof(size, size), None);
        }
        assert_eq!((tree.root(71), tree.inclusion_proof(0, 71)), (None, None), "no more than there are");
    }
}
