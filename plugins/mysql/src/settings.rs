//! `spec.plugin.settings`, and what `validate` says of a spec.

use serde::Deserialize;
use serde_json::{Value, json};
use stateward_sdk::prelude::*;

/// Each replica costs the primary a connection and a reading of its binary log.
const MANY_MEMBERS: u32 = 16;
const LAG_LIMIT_MAX: u64 = 24 * 60 * 60;

/// What an app can choose.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Name of the container port of MariaDB.
    pub(crate) port: String,
    /// A replica that is further behind is unhealthy, does not become the primary, and holds up a scale-in.
    pub(crate) lag_limit_seconds: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            port: "mysql".to_owned(),
            lag_limit_seconds: 10,
        }
    }
}

impl Settings {
    pub(crate) fn schema() -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "port": {
                    "type": "string",
                    "default": "mysql",
                    "minLength": 1,
                    "description": "Name of the container port of MariaDB. The plugin's grant must name it too."
                },
                "lagLimitSeconds": {
                    "type": "integer",
                    "default": 10,
                    "minimum": 1,
                    "maximum": LAG_LIMIT_MAX,
                    "description": "A replica that is further behind is unhealthy, does not become the primary, and holds up a scale-in."
                }
            }
        })
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.port.trim().is_empty() {
            findings.push(Finding::error(
                "plugin.settings.port",
                "is empty; name the container port of MariaDB, or leave it out for \"mysql\"",
            ));
        }
        if !(1..=LAG_LIMIT_MAX).contains(&self.lag_limit_seconds) {
            findings.push(Finding::error(
                "plugin.settings.lagLimitSeconds",
                format!("is {}; choose 1 to {LAG_LIMIT_MAX}", self.lag_limit_seconds),
            ));
        }
        findings
    }
}

/// What is to say of this spec.
pub(crate) fn validate(old: Option<&App>, new: &App) -> Vec<Finding> {
    let mut findings = match new.settings::<Settings>() {
        Ok(settings) => settings.findings(),
        Err(bad) => vec![Finding::error(
            "plugin.settings",
            format!("{bad}; known are port and lagLimitSeconds"),
        )],
    };
    if new.target == 0 {
        findings.push(Finding::warning(
            "replicas",
            "is 0: no server will run; the volumes and the record of who is primary are kept",
        ));
    }
    if new.target > MANY_MEMBERS {
        findings.push(Finding::warning(
            "replicas",
            format!(
                "is {}: all replicas read from one primary, more than {MANY_MEMBERS} members are a burden to it",
                new.target
            ),
        ));
    }
    if let Some(old) = old.filter(|old| old.start != new.start) {
        findings.push(Finding::error(
            "ordinals.start",
            format!(
                "must stay {}: members are known by their ordinals, and so is the primary",
                old.start
            ),
        ));
    }
    findings
}
