//! The name of a revision: the app's name and a hash of the canonical template, so that the same template always has the same name.

use sha2::{Digest, Sha256};

/// Upstream's alphabet: nothing that could spell a word or be misread.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Characters of the hash; upstream's has at most as many.
pub(crate) const HASH_LENGTH: usize = 10;

/// `web-6f8dkz5w2x`.
pub(super) fn revision_name(app: &str, canonical: &str, collisions: u32) -> String {
    format!("{app}-{}", hash(canonical, collisions))
}

/// The part of a revision's name that follows the app's.
pub(super) fn hash(canonical: &str, collisions: u32) -> String {
    let mut sha = Sha256::new();
    sha.update(canonical.as_bytes());
    if collisions > 0 {
        sha.update(collisions.to_string().as_bytes());
    }
    sha.finalize()
        .iter()
        .take(HASH_LENGTH)
        .filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()))
        .map(|letter| char::from(*letter))
        .collect()
}
