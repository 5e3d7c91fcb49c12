//! Mount paths in a container's words, where nothing can be mounted: they are replaced by the folders behind them.

use crate::runtime::Mount;

/// Mount path to folder, the longest path first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Relocation(Vec<(String, String)>);

impl Relocation {
    pub(super) fn of(mounts: &[Mount]) -> Self {
        let mut pairs: Vec<(String, String)> = mounts
            .iter()
            .map(|mount| {
                let path = mount.target.display().to_string();
                let path = path.trim_end_matches('/').to_owned();
                (path, mount.source.display().to_string())
            })
            .filter(|(path, _)| !path.is_empty())
            .collect();
        pairs.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        Self(pairs)
    }

    pub(super) fn apply(&self, text: &str) -> String {
        let mut moved = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let may_begin = !moved.ends_with(is_of_a_path);
            let found = self.0.iter().find_map(|(path, folder)| {
                let after = rest.strip_prefix(path.as_str())?;
                let ends = !after.starts_with(|next| next != '/' && is_of_a_path(next));
                (may_begin && ends).then_some((folder, after))
            });
            match found {
                Some((folder, after)) => {
                    moved.push_str(folder);
                    rest = after;
                }
                None => {
                    let mut characters = rest.chars();
                    moved.extend(characters.next());
                    rest = characters.as_str();
                }
            }
        }
        moved
    }
}

/// Whether a character before or after belongs to the same path.
fn is_of_a_path(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '/' | '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_paths_are_moved_and_what_only_looks_alike_is_not() {
        let mount = |target: &str, source: &str| Mount {
            source: source.into(),
            target: target.into(),
            read_only: false,
        };
        let moves = Relocation::of(&[
            mount("/data", "/v/1"),
            mount("/data/sub", "/v/2"),
            mount("/", "/x"),
        ]);
        for (text, moved) in [
            ("/data", "/v/1"),
            ("--dir=/data/name", "--dir=/v/1/name"),
            (
                "echo x > /data/name; ls '/data'",
                "echo x > /v/1/name; ls '/v/1'",
            ),
            ("/data/sub/x:/data", "/v/2/x:/v/1"),
            (
                "/var/data /data-old /database ./data",
                "/var/data /data-old /database ./data",
            ),
            ("/data/data", "/v/1/data"),
            ("é/data", "é/data"),
        ] {
            assert_eq!(moves.apply(text), moved);
        }
    }
}
