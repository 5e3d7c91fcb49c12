//! Signals that this process ignores, because whoever started it does (`nohup`, a job of a script in the background), would be ignored by every container, too:
//! an ignored signal stays so in new programs. One that is handled does not.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Signals that terminals send, and that end a program when it does nothing about them.
const OF_TERMINALS: [SignalKind; 3] = [
    SignalKind::hangup(),
    SignalKind::interrupt(),
    SignalKind::quit(),
];

/// Lets containers begin with the signals of a terminal as they are by default. This process goes on without them.
pub(crate) fn are_for_containers() -> io::Result<()> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let ignored = ignored(&status);
    for kind in OF_TERMINALS {
        if ignored >> (kind.as_raw_value() - 1) & 1 == 1 {
            // The handler stays when its receiver is gone.
            drop(signal(kind)?);
        }
    }
    Ok(())
}

/// The mask of ignored signals.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status = "SigBlk:\t0000000000000001\nSigIgn:\t0000000000001003\n";
        assert_eq!(ignored(status), 0x1003);
        assert_eq!(ignored(""), 0);
    }
}
