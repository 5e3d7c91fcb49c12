//! What must hold whatever the scenario: order, identity, claims, counts, and that in the end everything wanted is there.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::picture::Picture;
use crate::scenario::{Deed, Scenario, Settings, Strategy};
use crate::stage::Played;

/// The first rule that is broken.
pub fn broken(scenario: &Scenario, played: &Played) -> Option<String> {
    let waited = scenario
        .lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.is_hasty);
    for ((position, line), picture) in waited.zip(&played.pictures) {
        let wanted = Wanted::after(
            &scenario.lines[..=position]
                .iter()
                .map(|line| &line.deed)
                .collect::<Vec<_>>(),
        );
        let problem = counts(picture).or_else(|| wanted.missing(picture));
        if let Some(problem) = problem {
            return Some(format!("after `{}`: {problem}", line.deed));
        }
    }
    order(scenario, &played.record).or_else(|| claims(scenario, &played.pictures))
}

/// The status says what is there.
fn counts(picture: &Picture) -> Option<String> {
    let status = picture.0.get("status")?;
    if status["terminating"] == true {
        return None;
    }
    let controller = json!([{ "kind": "StatefulSet", "name": "web", "controller": true, "blockOwnerDeletion": true }]);
    let pods: Vec<&Value> = (picture.0.iter())
        .filter(|(subject, pod)| subject.starts_with("pod ") && pod["owners"] == controller)
        .map(|(_, pod)| pod)
        .collect();
    if pods.iter().any(|pod| pod["terminating"] == true) {
        return None;
    }
    let count = |holds: &dyn Fn(&Value) -> bool| pods.iter().filter(|pod| holds(pod)).count();
    let expected = [
        ("observed", json!(true)),
        ("replicas", json!(pods.len())),
        (
            "ready",
            json!(count(
                &|pod| pod["ready"] == true && pod["terminating"] == false
            )),
        ),
    ];
    (expected.into_iter())
        .find(|(field, value)| status[field] != *value)
        .map(|(field, value)| format!("{field} should be {value}: {status}"))
}

/// What the lines so far amount to, where they leave no doubt.
struct Wanted {
    settings: Settings,
    image: String,
}

impl Wanted {
    /// None of what a scenario wants can be told while something is held back or stuck.
    fn after(deeds: &[&Deed]) -> Self {
        let mut settings = Settings {
            replicas: 0,
            ..Settings::default()
        };
        let mut image = settings.image().to_owned();
        let mut is_limited = false;
        for deed in deeds {
            match deed {
                Deed::Set(made) | Deed::Apply(made) => {
                    settings = made.clone();
                    image = made.image().to_owned();
                }
                Deed::Quota(limit) => is_limited = limit.is_some(),
                Deed::Scale(count) => settings.replicas = *count,
                Deed::Image(name) => image.clone_from(name),
                Deed::Start(ordinal) => settings.start = Some(*ordinal),
                Deed::MaxUnavailable(_) => settings.strategy = Strategy::RollingUpdate,
                Deed::Partition(at) => {
                    settings.strategy = Strategy::RollingUpdate;
                    settings.partition = Some(*at);
                }
                Deed::Strategy(strategy) => {
                    settings.strategy = *strategy;
                    if *strategy != Strategy::RollingUpdate {
                        settings.partition = None;
                    }
                }
                Deed::Unready(_)
                | Deed::LoseNode
                | Deed::RelabelPod(_)
                | Deed::DeleteSet(_)
                | Deed::DeleteClaim(_) => {
                    // From here on, what is there depends on more than what is wanted.
                    image = String::new();
                    settings.replicas = u32::MAX;
                }
                _ => {}
            }
            if image.starts_with("broken") || image.is_empty() {
                return Self {
                    settings: Settings {
                        replicas: u32::MAX,
                        ..settings
                    },
                    image,
                };
            }
        }
        if is_limited {
            settings.replicas = u32::MAX;
        }
        Self { settings, image }
    }

    fn missing(&self, picture: &Picture) -> Option<String> {
        let Settings { replicas, .. } = self.settings;
        if replicas == u32::MAX {
            return None;
        }
        let start = self.settings.start.unwrap_or(0);
        let wanted: BTreeSet<String> = (start..start + replicas)
            .map(|ordinal| format!("pod web-{ordinal}"))
            .collect();
        let there: BTreeSet<String> = (picture.0.keys())
            .filter(|subject| subject.starts_with("pod "))
            .cloned()
            .collect();
        if wanted != there {
            return Some(format!("{there:?} are there, {wanted:?} are wanted"));
        }
        // Upstream counts the partition from the first ordinal.
        let partition = start + self.settings.partition.unwrap_or(0);
        for ordinal in start..start + replicas {
            let pod = &picture.0[&format!("pod web-{ordinal}")];
            if pod["ready"] != true {
                return Some(format!("web-{ordinal} is not ready: {pod}"));
            }
            let is_updated = self.settings.strategy != Strategy::OnDelete && ordinal >= partition;
            if is_updated && pod["image"] != self.image.as_str() {
                return Some(format!("web-{ordinal} is not of {}: {pod}", self.image));
            }
        }
        None
    }
}

/// One identity, one pod; and in order, no pod is made before those below it exist.
fn order(scenario: &Scenario, record: &[String]) -> Option<String> {
    let mut starts: Vec<u32> = (scenario.lines.iter())
        .filter_map(|line| match &line.deed {
            Deed::Set(set) | Deed::Apply(set) => Some(set.start.unwrap_or(0)),
            Deed::Start(ordinal) => Some(*ordinal),
            _ => None,
        })
        .collect();
    starts.dedup();
    let start = *starts.first()?;
    // Where the start moves, what is below the new one is on its way out.
    let has_order = scenario.has_order() && starts.len() == 1;
    let mut present: BTreeSet<u32> = BTreeSet::new();
    for (position, what) in record.iter().enumerate() {
        let ordinal = |name: &str| name.rsplit_once('-')?.1.parse::<u32>().ok();
        if let Some(ordinal) = what.strip_prefix('+').and_then(ordinal) {
            if !present.insert(ordinal) {
                return Some(format!(
                    "a second web-{ordinal} was made: {:?}",
                    &record[..=position]
                ));
            }
            let gap = (start..ordinal).find(|below| !present.contains(below));
            if let Some(gap) = gap.filter(|_| has_order) {
                return Some(format!(
                    "web-{ordinal} was made before web-{gap}: {:?}",
                    &record[..=position]
                ));
            }
        } else if let Some(ordinal) = what.strip_prefix('-').and_then(ordinal) {
            present.remove(&ordinal);
        }
    }
    None
}

/// Claims stay, unless somebody wants them gone.
fn claims(scenario: &Scenario, pictures: &[Picture]) -> Option<String> {
    let may_go = scenario.lines.iter().any(|line| match &line.deed {
        Deed::Set(set) | Deed::Apply(set) => set.deletes_when_scaled || set.deletes_when_deleted,
        Deed::Retention { scaled, deleted } => *scaled || *deleted,
        Deed::DeleteClaim(_) => true,
        _ => false,
    });
    if may_go {
        return None;
    }
    let claims = |picture: &Picture| -> BTreeSet<String> {
        let names = picture
            .0
            .keys()
            .filter(|subject| subject.starts_with("claim "));
        names.cloned().collect()
    };
    pictures.windows(2).find_map(|pair| {
        let lost: Vec<String> = claims(&pair[0])
            .difference(&claims(&pair[1]))
            .cloned()
            .collect();
        (!lost.is_empty()).then(|| format!("lost: {lost:?}"))
    })
}
