//! `post_ready`: what a member becomes.

use stateward_sdk::prelude::*;
use stateward_sdk::testing::{Act, Record, Request};
use stateward_sdk::{Level, Standing, Weight};

use crate::group::{Group, refusal, waits};
use crate::simulation::Fault as Lost;

#[test]
fn the_first_member_is_recorded_before_it_opens() {
    let group = Group::wanted(3);
    group.boot(0);

    waits(group.join_once(0));
    assert_eq!(group.holder(), Some(0));
    assert!(group.server(0).is_read_only);

    assert_eq!(group.join_once(0), done());
    assert!(!group.server(0).is_read_only);
}

#[test]
fn an_app_is_bootstrapped_once_ever() {
    let group = Group::of(2);
    let writes =
        |record: &Record| matches!(record, Record::StatePut(key, _) if key == "bootstrapped");
    assert_eq!(group.host.records().iter().filter(|r| writes(r)).count(), 1);

    // Even if the claim were lost, nobody starts a second history.
    group.host.edit_app(|app| {
        app.claims.clear();
        app.start = 1;
    });
    group.reboot(1);
    let why = refusal(group.join_once(1));
    assert!(why.contains("db-0 started this app's history"), "{why}");
}

#[test]
fn other_members_wait_for_the_first_even_when_all_start_together() {
    let group = Group::wanted(3);
    for ordinal in 0..3 {
        group.boot(ordinal);
    }
    assert!(waits(group.join_once(2)).contains("db-0 becomes the first primary"));
    assert_eq!(group.join(0), done());
    assert_eq!(group.join(2), done());
    assert_eq!(group.join(1), done());
    group.assert_settled(0..3);
}

#[test]
fn a_host_that_dies_after_each_call_changes_nothing_about_the_end() {
    let group = Group::wanted(3);
    for ordinal in 0..3 {
        group.boot(ordinal);
        let act = Act::PostReady { ordinal };
        for _ in 0..5 {
            group.host.act_and_crash(&group.join_id(ordinal), &act).ok();
            let step = group.join_once(ordinal);
            group.host.act_and_crash(&group.join_id(ordinal), &act).ok();
            if step == done() {
                break;
            }
        }
        assert_eq!(group.join(ordinal), done());
    }
    group.assert_settled(0..3);
    let claims = |record: &Record| matches!(record, Record::Committed(Request::ClaimRole { .. }));
    assert_eq!(group.host.records().iter().filter(|r| claims(r)).count(), 1);
}

/// Once per statement that three joinings send, with the connection lost before its effect and after it.
#[test]
fn a_connection_lost_at_any_statement_leads_to_the_same_end() {
    let bring_up = |fault: Option<Lost>| {
        let group = Group::wanted(3);
        group.simulation.inject(fault);
        for ordinal in 0..3 {
            group.boot(ordinal);
            let settled = (0..4).any(|_| group.join(ordinal) == done());
            assert!(settled, "db-{ordinal} joins");
            if ordinal == 0 {
                group.write(0, 5);
            }
        }
        group
    };
    let statements = bring_up(None).simulation.statements();
    assert!(statements > 40);
    for at_statement in 0..statements {
        for after_effect in [false, true] {
            let group = bring_up(Some(Lost {
                at_statement,
                after_effect,
            }));
            group.assert_settled(0..3);
        }
    }
}

#[test]
fn a_member_that_lags_is_told_how_far_it_is_and_a_busy_primary_does_not_move_its_goal() {
    let group = Group::of(1);
    group.boot(1);
    group.edit(1, |server| server.is_frozen = true);
    group.host.edit_app(|app| app.target = 2);

    let Ok(Outcome::InProgress(progress)) = group.join_once(1) else {
        panic!("it has nothing yet");
    };
    assert_eq!(progress.percent, Some(0));
    assert!(String::from_utf8_lossy(&progress.checkpoint).contains("0-100-5"));

    // It gets as far as it was asked to, while the primary goes on.
    group.edit(1, |server| {
        server.history = vec![100; 5];
        server.applied = 5;
    });
    group.write(0, 1000);
    assert_eq!(group.join_once(1), done());
}

#[test]
fn a_member_with_transactions_of_its_own_is_refused_with_both_positions() {
    let group = Group::of(1);
    group.boot(1);
    group.edit(1, |server| server.history = vec![100, 100, 101]);

    let why = refusal(group.join_once(1));
    assert!(why.contains("0-101-3") && why.contains("0-100-5"), "{why}");
    assert_eq!(
        group.server(1).history,
        vec![100, 100, 101],
        "nothing is reset"
    );
    let told = |record: &Record| matches!(record, Record::Event(Weight::Warning, ..));
    assert!(group.host.records().iter().any(told));
}

#[test]
fn tables_without_a_position_are_not_replayed_over() {
    let group = Group::of(1);
    group.boot(1);
    group.edit(1, |server| server.has_tables = true);
    assert!(refusal(group.join_once(1)).contains("tables and no position"));
}

#[test]
fn a_wrong_root_password_says_which_secret_to_look_at() {
    let group = Group::wanted(1);
    group.boot(0);
    group.host.set_secret("root", "wrong");
    let Err(Fault::Retry(why)) = group.join_once(0) else {
        panic!("it logged in");
    };
    assert!(why.contains("1045") && why.contains("slot root"), "{why}");
    assert!(!why.contains("wrong"), "no secret is told");
}

#[test]
fn a_changed_replication_password_is_given_to_the_primary_too() {
    let group = Group::of(2);
    group.host.set_secret("replication", "new-pass");
    group.reboot(1);
    assert_eq!(group.join(1), done());
    group.assert_settled(0..2);
}

#[test]
fn a_primary_whose_server_restarted_opens_only_when_nobody_is_ahead() {
    let group = Group::of(3);

    // Given a crash that cut off what a replica has,
    group.server(1);
    group.edit(0, |server| server.history.truncate(4));
    group.simulation.restart(&group.host, 0);

    let why = refusal(group.join_once(0));
    assert!(why.contains("db-1 has 0-100-5"), "{why}");
    assert!(group.server(0).is_read_only);
}

#[test]
fn a_primary_that_comes_back_waits_for_members_that_do_not_answer_yet() {
    let group = Group::of(3);
    group.simulation.restart(&group.host, 0);
    group.host.fail_dials(2, "mysql", Failure::Timeout);
    assert!(waits(group.join_once(0)).contains("db-2: no answer in time"));
    assert!(group.server(0).is_read_only);

    // One that is on its way out is not waited for.
    group
        .host
        .edit_member(2, |member| member.standing = Standing::Terminating);
    assert_eq!(group.join_once(0), done());
}

#[test]
fn a_replaced_primary_renews_its_claim_and_its_replicas_find_it_at_its_new_address() {
    let group = Group::of(3);
    group.server(2);
    let before = group.address(0);
    group.reboot(0);
    assert_ne!(group.address(0), before);

    waits(group.join_once(0));
    assert!(group.server(0).is_read_only, "recorded before it opens");
    assert_eq!(group.host.app().claim("primary").unwrap().epoch, 2);
    assert_eq!(group.join(0), done());
    group.write(0, 1);
    group.assert_settled(0..3);
}

/// With ordered start, member 0 must be done before the primary's pod is even made.
#[test]
fn after_a_full_stop_members_before_the_primary_do_not_wait_for_it() {
    let group = Group::of(3);
    assert_eq!(group.move_to(2), done());
    let volumes: Vec<_> = (0..3)
        .map(|n| group.simulation.remove(&group.host, n))
        .collect();
    assert_eq!(volumes.len(), 3);

    let put_back = |ordinal: u32| {
        group.boot(ordinal);
        let volume = volumes[ordinal as usize].clone();
        group.edit(ordinal, |server| {
            *server = volume;
            server.is_read_only = true;
            if let Some(replica) = &mut server.replica {
                replica.is_running = false;
            }
        });
    };
    put_back(0);
    assert_eq!(group.join(0), done());
    put_back(1);
    assert_eq!(group.join(1), done());
    assert!(group.server(0).is_read_only && group.server(1).is_read_only);
    put_back(2);
    assert_eq!(group.join(2), done());
    group.assert_settled(0..3);
}

#[test]
fn without_a_grant_nothing_happens_and_the_answer_names_it() {
    let group = Group::wanted(1);
    group.boot(0);
    group.host.edit_grants(|grants| grants.requests = false);
    let Err(Fault::Retry(why)) = group.join_once(0) else {
        panic!("it was allowed");
    };
    assert!(why.contains("requests: true"), "{why}");
    assert_eq!(group.holder(), None);
}

#[test]
fn nothing_secret_reaches_the_log() {
    let group = Group::of(2);
    for record in group.host.records() {
        if let Record::Log(Level::Debug | Level::Info | Level::Warn | Level::Error, text)
        | Record::Event(_, _, text) = record
        {
            assert!(!text.contains("-pass"), "{text}");
        }
    }
}
