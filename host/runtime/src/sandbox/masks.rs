//! Values of secrets that the call has read, kept out of everything that people see.

use std::borrow::Cow;

/// Shorter values are not masked: they would turn ordinary text into stars and are no secrets.
const SHORTEST: usize = 4;

const MASK: &str = "***";

/// Values of secrets that a call has read. Plain occurrences are found; a plugin that encodes a secret can still reveal it, which is why a secret is a
/// grant.
#[derive(Default)]
pub(crate) struct Masks(Vec<Vec<u8>>);

impl Masks {
    /// Masks this value from now on, also without the white space around it (a file's last line break).
    pub(crate) fn add(&mut self, value: &[u8]) {
        for value in [value, value.trim_ascii()] {
            if value.len() >= SHORTEST && !self.0.iter().any(|known| known == value) {
                self.0.push(value.to_vec());
            }
        }
        // A secret that contains another one must go first.
        self.0.sort_by_key(|value| std::cmp::Reverse(value.len()));
    }

    /// The text without secrets.
    pub(crate) fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for value in &self.0 {
            if let Ok(value) = str::from_utf8(value)
                && masked.contains(value)
            {
                masked = Cow::Owned(masked.replace(value, MASK));
            }
        }
        masked
    }

    /// Whether these bytes contain a secret.
    pub(crate) fn reveal(&self, bytes: &[u8]) -> bool {
        self.0
            .iter()
            .any(|value| bytes.windows(value.len()).any(|window| window == value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_longest_first_and_with_the_line_break_cut_off() {
        let mut masks = Masks::default();
        masks.add(b"geheim");
        masks.add(b"geheimnis\n");
        masks.add(b"abc");
        assert_eq!(masks.mask("geheimnis, geheim, abc"), "***, ***, abc");
        assert!(masks.reveal(b"xxgeheimxx"));
        assert!(!masks.reveal(b"abc"));
    }
}
