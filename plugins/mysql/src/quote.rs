//! Strings in SQL.

/// As a literal between quotes, for a session without `NO_BACKSLASH_ESCAPES` (the plugin's sessions clear `sql_mode`).
pub(crate) fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for letter in text.chars() {
        match letter {
            '\0' => literal.push_str("\\0"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\u{1a}' => literal.push_str("\\Z"),
            '\'' | '"' | '\\' => {
                literal.push('\\');
                literal.push(letter);
            }
            _ => literal.push(letter),
        }
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_text_leaves_its_quotes() {
        assert_eq!(quoted("change-me"), "'change-me'");
        assert_eq!(quoted("it's"), r"'it\'s'");
        assert_eq!(quoted(r"\'; DROP TABLE x; --"), r"'\\\'; DROP TABLE x; --'");
        assert_eq!(quoted("a\0b\nc\u{1a}"), r"'a\0b\nc\Z'");
    }
}
