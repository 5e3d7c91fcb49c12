//! What a probe saw of one member.

/// What a probe saw of one member. The host stamps the time.
///
/// ```
/// use stateward_sdk::Report;
///
/// let report = Report::healthy().role("replica").figure("lag_seconds", 0.0);
/// assert_eq!(report.role.as_deref(), Some("replica"));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Whether the member does its work.
    pub healthy: bool,
    /// The role that it has.
    pub role: Option<String>,
    /// For the plugin's own later calls ([`Seen::note`](crate::Seen::note)). At most 1 KiB.
    pub note: Vec<u8>,
    /// Numbers for the metrics.
    pub figures: Vec<Figure>,
    /// Names of tasks of the manifest that should run.
    pub wants: Vec<String>,
}

/// A number for the metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its name, in snake case with its unit at the end.
    pub name: String,
    /// Its value.
    pub value: f64,
}

impl Report {
    /// The member does its work.
    pub fn healthy() -> Report {
        Report {
            healthy: true,
            ..Report::default()
        }
    }

    /// The member does not do its work.
    pub fn unhealthy() -> Report {
        Report::default()
    }

    /// With the role that it has.
    pub fn role(mut self, role: impl Into<String>) -> Report {
        self.role = Some(role.into());
        self
    }

    /// With a note for the plugin's own later calls.
    pub fn note(mut self, note: impl Into<Vec<u8>>) -> Report {
        self.note = note.into();
        self
    }

    /// With a number for the metrics.
    pub fn figure(mut self, name: impl Into<String>, value: f64) -> Report {
        self.figures.push(Figure {
            name: name.into(),
            value,
        });
        self
    }

    /// And this task of the manifest should run.
    pub fn wants(mut self, task: impl Into<String>) -> Report {
        self.wants.push(task.into());
        self
    }
}
