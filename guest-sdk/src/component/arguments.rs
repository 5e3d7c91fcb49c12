//! Between the contract's types and the SDK's.

use std::time::Duration;

use crate::bindings::host::stateward::plugin::types;
use crate::{
    App, Call, Cause, Claim, Death, Failure, Fault, Finding, Member, MoveCause, Outcome, Progress,
    Report, Seen, Standing, Volume,
};

impl From<types::App> for App {
    fn from(app: types::App) -> App {
        App {
            uid: app.uid,
            namespace: app.namespace,
            name: app.name,
            now_ms: app.now_ms,
            generation: app.generation,
            current: app.current,
            target: app.target,
            start: app.start,
            update_revision: app.update_revision,
            claims: app.claims.into_iter().map(Into::into).collect(),
            settings: app.settings,
            extra: app.extra.into_iter().collect(),
        }
    }
}

impl From<types::Claim> for Claim {
    fn from(claim: types::Claim) -> Claim {
        Claim {
            role: claim.role,
            ordinal: claim.ordinal,
            pod: claim.pod,
            epoch: claim.epoch,
            extra: claim.extra.into_iter().collect(),
        }
    }
}

impl From<types::Member> for Member {
    fn from(member: types::Member) -> Member {
        Member {
            ordinal: member.ordinal,
            pod: member.pod,
            address: member.address,
            standing: match member.standing {
                types::Standing::Absent => Standing::Absent,
                types::Standing::Starting => Standing::Starting,
                types::Standing::Ready => Standing::Ready,
                types::Standing::Unready => Standing::Unready,
                types::Standing::Terminating => Standing::Terminating,
                types::Standing::Other(word) => Standing::Other(word),
            },
            restarts: member.restarts,
            revision: member.revision,
            node: member.node,
            volume: match member.volume {
                types::Volume::New => Volume::New,
                types::Volume::Same => Volume::Same,
                types::Volume::Stale => Volume::Stale,
                types::Volume::Foreign => Volume::Foreign,
                types::Volume::None => Volume::None,
                types::Volume::Other(word) => Volume::Other(word),
            },
            last: member.last.map(|seen| Seen {
                at_ms: seen.at_ms,
                healthy: seen.healthy,
                role: seen.role,
                note: seen.note,
            }),
            extra: member.extra.into_iter().collect(),
        }
    }
}

impl From<types::Death> for Death {
    fn from(death: types::Death) -> Death {
        match death {
            types::Death::Alive => Death::Alive,
            types::Death::ObjectGone => Death::ObjectGone,
            types::Death::Stopped => Death::Stopped,
            types::Death::NodeFenced => Death::NodeFenced,
            types::Death::Other(word) => Death::Other(word),
        }
    }
}

impl From<types::Call> for Call {
    fn from(call: types::Call) -> Call {
        Call {
            id: call.id,
            attempt: call.attempt,
            checkpoint: call.checkpoint,
            cancelling: call.cancelling,
            deadline_ms: call.deadline_ms,
            extra: call.extra.into_iter().collect(),
        }
    }
}

impl From<types::Cause> for Cause {
    fn from(cause: types::Cause) -> Cause {
        match cause {
            types::Cause::ScaleIn => Cause::ScaleIn,
            types::Cause::Update => Cause::Update,
            types::Cause::Replace => Cause::Replace,
            types::Cause::Evict => Cause::Evict,
            types::Cause::External => Cause::External,
            types::Cause::Teardown => Cause::Teardown,
            types::Cause::Other(word) => Cause::Other(word),
        }
    }
}

impl From<types::MoveCause> for MoveCause {
    fn from(cause: types::MoveCause) -> MoveCause {
        match cause {
            types::MoveCause::Planned => MoveCause::Planned,
            types::MoveCause::Leaving => MoveCause::Leaving,
            types::MoveCause::Update => MoveCause::Update,
            types::MoveCause::Failed => MoveCause::Failed,
            types::MoveCause::Other(word) => MoveCause::Other(word),
        }
    }
}

impl From<types::Failure> for Failure {
    fn from(failure: types::Failure) -> Failure {
        match failure {
            types::Failure::Denied(text) => Failure::Denied(text),
            types::Failure::Replaced => Failure::Replaced,
            types::Failure::Unreachable(text) => Failure::Unreachable(text),
            types::Failure::Timeout => Failure::Timeout,
            types::Failure::Closed => Failure::Closed,
            types::Failure::Tls(text) => Failure::Tls(text),
            types::Failure::Budget(text) => Failure::Budget(text),
            types::Failure::Conflict => Failure::Conflict,
            types::Failure::Other(text) => Failure::Other(text),
        }
    }
}

impl From<Finding> for types::Finding {
    fn from(finding: Finding) -> types::Finding {
        types::Finding {
            path: finding.path,
            text: finding.text,
            blocks: finding.blocks,
            extra: Vec::new(),
        }
    }
}

impl From<Report> for types::Report {
    fn from(report: Report) -> types::Report {
        types::Report {
            healthy: report.healthy,
            role: report.role,
            note: report.note,
            figures: report
                .figures
                .into_iter()
                .map(|figure| types::Figure {
                    name: figure.name,
                    value: figure.value,
                })
                .collect(),
            wants: report.wants,
            extra: Vec::new(),
        }
    }
}

impl From<Outcome> for types::Outcome {
    fn from(outcome: Outcome) -> types::Outcome {
        match outcome {
            Outcome::Done => types::Outcome::Done,
            Outcome::InProgress(progress) => types::Outcome::InProgress(progress.into()),
            Outcome::Refuse(reason) => types::Outcome::Refuse(reason),
        }
    }
}

impl From<Progress> for types::Progress {
    fn from(progress: Progress) -> types::Progress {
        types::Progress {
            checkpoint: progress.checkpoint,
            percent: progress.percent,
            message: progress.message,
            again_after_ms: milliseconds(progress.again_after),
            extra: Vec::new(),
        }
    }
}

impl From<Fault> for types::Fault {
    fn from(fault: Fault) -> types::Fault {
        match fault {
            Fault::Retry(text) => types::Fault::Retry(text),
            Fault::Fatal(text) => types::Fault::Fatal(text),
        }
    }
}

/// The contract counts in 32 bits: 49 days are as good as any longer time.
pub(super) fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
