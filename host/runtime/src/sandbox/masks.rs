//! Values of secrets that the call has read, kept out of everything that people see.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter values are not masked: they would turn ordinary text into stars and are no secrets.
const SHORTEST: usize = 4;

const MASK: &str = "***";

/// Values of secrets that a call has read, or an earlier one of the app. Found are plain occurrences and those within base64 and hexadecimal text; a plugin
/// that encodes a secret in its own way can still reveal it, which is why a secret is a grant.
#[derive(Default)]
pub(crate) struct Masks(Vec<Vec<u8>>);

impl Masks {
    /// Masks this value from now on, also without the white space around it (a file's last line break).
    pub(crate) fn add(&mut self, value: &[u8]) {
        for value in [value, value.trim_ascii()] {
            if value.len() < SHORTEST || self.0.iter().any(|known| known == value) {
                continue;
            }
            self.0.push(value.to_vec());
            self.0.extend(encoded(value));
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

    /// The bytes without secrets.
    pub(crate) fn scrub(&self, bytes: Vec<u8>) -> Vec<u8> {
        if !self.reveal(&bytes) {
            return bytes;
        }
        let mut scrubbed = Vec::with_capacity(bytes.len());
        let mut rest = bytes.as_slice();
        while let Some((first, after)) = rest.split_first() {
            match self
                .0
                .iter()
                .find_map(|value| rest.strip_prefix(value.as_slice()))
            {
                Some(after) => {
                    scrubbed.extend_from_slice(MASK.as_bytes());
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
    pub(crate) fn reveal(&self, bytes: &[u8]) -> bool {
        self.0
            .iter()
            .any(|value| bytes.windows(value.len()).any(|window| window == value))
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
