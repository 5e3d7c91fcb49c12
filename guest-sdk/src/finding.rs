//! What `validate` has to say.

/// One thing that `validate` has to say about a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where, as a path in the app's spec: `settings.lagLimitSeconds`, `replicas`.
    pub path: String,
    /// What is wrong and what to do.
    pub text: String,
    /// Whether the spec is refused for it; otherwise it is a warning.
    pub blocks: bool,
}

impl Finding {
    /// The spec is refused for it.
    pub fn error(path: impl Into<String>, text: impl Into<String>) -> Finding {
        Finding {
            path: path.into(),
            text: text.into(),
            blocks: true,
        }
    }

    /// The spec is accepted, and its author is told.
    pub fn warning(path: impl Into<String>, text: impl Into<String>) -> Finding {
        Finding {
            blocks: false,
            ..Finding::error(path, text)
        }
    }
}
