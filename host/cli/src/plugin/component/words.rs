//! Between the runtime's types and the SDK's.

use stateward_runtime as runtime;
use stateward_sdk::{
    Call, Cause, Command, Failure, Fault, Figure, Finding, Job, Level, MoveCause, Output, Report,
    Weight,
};

pub(super) fn call(call: &Call) -> runtime::Call {
    runtime::Call {
        id: call.id.clone(),
        attempt: call.attempt,
        checkpoint: call.checkpoint.clone(),
        cancelling: call.cancelling,
        deadline_ms: call.deadline_ms,
        extra: call.extra.clone().into_iter().collect(),
    }
}

pub(super) fn cause(cause: &Cause) -> runtime::Cause {
    match cause {
        Cause::ScaleIn => runtime::Cause::ScaleIn,
        Cause::Update => runtime::Cause::Update,
        Cause::Replace => runtime::Cause::Replace,
        Cause::Evict => runtime::Cause::Evict,
        Cause::External => runtime::Cause::External,
        Cause::Teardown => runtime::Cause::Teardown,
        Cause::Other(word) => runtime::Cause::Other(word.clone()),
    }
}

pub(super) fn move_cause(cause: &MoveCause) -> runtime::MoveCause {
    match cause {
        MoveCause::Planned => runtime::MoveCause::Planned,
        MoveCause::Leaving => runtime::MoveCause::Leaving,
        MoveCause::Update => runtime::MoveCause::Update,
        MoveCause::Failed => runtime::MoveCause::Failed,
        MoveCause::Other(word) => runtime::MoveCause::Other(word.clone()),
    }
}

pub(super) fn failure(failure: Failure) -> runtime::Failure {
    match failure {
        Failure::Denied(text) => runtime::Failure::Denied(text),
        Failure::Replaced => runtime::Failure::Replaced,
        Failure::Unreachable(text) => runtime::Failure::Unreachable(text),
        Failure::Timeout => runtime::Failure::Timeout,
        Failure::Closed => runtime::Failure::Closed,
        Failure::Tls(text) => runtime::Failure::Tls(text),
        Failure::Budget(text) => runtime::Failure::Budget(text),
        Failure::Conflict => runtime::Failure::Conflict,
        Failure::Other(text) => runtime::Failure::Other(text),
    }
}

pub(crate) fn failed(failure: runtime::Failure) -> Failure {
    match failure {
        runtime::Failure::Denied(text) => Failure::Denied(text),
        runtime::Failure::Replaced => Failure::Replaced,
        runtime::Failure::Unreachable(text) => Failure::Unreachable(text),
        runtime::Failure::Timeout => Failure::Timeout,
        runtime::Failure::Closed => Failure::Closed,
        runtime::Failure::Tls(text) => Failure::Tls(text),
        runtime::Failure::Budget(text) => Failure::Budget(text),
        runtime::Failure::Conflict => Failure::Conflict,
        runtime::Failure::Other(text) => Failure::Other(text),
    }
}

pub(super) fn fault(fault: runtime::Fault) -> Fault {
    match fault {
        runtime::Fault::Retry(text) => Fault::Retry(text),
        runtime::Fault::Fatal(text) => Fault::Fatal(text),
    }
}

pub(super) fn finding(finding: runtime::Finding) -> Finding {
    Finding {
        path: finding.path,
        text: finding.text,
        blocks: finding.blocks,
    }
}

pub(super) fn report(report: runtime::Report) -> Report {
    let figures = report.figures.into_iter().map(|figure| Figure {
        name: figure.name,
        value: figure.value,
    });
    Report {
        healthy: report.healthy,
        role: report.role,
        note: report.note,
        figures: figures.collect(),
        wants: report.wants,
    }
}

pub(super) fn command(command: runtime::Command) -> Command {
    Command {
        container: Some(command.container),
        argv: command.argv,
        stdin: command.stdin,
    }
}

pub(super) fn output(output: Output) -> runtime::ExecOutput {
    runtime::ExecOutput {
        code: output.code,
        stdout: output.stdout,
        stderr: output.stderr,
        truncated: output.truncated,
    }
}

pub(super) fn job(job: Job) -> runtime::Job {
    match job {
        Job::Running => runtime::Job::Running,
        Job::Exited(left) => runtime::Job::Exited(output(left)),
        Job::Lost | Job::Other(_) => runtime::Job::Lost,
    }
}

pub(super) fn weight(weight: runtime::Weight) -> Weight {
    match weight {
        runtime::Weight::Normal => Weight::Normal,
        runtime::Weight::Warning => Weight::Warning,
    }
}

pub(super) fn level(level: runtime::Level) -> Level {
    match level {
        runtime::Level::Debug => Level::Debug,
        runtime::Level::Info => Level::Info,
        runtime::Level::Warn => Level::Warn,
        runtime::Level::Error => Level::Error,
    }
}
