//! `__container private|shared`: makes the namespaces (or none) and stays outside them as the parent of PID 1.

use std::ffi::OsString;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use nix::sched::{CloneFlags, unshare};

use super::control::Report;
use super::isolation::Isolation;
use super::root;

/// Exit code of a container that never ran its command, as container engines use it.
pub(super) const NEVER_STARTED: u8 = 128;

pub(crate) fn entry(args: &[OsString]) -> ExitCode {
    let Ok(mut reports) = control_socket() else {
        return ExitCode::from(NEVER_STARTED);
    };
    let word = args
        .first()
        .and_then(|word| word.to_str())
        .unwrap_or_default();
    if Isolation::of_word(word) == Isolation::Private
        && let Err(error) = unshare(namespaces())
    {
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

fn namespaces() -> CloneFlags {
    CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWPID
}

/// Succeeds where a container could have all that it has with [`Isolation::Private`].
pub(crate) fn try_entry(args: &[OsString]) -> ExitCode {
    let is_inside = args.get(1).is_some();
    let Some(folder) = args.first().map(PathBuf::from) else {
        return ExitCode::FAILURE;
    };
    if is_inside {
        return match root::enter_for_trial(&folder) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    if unshare(namespaces()).is_err() {
        return ExitCode::FAILURE;
    }
    // The new PID namespace begins with the next process, and /proc needs it.
    let inside = Command::new("/proc/self/exe")
        .arg("__try")
        .arg(&folder)
        .arg("inside")
        .status();
    let _left = std::fs::remove_dir_all(&folder);
    match inside {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
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
