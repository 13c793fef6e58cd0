//! The Merkle tree hash of RFC 9162, section 2.1, grown from the right. Only its right edge is kept: the roots of the complete
//! subtrees, one for each bit of the size. An entry costs a hash or two, and a root as many as the size has bits.

use aws_lc_rs::digest::{Context, SHA256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The hash of a leaf: `SHA-256(0x00 || content)`.
pub fn leaf_hash(content: &[u8]) -> Hash {
    sha256(&[&[0], content])
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// The right edge of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// The largest subtree first.
    hashes: Vec<Hash>,
}

impl Edge {
    /// The edge of a tree with so many leaves; `None` when the hashes can't be that. No log has 2^63 leaves: more can be counted.
    pub fn new(size: u64, hashes: Vec<Hash>) -> Option<Self> {
        let is_possible = size < 1 << 63 && usize::try_from(size.count_ones()).ok()? == hashes.len();
        is_possible.then_some(Self { size, hashes })
    }

    /// The same, with the hashes one after the other.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        if rest.is_empty() { Self::new(size, hashes.to_vec()) } else { None }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.concat()
    }

    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf, given its [`leaf_hash`].
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // As many subtrees are complete now as the size ends in ones.
        for _ in 0..self.size.trailing_ones() {
            let left = self.hashes.pop().expect("the edge has a subtree for every bit of the size");
            hash = node_hash(&left, &hash);
        }
        self.hashes.push(hash);
        self.size += 1;
    }

    /// The Merkle tree hash; that of nothing is the hash of nothing.
    pub fn root(&self) -> Hash {
        let from_the_right = self.hashes.iter().rev().copied();
        from_the_right.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(|| sha256(&[]))
    }
}

impl Extend<Hash> for Edge {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        for leaf in leaves {
            self.push(leaf);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// The definition, word by word.
    fn by_definition(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => sha256(&[]),
            [leaf] => leaf_hash(leaf),
            _ => {
                let half = leaves.len().next_power_of_two() / 2;
                node_hash(&by_definition(&leaves[..half]), &by_definition(&leaves[half..]))
            }
        }
    }

    fn edge_of(leaves: &[Vec<u8>]) -> Edge {
        let mut edge = Edge::default();
        edge.extend(leaves.iter().map(|leaf| leaf_hash(leaf)));
        edge
    }

    /// The tree that implementations of Certificate Transparency are tested with.
    #[test]
    fn r261_roots_are_those_of_the_known_example() {
        let leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let leaves: Vec<_> = leaves.iter().map(|leaf| hex(leaf)).collect();
        for (size, root) in roots.iter().enumerate() {
            assert_eq!(edge_of(&leaves[..size]).root().as_slice(), hex(root), "{size}");
        }
    }

    #[test]
    fn an_edge_has_a_hash_for_every_bit_of_the_size() {
        assert!(Edge::new(0, vec![]).is_some() && Edge::new(5, vec![[1; 32], [2; 32]]).is_some());
        assert!(Edge::new(5, vec![[1; 32]]).is_none() && Edge::new(0, vec![[1; 32]]).is_none());
        assert!(Edge::from_bytes(1, &[1; 31]).is_none() && Edge::from_bytes(1, &[1; 64]).is_none());
        let mut largest = Edge::new((1 << 63) - 1, vec![[1; 32]; 63]).unwrap();
        largest.push([2; 32]);
        assert_eq!((largest.size(), largest.hashes().len()), (1 << 63, 1));
        assert!(Edge::new(u64::MAX, vec![[1; 32]; 64]).is_none() && Edge::new(1 << 63, vec![[1; 32]]).is_none());
    }

    proptest! {
        #[test]
        fn r261_a_grown_tree_is_the_defined_one(leaves in proptest::collection::vec(any::<Vec<u8>>(), 0..70)) {
            prop_assert_eq!(edge_of(&leaves).root(), by_definition(&leaves));
        }

        #[test]
        fn r261_a_tree_goes_on_from_its_kept_edge(leaves in proptest::collection::vec(any::<Vec<u8>>(), 0..70), cut in 0_usize..70) {
            let cut = cut.min(leaves.len());
            let kept = edge_of(&leaves[..cut]);
            let mut edge = Edge::from_bytes(kept.size(), &kept.to_bytes()).unwrap();
            edge.extend(leaves[cut..].iter().map(|leaf| leaf_hash(leaf)));
            prop_assert_eq!(edge, edge_of(&leaves));
        }

        #[test]
        fn r261_another_leaf_or_order_is_another_root(
            leaves in proptest::collection::vec(any::<Vec<u8>>(), 2..70), at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let root = edge_of(&leaves).root();
            let at = at.index(leaves.len() - 1);
            let mut swapped = leaves.clone();
            swapped.swap(at, at + 1);
            prop_assert_eq!(edge_of(&swapped).root() == root, leaves[at] == leaves[at + 1]);
            let mut changed = leaves;
            changed[at].push(byte);
            prop_assert_ne!(edge_of(&changed).root(), root);
        }
    }
}
