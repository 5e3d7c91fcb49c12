//! `__container-init`: PID 1 of a container. Makes the root view, runs the command as its child, passes signals on,
//! reaps orphans, and ends with the command's exit code; the kernel then ends whatever else runs in the container.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, wait};
use nix::unistd::{Pid, sethostname};

use super::control::{ContainerSpec, Order, Report};
use super::descendants::end_all;
use super::isolation::Isolation;
use super::root;
use super::sandbox::{NEVER_STARTED, control_socket, report};

const KILLED: i32 = 137;

pub(crate) fn entry() -> ExitCode {
    let Ok(socket) = control_socket() else {
        return ExitCode::from(NEVER_STARTED);
    };
    let Ok(mut reports) = socket.try_clone() else {
        return ExitCode::from(NEVER_STARTED);
    };
    let mut orders = BufReader::new(socket);
    match start(&mut orders) {
        Ok((command, isolation)) => {
            report(&mut reports, &Report::Started);
            let command = Pid::from_raw(i32::try_from(command).unwrap_or(i32::MAX));
            std::thread::spawn(move || follow_orders(orders, command, isolation));
            let code = reap_until(command);
            if isolation == Isolation::Shared {
                end_all();
            }
            code
        }
        Err(message) => {
            report(&mut reports, &Report::Failed(message));
            ExitCode::from(NEVER_STARTED)
        }
    }
}

fn start(orders: &mut BufReader<UnixStream>) -> Result<(u32, Isolation), String> {
    set_pdeathsig(Signal::SIGKILL)
        .map_err(|error| format!("cannot bind the container to its parent: {error}"))?;
    let mut line = String::new();
    orders
        .read_line(&mut line)
        .map_err(|error| format!("the node agent sent no container: {error}"))?;
    let spec: ContainerSpec = serde_json::from_str(&line)
        .map_err(|error| format!("the node agent sent no container: {error}"))?;
    match spec.isolation {
        Isolation::Private => {
            sethostname(&spec.hostname)
                .map_err(|error| format!("cannot set the hostname {}: {error}", spec.hostname))?;
            root::enter(&spec).map_err(|error| error.to_string())?;
            // As container engines do it; what cannot be made is told by the command that misses it.
            let folder = spec.working_folder.as_deref().unwrap_or("/");
            let _exists = std::fs::create_dir_all(folder);
        }
        Isolation::Shared => set_child_subreaper(true)
            .map_err(|error| format!("cannot take in the container's orphans: {error}"))?,
    }
    Ok((spawn(&spec)?, spec.isolation))
}

fn spawn(spec: &ContainerSpec) -> Result<u32, String> {
    let (program, arguments) = spec
        .argv
        .split_first()
        .ok_or_else(|| "neither the container nor its image recipe has a command".to_owned())?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(spec.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .current_dir(spec.working_folder.as_deref().unwrap_or("/"))
        .process_group(0);
    if let Some(group) = spec.group {
        command.gid(group);
    }
    if let Some(user) = spec.user {
        command.uid(user);
    }
    let child = command
        .spawn()
        .map_err(|error| format!("exec: {program:?}: {error}"))?;
    Ok(child.id())
}

/// Ends the container when the agent is gone: the other end of the socket is closed then.
fn follow_orders(orders: BufReader<UnixStream>, command: Pid, isolation: Isolation) {
    for line in orders.lines() {
        let Ok(line) = line else { break };
        if let Ok(Order::Signal(number)) = serde_json::from_str(&line)
            && let Ok(signal) = Signal::try_from(number)
        {
            // It may have ended in this moment; then there is nobody left to tell.
            let _ended = kill(command, signal);
        }
    }
    if isolation == Isolation::Shared {
        end_all();
    }
    std::process::exit(KILLED);
}

fn reap_until(command: Pid) -> ExitCode {
    loop {
        match wait() {
            Ok(WaitStatus::Exited(pid, code)) if pid == command => {
                return ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == command => {
                return ExitCode::from(u8::try_from(128 + signal as i32).unwrap_or(u8::MAX));
            }
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(_) => return ExitCode::from(NEVER_STARTED),
        }
    }
}
