//! `__enter PID FOLDER UID:GID TERMINAL COMMAND…` joins a running container and runs a command there, with this process'
//! own environment and its standard streams (or a new terminal); `__exec TERMINAL COMMAND…` is that command, bound to the
//! life of `__enter`.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::sched::{CloneFlags, setns};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

use super::HELPER_IN_CONTAINER;
use super::sandbox::exit_code;
use super::terminal::{self, TERMINAL};

/// What shells and container engines answer for a command that cannot be run.
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Stands for the PID of a container without namespaces.
pub(super) const SHARED: &str = "-";

pub(crate) fn enter_entry(args: &[OsString]) -> ExitCode {
    match enter(args) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(CANNOT_RUN)
        }
    }
}

fn enter(args: &[OsString]) -> Result<ExitCode, String> {
    let [pid, folder, user, command @ ..] = args else {
        return Err("container to enter is not named".to_owned());
    };
    let has_terminal = command.first().is_some_and(|word| word == TERMINAL);
    let is_shared = pid == SHARED;
    if !is_shared {
        join(&pid.to_string_lossy())
            .map_err(|error| format!("the container is not running any more: {error}"))?;
    }
    std::env::set_current_dir(folder)
        .map_err(|error| format!("working folder {}: {error}", folder.to_string_lossy()))?;
    let mut child = Command::new(if is_shared {
        "/proc/self/exe"
    } else {
        HELPER_IN_CONTAINER
    });
    child.arg("__exec").args(command);
    if let Some((user, group)) = user.to_str().and_then(|user| user.split_once(':')) {
        if let Ok(group) = group.parse() {
            child.gid(group);
        }
        if let Ok(user) = user.parse() {
            child.uid(user);
        }
    }
    if has_terminal {
        let files = terminal::make()
            .and_then(|terminal| Ok((terminal.try_clone()?, terminal.try_clone()?, terminal)));
        let (stdin, stdout, stderr) = files.map_err(|error| format!("no terminal: {error}"))?;
        child.stdin(stdin).stdout(stdout).stderr(stderr);
    }
    let started = child.spawn();
    // A terminal hangs up when nobody holds it any more.
    drop(child);
    let status = started
        .and_then(|mut child| child.wait())
        .map_err(|error| format!("the command could not be started: {error}"))?;
    Ok(exit_code(status))
}

/// The mount namespace comes last: after it, this process' root is the container's.
fn join(pid: &str) -> Result<(), std::io::Error> {
    let namespaces = [
        ("ipc", CloneFlags::CLONE_NEWIPC),
        ("uts", CloneFlags::CLONE_NEWUTS),
        ("pid", CloneFlags::CLONE_NEWPID),
        ("mnt", CloneFlags::CLONE_NEWNS),
    ];
    let mut opened = Vec::new();
    for (name, kind) in namespaces {
        opened.push((File::open(format!("/proc/{pid}/ns/{name}"))?, kind));
    }
    for (file, kind) in opened {
        setns(&file, kind)?;
    }
    Ok(())
}

pub(crate) fn exec_entry(args: &[OsString]) -> ExitCode {
    let [has_terminal, program, arguments @ ..] = args else {
        eprintln!("no command");
        return ExitCode::from(CANNOT_RUN);
    };
    if has_terminal == TERMINAL
        && let Err(error) = terminal::be_controlled()
    {
        eprintln!("the command gets no terminal: {error}");
        return ExitCode::from(CANNOT_RUN);
    }
    if let Err(error) = set_pdeathsig(Signal::SIGKILL) {
        eprintln!("cannot bind the command to its starter: {error}");
        return ExitCode::from(CANNOT_RUN);
    }
    // Only a failure returns.
    let error = Command::new(program).args(arguments).exec();
    eprintln!("exec: {program:?}: {error}");
    ExitCode::from(if error.kind() == std::io::ErrorKind::NotFound {
        NOT_FOUND
    } else {
        CANNOT_RUN
    })
}
