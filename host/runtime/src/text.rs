//! Text that came from a plugin and is shown to people: one line, no control characters, capped.

/// One line of at most `max` bytes; control characters become spaces, what was cut shows as `…`.
pub(crate) fn line(text: &str, max: usize) -> String {
    const CUT: char = '…';
    let text = text.trim();
    let room = if text.len() <= max {
        max
    } else {
        max.saturating_sub(CUT.len_utf8())
    };
    let mut out = String::with_capacity(text.len().min(max));
    for letter in text.chars() {
        let letter = if letter.is_control() || is_reordering(letter) {
            ' '
        } else {
            letter
        };
        if out.len() + letter.len_utf8() > room {
            break;
        }
        out.push(letter);
    }
    if text.len() > max {
        out.push(CUT);
    }
    out
}

/// Marks that make a terminal show letters in another order than they stand, or not at all.
fn is_reordering(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_spaces_and_long_text_is_cut_between_letters() {
        assert_eq!(line("  a\u{1b}[31mb\nc ", 64), "a [31mb c");
        assert_eq!(line("a\u{202e}b", 64), "a b");
        assert_eq!(line("äääää", 8), "ää…");
        assert_eq!(line("äääää", 10), "äääää");
    }
}
