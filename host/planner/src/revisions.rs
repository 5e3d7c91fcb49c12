//! Revisions of the pod template, as ControllerRevision objects (items 115 to 127).
//!
//! | the template equals … | then |
//! |---|---|
//! | the newest revision   | that one is the update revision |
//! | an older one          | it is renumbered to be the newest: a rollback makes no new object |
//! | none                  | the API server is asked whether it means the same as the newest; if not, a new one is made. Everything else waits for it |

mod bodies;
mod canonical;
mod history;
mod meaning;
mod naming;
mod quantity;
mod upstream;

use serde_json::Value;

pub(crate) use canonical::canonical;
pub(crate) use history::surplus;
pub(crate) use naming::HASH_LENGTH;
pub(crate) use quantity::nano;

use crate::plan::Step;
use crate::shared::Shared;
use crate::world::{Revision, World};
use meaning::Meaning;

/// The revisions that a plan works with.
#[derive(Clone, Debug)]
pub(crate) struct Revisions<'w> {
    /// Ours and those that we may adopt, oldest first.
    sorted: Vec<&'w Revision>,
    /// The revision that pods below the partition have, and all had before the rollout.
    pub(crate) current: Option<&'w Revision>,
    /// The revision that pods are to reach. None: it does not exist yet.
    pub(crate) update: Option<&'w Revision>,
    /// What brings the revisions in order.
    pub(crate) steps: Vec<Step>,
    pub(crate) collisions: u32,
}

/// Finds or makes the update revision of the present template.
pub(crate) fn of_template(world: &World) -> Revisions<'_> {
    let sorted = usable(world);
    let newest = sorted.last().map_or(0, |revision| revision.number);
    let wanted = world.app.spec.derived();
    let is_same = |revision: &&&Revision| revision.data.derived().as_ref() == Some(wanted);
    let mut steps = adoptions(world, &sorted);
    let mut collisions = world.recorded.collision_count;
    let meaning = match sorted.iter().rev().find(is_same).copied() {
        Some(revision) => Meaning::Same(revision),
        None => meaning::beside_newest(world, &sorted, wanted),
    };
    let mut update = None;
    match meaning {
        Meaning::Same(revision) => {
            update = Some(revision);
            if revision.number < newest {
                steps.push(Step::RenumberRevision {
                    name: revision.name.clone(),
                    uid: revision.uid.clone(),
                    number: newest.saturating_add(1),
                });
            }
        }
        Meaning::Unknown(question) => steps.push(question),
        Meaning::Another => {
            let name = loop {
                let name = naming::revision_name(&world.app, wanted, collisions);
                if world.revisions.iter().all(|revision| revision.name != name) {
                    break name;
                }
                // Another template under the same hash (item 123).
                collisions = collisions.saturating_add(1);
            };
            steps.push(Step::CreateRevision {
                body: bodies::revision_body(&world.app, &name, newest.saturating_add(1)),
                name,
            });
        }
    }
    Revisions {
        current: named(&sorted, &world.recorded.current_revision).or(update),
        update,
        sorted,
        steps,
        collisions,
    }
}

/// The revisions as they were recorded, whatever the present template says: what heals an app whose present spec is not accepted.
pub(crate) fn as_recorded(world: &World) -> Revisions<'_> {
    let sorted = usable(world);
    let update = named(&sorted, &world.recorded.update_revision);
    Revisions {
        current: named(&sorted, &world.recorded.current_revision).or(update),
        update,
        steps: adoptions(world, &sorted),
        sorted,
        collisions: world.recorded.collision_count,
    }
}

/// The template of a revision's pods.
pub(crate) struct Template(Shared<Value>);

impl Template {
    pub(crate) fn of(revision: &Revision) -> Option<Template> {
        let template = revision.data.get("spec")?.get("template")?;
        (template.is_object()).then(|| Template(revision.data.clone()))
    }

    pub(crate) fn drawn(&self) -> Value {
        let template = self.0.get("spec").and_then(|spec| spec.get("template"));
        let mut template = template.cloned().unwrap_or_default();
        if let Some(fields) = template.as_object_mut() {
            fields.remove("$patch");
        }
        template
    }
}

fn usable(world: &World) -> Vec<&Revision> {
    let mut sorted: Vec<_> = world
        .revisions
        .iter()
        .filter(|revision| match &revision.owner {
            Some(owner) => *owner == world.app.uid,
            // Labels of a revision are those of its template (item 30).
            None => world.app.spec.selector.matches(&revision.labels),
        })
        .collect();
    // Upstream item 119.
    sorted.sort_by_key(|revision| (revision.number, revision.created, revision.name.as_str()));
    sorted
}

fn named<'w>(sorted: &[&'w Revision], name: &str) -> Option<&'w Revision> {
    sorted
        .iter()
        .find(|revision| revision.name == name)
        .copied()
}

fn adoptions(world: &World, sorted: &[&Revision]) -> Vec<Step> {
    if world.app.deletion.is_some() {
        return Vec::new();
    }
    sorted
        .iter()
        .filter(|revision| revision.owner.is_none())
        .map(|revision| Step::AdoptRevision {
            name: revision.name.clone(),
            uid: revision.uid.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
