//! The hooks of a component, as the testkit calls them.

use std::collections::BTreeMap;

use stateward_runtime::{Act, Outcome, Request};
use stateward_sdk::{
    App, Fault, Finding, Hook, Host, Joining, Leaving, Left, Manifest, Member, Moving, Plugin,
    Reach, Report, Scaling, Step, Task, View,
};

use super::{Component, snapshot, words};
use crate::plugin::exchange::Exchange;
use crate::plugin::run::input::Input;

/// How far the clock is set forward for the second of two equal questions.
const LATER_MS: u64 = 3_600_000;

impl Component {
    fn acted(
        &self,
        act: Act,
        call: &stateward_sdk::Call,
        app: &App,
        host: &dyn Host,
    ) -> Option<Step> {
        let snapshot = self.snapshot(app, host);
        let (hook, call) = (act.hook(), words::call(call));
        let input = (self.record.as_ref()).map(|_| Input::of_act(&act, &call, &snapshot));
        let (answer, exchanges) = self.act(act, call, snapshot, host);
        self.write_down(input, exchanges);
        Some(match answer {
            Ok(answer) => {
                if let Outcome::Fatal(why) = &answer.outcome {
                    let mut costs = self.costs.borrow_mut();
                    costs.fatal.insert(format!("{hook} fails for good: {why}"));
                }
                let asked = answer.requests.iter();
                match asked.map(|one| ask_for(host, one)).find(Result::is_err) {
                    Some(Err(failure)) => Err(failure.into()),
                    _ => step(answer.outcome),
                }
            }
            Err(error) => Err(Fault::Retry(error.to_string())),
        })
    }

    fn write_down(&self, input: Option<Input>, exchanges: Vec<Exchange>) {
        if let (Some(record), Some(input)) = (&self.record, input) {
            record.borrow_mut().push(input.with(exchanges));
        }
    }

    /// Notes where `validate` says something else an hour later, and what it does not let pass.
    fn weigh(&self, findings: &[Finding], later: &[Finding]) {
        let mut costs = self.costs.borrow_mut();
        let texts = |findings: &[Finding]| {
            let texts = findings.iter().map(|finding| finding.text.clone());
            texts.collect::<Vec<_>>().join("; ")
        };
        if findings != later {
            let (now, later) = (texts(findings), texts(later));
            let told = format!("it says {now:?}, and {later:?} an hour later of the same spec");
            costs.unsteady.insert(told);
        }
        let blocking = findings.iter().filter(|finding| finding.blocks);
        costs
            .refused
            .extend(blocking.map(|finding| finding.text.clone()));
    }
}

impl Plugin for Component {
    fn on_describe(&self) -> Manifest {
        self.manifest.clone()
    }

    fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    fn on_validate(&self, old: Option<&App>, new: &App, view: &dyn View) -> Option<Vec<Finding>> {
        let snapshot = self.snapshot(new, view);
        let later = App {
            now_ms: new.now_ms.saturating_add(LATER_MS),
            ..new.clone()
        };
        let later = self.snapshot(&later, view);
        let ask = |snapshot| {
            let answer = self.validate(snapshot, old.map(snapshot::app));
            let findings = answer.map(|answer| answer.answer);
            findings.map(|all| all.into_iter().map(words::finding).collect::<Vec<_>>())
        };
        Some(match ask(snapshot) {
            Ok(findings) => {
                let later = ask(later).unwrap_or_else(|_| findings.clone());
                self.weigh(&findings, &later);
                findings
            }
            Err(error) => vec![Finding::error("", error.to_string())],
        })
    }

    fn on_member_config(
        &self,
        app: &App,
        member: &Member,
        view: &dyn View,
    ) -> Option<BTreeMap<String, String>> {
        let answer = self.member_config(self.snapshot(app, view), member.ordinal);
        Some(answer.map(|answer| answer.answer).unwrap_or_default())
    }

    fn on_update_order(&self, app: &App, view: &dyn View) -> Option<Vec<u32>> {
        let answer = self.update_order(self.snapshot(app, view));
        Some(answer.map(|answer| answer.answer).unwrap_or_default())
    }

    fn on_probe(
        &self,
        app: &App,
        member: &Member,
        reach: &dyn Reach,
    ) -> Option<Result<Report, Fault>> {
        if !self.hooks.contains(&Hook::Probe) {
            return None;
        }
        let snapshot = self.snapshot(app, reach);
        let input = (self.record.as_ref()).map(|_| Input::of_probe(member.ordinal, &snapshot));
        let (answer, exchanges) = self.probe(member.ordinal, snapshot, reach);
        self.write_down(input, exchanges);
        Some(match answer {
            Ok(probed) => probed.result.map(words::report).map_err(words::fault),
            Err(error) => Err(Fault::Retry(error.to_string())),
        })
    }

    fn on_pre_scale(&self, scaling: &Scaling, host: &dyn Host) -> Option<Step> {
        self.acted(Act::PreScale, &scaling.call, &scaling.app, host)
    }

    fn on_post_ready(&self, joining: &Joining, host: &dyn Host) -> Option<Step> {
        let act = Act::PostReady {
            ordinal: joining.ordinal,
        };
        self.acted(act, &joining.call, &joining.app, host)
    }

    fn on_pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Option<Step> {
        let act = Act::PreDelete {
            ordinal: leaving.ordinal,
            cause: words::cause(&leaving.why),
        };
        self.acted(act, &leaving.call, &leaving.app, host)
    }

    fn on_post_delete(&self, left: &Left, host: &dyn Host) -> Option<Step> {
        let act = Act::PostDelete {
            ordinal: left.ordinal,
            was: left.was.clone(),
        };
        self.acted(act, &left.call, &left.app, host)
    }

    fn on_move_role(&self, moving: &Moving, host: &dyn Host) -> Option<Step> {
        let act = Act::MoveRole {
            role: moving.held.role.clone(),
            cause: words::move_cause(&moving.why),
            target: moving.target,
        };
        self.acted(act, &moving.call, &moving.app, host)
    }

    fn on_task(&self, task: &Task, host: &dyn Host) -> Option<Step> {
        let act = Act::Task {
            name: task.name.clone(),
            member: task.member,
            arguments: task.arguments.clone(),
        };
        self.acted(act, &task.call, &task.app, host)
    }
}

fn step(outcome: Outcome) -> Step {
    use stateward_sdk::{Outcome as Said, Progress};
    match outcome {
        Outcome::Done => Ok(Said::Done),
        Outcome::InProgress(progress) => Ok(Said::InProgress(Progress {
            checkpoint: progress.checkpoint,
            percent: progress.percent,
            message: progress.message,
            again_after: std::time::Duration::from_millis(progress.again_after_ms.into()),
        })),
        Outcome::Refuse(why) => Ok(Said::Refuse(why)),
        Outcome::Retry(why) => Err(Fault::Retry(why)),
        Outcome::Fatal(why) => Err(Fault::Fatal(why)),
    }
}

/// The runtime has checked the request; the testkit's host plays it.
fn ask_for(host: &dyn Host, request: &Request) -> Result<(), stateward_sdk::Failure> {
    match request {
        Request::ClaimRole {
            role,
            pod,
            after_epoch,
        } => host.claim_role(role, pod, *after_epoch),
        Request::ReleaseRole { role, after_epoch } => host.release_role(role, *after_epoch),
        Request::DeletePod { pod, why } => host.delete_pod(pod, why),
        Request::DiscardVolumes {
            ordinal,
            claims,
            why,
        } => {
            let claims: Vec<&str> = claims.iter().map(String::as_str).collect();
            host.discard_volumes(*ordinal, &claims, why)
        }
        Request::Quarantine { ordinal, why } => host.quarantine(*ordinal, why),
    }
}
