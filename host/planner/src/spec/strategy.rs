//! `updateStrategy`, and the budget of pods that may be away during an update.

use serde_json::Value;

use super::fields::{count, field, object, text, unknown};
use super::{MaxUnavailable, SpecError, UpdateStrategy};

pub(super) fn parse(strategy: Option<&Value>) -> Result<UpdateStrategy, SpecError> {
    let Some(strategy) = strategy else {
        return Ok(UpdateStrategy::RollingUpdate {
            partition: 0,
            max_unavailable: None,
        });
    };
    object(strategy, "updateStrategy")?;
    let block = field(strategy, "rollingUpdate");
    let type_ = match field(strategy, "type") {
        None => "RollingUpdate",
        Some(type_) => text(type_, "updateStrategy.type")?,
    };
    match (type_, block) {
        ("RollingUpdate" | "", block) => rolling(block),
        ("OnDelete", None) => Ok(UpdateStrategy::OnDelete),
        ("Recreate", None) => Ok(UpdateStrategy::Recreate),
        ("OnDelete" | "Recreate", Some(_)) => Err(SpecError::invalid(
            "updateStrategy.rollingUpdate",
            format!("does not go with the type {type_}"),
            "leave the block out, or use the type RollingUpdate",
        )),
        (other, _) => Err(unknown(
            "updateStrategy.type",
            other,
            "RollingUpdate, OnDelete or Recreate",
        )),
    }
}

/// The type RollingUpdate was written, and its block was not. The API fills the block in only when the type is missing too.
pub(super) fn has_bare_type(strategy: Option<&Value>) -> bool {
    strategy.is_some_and(|strategy| {
        field(strategy, "type").and_then(Value::as_str) == Some("RollingUpdate")
            && field(strategy, "rollingUpdate").is_none()
    })
}

fn rolling(block: Option<&Value>) -> Result<UpdateStrategy, SpecError> {
    let Some(block) = block else {
        return Ok(UpdateStrategy::RollingUpdate {
            partition: 0,
            max_unavailable: None,
        });
    };
    object(block, "updateStrategy.rollingUpdate")?;
    Ok(UpdateStrategy::RollingUpdate {
        partition: count(
            field(block, "partition"),
            "updateStrategy.rollingUpdate.partition",
            0,
        )?,
        max_unavailable: field(block, "maxUnavailable")
            .map(max_unavailable)
            .transpose()?,
    })
}

fn max_unavailable(value: &Value) -> Result<MaxUnavailable, SpecError> {
    let wrong = || {
        SpecError::invalid(
            "updateStrategy.rollingUpdate.maxUnavailable",
            format!("is {value}"),
            "use a number of pods from 1 on, or a share from \"1%\" to \"100%\"",
        )
    };
    match value {
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| *number >= 1)
            .map(MaxUnavailable::Count)
            .ok_or_else(wrong),
        Value::String(share) => share
            .strip_suffix('%')
            .and_then(|number| number.parse().ok())
            .filter(|number| (1..=100).contains(number))
            .map(MaxUnavailable::Percent)
            .ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

impl UpdateStrategy {
    /// How many of so many replicas may be unavailable during an update. A share is rounded down, and one may always be.
    pub fn budget(&self, replicas: u32) -> u32 {
        match self {
            UpdateStrategy::RollingUpdate {
                max_unavailable: Some(MaxUnavailable::Count(count)),
                ..
            } => (*count).max(1),
            UpdateStrategy::RollingUpdate {
                max_unavailable: Some(MaxUnavailable::Percent(percent)),
                ..
            } => {
                let share = u64::from(replicas) * u64::from(*percent) / 100;
                u32::try_from(share).unwrap_or(u32::MAX).max(1)
            }
            _ => 1,
        }
    }

    /// The first slot, counted from the first ordinal, that is updated.
    pub fn partition(&self) -> u32 {
        match self {
            UpdateStrategy::RollingUpdate { partition, .. } => *partition,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Upstream's table of GetStatefulSetMaxUnavailable.
    #[test]
    fn the_budget_is_rounded_down_and_at_least_one() {
        let cases = [
            (json!({}), 3, 1),
            (json!({}), 10, 1),
            (json!({"maxUnavailable": 3}), 10, 3),
            (json!({"maxUnavailable": 3}), 0, 3),
            (json!({"maxUnavailable": "1%"}), 0, 1),
            (json!({"maxUnavailable": "10%"}), 25, 2),
            (json!({"maxUnavailable": "50%"}), 5, 2),
            (json!({"maxUnavailable": "10%"}), 5, 1),
            (json!({"maxUnavailable": "100%"}), 5, 5),
            (json!({"maxUnavailable": "50%"}), 0, 1),
        ];
        for (block, replicas, budget) in cases {
            let strategy = parse(Some(
                &json!({"type": "RollingUpdate", "rollingUpdate": block}),
            ))
            .unwrap();
            assert_eq!(strategy.budget(replicas), budget, "{block} of {replicas}");
        }
        // No API takes these.
        for none in [MaxUnavailable::Count(0), MaxUnavailable::Percent(0)] {
            let strategy = UpdateStrategy::RollingUpdate {
                partition: 0,
                max_unavailable: Some(none),
            };
            assert_eq!(strategy.budget(0), 1, "{none:?} of 0");
        }
    }

    #[test]
    fn a_budget_that_makes_no_sense_is_refused() {
        for bad in [
            json!(0),
            json!("0%"),
            json!("101%"),
            json!("3"),
            json!(-1),
            json!(true),
        ] {
            let error =
                parse(Some(&json!({"rollingUpdate": {"maxUnavailable": bad}}))).unwrap_err();
            assert!(error.to_string().contains("maxUnavailable"), "{error}");
        }
    }

    #[test]
    fn the_type_decides_whether_the_block_may_stand() {
        assert_eq!(
            parse(Some(&json!({"type": "OnDelete"}))),
            Ok(UpdateStrategy::OnDelete)
        );
        assert!(parse(Some(&json!({"type": "OnDelete", "rollingUpdate": {}}))).is_err());
        let error = parse(Some(&json!({"type": "BlueGreen"}))).unwrap_err();
        assert_eq!(error.reason(), "SpecUnknownValue");
    }
}
