//! What a process has used, as the kernel counts it.

use std::time::Duration;

use crate::errors::ControlPlaneError;

/// Ticks of processor time per second, the same on every Linux machine (`USER_HZ`).
const TICKS: u64 = 100;

/// What a component has used until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Processor time since its start.
    pub cpu: Duration,
    /// Resident memory now, in bytes.
    pub memory: u64,
    /// Resident memory at its most, in bytes.
    pub peak_memory: u64,
}

impl Usage {
    pub(crate) fn of(pid: u32) -> Result<Self, ControlPlaneError> {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            std::fs::read_to_string(&path).map_err(ControlPlaneError::io(format!(
                "reading {path}; it may have ended"
            )))
        };
        Ok(Self::parse(&read("stat")?, &read("status")?))
    }

    fn parse(stat: &str, status: &str) -> Self {
        // The name, in brackets, may contain anything; `utime` and `stime` are the 12th and 13th word behind it.
        let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
        let words = behind.split_whitespace().skip(11).take(2);
        let ticks: u64 = words.filter_map(|word| word.parse::<u64>().ok()).sum();
        let kibibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let word = line.and_then(|line| line.split_whitespace().next());
            word.and_then(|word| word.parse::<u64>().ok())
                .unwrap_or_default()
        };
        Self {
            cpu: Duration::from_millis(ticks * 1000 / TICKS),
            memory: kibibytes("VmRSS:") * 1024,
            peak_memory: kibibytes("VmHWM:") * 1024,
        }
    }
}

/// Whether all threads of a process stand still.
pub(crate) fn is_stopped(pid: u32) -> Result<bool, ControlPlaneError> {
    let folder = format!("/proc/{pid}/task");
    let error = || ControlPlaneError::io(format!("reading {folder}; the process may have ended"));
    for thread in std::fs::read_dir(&folder).map_err(error())? {
        let stat = thread.map_err(error())?.path().join("stat");
        // One that ends in between, or has ended, does nothing any more.
        let stat = std::fs::read_to_string(stat).unwrap_or_default();
        let state = stat
            .rsplit_once(')')
            .and_then(|(_, behind)| behind.split_whitespace().next());
        if state.is_some_and(|state| !["T", "Z", "X"].contains(&state)) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_and_memory_are_read_whatever_the_name_is() {
        let stat = "77 (odd) name)) S 1 2 3 4 5 6 7 8 9 10 120 30 0 0 20 0 1";
        let status = "Name:\todd\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n";

        let usage = Usage::parse(stat, status);

        assert_eq!(usage.cpu, Duration::from_millis(1500));
        assert_eq!(usage.memory, 1024 * 1024);
        assert_eq!(usage.peak_memory, 2048 * 1024);
    }
}
