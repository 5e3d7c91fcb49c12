//! A complete plugin: a member of a ring hands its data over before it leaves for good.

use stateward_sdk::prelude::*;

/// The plugin.
pub struct Ring;

#[plugin]
impl Ring {
    fn manifest() -> Manifest {
        Manifest::new("ring", "0.1.0").exec("ring", ["ringctl", "*"], "hand data over")
    }

    fn pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Step {
        let (Some(pod), true) = (&leaving.pod, leaving.for_good()) else {
            return done(); // after an update or an eviction it comes back
        };
        let ringctl = |verb| host.exec(pod, &Command::new(["ringctl", verb]).container("ring"), secs(9));
        match ringctl("state")?.stdout.trim_ascii() {
            b"LEFT" => return done(),
            b"LEAVING" => {}
            _ => drop(ringctl("leave")?),
        }
        again("handing its data over").after(secs(5))
    }
}

#[cfg(test)]
mod tests {
    use stateward_sdk::Output;
    use stateward_sdk::testing::{Act, MockHost, Record};

    use super::*;

    #[test]
    fn a_member_is_asked_to_leave_once_and_waited_for() {
        // Given a ring of three, whose last member takes a while to leave,
        let host = MockHost::new(Ring, "ring", 3);
        let states = std::sync::Mutex::new(vec!["LEFT\n", "LEAVING\n", "NORMAL\n"]);
        host.exec_answers(move |_, command| {
            let stdout = match command.argv[1].as_str() {
                "state" => states.lock().unwrap().pop().unwrap().into(),
                _ => Vec::new(),
            };
            Ok(Output { stdout, ..Output::default() })
        });

        // when it is to leave,
        let leaves = Act::PreDelete { ordinal: 2, why: Cause::ScaleIn };
        assert_eq!(host.act_until_settled("leave", &leaves, 5), done());

        // then it was asked once.
        let asked = |record: &&Record| matches!(record, Record::Exec(_, argv) if argv[1] == "leave");
        assert_eq!(host.records().iter().filter(asked).count(), 1);
    }

    #[test]
    fn a_member_that_comes_back_is_left_alone() {
        let host = MockHost::new(Ring, "ring", 3);
        let update = Act::PreDelete { ordinal: 2, why: Cause::Update };
        assert_eq!(host.act("update", &update), done());
        assert_eq!(host.records(), []);
    }
}
