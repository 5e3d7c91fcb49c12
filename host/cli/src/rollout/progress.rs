//! How far a rollout is, from the spec and the status alone; the same for both faces.

use std::fmt;

use serde::Deserialize;

use crate::failure::Failure;
use crate::target::Target;

/// The first thing that is missing, in the order in which things come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The status tells of an older spec.
    NotSeen {
        generation: i64,
    },
    /// Pods that are to go are still there.
    TooMany {
        pods: u32,
        wanted: u32,
    },
    NotUpdated {
        updated: u32,
        wanted: u32,
    },
    NotAvailable {
        available: u32,
        wanted: u32,
    },
    /// The new revision is not yet recorded as the current one.
    NotConcluded,
    Done {
        available: u32,
        updated: u32,
        held_back: Option<HeldBack>,
    },
}

/// Why pods of an older revision may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeldBack {
    Partition(u32),
    OnDelete,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Progress::NotSeen { generation } => {
                write!(f, "waiting for the operator to see generation {generation}")
            }
            Progress::TooMany { pods, wanted } => {
                write!(f, "{pods} pods are there, {wanted} are wanted")
            }
            Progress::NotUpdated { updated, wanted } => {
                write!(f, "{updated} of {wanted} pods are up to date")
            }
            Progress::NotAvailable { available, wanted } => {
                write!(f, "{available} of {wanted} pods are available")
            }
            Progress::NotConcluded => write!(f, "all pods are up to date, not concluded yet"),
            Progress::Done {
                available,
                updated,
                held_back,
            } => {
                write!(f, "{available} pods available, {updated} up to date")?;
                match held_back {
                    None => Ok(()),
                    Some(HeldBack::Partition(partition)) => {
                        write!(
                            f,
                            "; partition {partition} keeps the ordinals below it as they were"
                        )
                    }
                    Some(HeldBack::OnDelete) => {
                        write!(f, "; OnDelete: a pod is replaced when you delete it")
                    }
                }
            }
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Figures {
    observed_generation: i64,
    replicas: u32,
    available_replicas: u32,
    updated_replicas: u32,
    current_revision: String,
    update_revision: String,
}

/// What of the spec decides when a rollout is done.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    generation: i64,
    replicas: u32,
    start: u32,
    partition: u32,
    is_on_delete: bool,
}

/// How far the app is.
pub(crate) fn of(target: &Target) -> Result<Progress, Failure> {
    let number = |pointer: &str| {
        let number = target.spec().pointer(pointer)?.as_u64()?;
        u32::try_from(number).ok()
    };
    let strategy = target.spec().pointer("/updateStrategy/type");
    let wanted = Wanted {
        generation: target.generation(),
        replicas: number("/replicas").unwrap_or(1),
        start: number("/ordinals/start").unwrap_or(0),
        partition: number("/updateStrategy/rollingUpdate/partition").unwrap_or(0),
        is_on_delete: strategy.is_some_and(|strategy| strategy == "OnDelete"),
    };
    Ok(judge(wanted, &target.status()?))
}

fn judge(wanted: Wanted, figures: &Figures) -> Progress {
    if figures.observed_generation < wanted.generation {
        return Progress::NotSeen {
            generation: wanted.generation,
        };
    }
    if figures.replicas > wanted.replicas {
        return Progress::TooMany {
            pods: figures.replicas,
            wanted: wanted.replicas,
        };
    }
    let below = wanted.partition.saturating_sub(wanted.start);
    let to_update = match wanted.is_on_delete {
        true => 0,
        false => wanted.replicas.saturating_sub(below),
    };
    if figures.updated_replicas < to_update {
        return Progress::NotUpdated {
            updated: figures.updated_replicas,
            wanted: to_update,
        };
    }
    if figures.available_replicas < wanted.replicas {
        return Progress::NotAvailable {
            available: figures.available_replicas,
            wanted: wanted.replicas,
        };
    }
    let is_one_revision = figures.current_revision == figures.update_revision;
    let held_back = if is_one_revision {
        None
    } else if wanted.is_on_delete {
        Some(HeldBack::OnDelete)
    } else if below > 0 {
        Some(HeldBack::Partition(wanted.partition))
    } else {
        return Progress::NotConcluded;
    };
    Progress::Done {
        available: figures.available_replicas,
        updated: figures.updated_replicas,
        held_back,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(replicas: u32) -> Wanted {
        Wanted {
            generation: 2,
            replicas,
            start: 0,
            partition: 0,
            is_on_delete: false,
        }
    }

    fn figures(replicas: u32, updated: u32, available: u32) -> Figures {
        Figures {
            observed_generation: 2,
            replicas,
            available_replicas: available,
            updated_replicas: updated,
            current_revision: "web-1".into(),
            update_revision: if updated == replicas {
                "web-1"
            } else {
                "web-2"
            }
            .into(),
        }
    }

    #[test]
    fn a_status_of_an_older_generation_tells_nothing() {
        let old = Figures {
            observed_generation: 1,
            ..figures(3, 3, 3)
        };
        assert_eq!(judge(wanted(3), &old), Progress::NotSeen { generation: 2 });
    }

    #[test]
    fn what_is_missing_is_told_in_order() {
        assert_eq!(
            judge(wanted(3), &figures(5, 5, 5)),
            Progress::TooMany { pods: 5, wanted: 3 }
        );
        assert_eq!(
            judge(wanted(3), &figures(3, 1, 2)),
            Progress::NotUpdated {
                updated: 1,
                wanted: 3
            }
        );
        assert_eq!(
            judge(wanted(3), &figures(3, 3, 2)),
            Progress::NotAvailable {
                available: 2,
                wanted: 3
            }
        );
    }

    #[test]
    fn a_rollout_is_done_when_all_pods_are_available_at_one_revision() {
        let done = Progress::Done {
            available: 3,
            updated: 3,
            held_back: None,
        };
        assert_eq!(judge(wanted(3), &figures(3, 3, 3)), done);
        let unrecorded = Figures {
            current_revision: "web-0".into(),
            ..figures(3, 3, 3)
        };
        assert_eq!(judge(wanted(3), &unrecorded), Progress::NotConcluded);
    }

    #[test]
    fn ordinals_below_the_partition_are_not_waited_for() {
        let canary = Wanted {
            partition: 2,
            ..wanted(3)
        };
        let done = Progress::Done {
            available: 3,
            updated: 1,
            held_back: Some(HeldBack::Partition(2)),
        };
        assert_eq!(judge(canary, &figures(3, 1, 3)), done);
        let from_five = Wanted {
            start: 5,
            partition: 6,
            ..wanted(3)
        };
        assert_eq!(
            judge(from_five, &figures(3, 1, 3)),
            Progress::NotUpdated {
                updated: 1,
                wanted: 2
            }
        );
    }

    #[test]
    fn on_delete_waits_for_nobody() {
        let on_delete = Wanted {
            is_on_delete: true,
            ..wanted(3)
        };
        let done = Progress::Done {
            available: 3,
            updated: 0,
            held_back: Some(HeldBack::OnDelete),
        };
        assert_eq!(judge(on_delete, &figures(3, 0, 3)), done);
    }
}
