//! Label selectors in the text form of a query and in the form of a `LabelSelector` object.

use serde_json::{Map, Value};

use crate::admission::metadata::{LABEL_VALUE, is_label_value};
use crate::failure::Failure;
use crate::object::{list, map, text};

#[derive(Debug, Clone, Default)]
pub(crate) struct LabelSelector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq)]
struct Requirement {
    label: String,
    operator: Operator,
}

#[derive(Debug, Clone, PartialEq)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
    GreaterThan(i64),
    LessThan(i64),
}

impl Requirement {
    /// Values are held against the rules of labels.
    fn checked(self) -> Result<Self, Failure> {
        let (Operator::In(values) | Operator::NotIn(values)) = &self.operator else {
            return Ok(self);
        };
        let bad = values.iter().position(|value| !is_label_value(value));
        match bad.and_then(|position| Some((position, values.get(position)?))) {
            None => Ok(self),
            Some((position, value)) => Err(Failure::bad_request(format!(
                "unable to parse requirement: values[{position}][{}]: Invalid value: {value:?}: {LABEL_VALUE}",
                self.label
            ))),
        }
    }
}

impl LabelSelector {
    /// Reads `app=web,tier in (a, b),!canary`.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let unreadable = |part: &str| {
            let what = match part.split_whitespace().nth(1) {
                Some(word) => {
                    format!("found '{word}', expected: in, notin, =, ==, !=, gt, lt")
                }
                None => format!("{part:?} in the label selector {text:?}"),
            };
            Failure::bad_request(format!("unable to parse requirement: {what}"))
        };
        split_outside_parentheses(text)
            .into_iter()
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| requirement(part).ok_or_else(|| unreadable(part)))
            .map(|requirement| requirement.and_then(Requirement::checked))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Reads a `LabelSelector` object; an empty one matches everything.
    pub(crate) fn of_object(selector: &Value) -> Self {
        let mut requirements = Vec::new();
        for (label, value) in map(selector, "/matchLabels").into_iter().flatten() {
            requirements.push(Requirement {
                label: label.clone(),
                operator: Operator::In(vec![value.as_str().unwrap_or_default().to_owned()]),
            });
        }
        for expression in list(selector, "/matchExpressions") {
            let values = || {
                list(expression, "/values")
                    .iter()
                    .filter_map(|value| value.as_str().map(str::to_owned))
                    .collect()
            };
            requirements.push(Requirement {
                label: text(expression, "/key").to_owned(),
                operator: match text(expression, "/operator") {
                    "In" => Operator::In(values()),
                    "NotIn" => Operator::NotIn(values()),
                    "DoesNotExist" => Operator::DoesNotExist,
                    _ => Operator::Exists,
                },
            });
        }
        Self(requirements)
    }

    pub(crate) fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels
                .and_then(|labels| labels.get(&requirement.label))
                .and_then(Value::as_str);
            requirement.operator.holds(value)
        })
    }

    /// The text form, as the scale subresource shows it.
    pub(crate) fn to_text(&self) -> String {
        let parts: Vec<_> = self
            .0
            .iter()
            .map(|Requirement { label, operator }| match operator {
                Operator::In(values) => match values.as_slice() {
                    [value] => format!("{label}={value}"),
                    values => format!("{label} in ({})", sorted(values).join(",")),
                },
                Operator::NotIn(values) => {
                    format!("{label} notin ({})", sorted(values).join(","))
                }
                Operator::Exists => label.clone(),
                Operator::DoesNotExist => format!("!{label}"),
                Operator::GreaterThan(bound) => format!("{label}>{bound}"),
                Operator::LessThan(bound) => format!("{label}<{bound}"),
            })
            .collect();
        parts.join(",")
    }
}

fn sorted(values: &[String]) -> Vec<String> {
    let mut values = values.to_vec();
    values.sort();
    values
}

impl Operator {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            Self::NotIn(values) => value.is_none_or(|value| values.iter().all(|one| one != value)),
            Self::Exists => value.is_some(),
            Self::DoesNotExist => value.is_none(),
            Self::GreaterThan(bound) => number().is_some_and(|value| value > *bound),
            Self::LessThan(bound) => number().is_some_and(|value| value < *bound),
        }
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

fn requirement(part: &str) -> Option<Requirement> {
    let of = |label: &str, operator| {
        let label = label.trim();
        let is_label = !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
        is_label.then(|| Requirement {
            label: label.to_owned(),
            operator,
        })
    };
    if let Some(label) = part.strip_prefix('!').filter(|rest| !rest.contains('=')) {
        return of(label, Operator::DoesNotExist);
    }
    if let Some((label, value)) = part.split_once("!=") {
        return of(label, Operator::NotIn(vec![value.trim().to_owned()]));
    }
    if let Some((label, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return of(label, Operator::In(vec![value.trim().to_owned()]));
    }
    if let Some((head, values)) = part.split_once('(') {
        let values = values.trim_end().strip_suffix(')')?;
        let values = values.split(',').map(|one| one.trim().to_owned()).collect();
        let (label, word) = head.trim_end().rsplit_once(char::is_whitespace)?;
        return match word {
            "in" => of(label, Operator::In(values)),
            "notin" => of(label, Operator::NotIn(values)),
            _ => None,
        };
    }
    if let Some((label, bound)) = part.split_once('>') {
        return of(label, Operator::GreaterThan(bound.trim().parse().ok()?));
    }
    if let Some((label, bound)) = part.split_once('<') {
        return of(label, Operator::LessThan(bound.trim().parse().ok()?));
    }
    of(part, Operator::Exists)
}
