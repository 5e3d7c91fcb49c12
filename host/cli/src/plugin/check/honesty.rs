//! Is `validate` honest? What it lets pass must work, what it refuses it must explain, and the clock must not decide.
//!
//! Besides the settings of the scenario it is asked about some that nobody means: an unknown field, fields of the wrong type, no object at all. A plugin
//! that lets them pass must serve them.

use serde_json::{Value, json};

use super::{Check, failed, not_shown, passed};
use crate::failure::Failure;
use crate::plugin::component::Costs;
use crate::plugin::scenario::File;
use crate::plugin::test;

const NAME: &str = "honest in validate";

/// A setting that no plugin has.
const UNKNOWN: &str = "noPluginHasThisSetting";

/// `costs` are those of the scenarios as they are.
pub(super) async fn check(
    plugin: &stateward_runtime::Plugin,
    files: &[(String, File)],
    costs: &Costs,
) -> Result<Check, Failure> {
    let hooks = plugin.hooks();
    if !hooks.contains(&stateward_runtime::Hook::Validate) && !plugin.has_settings_schema() {
        let said = "it has no validate, and no schema of its settings";
        return Ok(not_shown(NAME, said));
    }
    if let Some((_, _, fault)) = costs.ended.iter().find(|(hook, _, _)| *hook == "validate") {
        return Ok(failed(NAME, fault));
    }
    if let Some(told) = costs.unsteady.first() {
        return Ok(failed(NAME, told));
    }
    let mut asked = 0;
    for (name, file) in files {
        for settings in &file.refuses {
            asked += 1;
            let (_, accepted) = play(plugin, name, file, settings).await?;
            if accepted {
                let said = format!(
                    "{name} says that it refuses the settings {settings}: it lets them pass"
                );
                return Ok(failed(NAME, said));
            }
        }
        for settings in odd(file.settings.as_ref()) {
            asked += 1;
            let (problem, accepted) = play(plugin, name, file, &settings).await?;
            if let (Some(problem), true) = (problem, accepted) {
                let said = format!(
                    "it lets the settings {settings} pass, and then {name} fails: {problem}"
                );
                return Ok(failed(NAME, said));
            }
        }
    }
    let said = format!("{asked} settings that nobody means are refused in words, or work");
    Ok(passed(NAME, said))
}

/// Plays the scenario with these settings, without faults: what goes wrong, and whether the settings were let pass.
async fn play(
    plugin: &stateward_runtime::Plugin,
    name: &str,
    file: &File,
    settings: &Value,
) -> Result<(Option<String>, bool), Failure> {
    if !plugin.check_settings(settings).is_empty() {
        return Ok((None, false));
    }
    let file = file.with(settings.clone());
    let (report, costs) = test::run(plugin.clone(), file, name.to_owned(), false).await?;
    if let Some((_, _, fault)) = costs.ended.iter().find(|(hook, _, _)| *hook == "validate") {
        return Ok((Some(fault.clone()), true));
    }
    let unexplained = || "it refuses them without a word".to_owned();
    Ok(match costs.refused.first() {
        Some(text) if text.trim().is_empty() => (Some(unexplained()), true),
        Some(_) => (None, false),
        None => {
            let fatal = costs.fatal.first().cloned();
            let failing = report.failing.first();
            (
                fatal.or_else(|| failing.map(|failing| failing.why.clone())),
                true,
            )
        }
    })
}

/// Settings that nobody means.
fn odd(given: Option<&Value>) -> Vec<Value> {
    let empty = json!({});
    let given = given.unwrap_or(&empty);
    let with = |field: &str, value: Value| {
        let mut all = given.clone();
        if let Some(fields) = all.as_object_mut() {
            fields.insert(field.to_owned(), value);
        }
        all
    };
    let fields = given.as_object().into_iter().flatten();
    let wrong = fields.map(|(field, value)| {
        let other = match value {
            Value::String(_) => json!(17),
            Value::Object(_) => json!("no object"),
            _ => json!({"no": "such type"}),
        };
        with(field, other)
    });
    let others = [with(UNKNOWN, json!(1)), json!([]), json!("text")];
    wrong.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_nobody_means_differ_from_the_given_ones_in_one_place() {
        let given = json!({"how": "right", "limit": 3});
        let odd = odd(Some(&given));
        assert_eq!(odd[0], json!({"how": 17, "limit": 3}));
        assert_eq!(
            odd[1],
            json!({"how": "right", "limit": {"no": "such type"}})
        );
        assert_eq!(odd[2][UNKNOWN], 1);
        assert_eq!(odd[3..], [json!([]), json!("text")]);
    }
}
