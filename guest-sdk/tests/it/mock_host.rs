//! The mock host behaves as the host does.

use stateward_sdk::prelude::*;
use stateward_sdk::testing::{Act, MockHost, Record, Request};
use stateward_sdk::{Death, Standing};

use crate::ring::Ring;

fn leaves() -> Act {
    Act::PreDelete {
        ordinal: 2,
        why: Cause::ScaleIn,
    }
}

#[test]
fn what_was_not_asked_for_is_denied_and_the_grant_is_named() {
    let host = MockHost::new(Ring, "ring", 3);
    host.edit_grants(|grants| grants.exec.clear());
    let Err(Fault::Retry(why)) = host.act("leave", &leaves()) else {
        panic!("it was allowed");
    };
    assert!(
        why.contains(r#"container: "ring", argv: ["ringctl", "state"]"#),
        "{why}"
    );
    assert!(matches!(host.records()[0], Record::Denied(_)));
}

#[test]
fn a_pod_that_was_replaced_is_not_reached() {
    let host = MockHost::new(Ring, "ring", 3);
    let old = host.member_of(2).unwrap().pod.unwrap();
    host.serve(2, "admin", || |_: &[u8]| Vec::new());
    host.edit_grants(|grants| grants.ports.push("admin".to_owned()));
    assert!(host.connect_one(&old, "admin", secs(1)).is_ok());

    let new = host.start(2);
    assert_ne!(old, new);
    let dial = |pod: &str| host.connect_one(pod, "admin", secs(1)).err();
    assert_eq!(dial(&old), Some(Failure::Replaced));
    assert!(matches!(dial(&new), Some(Failure::Unreachable(_))));
    assert_eq!(host.death_of(&old), Death::Stopped);
    assert_eq!(host.death_of(&new), Death::Alive);
    assert_eq!(host.death_of("other"), Death::ObjectGone);
}

#[test]
fn members_are_paged_through() {
    let host = MockHost::new(Ring, "ring", 300);
    assert_eq!(host.members_from(290, 1000).len(), 10);
    assert_eq!(host.members_from(0, 1000).len(), 256);
    assert_eq!(host.members().len(), 300);
    host.stop(7);
    assert_eq!(host.member_of(7).unwrap().standing, Standing::Absent);
    assert_eq!(host.app().current, 299);
}

struct Counter;

#[plugin]
impl Counter {
    fn manifest() -> Manifest {
        Manifest::new("counter", "0.1.0")
            .state("count")
            .requests("claim")
            .role(Role::exclusive("leader"))
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        let Joining { call, app, member } = joining;
        let epoch = app.claim("leader").map_or(0, |claim| claim.epoch);
        host.claim_role("leader", member.pod.as_deref().unwrap(), epoch)?;
        let twice = host.claim_role("leader", member.pod.as_deref().unwrap(), epoch);
        assert_eq!(twice, Err(Failure::Conflict));
        match call.checkpoint::<u32>()? {
            None => again("first").checkpoint(&call.attempt),
            Some(1) if app.settings.contains("fail") => Err(Fault::Retry("fails".to_owned())),
            Some(_) => done(),
        }
    }
}

fn ready() -> Act {
    Act::PostReady { ordinal: 0 }
}

#[test]
fn requests_go_with_the_answer_and_are_dropped_with_a_failure() {
    let host = MockHost::new(Counter, "app", 1);
    assert!(matches!(
        host.act("ready", &ready()),
        Ok(Outcome::InProgress(_))
    ));
    assert_eq!(host.app().claim("leader").unwrap().epoch, 1);

    host.edit_app(|app| app.settings = r#"{"fail": true}"#.to_owned());
    assert!(host.act("ready", &ready()).is_err());
    assert_eq!(host.app().claim("leader").unwrap().epoch, 1);

    host.edit_app(|app| app.settings = "{}".to_owned());
    assert_eq!(host.act("ready", &ready()), done());
    assert_eq!(host.app().claim("leader").unwrap().epoch, 2);
    let committed =
        |record: &Record| matches!(record, Record::Committed(Request::ClaimRole { .. }));
    assert_eq!(host.records().iter().filter(|r| committed(r)).count(), 2);
}

#[test]
fn a_host_that_dies_loses_the_answer_and_not_the_state() {
    let host = MockHost::new(Counter, "app", 1);
    host.state_put("count", b"1", 0).unwrap();
    assert!(host.act_and_crash("ready", &ready()).is_ok());
    assert_eq!(host.app().claim("leader"), None);
    assert_eq!(host.state_get("count").unwrap().value, b"1");
    assert!(
        matches!(host.act("ready", &ready()), Ok(Outcome::InProgress(_))),
        "without a checkpoint it begins again"
    );
}

#[test]
fn state_is_compared_before_it_is_set_and_is_small() {
    let host = MockHost::new(Counter, "app", 1);
    assert_eq!(host.state_put("key", b"a", 0), Ok(1));
    assert_eq!(host.state_put("key", b"b", 0), Err(Failure::Conflict));
    assert_eq!(host.state_put("key", b"b", 1), Ok(2));
    assert!(matches!(
        host.state_put("key", &[0; 1025], 2),
        Err(Failure::Budget(_))
    ));
    for n in 1..16 {
        assert_eq!(host.state_put(&format!("key-{n}"), b"", 0), Ok(1));
    }
    assert!(matches!(
        host.state_put("more", b"", 0),
        Err(Failure::Budget(_))
    ));
}

#[test]
#[should_panic(expected = "the plugin does not implement PreScale")]
fn a_hook_that_was_not_written_is_not_called_quietly() {
    MockHost::new(Counter, "app", 1)
        .act("scale", &Act::PreScale)
        .ok();
}

#[test]
fn chance_is_the_same_in_each_run() {
    let draw = || MockHost::new(Counter, "app", 1).random(8);
    assert_eq!(draw(), draw());
    assert_eq!(draw().len(), 8);
}
