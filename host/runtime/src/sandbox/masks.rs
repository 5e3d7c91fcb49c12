//! Values of secrets that the call has read, kept out of everything that people see.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter values are not masked: they would turn ordinary text into stars and are no secrets.
const SHORTEST: usize = 4;

const MASK: &str = "***";

/// Values of secrets that a call has read, or an earlier one of the app. Found are plain occurrences and those within base64 and hexadecimal text; a plugin
/// that encodes a secret in its own way can still reveal it, which is why a secret is a grant.
#[derive(Default)]
pub struct Masks(Vec<Mask>);

/// What is looked for, and what stands in its place.
struct Mask {
    value: Vec<u8>,
    shown: Arc<str>,
}

impl Masks {
    /// Masks this value from now on, also without the white space around it (a file's last line break). What is too short to be a secret stays.
    pub fn add(&mut self, value: &[u8]) {
        self.insert(value, MASK, SHORTEST);
    }

    /// The same however short it is, and with these words in its place.
    pub fn add_as(&mut self, value: &[u8], shown: &str) {
        self.insert(value, shown, 1);
    }

    fn insert(&mut self, value: &[u8], shown: &str, shortest: usize) {
        let shown: Arc<str> = shown.into();
        for value in [value, value.trim_ascii()] {
            if value.len() < shortest || self.0.iter().any(|known| known.value == value) {
                continue;
            }
            let encoded = match value.len() < SHORTEST {
                true => Vec::new(),
                false => encoded(value),
            };
            let forms = std::iter::once(value.to_vec()).chain(encoded);
            self.0.extend(forms.map(|value| Mask {
                value,
                shown: Arc::clone(&shown),
            }));
        }
        // A secret that contains another one must go first.
        self.0
            .sort_by_key(|known| std::cmp::Reverse(known.value.len()));
    }

    /// The text without secrets.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for known in &self.0 {
            if let Ok(value) = str::from_utf8(&known.value)
                && masked.contains(value)
            {
                masked = Cow::Owned(masked.replace(value, &known.shown));
            }
        }
        masked
    }

    /// The bytes without secrets.
    pub fn scrub(&self, bytes: Vec<u8>) -> Vec<u8> {
        if !self.reveal(&bytes) {
            return bytes;
        }
        let mut scrubbed = Vec::with_capacity(bytes.len());
        let mut rest = bytes.as_slice();
        while let Some((first, after)) = rest.split_first() {
            let found = self.0.iter().find_map(|known| {
                let after = rest.strip_prefix(known.value.as_slice())?;
                Some((&known.shown, after))
            });
            match found {
                Some((shown, after)) => {
                    scrubbed.extend_from_slice(shown.as_bytes());
                    rest = after;
                }
                None => {
                    scrubbed.push(*first);
                    rest = after;
                }
            }
        }
        scrubbed
    }

    /// Whether these bytes contain a secret.
    pub fn reveal(&self, bytes: &[u8]) -> bool {
        self.0.iter().any(|known| {
            let mut windows = bytes.windows(known.value.len());
            windows.any(|window| window == known.value)
        })
    }
}

/// How the value looks within base64 and hexadecimal text, whatever stands before and behind it.
fn encoded(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for alphabet in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        for before in 0..3_usize {
            let mut text = vec![0; before];
            text.extend_from_slice(value);
            // Characters that also depend on what stands before and behind.
            let skip = [0, 2, 3].get(before).copied().unwrap_or(0);
            let whole = text.len() * 8 / 6;
            let code = alphabet.encode(&text).into_bytes();
            let inner = code.get(skip..whole).unwrap_or_default();
            if inner.len() > SHORTEST && !forms.iter().any(|known| known == inner) {
                forms.push(inner.to_vec());
            }
        }
    }
    let lower: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    forms.push(lower.to_ascii_uppercase().into_bytes());
    forms.push(lower.into_bytes());
    forms
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

    #[test]
    fn a_value_with_words_of_its_own_is_masked_by_them_however_short_it_is() {
        let mut masks = Masks::default();
        masks.add_as(b"ab", "<short>");
        masks.add_as(b"geheim", "<long>");
        assert_eq!(
            masks.mask("ab, geheim, 6765686569 6d"),
            "<short>, <long>, 6765686569 6d"
        );
        assert_eq!(masks.mask("67656865696d"), "<long>");
        assert_eq!(masks.scrub(b"\xffabgeheim".to_vec()), b"\xff<short><long>");
    }

    #[test]
    fn secrets_are_found_in_base64_and_hexadecimal_text_too() {
        let mut masks = Masks::default();
        masks.add(b"opensesame?>");
        for before in ["", "a", "ab", "user:"] {
            for behind in ["", "x", "xy"] {
                let text = format!("{before}opensesame?>{behind}");
                for code in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    assert!(masks.reveal(code.as_bytes()), "{text} {code}");
                    assert!(masks.mask(&code).contains(MASK), "{text} {code}");
                }
            }
        }
        let hex: String = b"opensesame?>"
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        assert!(masks.reveal(hex.as_bytes()));
        assert_eq!(masks.scrub(b"<opensesame?>>".to_vec()), b"<***>");
    }
}
