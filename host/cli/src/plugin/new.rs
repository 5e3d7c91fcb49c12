//! `stateward plugin new`: the crate of a plugin, whose tests pass at once.
//!
//! The SDK is not on a registry yet, so the crate names it by its path in a clone of this repository: `--sdk`, or the clone that this program was
//! built in.

use std::path::{Path, PathBuf};

use crate::failure::{Ended, Failure};
use crate::output::{self, NAME, painted};

/// Start a plugin: a crate whose tests pass at once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward plugin new shards && cd shards && cargo test
  stateward plugin new shards --sdk ~/src/stateward   # a clone of Stateward's repository, where the SDK is")]
pub(crate) struct NewArguments {
    /// Name of the plugin, which is also the name of its folder
    #[arg(value_name = "NAME")]
    name: String,
    /// The clone of Stateward's repository whose SDK is used [default: the one that this program was built in]
    #[arg(long, value_name = "PATH", env = "STATEWARD_SDK")]
    sdk: Option<PathBuf>,
}

/// What a new crate consists of. `NAME`, `TYPE` and `SDK` are filled in.
const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("new/cargo.txt")),
    ("src/lib.rs", include_str!("new/plugin.txt")),
    ("scenario.yaml", include_str!("new/scenario.txt")),
    ("app.yaml", include_str!("new/app.txt")),
    (".gitignore", "/target\n/.stateward\n*.wasm\n"),
];

pub(crate) fn new(arguments: &NewArguments) -> Result<Ended, Failure> {
    let name = &arguments.name;
    if !is_name(name) {
        return Err(Failure::Wrong(format!(
            "{name:?} is no name of a plugin: small letters, digits and dashes, a letter first, at most 40"
        )));
    }
    let sdk = sdk(arguments.sdk.as_deref())?;
    let folder = Path::new(name);
    std::fs::create_dir(folder).map_err(|source| Failure::Write {
        path: folder.to_owned(),
        source,
    })?;
    for (file, text) in FILES {
        let text = text
            .replace("NAME", name)
            .replace("TYPE", &type_of(name))
            .replace("SDK", &sdk.display().to_string());
        write(&folder.join(file), &text)?;
    }
    output::line(format_args!(
        "{} is in {name}/; go on with:
  cd {name}
  cargo test                                                    # members that answer, and every fault
  stateward plugin build --out {name}.wasm
  stateward plugin check {name}.wasm --scenario scenario.yaml   # the component keeps its promises
  stateward plugin dev                                          # under `stateward dev`, again at each change",
        painted(NAME, name)
    ))?;
    Ok(Ended::Done)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = match path.parent() {
        Some(folder) => std::fs::create_dir_all(folder),
        None => Ok(()),
    };
    written
        .and_then(|()| std::fs::write(path, text))
        .map_err(|source| Failure::Write {
            path: path.to_owned(),
            source,
        })
}

/// The folder of the SDK's crate. A clone is named by its root or by the SDK's folder in it.
fn sdk(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let clone = given.unwrap_or(&built_in);
    let candidates = [clone.join("guest-sdk"), clone.to_owned()];
    let is_sdk = |folder: &&PathBuf| {
        std::fs::read_to_string(folder.join("Cargo.toml"))
            .is_ok_and(|text| text.contains("name = \"stateward-sdk\""))
    };
    let found = candidates.iter().find(is_sdk);
    found
        .and_then(|folder| folder.canonicalize().ok())
        .ok_or_else(|| {
            Failure::Wrong(format!(
                "no SDK is in {}: name a clone of Stateward's repository with --sdk",
                clone.display()
            ))
        })
}

fn is_name(name: &str) -> bool {
    let fits = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
    };
    name.len() <= 40
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.chars().all(fits)
}

/// `my-ring` is the plugin `MyRing`.
fn type_of(name: &str) -> String {
    name.split('-')
        .map(|word| {
            let mut characters = word.chars();
            let first = characters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(characters).collect::<String>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_type() {
        assert_eq!(type_of("my-ring2"), "MyRing2");
        for bad in ["", "Ring", "2ring", "ring-", "a/b", &"r".repeat(41)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
