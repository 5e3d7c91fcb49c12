//! Settings of an app, checked against the schema that the plugin's manifest brings, before any hook sees them.
//!
//! A schema comes from outside, so it is bounded when it is read: `$ref` only within the schema itself, no recursion, and what all references expand to has
//! a limit. Checking settings is then a bounded walk.

use std::collections::{BTreeMap, BTreeSet};

use boon::{CompileError, Compiler, Draft, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

use crate::contract::Finding;

/// Nodes of a schema, references followed.
const MOST_NODES: usize = 10_000;

/// Mistakes that are told at a time.
const MOST_FINDINGS: usize = 16;

/// The longest text of one mistake.
const MAX_TEXT: usize = 512;

/// Keywords by which a schema can reach another one in ways that are not followed here.
const UNFOLLOWED: [&str; 6] = [
    "$id",
    "id",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
];

/// Where the schema stands for its compiler; nothing is loaded from there.
const PLACE: &str = "schema:settings";

/// The schema of `spec.plugin.settings`, compiled.
pub(crate) struct SettingsSchema {
    schemas: Schemas,
    root: SchemaIndex,
}

/// What is wrong with these settings by this schema, the one of a manifest; or what is wrong with the schema.
pub fn check_settings(schema: &Value, settings: &Value) -> Result<Vec<Finding>, String> {
    Ok(SettingsSchema::parse(schema)?.check(settings))
}

/// No schema is loaded from anywhere.
struct Nowhere;

impl UrlLoader for Nowhere {
    fn load(&self, url: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err(format!("{url} is not part of the schema").into())
    }
}

impl SettingsSchema {
    /// Reads a JSON schema (draft 2020-12 unless it names another); or what is wrong with it.
    pub(crate) fn parse(schema: &Value) -> Result<SettingsSchema, String> {
        Extent::of(schema)?;
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.use_loader(Box::new(Nowhere));
        let mut schemas = Schemas::new();
        let refused = |error: CompileError| crate::text::line(&format!("{error:#}"), MAX_TEXT);
        compiler
            .add_resource(PLACE, schema.clone())
            .map_err(refused)?;
        let root = compiler.compile(PLACE, &mut schemas).map_err(refused)?;
        Ok(SettingsSchema { schemas, root })
    }

    /// What is wrong with these settings, each mistake with its path. Empty: nothing.
    pub(crate) fn check(&self, settings: &Value) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Err(error) = self.schemas.validate(settings, self.root) {
            collect(&error, &mut findings);
        }
        findings
    }
}

/// The innermost errors say what is wrong; those around them only where they were found.
fn collect(error: &ValidationError<'_, '_>, findings: &mut Vec<Finding>) {
    for cause in &error.causes {
        collect(cause, findings);
    }
    if !error.causes.is_empty() || findings.len() >= MOST_FINDINGS {
        return;
    }
    let mut path = "settings".to_owned();
    for step in error
        .instance_location
        .to_string()
        .split('/')
        .filter(|step| !step.is_empty())
    {
        path.push('.');
        path.push_str(step);
    }
    findings.push(Finding {
        path: crate::text::line(&path, 256),
        text: crate::text::line(&error.kind.to_string(), MAX_TEXT),
        blocks: true,
        extra: Vec::new(),
    });
}

/// Counts what a schema expands to.
struct Extent<'a> {
    root: &'a Value,
    /// Nodes under the places that references name.
    counted: BTreeMap<&'a str, usize>,
    /// References that are being followed.
    open: BTreeSet<&'a str>,
}

impl<'a> Extent<'a> {
    fn of(root: &'a Value) -> Result<usize, String> {
        let mut extent = Extent {
            root,
            counted: BTreeMap::new(),
            open: BTreeSet::new(),
        };
        extent.count(root)
    }

    fn count(&mut self, node: &'a Value) -> Result<usize, String> {
        let mut nodes: usize = 1;
        match node {
            Value::Array(items) => {
                for item in items {
                    nodes = nodes.saturating_add(self.count(item)?);
                }
            }
            Value::Object(fields) => {
                for (key, value) in fields {
                    nodes = nodes.saturating_add(match value {
                        Value::String(place) if key == "$ref" => self.follow(place)?,
                        Value::String(_) if UNFOLLOWED.contains(&key.as_str()) => {
                            return Err(format!("settings: {key} is not supported in a schema"));
                        }
                        value => self.count(value)?,
                    });
                }
            }
            _ => {}
        }
        if nodes > MOST_NODES {
            return Err(format!(
                "settings: the schema expands to more than {MOST_NODES} nodes"
            ));
        }
        Ok(nodes)
    }

    fn follow(&mut self, place: &'a str) -> Result<usize, String> {
        if let Some(known) = self.counted.get(place) {
            return Ok(*known);
        }
        let target = place
            .strip_prefix('#')
            .and_then(|pointer| self.root.pointer(pointer))
            .ok_or_else(|| {
                let place = crate::text::line(place, 128);
                format!("settings: $ref {place:?} names nothing within the schema")
            })?;
        if !self.open.insert(place) {
            let place = crate::text::line(place, 128);
            return Err(format!("settings: $ref {place:?} leads back to itself"));
        }
        let nodes = self.count(target)?;
        self.open.remove(place);
        self.counted.insert(place, nodes);
        Ok(nodes)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(schema: &Value, settings: &Value) -> Vec<String> {
        let schema = SettingsSchema::parse(schema).expect("a schema");
        let findings = schema.check(settings).into_iter();
        findings
            .map(|finding| format!("{}: {}", finding.path, finding.text))
            .collect()
    }

    #[test]
    fn settings_are_checked_with_the_path_of_each_mistake() {
        let schema = json!({
            "type": "object",
            "properties": {
                "lag": { "$ref": "#/$defs/seconds" },
                "mode": { "enum": ["async", "sync"] },
                "name": { "pattern": "^[a-z]+$" }
            },
            "additionalProperties": false,
            "$defs": { "seconds": { "type": "integer", "minimum": 1 } }
        });
        assert!(found(&schema, &json!({ "lag": 3, "mode": "sync", "name": "a" })).is_empty());
        let mistakes = found(&schema, &json!({ "lag": 0, "mode": "fast", "extra": 1 }));
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        assert!(mistakes.iter().any(|one| one.starts_with("settings.lag: ")));
        assert!(
            mistakes
                .iter()
                .any(|one| one.starts_with("settings.mode: "))
        );
        assert!(
            mistakes.iter().any(|one| one.contains("extra")),
            "{mistakes:?}"
        );
    }

    #[test]
    fn a_schema_reaches_nothing_outside_of_it_and_ends() {
        let bomb: serde_json::Map<String, Value> = (0..40)
            .map(|n| {
                let next = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
                (format!("d{n}"), json!({ "allOf": [next, next] }))
            })
            .chain([("d40".to_owned(), json!(true))])
            .collect();
        let refused = [
            (json!({ "$ref": "file:///etc/passwd" }), "names nothing"),
            (json!({ "$ref": "http://127.0.0.1/" }), "names nothing"),
            (json!({ "$ref": "#" }), "leads back"),
            (
                json!({ "properties": { "a": { "$ref": "#/properties/a" } } }),
                "leads back",
            ),
            (json!({ "$id": "http://a/b" }), "not supported"),
            (json!({ "$ref": "#/$defs/d0", "$defs": bomb }), "expands to"),
            (json!({ "pattern": "(" }), ""),
            (json!({ "type": "nonsense" }), ""),
            (json!(7), ""),
        ];
        for (schema, why) in refused {
            let error = SettingsSchema::parse(&schema).err();
            assert!(
                error.as_ref().is_some_and(|said| said.contains(why)),
                "{schema} {error:?}"
            );
        }
    }
}
