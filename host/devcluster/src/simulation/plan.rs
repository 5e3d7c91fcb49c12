//! Which faults happen: written down, or drawn from a seed; and the fewest of them that still make a test fail.

use std::fmt;
use std::time::Duration;

use super::fault::{Fault, WatchFault, WriteFault};

/// The faults of one link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// Draws what a plan leaves open, such as how long a slow request takes.
    pub seed: u64,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

impl FaultPlan {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// This alone goes wrong.
    pub fn only(fault: Fault) -> Self {
        Self {
            seed: 0,
            faults: vec![fault],
        }
    }

    /// The process dies before the write `nth`, or right after it was done.
    pub fn crash_at(nth: u32, is_done: bool) -> Self {
        let how = match is_done {
            true => WriteFault::CrashAfter,
            false => WriteFault::CrashBefore,
        };
        Self::only(Fault::Write { nth, how })
    }

    /// Two to eight faults of every kind, among the first `writes` writes. The same seed draws the same plan.
    pub fn from_seed(seed: u64, writes: u32) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let count = random.usize(2..=8);
        let mut faults: Vec<Fault> = (0..count).map(|_| draw(&mut random, writes)).collect();
        if random.bool() {
            let up_to = Duration::from_millis(random.u64(1..=200));
            faults.push(Fault::Slow { up_to });
        }
        Self { seed, faults }
    }

    /// Leaves faults out, one by one, as long as the test still `fails`.
    pub fn shrunk(self, mut fails: impl FnMut(&Self) -> bool) -> Shrunk {
        let before = self.faults.len();
        let mut plan = self;
        let mut position = 0;
        while position < plan.faults.len() {
            let mut smaller = plan.clone();
            smaller.faults.remove(position);
            match fails(&smaller) {
                true => plan = smaller,
                false => position += 1,
            }
        }
        Shrunk { plan, before }
    }

    pub(super) fn write(&self, number: u32) -> Option<WriteFault> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::Write { nth, how } if *nth == number => Some(*how),
            _ => None,
        })
    }

    pub(super) fn get(&self, number: u32) -> Option<u16> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::Get { nth, code } if *nth == number => Some(*code),
            _ => None,
        })
    }

    pub(super) fn list(&self, number: u32) -> Option<u64> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::StaleList { nth, behind } if *nth == number => Some(*behind),
            _ => None,
        })
    }

    pub(super) fn watch(&self, number: u32) -> Option<(u32, WatchFault)> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::Watch { nth, after, how } if *nth == number => Some((*after, *how)),
            _ => None,
        })
    }

    pub(super) fn slow(&self) -> Option<Duration> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::Slow { up_to } => Some(*up_to),
            _ => None,
        })
    }
}

fn draw(random: &mut fastrand::Rng, writes: u32) -> Fault {
    let nth = random.u32(1..=writes.max(1));
    let codes = [409, 429, 500, 504];
    let code = random.choice(codes).unwrap_or(500);
    let server_error = random.choice([500, 504]).unwrap_or(500);
    match random.u32(0..10) {
        0 | 1 => Fault::Write {
            nth,
            how: WriteFault::Refused(code),
        },
        2 => Fault::Write {
            nth,
            how: WriteFault::DoneAndRefused(server_error),
        },
        3 => Fault::Write {
            nth,
            how: WriteFault::DoneAndLost,
        },
        4 => Fault::Write {
            nth,
            how: WriteFault::CrashBefore,
        },
        5 => Fault::Write {
            nth,
            how: WriteFault::CrashAfter,
        },
        6 => Fault::Get {
            nth: random.u32(1..=5),
            code: random.choice([429, 500, 504]).unwrap_or(500),
        },
        7 => Fault::StaleList {
            nth: random.u32(1..=8),
            behind: random.u64(1..=12),
        },
        _ => Fault::Watch {
            nth: random.u32(1..=8),
            after: random.u32(0..=10),
            how: match random.u32(0..3) {
                0 => WatchFault::Cut,
                1 => WatchFault::Expired,
                _ => WatchFault::Late(Duration::from_millis(random.u64(1..=3_000))),
            },
        },
    }
}

/// The plan in words.
impl fmt::Display for FaultPlan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "seed {}: ", self.seed)?;
        if self.faults.is_empty() {
            return out.write_str("nothing goes wrong");
        }
        for (position, fault) in self.faults.iter().enumerate() {
            if position > 0 {
                out.write_str("; ")?;
            }
            write!(out, "{fault}")?;
        }
        Ok(())
    }
}

/// What is left of a plan when everything that does not matter is left out.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// The smallest plan that was found.
    pub plan: FaultPlan,
    /// How many faults there were before.
    pub before: usize,
}

impl fmt::Display for Shrunk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, before) = (self.plan.faults.len(), self.before);
        write!(out, "{} ({left} of {before} faults)", self.plan)
    }
}
