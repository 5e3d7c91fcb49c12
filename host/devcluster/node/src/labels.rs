//! Label selectors.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

type Labels = BTreeMap<String, String>;

/// Whether the selector takes an object with these labels; an empty one takes all.
pub(crate) fn selects(selector: &LabelSelector, labels: Option<&Labels>) -> bool {
    let value = |key: &str| labels.and_then(|labels| labels.get(key));
    let equal = selector
        .match_labels
        .iter()
        .flatten()
        .all(|(key, wanted)| value(key) == Some(wanted));
    let expressions = selector.match_expressions.iter().flatten().all(|rule| {
        let values = rule.values.as_deref().unwrap_or_default();
        holds(&rule.operator, value(&rule.key), values)
    });
    equal && expressions
}

/// One requirement on a label's value, with the operators of labels and those of nodes.
pub(crate) fn holds(operator: &str, value: Option<&String>, values: &[String]) -> bool {
    let listed = value.is_some_and(|value| values.contains(value));
    let compared = || {
        let value: i64 = value?.parse().ok()?;
        let bound: i64 = values.first()?.parse().ok()?;
        Some(value.cmp(&bound))
    };
    match operator {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compared() == Some(std::cmp::Ordering::Greater),
        "Lt" => compared() == Some(std::cmp::Ordering::Less),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_takes_what_fulfils_all_of_its_rules() {
        let labels: Labels = [("app".to_owned(), "web".to_owned())].into();
        for (selector, takes) in [
            (json!({}), true),
            (json!({ "matchLabels": { "app": "web" } }), true),
            (json!({ "matchLabels": { "app": "db" } }), false),
            (
                json!({ "matchExpressions": [{ "key": "app", "operator": "In", "values": ["web", "db"] }] }),
                true,
            ),
            (
                json!({ "matchExpressions": [{ "key": "app", "operator": "NotIn", "values": ["web"] }] }),
                false,
            ),
            (
                json!({ "matchExpressions": [{ "key": "tier", "operator": "DoesNotExist" }] }),
                true,
            ),
            (
                json!({ "matchLabels": { "app": "web" }, "matchExpressions": [{ "key": "tier", "operator": "Exists" }] }),
                false,
            ),
        ] {
            let parsed = serde_json::from_value(selector.clone()).expect("a selector");
            assert_eq!(selects(&parsed, Some(&labels)), takes, "{selector}");
        }
        assert!(holds("Gt", Some(&"10".to_owned()), &["9".to_owned()]));
        assert!(!holds("Lt", None, &["9".to_owned()]));
    }
}
