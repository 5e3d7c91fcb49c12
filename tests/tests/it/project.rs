//! What holds for the project as a whole.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;
use stateward_tests::workspace;

/// `deny.toml` says which licences are allowed; the lock file's packages say what they are under.
#[test]
fn every_dependency_is_licensed_as_allowed() -> Result<()> {
    let text = std::fs::read_to_string(workspace().join("deny.toml"))?;
    let section = text
        .split("[licenses]")
        .nth(1)
        .and_then(|rest| rest.split(']').next())
        .context("deny.toml has no allowed licences")?;
    let allowed: Vec<_> = section.split('"').skip(1).step_by(2).collect();
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
            "--offline",
        ])
        .current_dir(workspace())
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let mut bad = Vec::new();
    for package in metadata["packages"].as_array().context("no packages")? {
        let licence = package["license"].as_str().unwrap_or("none stated");
        // Alternatives may be chosen from; of what is joined by AND, all must be allowed.
        let licence = licence.replace(['(', ')'], "").replace('/', " OR ");
        let is_allowed = |one: &str| allowed.contains(&one.trim());
        let holds = licence
            .split(" AND ")
            .all(|part| part.split(" OR ").any(is_allowed));
        if !holds {
            bad.push(format!(
                "{} {}: {licence}",
                package["name"], package["version"]
            ));
        }
    }
    assert!(
        bad.is_empty(),
        "licences that deny.toml does not allow: {bad:#?}"
    );
    Ok(())
}

/// What the documents tell to type is what the program understands: each command is there, with each of its flags.
#[test]
fn the_documents_tell_commands_that_exist() -> Result<()> {
    let mut documents = vec![workspace().join("README.md")];
    for entry in std::fs::read_dir(workspace().join("docs"))? {
        documents.push(entry?.path());
    }
    let mut told = 0;
    for document in documents {
        let text = std::fs::read_to_string(&document)?;
        let blocks = text
            .split("```sh\n")
            .skip(1)
            .filter_map(|rest| rest.split("```").next());
        for line in blocks.flat_map(str::lines) {
            let line = line.split(" #").next().unwrap_or_default();
            for command in line.split(['|', '&', ';']) {
                let mut words = command
                    .split_whitespace()
                    .skip_while(|word| *word == "sudo" || *word == "kubectl");
                if !words.next().is_some_and(|word| word.ends_with("stateward")) {
                    continue;
                }
                let words: Vec<_> = words.collect();
                understood(&words).with_context(|| {
                    format!("{} tells `{}`", document.display(), command.trim())
                })?;
                told += 1;
            }
        }
    }
    assert!(
        told > 10,
        "only {told} commands were found in the documents"
    );
    Ok(())
}

/// `stateward … --help` knows the words before the first flag or argument, and every flag.
fn understood(words: &[&str]) -> Result<()> {
    const GROUPS: [&str; 3] = ["rollout", "plugin", "dev"];
    let mut subcommand: Vec<_> = words.iter().take(1).copied().collect();
    let second = words.get(1).filter(|word| !word.starts_with('-'));
    if let (Some(second), true) = (
        second,
        words.first().is_some_and(|first| GROUPS.contains(first)),
    ) {
        subcommand.push(second);
    }
    let output = Command::new(stateward_tests::bed::stateward()?)
        .args(&subcommand)
        .arg("--help")
        .output()?;
    anyhow::ensure!(output.status.success(), "there is no such command");
    let help = String::from_utf8_lossy(&output.stdout);
    for flag in words.iter().filter(|word| word.starts_with('-')) {
        let flag = flag.split('=').next().unwrap_or(flag);
        anyhow::ensure!(help.contains(flag), "{flag} is not known");
    }
    Ok(())
}

/// Walkthroughs are somebody's examples: product code must not know them. Recipes and classes are data.
#[test]
fn product_code_knows_no_walkthrough() -> Result<()> {
    let names = [
        "kubia",
        "statefulset-test",
        "lbs-test",
        "sc-nfs",
        "myapp",
        "managed-nfs",
        "registry-secret",
        "qgg",
    ];
    let mut found = Vec::new();
    let mut folders = vec![
        workspace().join("host"),
        workspace().join("guest-sdk"),
        workspace().join("plugins"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !is_test(&path) {
                let text = std::fs::read_to_string(&path)?;
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                found.extend(
                    names
                        .iter()
                        .filter(|name| code.contains(**name))
                        .map(|name| format!("{name} in {}", path.display())),
                );
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
}
