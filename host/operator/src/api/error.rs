//! How a request fails, by what has to be done about it.

use kube::core::Status;

/// A request failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The object does not exist.
    #[error("{message}")]
    NotFound { message: String },
    /// An object of this name exists already.
    #[error("{message}")]
    AlreadyExists { message: String },
    /// The object changed since it was read, or is another one.
    #[error("{message}")]
    Conflict { message: String },
    /// The API server refused; the same request will be refused again until something else changes.
    #[error("{message}")]
    Refused { reason: String, message: String },
    /// Nobody knows whether it happened.
    #[error("{message}")]
    Unknown { message: String },
}

impl ApiError {
    /// Stable name for events and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            ApiError::NotFound { .. } => "NotFound",
            ApiError::AlreadyExists { .. } => "AlreadyExists",
            ApiError::Conflict { .. } => "Conflict",
            ApiError::Refused { .. } => "Refused",
            ApiError::Unknown { .. } => "OutcomeUnknown",
        }
    }

    /// The write may have happened: read before deciding.
    pub fn outcome_is_unknown(&self) -> bool {
        matches!(self, ApiError::Unknown { .. })
    }

    /// A quota stands in the way.
    pub(crate) fn is_quota(&self) -> bool {
        matches!(self, ApiError::Refused { message, .. } if message.contains("exceeded quota"))
    }

    /// The namespace is being deleted: nothing is created in it any more.
    pub(crate) fn is_namespace_ending(&self) -> bool {
        matches!(self, ApiError::Refused { reason, message }
            if reason == "Forbidden" && message.contains("because it is being terminated"))
    }

    pub(crate) fn unreadable(error: &dyn std::fmt::Display) -> ApiError {
        ApiError::Refused {
            reason: "Unreadable".to_owned(),
            message: error.to_string(),
        }
    }
}

impl From<kube::Error> for ApiError {
    fn from(error: kube::Error) -> ApiError {
        match error {
            kube::Error::Api(status) => ApiError::from(*status),
            other => ApiError::Unknown {
                message: other.to_string(),
            },
        }
    }
}

impl From<Status> for ApiError {
    fn from(status: Status) -> ApiError {
        let message = status.message.clone();
        if status.is_not_found() {
            ApiError::NotFound { message }
        } else if status.is_already_exists() {
            ApiError::AlreadyExists { message }
        } else if status.is_conflict() {
            ApiError::Conflict { message }
        } else if (400..500).contains(&status.code) && !matches!(status.code, 408 | 429) {
            ApiError::Refused {
                reason: status.reason,
                message,
            }
        } else {
            ApiError::Unknown { message }
        }
    }
}
