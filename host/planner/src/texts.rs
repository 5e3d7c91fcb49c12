//! Texts by name in little room: of many pods the labels and annotations are kept, and few of them ever change.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Texts by name, in the order of the names. They stand behind each other in one piece: who changes one has all of them written anew.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// Each name, and the text of that name behind it.
    written: Box<str>,
    /// Where each name ends, and where its text does.
    ends: Box<[(u32, u32)]>,
}

impl Texts {
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| text)
    }

    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        let mut next = move |end: u32| {
            let end = usize::try_from(end).unwrap_or(usize::MAX);
            let text = self.written.get(start..end).unwrap_or_default();
            start = end;
            text
        };
        (self.ends.iter()).map(move |(name, text)| (next(*name), next(*text)))
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(_, text)| text)
    }

    pub fn insert(&mut self, name: impl AsRef<str>, text: impl AsRef<str>) {
        let changed = (name.as_ref(), text.as_ref());
        *self = self.iter().chain([changed]).collect();
    }

    pub fn remove(&mut self, name: &str) {
        *self = self.iter().filter(|(known, _)| *known != name).collect();
    }

    pub fn clear(&mut self) {
        *self = Texts::default();
    }
}

/// Of several texts of one name the last one counts.
impl<N: AsRef<str>, T: AsRef<str>> FromIterator<(N, T)> for Texts {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(texts: I) -> Texts {
        let mut texts: Vec<(N, T)> = texts.into_iter().collect();
        texts.sort_by(|(one, _), (other, _)| one.as_ref().cmp(other.as_ref()));
        let length = |(name, text): &(N, T)| name.as_ref().len() + text.as_ref().len();
        let mut written = String::with_capacity(texts.iter().map(length).sum());
        let mut ends = Vec::with_capacity(texts.len());
        let mut write = |text: &str| {
            written.push_str(text);
            u32::try_from(written.len()).unwrap_or(u32::MAX)
        };
        let mut texts = texts.iter().peekable();
        while let Some((name, text)) = texts.next() {
            let name = name.as_ref();
            if texts.peek().is_none_or(|(next, _)| next.as_ref() != name) {
                ends.push((write(name), write(text.as_ref())));
            }
        }
        Texts {
            written: written.into_boxed_str(),
            ends: ends.into_boxed_slice(),
        }
    }
}

impl<N: AsRef<str>, T: AsRef<str>, const COUNT: usize> From<[(N, T); COUNT]> for Texts {
    fn from(texts: [(N, T); COUNT]) -> Texts {
        texts.into_iter().collect()
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Texts, D::Error> {
        let texts = BTreeMap::<String, String>::deserialize(deserializer)?;
        Ok(texts.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_changed_and_written_like_a_map() {
        let mut texts = Texts::from([("b", "2"), ("", "none"), ("a", ""), ("b", "two")]);
        let all: Vec<_> = texts.iter().collect();
        assert_eq!(all, [("", "none"), ("a", ""), ("b", "two")]);
        assert_eq!(texts.get("a"), Some(""));
        assert_eq!(texts.get("c"), None);
        texts.insert("aé", "ü");
        texts.insert("b", "3");
        texts.remove("");
        texts.remove("c");
        let json = serde_json::to_string(&texts).unwrap();
        assert_eq!(json, r#"{"a":"","aé":"ü","b":"3"}"#);
        assert_eq!(serde_json::from_str::<Texts>(&json).unwrap(), texts);
        assert_eq!(
            format!("{texts:?}"),
            json.replace(':', ": ").replace(',', ", ")
        );
        texts.clear();
        assert_eq!(texts, Texts::default());
        assert_eq!(texts.iter().count(), 0);
    }
}
