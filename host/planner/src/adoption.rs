//! Which pods are ours (items 22 to 29).
//!
//! | owner     | name and selector fit | then |
//! |-----------|-----------------------|------|
//! | we        | yes                   | ours |
//! | we        | no                    | released, unless the app is being deleted |
//! | nobody    | yes                   | adopted, unless the app or the pod is being deleted |
//! | nobody    | no                    | left alone |
//! | another   | –                     | left alone |

mod makes;

use crate::draft::Draft;
use crate::plan::Step;
use crate::world::{Pod, World};
use makes::{Makes, Owner};

/// A pod of ours.
pub(crate) struct OwnPod<'w> {
    pub(crate) ordinal: u32,
    pub(crate) pod: &'w Pod,
    /// The revision that its label names.
    pub(crate) revision: &'w str,
    /// We own it already.
    pub(crate) is_adopted: bool,
}

/// Our pods.
pub(crate) fn claim<'w>(world: &'w World, draft: &mut Draft) -> Vec<OwnPod<'w>> {
    let app = &world.app;
    let mut makes = Makes::of(app);
    let mut ours = Vec::with_capacity(world.pods.len());
    for pod in &world.pods {
        let make = makes.judge(pod);
        let fitting = pod.facts.derived().ordinal.filter(|_| make.fits);
        let own = |ordinal, is_adopted| OwnPod {
            ordinal,
            pod,
            revision: make.revision,
            is_adopted,
        };
        match (make.owner, fitting) {
            (Owner::We, Some(ordinal)) => ours.push(own(ordinal, true)),
            (Owner::We, None) if app.deletion.is_none() => draft.steps.push(Step::ReleasePod {
                name: pod.name.clone(),
                uid: pod.uid.clone(),
            }),
            (Owner::Nobody, Some(ordinal)) if app.deletion.is_none() && pod.deletion.is_none() => {
                draft.steps.push(Step::AdoptPod {
                    name: pod.name.clone(),
                    uid: pod.uid.clone(),
                });
                ours.push(own(ordinal, false));
            }
            (Owner::We | Owner::Nobody | Owner::Another, _) => {}
        }
    }
    ours
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::POD_INDEX_LABEL;
    use crate::testing::{pod, world};
    use jiff::Timestamp;

    fn claimed(edit: impl Fn(&mut World, &mut Pod)) -> (usize, Vec<&'static str>) {
        let mut world = world(1);
        let mut pod = pod(&world.app, 0, "web-a");
        edit(&mut world, &mut pod);
        world.pods = vec![pod];
        let mut draft = Draft::of(&world);
        let ours = claim(&world, &mut draft).len();
        let steps = draft
            .steps
            .iter()
            .map(|step| match step {
                Step::AdoptPod { .. } => "adopt",
                Step::ReleasePod { .. } => "release",
                _ => "other",
            })
            .collect();
        (ours, steps)
    }

    /// Upstream's GetPodsForStatefulSetAdopt and Release.
    #[test]
    fn the_table_holds() {
        let deleted = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(claimed(|_, _| {}), (1, vec![]));
        assert_eq!(claimed(|_, pod| pod.owners.clear()), (1, vec!["adopt"]));
        assert_eq!(
            claimed(|_, pod| pod.labels.clear()),
            (0, vec!["release"]),
            "ours, not selected"
        );
        assert_eq!(
            claimed(|_, pod| pod.name = "web-01".to_owned()),
            (0, vec!["release"]),
            "ours, not our name"
        );
        assert_eq!(
            claimed(|_, pod| {
                pod.owners.clear();
                pod.name = "webber-0".to_owned();
            }),
            (0, vec![]),
            "selected alone is not enough"
        );
        assert_eq!(
            claimed(|_, pod| pod.owners[0].uid = "another".to_owned()),
            (0, vec![])
        );
        assert_eq!(
            claimed(|_, pod| {
                pod.owners.clear();
                pod.deletion = deleted;
            }),
            (0, vec![]),
            "a pod in deletion is not adopted"
        );
        assert_eq!(
            claimed(|world, pod| {
                world.app.deletion = deleted;
                pod.owners.clear();
            }),
            (0, vec![]),
            "an app in deletion adopts nothing"
        );
        assert_eq!(
            claimed(|world, pod| {
                world.app.deletion = deleted;
                pod.labels.clear();
            }),
            (0, vec![]),
            "an app in deletion releases nothing"
        );
    }

    #[test]
    fn a_selector_that_means_single_pods_is_asked_about_each() {
        let mut world = world(2);
        world.pods = [0, 1]
            .map(|ordinal| pod(&world.app, ordinal, "web-a"))
            .to_vec();
        let makes = [0, 1].map(|place: usize| world.pods[place].facts.derived().make);
        assert_eq!(makes[0], makes[1], "alike but for their own labels");
        let selector = &mut world.app.spec.selector;
        (selector.match_labels).insert(POD_INDEX_LABEL.to_owned(), "1".to_owned());
        let mut draft = Draft::of(&world);
        let ours = claim(&world, &mut draft);
        assert_eq!(ours.iter().map(|own| own.ordinal).collect::<Vec<_>>(), [1]);
        assert!(
            matches!(&draft.steps[..], [Step::ReleasePod { name, .. }] if name == "web-0"),
            "{:?}",
            draft.steps
        );
    }
}
