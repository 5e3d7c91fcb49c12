use super::*;
use crate::testing::{pod, revision, world};
use crate::world::{Comparison, Face};
use serde_json::json;

fn edited(world: &mut World, image: &str) {
    *world
        .app
        .spec
        .template
        .pointer_mut("/spec/containers/0/image")
        .unwrap() = json!(image);
}

/// A world in which revisions of these images were made, in this order.
fn after(images: &[&str]) -> World {
    let mut world = world(1);
    world.revisions.clear();
    for image in images {
        edited(&mut world, image);
        let steps = of_template(&world).steps;
        for step in steps {
            match step {
                Step::CreateRevision { body, .. } => world.revisions.push(revision(&body)),
                Step::RenumberRevision { name, number, .. } => {
                    let found = world
                        .revisions
                        .iter_mut()
                        .find(|revision| revision.name == name);
                    found.unwrap().number = number;
                }
                other => panic!("unexpected {other:?}"),
            }
        }
    }
    world
}

/// Upstream's TestGetSetRevisions.
#[test]
fn the_first_template_makes_the_first_revision() {
    let mut world = world(1);
    world.revisions.clear();
    let steps = of_template(&world).steps;
    let [Step::CreateRevision { name, body }] = steps.as_slice() else {
        panic!("one revision is made: {steps:?}");
    };
    assert!(name.starts_with("web-") && name.len() == "web-".len() + HASH_LENGTH);
    assert_eq!(body.pointer("/revision"), Some(&json!(1)));
    assert_eq!(
        body.pointer("/data/spec/template/$patch"),
        Some(&json!("replace"))
    );
    assert_eq!(
        body.pointer("/metadata/labels/app"),
        Some(&json!("web")),
        "adoption finds it by the labels of its template"
    );
    assert_eq!(
        body.pointer("/metadata/annotations/stateward.dev~1revision-rule"),
        Some(&json!("1"))
    );
}

#[test]
fn the_same_template_makes_no_revision() {
    let world = after(&["web:v1"]);
    let revisions = of_template(&world);
    assert!(revisions.steps.is_empty());
    assert_eq!(revisions.update.map(|update| update.number), Some(1));
}

/// Upstream's TestControlRollback.
#[test]
fn going_back_takes_the_old_revision_and_makes_it_the_newest() {
    let world = after(&["web:v1", "web:v2", "web:v1"]);
    assert_eq!(world.revisions.len(), 2);
    let update = of_template(&world).update.unwrap();
    assert_eq!(update.number, 3);
    assert_eq!(
        update
            .data
            .pointer("/spec/template/spec/containers/0/image"),
        Some(&json!("web:v1"))
    );
}

#[test]
fn another_spelling_of_the_same_template_rolls_nothing() {
    let mut world = after(&["web:v1"]);
    world.app.spec.template["metadata"]["creationTimestamp"] = Value::Null;
    assert!(of_template(&world).steps.is_empty());
}

/// What an older version of the operator made, under another name, by another rule and in its own spelling, is still the template's revision: an upgrade of
/// the rule restarts no pod. So is what another API server stores with its own order and nulls.
#[test]
fn a_revision_of_an_older_rule_is_kept() {
    for face in [Face::StatefulApp, Face::StatefulSet] {
        let mut world = after(&["web:v1"]);
        world.app.face = face;
        world.app.spec.template["spec"]["containers"][0]["resources"] =
            json!({ "requests": { "cpu": "500m", "memory": "1Gi" } });
        let older = &mut world.revisions[0];
        older.name = "web-1".to_owned();
        older.data = json!({ "spec": { "template": {
            "$patch": "replace",
            "metadata": { "creationTimestamp": null, "labels": { "app": "web" } },
            "spec": { "hostname": null, "containers": [{
                "resources": { "requests": { "memory": "1024Mi", "cpu": "0.5" } },
                "image": "web:v1", "name": "web",
            }]},
        }}})
        .into();
        let revisions = of_template(&world);
        assert!(
            revisions.steps.is_empty(),
            "{face:?}: {:?}",
            revisions.steps
        );
        assert_eq!(
            revisions.update.map(|update| update.name.as_str()),
            Some("web-1")
        );
    }
}

/// What the API server is asked about the template.
fn question(world: &World) -> Option<(String, String)> {
    let revisions = of_template(world);
    let [Step::CompareTemplates { uid, digest, .. }] = revisions.steps.as_slice() else {
        return None;
    };
    assert!(revisions.update.is_none(), "everything else waits for it");
    Some((uid.clone(), digest.clone()))
}

/// Upstream's TestStatefulSetSemanticRevisionComparison (item 122): completed by the defaults of today, the revision is the template.
#[test]
fn given_a_default_that_is_written_out_then_the_api_server_is_asked_and_its_word_holds() {
    for face in [Face::StatefulApp, Face::StatefulSet] {
        let mut world = after(&["web:v1", "web:v2"]);
        world.app.face = face;
        world.app.spec.template["spec"]["dnsPolicy"] = json!("ClusterFirst");
        world.app.spec.template["spec"]["containers"][0]["ports"] = json!([]);
        let (revision, digest) = question(&world).unwrap();
        assert_eq!(revision, world.revisions[1].uid, "the newest");
        let answer = |is_same| {
            Some(Comparison {
                revision: revision.clone(),
                digest: digest.clone(),
                is_same,
            })
        };
        world.answers.comparison = answer(true);
        let revisions = of_template(&world);
        assert!(revisions.steps.is_empty(), "{:?}", revisions.steps);
        assert_eq!(revisions.update.map(|update| update.number), Some(2));
        world.answers.comparison = answer(false);
        let steps = of_template(&world).steps;
        assert!(matches!(steps[..], [Step::CreateRevision { .. }]));
        // The answer was about another template.
        world.app.spec.template["spec"]["dnsPolicy"] = json!("Default");
        assert!(question(&world).is_some());
    }
}

#[test]
fn given_a_template_that_contradicts_the_revision_then_nobody_is_asked() {
    let edits: [fn(&mut Value); 4] = [
        |template| template["spec"]["containers"][0]["image"] = json!("web:v2"),
        |template| template["metadata"]["labels"]["tier"] = json!("db"),
        |template| template["metadata"]["annotations"] = json!({ "restarted": "now" }),
        |template| {
            template["spec"]["containers"] = json!([{ "name": "web", "image": "web:v1" }, { "name": "proxy", "image": "proxy:v1" }]);
        },
    ];
    for edit in edits {
        let mut world = after(&["web:v1"]);
        edit(&mut world.app.spec.template);
        let steps = of_template(&world).steps;
        assert!(
            matches!(steps[..], [Step::CreateRevision { .. }]),
            "{steps:?}"
        );
    }
}

#[test]
fn another_template_under_the_same_name_is_stepped_around() {
    let mut world = world(1);
    world.revisions.clear();
    let taken = match of_template(&world).steps.remove(0) {
        Step::CreateRevision { body, .. } => body,
        other => panic!("unexpected {other:?}"),
    };
    let mut taken = revision(&taken);
    taken.data = json!({"spec": {"template": {"other": true}}}).into();
    world.revisions.push(taken.clone());
    let revisions = of_template(&world);
    assert_eq!(revisions.collisions, 1);
    assert!(
        matches!(revisions.steps.as_slice(), [Step::CreateRevision { name, .. }] if *name != taken.name)
    );
}

#[test]
fn a_template_survives_the_way_through_its_revision() {
    let world = after(&["web:v1"]);
    let update = of_template(&world).update.unwrap();
    assert_eq!(
        Template::of(update).map(|template| template.drawn()),
        Some(world.app.spec.template.clone())
    );
}

#[test]
fn an_ownerless_revision_is_adopted_and_a_foreign_one_is_left_alone() {
    let mut world = after(&["web:v1", "web:v2"]);
    world.revisions[0].owner = None;
    world.revisions[1].owner = Some("somebody".to_owned());
    edited(&mut world, "web:v1");
    let revisions = of_template(&world);
    assert_eq!(
        revisions.steps,
        [Step::AdoptRevision {
            name: world.revisions[0].name.clone(),
            uid: world.revisions[0].uid.clone()
        }]
    );
}

/// Upstream's TestHonorRevisionHistoryLimit.
#[test]
fn of_the_idle_revisions_the_newest_are_kept_up_to_the_limit() {
    let mut world = after(&["web:v1", "web:v2", "web:v3", "web:v4", "web:v5"]);
    let name = |number: usize| world.revisions[number - 1].name.clone();
    let names: Vec<_> = (1..=5).map(name).collect();
    // Pods still use the first.
    world.pods = vec![pod(&world.app, 0, &names[0])];
    for (limit, deleted) in [
        (10, vec![]),
        (1, vec![1, 2]),
        (0, vec![1, 2, 3]),
        (-1, vec![]),
    ] {
        let steps = surplus(limit, world.pods.iter(), &of_template(&world));
        let got: Vec<_> = steps
            .iter()
            .map(|step| match step {
                Step::DeleteRevision { name, .. } => {
                    names.iter().position(|known| known == name).unwrap()
                }
                other => panic!("unexpected {other:?}"),
            })
            .collect();
        assert_eq!(got, deleted, "limit {limit}");
    }
}
