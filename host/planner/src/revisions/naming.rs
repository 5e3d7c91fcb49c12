//! The name of a revision: the app's name and a hash of the template, so that the same template always has the same name.
//!
//! | face        | hash of | the app's name is cut |
//! |-------------|---------|-----------------------|
//! | StatefulApp | the canonical template | where the whole would not fit into a label; the hash is then of the name too |
//! | StatefulSet | upstream's bytes, by upstream's rule | as upstream does |

use sha2::{Digest, Sha256};

use super::{bodies, upstream};
use crate::world::{App, Face};

/// Upstream's alphabet: nothing that could spell a word or be misread.
pub(super) const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Characters of the hash; upstream's has at most as many.
pub(crate) const HASH_LENGTH: usize = 10;

/// Of the app's name, at most so many characters: with `-` and the hash it fills a label's 63.
const LONGEST: usize = 63 - 1 - HASH_LENGTH;

/// `web-6f8dkz5w2x`.
pub(super) fn revision_name(app: &App, canonical: &str, collisions: u32) -> String {
    match app.face {
        Face::StatefulSet => {
            upstream::revision_name(&app.name, &bodies::data(&app.spec.template), collisions)
        }
        Face::StatefulApp => match app.name.get(..LONGEST) {
            Some(cut) if cut != app.name => {
                let named = format!("{}\n{canonical}", app.name);
                format!("{cut}-{}", hash(&named, collisions))
            }
            _ => format!("{}-{}", app.name, hash(canonical, collisions)),
        },
    }
}

/// What tells templates apart.
pub(super) fn digest(canonical: &str) -> String {
    hash(canonical, 0)
}

/// The part of a revision's name that follows the app's.
fn hash(canonical: &str, collisions: u32) -> String {
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
