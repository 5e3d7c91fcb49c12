//! A released contract never changes: plugins that were built against it stay what they are. `wit/released.txt` keeps what each looks like.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use stateward_tests::workspace;

#[test]
fn every_released_contract_is_what_it_was() -> Result<()> {
    let changes = changes(&workspace().join("wit"))?;
    assert!(changes.is_empty(), "{changes:#?}");
    Ok(())
}

#[test]
fn given_a_release_that_is_changed_lost_or_not_listed_then_it_is_told() -> Result<()> {
    let place = tempfile::tempdir()?;
    let wit = place.path();
    let write = |file: &str, text: &str| -> Result<()> {
        fs::create_dir_all(wit.join(file).parent().context("a folder")?)?;
        Ok(fs::write(wit.join(file), text)?)
    };
    write("stateward.wit", "what is written now may change")?;
    write("1.0.0/stateward.wit", "package stateward:plugin@1.0.0;\n")?;
    write("1.0.0/deps/other/other.wit", "package other:thing;\n")?;
    let printed = std::process::Command::new("sh")
        .args([
            "-c",
            "find 1.0.0 -type f | LC_ALL=C sort | xargs sha256sum | sha256sum",
        ])
        .current_dir(wit)
        .output()?;
    let printed = String::from_utf8(printed.stdout)?;
    let hash = printed.split_whitespace().next().context("a hash")?;
    write("released.txt", &format!("# a list\n{hash}  1.0.0\n"))?;
    assert_eq!(changes(wit)?, [""; 0]);

    write("1.0.0/deps/other/other.wit", "package other:thing2;\n")?;
    write("1.1.0/stateward.wit", "package stateward:plugin@1.1.0;\n")?;
    let told = changes(wit)?;
    assert!(
        told.iter().any(|one| one.starts_with("1.0.0 is not")),
        "{told:?}"
    );
    assert!(
        told.iter().any(|one| one.starts_with("1.1.0 is not")),
        "{told:?}"
    );
    fs::remove_dir_all(wit.join("1.0.0"))?;
    assert!(changes(wit)?.contains(&"1.0.0 is gone".to_owned()));
    Ok(())
}

/// What is not as `released.txt` says.
fn changes(wit: &Path) -> Result<Vec<String>> {
    let list = fs::read_to_string(wit.join("released.txt"))?;
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let mut released = Vec::new();
    let mut changes = Vec::new();
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let (hash, folder) = line
            .split_once("  ")
            .with_context(|| format!("{line:?} is not `SHA256  FOLDER`"))?;
        released.push(folder.to_owned());
        if !wit.join(folder).is_dir() {
            changes.push(format!("{folder} is gone"));
        } else if hash_of(wit, folder)? != hash {
            changes.push(format!("{folder} is not what was released"));
        }
    }
    for entry in fs::read_dir(wit)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() && !released.contains(&name) {
            changes.push(format!("{name} is not listed in released.txt"));
        }
    }
    Ok(changes)
}

/// Over the lines that `sha256sum` prints of its files, in the order of their paths.
fn hash_of(wit: &Path, folder: &str) -> Result<String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(wit.join(&folder))? {
            let entry = entry?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            match entry.file_type()?.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    let mut lines = String::new();
    for file in files {
        let hash = sha256(&fs::read(wit.join(&file))?);
        lines.push_str(&format!("{hash}  {file}\n"));
    }
    Ok(sha256(lines.as_bytes()))
}

fn sha256(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
