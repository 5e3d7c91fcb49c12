//! Patterns of command lines and of paths. Both are lists of elements: arguments, or segments between slashes. An element is literal, `*` is any one, and
//! `**` at the end is any number of further ones.

/// A pattern names a program literally or by `*`, and has `**` at most as its last of several elements.
pub(crate) fn well_formed_pattern(pattern: &[String]) -> bool {
    let Some((_, front)) = pattern.split_last() else {
        return false;
    };
    pattern
        .first()
        .is_some_and(|program| program != "**" && !program.is_empty())
        && front.iter().all(|element| element != "**")
}

/// Whether this command line is one of those that the pattern stands for.
pub(super) fn matches(pattern: &[String], argv: &[String]) -> bool {
    match (pattern.split_first(), argv.split_first()) {
        (Some((element, [])), _) if element == "**" => true,
        (Some((element, pattern)), Some((arg, argv))) => {
            (element == "*" || element == arg) && matches(pattern, argv)
        }
        (None, None) => true,
        _ => false,
    }
}

/// Whether every command line of the asked pattern is one of the granted pattern.
pub(super) fn covers(granted: &[String], asked: &[String]) -> bool {
    match (granted.split_first(), asked.split_first()) {
        (Some((element, [])), _) if element == "**" => true,
        // Any further elements are asked, and only some are granted.
        (_, Some((asked, []))) if asked == "**" => false,
        (Some((element, granted)), Some((ask, asked))) => {
            (element == "*" || element == ask) && covers(granted, asked)
        }
        (None, None) => true,
        _ => false,
    }
}

/// A path's pattern begins with a slash, has no empty segment but at its end, and has `**` at most as its last.
pub(crate) fn well_formed_path(pattern: &str) -> bool {
    let Some(rest) = pattern.strip_prefix('/') else {
        return false;
    };
    let segments: Vec<&str> = rest.split('/').collect();
    let Some((_, front)) = segments.split_last() else {
        return false;
    };
    front
        .iter()
        .all(|segment| *segment != "**" && !segment.is_empty())
}

/// A path that means to a server what it says: no way up, no empty segment on the way, nothing encoded that decodes to a delimiter.
pub(crate) fn is_plain_path(path: &str) -> bool {
    if !well_formed_path(path) {
        return false;
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~!$&'()*+,;=:@%".contains(&byte);
    let hidden = ["%2f", "%5c", "%2e", "%25", "%00"];
    let lower = path.to_ascii_lowercase();
    path.bytes().all(fits)
        // Some servers cut a segment's parameters off before they look at it.
        && (path.split('/').filter_map(|segment| segment.split(';').next()))
            .all(|segment| !matches!(segment, "." | ".."))
        && !hidden.iter().any(|code| lower.contains(code))
}

pub(super) fn path_matches(pattern: &str, path: &str) -> bool {
    matches(&segments(pattern), &segments(path))
}

pub(super) fn path_covers(granted: &str, asked: &str) -> bool {
    covers(&segments(granted), &segments(asked))
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_pattern_matches_elements_not_substrings() {
        let cases = [
            ("mysql --version", "mysql --version", true),
            ("mysql --version", "mysql --version --help", false),
            ("mysql *", "mysql -e", true),
            ("mysql *", "mysql", false),
            ("mysql *", "mysql a b", false),
            ("mysql **", "mysql", true),
            ("mysql **", "mysql a b", true),
            ("mysql **", "mysqldump", false),
            ("mysql", "mysql -e", false),
            ("* --version", "rm --version", true),
        ];
        for (pattern, line, expected) in cases {
            let matched = matches(&argv(pattern), &argv(line));
            assert_eq!(matched, expected, "{pattern} | {line}");
        }
    }

    #[test]
    fn a_grant_covers_an_ask_only_when_it_allows_all_of_it() {
        let cases = [
            ("mysql **", "mysql --version", true),
            ("mysql **", "mysql **", true),
            ("mysql **", "mysql * **", true),
            ("mysql *", "mysql **", false),
            ("mysql --version", "mysql *", false),
            ("mysql * --x", "mysql a --x", true),
            ("mysql", "mysql **", false),
            ("mysql", "mysql", true),
        ];
        for (granted, asked, expected) in cases {
            let covered = covers(&argv(granted), &argv(asked));
            assert_eq!(covered, expected, "{granted} | {asked}");
        }
    }

    #[test]
    fn a_path_is_matched_by_its_segments_and_hides_nothing() {
        let cases = [
            ("/state", "/state", true),
            ("/state", "/state/x", false),
            ("/node/*/state", "/node/3/state", true),
            ("/node/*/state", "/node/3/4/state", false),
            ("/node/**", "/node/3/4", true),
            ("/node/**", "/nodes", false),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(path_matches(pattern, path), expected, "{pattern} | {path}");
        }
        for path in ["/", "/a/", "/a/b.c", "/a%20b"] {
            assert!(is_plain_path(path), "{path}");
        }
        let odd = [
            "",
            "a",
            "/a/../b",
            "/..",
            "//a",
            "/a//b",
            "/a/%2e%2e/b",
            "/a%2Fb",
            "/a\\b",
            "/a b",
            "/a\r\nHost: b",
            "/a#b",
            "/..;/b",
            "/.;",
            "/.;x/b",
            "/a%252e",
            "/ä",
        ];
        for path in odd {
            assert!(!is_plain_path(path), "{path}");
        }
    }

    #[test]
    fn a_pattern_needs_a_program_and_has_the_double_star_last() {
        assert!(well_formed_pattern(&argv("mysql **")));
        assert!(well_formed_pattern(&argv("mysql")));
        assert!(!well_formed_pattern(&argv("")));
        assert!(!well_formed_pattern(&argv("**")));
        assert!(!well_formed_pattern(&argv("mysql ** -e")));
    }
}
