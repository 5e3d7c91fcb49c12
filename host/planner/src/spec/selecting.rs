//! Label selectors: reading them, matching them, and their string form.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::fields::{field, list, object, text, unknown};
use super::{Requirement, Selector, SpecError};

use crate::texts::Texts;

pub(super) fn parse(selector: Option<&Value>) -> Result<Selector, SpecError> {
    let Some(selector) = selector else {
        return Err(SpecError::Missing {
            path: "selector".to_owned(),
            help: "say which labels its pods have, the same as in template.metadata.labels"
                .to_owned(),
        });
    };
    object(selector, "selector")?;
    let match_labels = match field(selector, "matchLabels") {
        None => BTreeMap::new(),
        Some(labels) => BTreeMap::deserialize(labels).map_err(|error| {
            SpecError::invalid(
                "selector.matchLabels",
                format!("is {labels}"),
                format!("use strings by name ({error})"),
            )
        })?,
    };
    let match_expressions = list(
        field(selector, "matchExpressions"),
        "selector.matchExpressions",
    )?
    .iter()
    .map(requirement)
    .collect::<Result<Vec<_>, _>>()?;
    let selector = Selector {
        match_labels,
        match_expressions,
    };
    if selector.is_empty() {
        return Err(SpecError::invalid(
            "selector",
            "is empty and would select every pod",
            "say which labels its pods have",
        ));
    }
    Ok(selector)
}

fn requirement(expression: &Value) -> Result<Requirement, SpecError> {
    const PATH: &str = "selector.matchExpressions";
    object(expression, PATH)?;
    let key = match field(expression, "key") {
        Some(key) => text(key, PATH)?.to_owned(),
        None => {
            return Err(SpecError::invalid(
                PATH,
                "has an expression without a key",
                "name the label that it is about",
            ));
        }
    };
    let operator = match field(expression, "operator") {
        Some(operator) => text(operator, PATH)?.to_owned(),
        None => String::new(),
    };
    let values = list(field(expression, "values"), PATH)?
        .iter()
        .map(|value| text(value, PATH).map(str::to_owned))
        .collect::<Result<Vec<_>, _>>()?;
    match (operator.as_str(), values.is_empty()) {
        ("In" | "NotIn", false) | ("Exists" | "DoesNotExist", true) => {}
        ("In" | "NotIn", true) => {
            return Err(SpecError::invalid(
                PATH,
                format!("has {key} {operator} without values"),
                "give at least one value",
            ));
        }
        ("Exists" | "DoesNotExist", false) => {
            return Err(SpecError::invalid(
                PATH,
                format!("has {key} {operator} with values"),
                "leave the values out, or use In",
            ));
        }
        _ => {
            return Err(unknown(
                "selector.matchExpressions.operator",
                &operator,
                "In, NotIn, Exists or DoesNotExist",
            ));
        }
    }
    Ok(Requirement {
        key,
        operator,
        values,
    })
}

impl Selector {
    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Whether it depends on this label.
    pub(crate) fn mentions(&self, key: &str) -> bool {
        self.match_labels.contains_key(key)
            || (self.match_expressions.iter()).any(|requirement| requirement.key == key)
    }

    /// Whether these labels are selected.
    pub fn matches(&self, labels: &Texts) -> bool {
        self.match_labels
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value.as_str()))
            && self
                .match_expressions
                .iter()
                .all(|requirement| requirement.matches(labels))
    }
}

impl Requirement {
    fn matches(&self, labels: &Texts) -> bool {
        let value = labels.get(&self.key);
        let is_named = |value| self.values.iter().any(|named| named == value);
        match self.operator.as_str() {
            "In" => value.is_some_and(is_named),
            "NotIn" => !value.is_some_and(is_named),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    }
}

/// As the scale subresource shows it: `app=web,tier in (a,b),!old`.
impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let labels = self
            .match_labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"));
        let expressions = self.match_expressions.iter().map(|requirement| {
            let Requirement {
                key,
                operator,
                values,
            } = requirement;
            let mut values = values.clone();
            values.sort();
            let values = values.join(",");
            match operator.as_str() {
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} notin ({values})"),
                "DoesNotExist" => format!("!{key}"),
                _ => key.clone(),
            }
        });
        let parts: Vec<_> = labels.chain(expressions).collect();
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn labels(pairs: &[(&str, &str)]) -> Texts {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn every_operator_matches_as_upstream() {
        let cases = [
            (
                json!({"key": "a", "operator": "In", "values": ["1", "2"]}),
                [true, false, false],
            ),
            (
                json!({"key": "a", "operator": "NotIn", "values": ["1"]}),
                [false, true, true],
            ),
            (
                json!({"key": "a", "operator": "Exists"}),
                [true, true, false],
            ),
            (
                json!({"key": "a", "operator": "DoesNotExist"}),
                [false, false, true],
            ),
        ];
        let subjects = [labels(&[("a", "1")]), labels(&[("a", "3")]), labels(&[])];
        for (expression, expected) in cases {
            let selector = parse(Some(&json!({"matchExpressions": [expression]}))).unwrap();
            let got = subjects.each_ref().map(|labels| selector.matches(labels));
            assert_eq!(got, expected, "{expression}");
        }
    }

    #[test]
    fn the_string_form_is_the_one_of_kubectl() {
        let selector = parse(Some(&json!({
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["b", "a"]},
                {"key": "old", "operator": "DoesNotExist"},
                {"key": "x", "operator": "Exists"},
            ]
        })))
        .unwrap();
        assert_eq!(selector.to_string(), "app=web,tier in (a,b),!old,x");
    }

    #[test]
    fn a_selector_that_selects_everything_is_refused() {
        assert!(parse(None).is_err());
        assert!(parse(Some(&json!({}))).is_err());
        assert!(
            parse(Some(
                &json!({"matchExpressions": [{"key": "a", "operator": "Is"}]})
            ))
            .is_err()
        );
    }
}
