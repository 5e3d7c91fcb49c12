//! `pre_scale`, `pre_delete` and `probe`; and what the plugin says of a spec.

use std::collections::BTreeMap;

use stateward_sdk::prelude::*;
use stateward_sdk::testing::{Act, Record};

use crate::group::{Group, refusal, waits};

fn leaves(ordinal: u32, why: Cause) -> Act {
    Act::PreDelete { ordinal, why }
}

fn scale(group: &Group, target: u32) -> Step {
    group.host.edit_app(|app| app.target = target);
    group
        .host
        .act(&format!("pre-scale/{target}"), &Act::PreScale)
}

#[test]
fn a_scale_in_waits_for_members_that_stay() {
    let group = Group::of(4);
    group.edit(1, |server| server.lag_seconds = 60);
    assert!(refusal(scale(&group, 2)).contains("db-1 stays and is 60 s behind"));

    group.edit(1, |server| {
        server.lag_seconds = 0;
        server.replica.as_mut().unwrap().is_running = false;
    });
    assert!(refusal(scale(&group, 2)).contains("db-1 stays and does not replicate"));

    group.host.fail_dials(1, "mysql", Failure::Timeout);
    assert!(refusal(scale(&group, 2)).contains("db-1: no answer in time"));
    // Those that leave may be as they are.
    assert_eq!(scale(&group, 1), done());
}

#[test]
fn a_scale_out_needs_a_primary_that_answers() {
    let group = Group::of(2);
    assert_eq!(scale(&group, 3), done());
    group.host.fail_dials(0, "mysql", Failure::Timeout);
    assert!(refusal(scale(&group, 4)).contains("the primary does not answer"));
    assert_eq!(scale(&Group::wanted(0), 3), done(), "the first members");
}

#[test]
fn a_primary_that_was_scaled_away_is_asked_back() {
    let group = Group::of(3);
    assert_eq!(group.move_to(2), done());
    assert_eq!(scale(&group, 0), done());
    for ordinal in (0..3).rev() {
        assert_eq!(
            group.host.act("leave", &leaves(ordinal, Cause::ScaleIn)),
            done()
        );
    }
    for ordinal in 0..3 {
        group.simulation.remove(&group.host, ordinal);
    }
    assert!(refusal(scale(&group, 2)).contains("set replicas to at least 3"));
    assert_eq!(scale(&group, 3), done());
}

#[test]
fn a_member_that_leaves_for_good_is_detached() {
    let group = Group::of(3);
    group.host.edit_app(|app| app.target = 2);
    assert_eq!(group.host.act("leave", &leaves(2, Cause::ScaleIn)), done());
    assert!(group.server(2).replica.is_none());
    assert_eq!(group.host.act("leave", &leaves(2, Cause::ScaleIn)), done());

    // Replicas were set back: it follows again.
    group.host.edit_app(|app| app.target = 3);
    assert_eq!(
        group.host.cancel("leave", &leaves(2, Cause::ScaleIn)),
        done()
    );
    group.assert_settled(0..3);
}

#[test]
fn the_primary_does_not_leave_before_its_role() {
    let group = Group::of(2);
    assert_eq!(group.move_to(1), done());
    group.host.edit_app(|app| app.target = 1);
    assert!(
        refusal(group.host.act("leave", &leaves(1, Cause::ScaleIn))).contains("is the primary")
    );
}

#[test]
fn a_member_that_does_not_answer_is_let_go_after_a_while() {
    let group = Group::of(2);
    group.host.edit_app(|app| app.target = 1);
    group.host.fail_dials(1, "mysql", Failure::Timeout);
    let act = leaves(1, Cause::ScaleIn);
    waits(group.host.act("leave", &act));
    assert_eq!(group.host.act_until_settled("leave", &act, 10), done());
}

#[test]
fn a_pod_that_comes_back_is_not_touched() {
    let group = Group::of(2);
    group.host.clear_records();
    for why in [Cause::Update, Cause::Evict, Cause::Replace, Cause::Teardown] {
        assert_eq!(group.host.act("leave", &leaves(1, why)), done());
    }
    let dials = |record: &Record| matches!(record, Record::Dial(..));
    assert!(!group.host.records().iter().any(dials));
}

#[test]
fn a_probe_tells_role_health_and_lag() {
    let group = Group::of(3);
    let role = |ordinal| {
        let report = group.host.probe(ordinal).unwrap();
        (report.role.unwrap_or_default(), report.healthy)
    };
    let is = |name: &str, healthy| (name.to_owned(), healthy);
    assert_eq!(role(0), is("primary", true));
    assert_eq!(role(1), is("replica", true));

    group.edit(1, |server| server.lag_seconds = 11);
    assert_eq!(role(1), is("replica", false));
    let report = group.host.probe(1).unwrap();
    assert!(
        report
            .figures
            .iter()
            .any(|f| f.name == "lag_seconds" && f.value == 11.0)
    );
    let note = String::from_utf8(report.note).unwrap();
    assert!(
        note.contains("\"lagSeconds\":11") && note.contains("0-100-5"),
        "{note}"
    );

    group.edit(2, |server| server.is_read_only = false);
    assert_eq!(role(2), is("replica", false));
    group.simulation.restart(&group.host, 0);
    assert_eq!(role(0), is("unattached", false));
    group.host.fail_dials(0, "mysql", Failure::Timeout);
    assert_eq!(role(0), is("", false));
}

#[test]
fn a_spec_that_makes_no_sense_is_refused_in_words() {
    let group = Group::wanted(3);
    assert_eq!(group.host.validate(None), []);
    let cases = [
        (r#"{"lagLimitSeconds": 0}"#, "choose 1 to"),
        (r#"{"lagLimitSeconds": -1}"#, "cannot be read"),
        (r#"{"port": ""}"#, "name the container port"),
        (r#"{"lagLimit": 3}"#, "unknown field `lagLimit`"),
        (r#"[]"#, "cannot be read"),
    ];
    for (settings, expected) in cases {
        group
            .host
            .edit_app(|app| app.settings = settings.to_owned());
        let findings = group.host.validate(None);
        assert!(
            findings[0].blocks && findings[0].text.contains(expected),
            "{findings:?}"
        );
    }

    group.host.edit_app(|app| app.settings = "{}".to_owned());
    let old = group.host.app();
    group.host.edit_app(|app| (app.target, app.start) = (0, 2));
    let findings = group.host.validate(Some(&old));
    let blocks: Vec<_> = findings
        .iter()
        .map(|f| (f.path.as_str(), f.blocks))
        .collect();
    assert_eq!(blocks, [("replicas", false), ("ordinals.start", true)]);
}

#[test]
fn each_member_has_a_server_id_of_its_own() {
    let group = Group::wanted(3);
    let config = |id: &str| BTreeMap::from([("server-id".to_owned(), id.to_owned())]);
    assert_eq!(group.host.member_config(0), config("100"));
    assert_eq!(group.host.member_config(12), config("112"));
}
