//! Ending everything that a container started, where no PID namespace does it.

use std::fs;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// Kills and reaps until nothing is left. The caller is the reaper of its orphans: what a killed process leaves behind
/// becomes its own child, and is found in the next round.
pub(super) fn end_all() {
    loop {
        for child in children() {
            // It may have ended in this moment.
            let _ended = kill(child, Signal::SIGKILL);
        }
        match waitpid(None, Some(WaitPidFlag::empty())) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}

fn children() -> Vec<Pid> {
    let own = std::process::id();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| parent(*pid) == Some(own))
        .map(Pid::from_raw)
        .collect()
}

/// From `/proc/PID/stat`: the second field after the name, which is in parentheses and may hold anything.
fn parent(pid: i32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}
