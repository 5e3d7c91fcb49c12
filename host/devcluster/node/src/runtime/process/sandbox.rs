//! `__container`: makes the namespaces and stays outside them as the parent of PID 1.

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode};

use nix::sched::{CloneFlags, unshare};

use super::control::Report;

/// Exit code of a container that never ran its command, as container engines use it.
pub(super) const NEVER_STARTED: u8 = 128;

pub(crate) fn entry() -> ExitCode {
    let Ok(mut reports) = control_socket() else {
        return ExitCode::from(NEVER_STARTED);
    };
    let namespaces = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWPID;
    if let Err(error) = unshare(namespaces) {
        report(
            &mut reports,
            &Report::Failed(format!(
                "no own mount, UTS, IPC and PID namespaces for this container: {error}; run as root, or where the kernel lets this user make namespaces"
            )),
        );
        return ExitCode::from(NEVER_STARTED);
    }
    // The path stays valid whatever the working folder is, and names the very binary that runs now.
    let init = Command::new("/proc/self/exe")
        .arg("__container-init")
        .spawn();
    let mut init = match init {
        Ok(init) => init,
        Err(error) => {
            report(
                &mut reports,
                &Report::Failed(format!(
                    "the container's first process did not start: {error}"
                )),
            );
            return ExitCode::from(NEVER_STARTED);
        }
    };
    report(&mut reports, &Report::Init(init.id()));
    match init.wait() {
        Ok(status) => exit_code(status),
        Err(_) => ExitCode::from(NEVER_STARTED),
    }
}

/// The code that a shell would show: a signal is 128 and its number.
pub(super) fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    ExitCode::from(u8::try_from(exit_number(status)).unwrap_or(u8::MAX))
}

pub(super) fn exit_number(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(i32::from(NEVER_STARTED))
}

/// Standard input, as the socket that it is.
pub(super) fn control_socket() -> std::io::Result<UnixStream> {
    let stdin = std::io::stdin();
    Ok(UnixStream::from(stdin.as_fd().try_clone_to_owned()?))
}

/// Nobody listening means the agent is gone; the container ends for that reason anyway.
pub(super) fn report(reports: &mut UnixStream, report: &Report) {
    if let Ok(mut line) = serde_json::to_vec(report) {
        line.push(b'\n');
        let _gone = reports.write_all(&line);
    }
}
