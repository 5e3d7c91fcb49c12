/// What is wrong with a spec, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    #[error("spec.{path} is missing: {help}")]
    Missing { path: String, help: String },
    #[error("spec.{path} {problem}: {help}")]
    Invalid {
        path: String,
        problem: String,
        help: String,
    },
    #[error("spec.{path} is {value:?}, which is unknown: use {allowed}")]
    UnknownValue {
        path: String,
        value: String,
        allowed: String,
    },
    #[error("the name {name:?} {problem}: {help}")]
    Name {
        name: String,
        problem: String,
        help: String,
    },
}

impl SpecError {
    /// Stable, CamelCase.
    pub fn reason(&self) -> &'static str {
        match self {
            SpecError::Missing { .. } => "SpecFieldMissing",
            SpecError::Invalid { .. } => "SpecInvalid",
            SpecError::UnknownValue { .. } => "SpecUnknownValue",
            SpecError::Name { .. } => "NameInvalid",
        }
    }

    pub(super) fn invalid(
        path: impl Into<String>,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> SpecError {
        SpecError::Invalid {
            path: path.into(),
            problem: problem.into(),
            help: help.into(),
        }
    }
}
