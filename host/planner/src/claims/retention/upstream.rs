//! Upstream's tables of who owns a claim, row by row.

use std::collections::BTreeSet;

use super::{Ownership, foreign_controller, ownership};
use crate::spec::Retention;
use crate::spec::RetentionPolicy::{self, Delete, Retain};
use crate::testing::{app, claim, pod};
use crate::world::{App, Claim, Face, OwnerReference, Pod};

/// Name, UID, whether it controls; the kind follows from the name.
type Reference = (&'static str, &'static str, bool);

const OURS: Reference = ("web", "app-uid", true);
const POD: Reference = ("web-0", "uid-0", true);
const STALE_APP: Reference = ("web", "before", true);
const STALE_POD: Reference = ("web-0", "before", true);
/// A pod and an app of other names, each controlling.
const OTHER_POD: Reference = ("other-0", "other-pod", true);
const OTHER_APP: Reference = ("other", "other-app", true);
const STRANGER: Reference = ("stranger", "stranger-uid", true);

const fn weak(reference: Reference) -> Reference {
    (reference.0, reference.1, false)
}

struct Owners {
    app: App,
    pod: Pod,
    claim: Claim,
}

fn given(face: Face, when_deleted: RetentionPolicy, when_scaled: RetentionPolicy) -> Owners {
    let mut app = app(1);
    app.face = face;
    app.spec.retention = Retention {
        when_deleted,
        when_scaled,
    };
    Owners {
        pod: pod(&app, 0, "web-a"),
        claim: claim("data-web-0"),
        app,
    }
}

impl Owners {
    fn owned_by(mut self, references: &[Reference]) -> Owners {
        let kind = self.app.face.kind();
        let owners = references.iter().map(|(name, uid, controller)| {
            let kind = match *name {
                "web-0" | "other-0" => "Pod",
                "stranger" => "CustomController",
                _ => kind,
            };
            OwnerReference {
                api_version: "v1".to_owned(),
                kind: kind.to_owned(),
                name: (*name).to_owned(),
                uid: (*uid).to_owned(),
                controller: *controller,
            }
        });
        self.claim.owners = owners.collect();
        self
    }

    fn judged(&self, is_wanted: bool) -> Ownership {
        ownership(&self.app, Some(&self.pod), &self.claim, is_wanted)
    }

    /// Upstream counts a claim that is left to garbage collection for up to date.
    fn is_up_to_date(&self, is_wanted: bool) -> bool {
        !matches!(self.judged(is_wanted), Ownership::Change { .. })
    }

    /// The UIDs of app and pod that control the claim once it is settled.
    fn after(&self, is_wanted: bool) -> BTreeSet<String> {
        let mut owners = self.claim.owners.clone();
        if let Ownership::Change { owner, disowned } = self.judged(is_wanted) {
            owners.retain(|known| !disowned.contains(&known.uid));
            let owner = owner.map(|owner| serde_json::from_value(owner).unwrap());
            owners.extend::<Option<OwnerReference>>(owner);
        }
        (owners.into_iter())
            .filter(|owner| owner.controller && [OURS.1, POD.1].contains(&owner.uid.as_str()))
            .map(|owner| owner.uid)
            .collect()
    }
}

/// whenDeleted, whenScaled, whether the member is wanted; whether the pod and the app are to own its claim.
const POLICIES: [(RetentionPolicy, RetentionPolicy, bool, bool, bool); 6] = [
    (Retain, Retain, true, false, false),
    (Delete, Retain, true, false, true),
    (Retain, Delete, false, true, false),
    (Retain, Delete, true, false, false),
    (Delete, Delete, false, true, false),
    (Delete, Delete, true, false, true),
];

/// IsClaimOwnerUpToDate: six policies, each with eight mixes of owners. UpdateClaimOwnerRefForSetAndPod: the same, and what becomes of them.
#[test]
fn of_eight_mixes_of_owners_one_is_right_and_the_others_become_it() {
    for (when_deleted, when_scaled, is_wanted, by_pod, by_app) in POLICIES {
        for mix in 0..8 {
            let (has_pod, has_app, has_others) = (mix & 1 != 0, mix & 2 != 0, mix & 4 != 0);
            let mut owners = Vec::new();
            owners.extend(has_pod.then_some(POD));
            owners.extend(has_app.then_some(OURS));
            if has_others {
                owners.extend([weak(OTHER_POD), weak(STRANGER)]);
            }
            for face in [Face::StatefulSet, Face::StatefulApp] {
                let given = given(face, when_deleted, when_scaled).owned_by(&owners);
                let told = format!("{when_deleted:?} {when_scaled:?} {is_wanted} {owners:?}");
                let is_right = has_pod == by_pod && has_app == by_app;
                assert_eq!(given.is_up_to_date(is_wanted), is_right, "{told}");
                let mut expected = BTreeSet::new();
                expected.extend(by_pod.then(|| POD.1.to_owned()));
                expected.extend(by_app.then(|| OURS.1.to_owned()));
                assert_eq!(given.after(is_wanted), expected, "{told}");
            }
        }
    }
}

/// UpdateClaimOwnerRefForSetAndPod, its seventh policy: where another controls the claim, neither app nor pod does.
#[test]
fn beside_another_controller_neither_app_nor_pod_owns_the_claim() {
    for owners in [
        &[STRANGER][..],
        &[POD, STRANGER],
        &[OURS, STRANGER],
        &[POD, OURS, STRANGER],
        &[POD, OURS, weak(OTHER_POD), STRANGER],
    ] {
        let given = given(Face::StatefulSet, Delete, Delete).owned_by(owners);
        assert!(given.after(false).is_empty(), "{owners:?}");
    }
}

/// ClaimOwnerUpToDateEdgeCases.
#[test]
fn one_that_does_not_control_and_one_too_many_are_mended_and_a_stale_one_is_left() {
    for (when_scaled, is_wanted, owners, is_up_to_date) in [
        (Delete, false, &[POD][..], true),
        (Delete, false, &[weak(POD)], false),
        (Delete, false, &[STALE_POD], true),
        (Delete, false, &[POD, OTHER_POD], false),
        (Retain, true, &[OURS], true),
        (Retain, true, &[weak(OURS)], false),
        (Retain, true, &[STALE_APP], true),
        (Retain, true, &[OURS, OTHER_APP], false),
    ] {
        let given = given(Face::StatefulSet, Delete, when_scaled).owned_by(owners);
        assert_eq!(given.is_up_to_date(is_wanted), is_up_to_date, "{owners:?}");
    }
}

/// HasUnexpectedController: eleven mixes of owners, each under three policies; under the fourth nobody looks.
#[test]
fn a_controller_that_is_neither_the_app_nor_the_pod_is_foreign() {
    for (owners, is_foreign) in [
        (&[STRANGER][..], true),
        (&[weak(STRANGER)], false),
        (&[("stranger", "another-uid", false)], false),
        (&[OTHER_POD], true),
        (&[OTHER_APP], true),
        (&[OURS], false),
        (&[STALE_APP], true),
        (&[POD], false),
        (&[STALE_POD], true),
        (&[POD, STRANGER], true),
        (&[POD, weak(STRANGER)], false),
    ] {
        for (when_deleted, when_scaled, looks) in [
            (Retain, Retain, false),
            (Retain, Delete, true),
            (Delete, Retain, true),
            (Delete, Delete, true),
        ] {
            let given = given(Face::StatefulSet, when_deleted, when_scaled).owned_by(owners);
            let found = foreign_controller(&given.app, &given.claim, Some(&given.pod));
            assert_eq!(
                found.is_some(),
                is_foreign && looks,
                "{when_deleted:?} {when_scaled:?} {owners:?}"
            );
        }
    }
}
