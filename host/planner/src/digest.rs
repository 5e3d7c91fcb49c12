//! Digests by which things that are alike are told from others without being read again.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use sha2::Digest as _;

/// Of the same parts, and of no others: it is a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Digest {
        let mut hasher = sha2::Sha256::new();
        for part in parts {
            // Its length first: else parts could be divided differently.
            hasher.update(part.len().to_le_bytes());
            hasher.update(part);
        }
        Digest(hasher.finalize().into())
    }
}

impl std::hash::Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Some(first) = self.0.first_chunk() {
            state.write_u64(u64::from_le_bytes(*first));
        }
    }
}

/// Digests are spread already.
pub(crate) type ByDigest<T> = HashMap<Digest, T, BuildHasherDefault<AsItIs>>;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_are_divided_differently_are_others() {
        assert_eq!(Digest::of(["a", "bc"]), Digest::of(["a", "bc"]));
        for other in [
            &["ab", "c"][..],
            &["abc"],
            &["a", "bc", ""],
            &["", "a", "bc"],
        ] {
            assert_ne!(Digest::of(["a", "bc"]), Digest::of(other.iter().copied()));
        }
    }
}
