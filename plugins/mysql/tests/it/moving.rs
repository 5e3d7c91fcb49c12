//! `move_role`: the primary moves.

use stateward_sdk::prelude::*;
use stateward_sdk::testing::Act;

use crate::group::{Group, moves, refusal, waits};
use crate::simulation::Fault as Lost;

fn planned(target: Option<u32>) -> Act {
    moves(MoveCause::Planned, target)
}

#[test]
fn the_new_primary_is_recorded_before_it_is_writable() {
    let group = Group::of(3);
    waits(group.host.act("move/1", &planned(Some(2))));
    assert_eq!(group.holder(), Some(2));
    assert!(group.server(0).is_read_only && group.server(2).is_read_only);

    assert_eq!(group.host.act("move/1", &planned(Some(2))), done());
    group.write(2, 3);
    group.assert_settled(0..3);

    // Asked again under the same id, nothing happens.
    let before = group.host.app().claims;
    assert_eq!(group.host.act("move/1", &planned(Some(2))), done());
    assert_eq!(group.host.app().claims, before);
}

#[test]
fn without_a_target_an_updated_member_goes_first_then_the_lowest_ordinal() {
    let group = Group::of(4);
    group
        .host
        .edit_app(|app| app.update_revision = "r2".to_owned());
    for ordinal in [2, 3] {
        group
            .host
            .edit_member(ordinal, |member| member.revision = "r2".to_owned());
    }
    let update = moves(MoveCause::Update, None);
    assert_eq!(group.switch_over("move/1", &update), done());
    assert_eq!(group.holder(), Some(2));
}

#[test]
fn a_member_that_leaves_does_not_get_the_role() {
    let group = Group::of(3);
    assert_eq!(group.switch_over("move/1", &planned(Some(2))), done());
    group.host.edit_app(|app| app.target = 1);
    let leaving = moves(MoveCause::Leaving, None);
    assert_eq!(group.switch_over("move/2", &leaving), done());
    assert_eq!(group.holder(), Some(0));
}

#[test]
fn nobody_fit_means_a_refusal_that_says_why_of_each() {
    let group = Group::of(3);
    group.edit(1, |server| server.lag_seconds = 11);
    group.host.fail_dials(2, "mysql", Failure::Timeout);
    let why = refusal(group.host.act("move/1", &planned(None)));
    assert!(
        why.contains("db-1 is 11 s behind") && why.contains("db-2: no answer"),
        "{why}"
    );
    let why = refusal(group.host.act("move/2", &planned(Some(9))));
    assert!(why.contains("db-9 does not exist"), "{why}");
    assert!(!group.server(0).is_read_only);
}

#[test]
fn a_failed_primary_is_not_failed_over() {
    let group = Group::of(2);
    let failed = moves(MoveCause::Failed, None);
    assert!(refusal(group.host.act("move/1", &failed)).contains("does not fail over"));
}

#[test]
fn a_candidate_that_does_not_catch_up_leaves_the_old_primary_open() {
    let group = Group::of(2);
    group.edit(1, |server| server.is_frozen = true);
    group.write(0, 1);
    waits(group.host.act("move/1", &planned(None)));
    assert!(!group.server(0).is_read_only);
    assert_eq!(group.holder(), Some(0));
}

#[test]
fn a_statement_that_does_not_end_is_cut() {
    let group = Group::of(2);
    group.edit(0, |server| server.is_busy = true);
    assert_eq!(group.switch_over("move/1", &planned(None)), done());
    group.assert_settled(0..2);
}

#[test]
fn a_host_that_dies_before_the_claim_is_recorded_goes_on_under_the_same_id() {
    let group = Group::of(3);
    waits(group.host.act_and_crash("move/1", &planned(Some(1))));
    assert_eq!(group.holder(), Some(0));
    assert!(group.server(0).is_read_only, "closed, and nobody was told");

    assert_eq!(group.switch_over("move/1", &planned(Some(1))), done());
    group.assert_settled(0..3);
}

#[test]
fn a_primary_that_was_closed_for_a_forgotten_move_goes_to_the_next_one() {
    let group = Group::of(3);
    waits(group.host.act_and_crash("move/1", &planned(Some(1))));
    assert_eq!(group.switch_over("move/2", &planned(Some(2))), done());
    assert_eq!(group.holder(), Some(2));
    group.assert_settled(0..3);

    // One that is closed because it just booted has its joining before it.
    group.simulation.restart(&group.host, 2);
    let why = refusal(group.host.act("move/3", &planned(Some(1))));
    assert!(
        why.contains("its own joining comes first") || why.contains("db-1"),
        "{why}"
    );
}

#[test]
fn a_move_that_is_not_wanted_any_more_is_undone_before_the_claim_and_finished_after_it() {
    let group = Group::of(2);
    waits(group.host.act_and_crash("move/1", &planned(Some(1))));
    assert_eq!(group.host.cancel("move/1", &planned(Some(1))), done());
    group.assert_settled(0..2);
    assert_eq!(group.holder(), Some(0));

    waits(group.host.act("move/2", &planned(Some(1))));
    assert!(refusal(group.host.cancel("move/2", &planned(Some(1)))).contains("carried to its end"));
    assert_eq!(group.host.act("move/2", &planned(Some(1))), done());
    group.assert_settled(0..2);
}

#[test]
fn a_replica_that_is_away_during_the_move_attaches_itself_when_it_is_back() {
    let group = Group::of(3);
    group.server(2);
    let volume = group.simulation.remove(&group.host, 2);
    assert_eq!(group.switch_over("move/1", &planned(Some(1))), done());
    group.write(1, 2);

    group.boot(2);
    group.edit(2, |server| {
        *server = volume;
        server.is_read_only = true;
        server.replica.as_mut().unwrap().is_running = false;
    });
    assert_eq!(group.join(2), done());
    group.assert_settled(0..3);
}

/// Once per statement that a switchover sends, with the connection lost before its effect and after it.
#[test]
fn a_connection_lost_at_any_statement_leads_to_the_same_end() {
    let statements = {
        let group = Group::of(3);
        group.simulation.inject(None);
        assert_eq!(group.switch_over("move/1", &planned(Some(1))), done());
        group.simulation.statements()
    };
    assert!(statements > 20);
    for at_statement in 0..statements {
        for after_effect in [false, true] {
            let group = Group::of(3);
            group.simulation.inject(Some(Lost {
                at_statement,
                after_effect,
            }));
            let mut step = group.switch_over("move/1", &planned(Some(1)));
            for _ in 0..3 {
                if step == done() {
                    break;
                }
                step = group.switch_over("move/1", &planned(Some(1)));
            }
            let place = format!("lost at {at_statement}, after its effect: {after_effect}");
            assert_eq!(step, done(), "{place}");
            assert_eq!(group.holder(), Some(1), "{place}");
            group.assert_settled(0..3);
            group.write(1, 1);
            group.assert_settled(0..3);
        }
    }
}
