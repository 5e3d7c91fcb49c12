//! A right plugin with an exclusive role: the first member becomes the primary, the others follow, and it is switched over.

use stateward_sdk::prelude::*;
use stateward_testkit::applications::Replicas;
use stateward_testkit::{Cluster, Scenario};

struct Primary;

const ROLE: &str = "primary";

#[plugin]
impl Primary {
    fn manifest() -> Manifest {
        Manifest::new("db", "0.1.0")
            .exec("db", ["dbctl", "*", "**"], "set up replication")
            .requests("record who is the primary")
            .role(Role::exclusive(ROLE).movable())
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        let pod = joining.pod.as_deref().unwrap_or_default();
        match joining.app.claim(ROLE) {
            None if joining.ordinal == joining.app.start => {
                host.claim_role(ROLE, pod, 0)?;
                again("becoming the first primary").after(secs(0))
            }
            None => again("waiting for the first primary"),
            Some(held) if held.ordinal == joining.ordinal && held.pod == pod => {
                ask(host, joining, &["promote"])?;
                done()
            }
            Some(held) if held.ordinal == joining.ordinal => {
                host.claim_role(ROLE, pod, held.epoch)?;
                again("renewing the claim").after(secs(0))
            }
            Some(held) => {
                ask(
                    host,
                    joining,
                    &["follow", &joining.app.pod_name(held.ordinal)],
                )?;
                done()
            }
        }
    }

    fn move_role(&self, moving: &Moving, host: &dyn Host) -> Step {
        let Moving { app, held, .. } = moving;
        let old = host.member(held.ordinal);
        if let Some(old) = old.filter(|old| old.pod.as_deref() == Some(held.pod.as_str())) {
            ask(host, &old, &["demote"])?;
        }
        let others = host.members().into_iter();
        let fit = |member: &Member| {
            member.ordinal != held.ordinal
                && member.is_there()
                && app.wants(member.ordinal)
                && moving.target.is_none_or(|target| target == member.ordinal)
        };
        let Some(next) = others.into_iter().find(fit) else {
            return refuse("no other member is there");
        };
        for member in host.members() {
            if member.is_there() && member.ordinal != next.ordinal {
                ask(host, &member, &["follow", &app.pod_name(next.ordinal)])?;
            }
        }
        ask(host, &next, &["promote"])?;
        host.claim_role(ROLE, next.pod.as_deref().unwrap_or_default(), held.epoch)?;
        done()
    }
}

fn ask(host: &dyn Host, member: &Member, words: &[&str]) -> Result<String, Failure> {
    let pod = member.pod.as_deref().ok_or(Failure::Replaced)?;
    let argv = ["dbctl"].into_iter().chain(words.iter().copied());
    let output = host.exec(pod, &Command::new(argv), secs(2))?;
    match output.code {
        0 => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        _ => Err(Failure::Other(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        )),
    }
}

#[test]
fn a_switchover_and_an_update_survive_every_fault() {
    Scenario::new("a switchover and an update", || {
        Cluster::new(Primary, Replicas::new())
    })
    .when("three are wanted", |db| db.scale(3))
    .then("the first is the primary", |db| {
        assert_eq!(db.holder(ROLE), Some(0));
    })
    .when("the role is to move", |db| {
        db.application_mut().write();
        db.switch_over(ROLE, Some(2));
    })
    .when("a new image is wanted", Cluster::update)
    .then("one takes writes", |db| {
        assert_eq!(db.application().primaries().len(), 1);
        assert!(db.application_mut().write());
    })
    .always("never two take writes", |db| {
        assert!(db.application().primaries().len() <= 1);
    })
    .survives_every_fault();
}
