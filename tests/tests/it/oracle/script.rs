//! The conversation as it is written down.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// One file: requests that follow each other in a namespace of their own.
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
}

/// One request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Step {
    /// What is tried; the request itself where nothing is said.
    #[serde(default)]
    say: String,
    /// `GET $core/configmaps/one -> 200`: method, path and the code that both must answer.
    ///
    /// `$core`, `$apps` and `$policy` stand for the namespace of the topic in those groups, `$ns` for its name,
    /// other names for what an earlier step kept.
    pub(super) send: String,
    /// The body as JSON.
    pub(super) json: Option<Value>,
    /// The body as it is.
    pub(super) text: Option<String>,
    /// A body of this many bytes inside a JSON object.
    pub(super) bytes: Option<usize>,
    /// The content type, where it is not that of JSON.
    #[serde(rename = "type")]
    pub(super) content_type: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// Values of the answer for later steps, by JSON pointer.
    #[serde(default)]
    pub(super) keep: BTreeMap<String, String>,
    /// Reads so many lines of a watch.
    pub(super) events: Option<usize>,
    /// Asks again until the answer holds these values, by JSON pointer: a controller has to act first.
    #[serde(default)]
    pub(super) until: BTreeMap<String, Value>,
    /// Compares only what these selectors find, such as `/resources/[name=pods]/verbs`.
    #[serde(default)]
    pub(super) only: Vec<String>,
    /// Asks again until the code is right: a controller has to act first.
    #[serde(default)]
    pub(super) awaits: bool,
}

impl Step {
    pub(super) fn name(&self) -> &str {
        match self.say.as_str() {
            "" => &self.send,
            say => say,
        }
    }

    /// Method, path and expected code.
    pub(super) fn parts(&self) -> Result<(&str, &str, u16)> {
        let (request, code) = self.send.rsplit_once(" -> ").context("no expected code")?;
        let (method, path) = request.split_once(' ').context("no path")?;
        Ok((method, path, code.trim().parse()?))
    }
}

pub(super) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conversation")
}

/// Every topic, in the order of the file names.
pub(super) fn read_all() -> Result<Vec<Topic>> {
    let mut files: Vec<_> = std::fs::read_dir(folder())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    let mut topics = Vec::new();
    for file in files {
        let name = file.file_stem().and_then(|stem| stem.to_str());
        let name = name.context("a file without a name")?.to_owned();
        if name == "accepted_differences" {
            continue;
        }
        let text = std::fs::read_to_string(&file)?;
        let steps: Vec<Step> =
            serde_yaml::from_str(&text).with_context(|| format!("reading {}", file.display()))?;
        let mut names: Vec<_> = steps.iter().map(Step::name).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            ensure!(
                pair[0] != pair[1],
                "{name}: two steps are called {:?}",
                pair[0]
            );
        }
        topics.push(Topic { name, steps });
    }
    Ok(topics)
}
