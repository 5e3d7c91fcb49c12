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
