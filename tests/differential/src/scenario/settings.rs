//! A set as a scenario makes it, and the words for it.

use std::fmt;

/// How pods of an older revision are replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strategy {
    /// From the highest ordinal on.
    #[default]
    RollingUpdate,
    /// The user replaces pods.
    OnDelete,
    /// All go before any comes.
    Recreate,
}

impl Strategy {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::RollingUpdate => "RollingUpdate",
            Self::OnDelete => "OnDelete",
            Self::Recreate => "Recreate",
        }
    }

    pub(super) fn of(name: &str) -> Result<Self, ()> {
        let all = [Self::RollingUpdate, Self::OnDelete, Self::Recreate];
        (all.into_iter())
            .find(|strategy| strategy.name() == name)
            .ok_or(())
    }
}

/// A set as a scenario makes it. What is not said is as in Kubernetes, but for one replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `replicas=3`
    pub replicas: u32,
    /// `policy=Parallel`: pods all at once.
    pub is_parallel: bool,
    /// `strategy=OnDelete`
    pub strategy: Strategy,
    /// `partition=2`
    pub partition: Option<u32>,
    /// `maxUnavailable=2`
    pub max_unavailable: Option<u32>,
    /// `minReadySeconds=2`
    pub min_ready_seconds: Option<u32>,
    /// `start=3`: the first ordinal.
    pub start: Option<u32>,
    /// `history=2`: how many old revisions are kept.
    pub history: Option<u32>,
    /// `claims`: each pod has a claim.
    pub has_claims: bool,
    /// `whenScaled=Delete`
    pub deletes_when_scaled: bool,
    /// `whenDeleted=Delete`
    pub deletes_when_deleted: bool,
    /// `image=app:2`; where it is not said, [`IMAGE`].
    pub image: Option<String>,
}

/// The image of a set that names none.
pub const IMAGE: &str = "app:1";

impl Default for Settings {
    fn default() -> Self {
        Self {
            replicas: 1,
            is_parallel: false,
            strategy: Strategy::default(),
            partition: None,
            max_unavailable: None,
            min_ready_seconds: None,
            start: None,
            history: None,
            has_claims: false,
            deletes_when_scaled: false,
            deletes_when_deleted: false,
            image: None,
        }
    }
}

impl Settings {
    /// The image of its template.
    pub fn image(&self) -> &str {
        self.image.as_deref().unwrap_or(IMAGE)
    }

    pub(super) fn of(words: &[&str]) -> Result<Self, ()> {
        let mut settings = Self::default();
        for word in words {
            let number = |text: &str| text.parse::<u32>().map_err(|_not_a_number| ());
            match word.split_once('=').unwrap_or((word, "")) {
                ("replicas", value) => settings.replicas = number(value)?,
                ("policy", "Parallel") => settings.is_parallel = true,
                ("policy", "OrderedReady") => settings.is_parallel = false,
                ("strategy", value) => settings.strategy = Strategy::of(value)?,
                ("partition", value) => settings.partition = Some(number(value)?),
                ("maxUnavailable", value) => settings.max_unavailable = Some(number(value)?),
                ("minReadySeconds", value) => settings.min_ready_seconds = Some(number(value)?),
                ("start", value) => settings.start = Some(number(value)?),
                ("history", value) => settings.history = Some(number(value)?),
                ("claims", "") => settings.has_claims = true,
                ("whenScaled", value) => settings.deletes_when_scaled = deletes(value)?,
                ("whenDeleted", value) => settings.deletes_when_deleted = deletes(value)?,
                ("image", value) if !value.is_empty() => settings.image = Some(value.to_owned()),
                _ => return Err(()),
            }
        }
        Ok(settings)
    }
}

/// Whether claims are deleted.
pub(super) fn deletes(word: &str) -> Result<bool, ()> {
    match word {
        "Delete" => Ok(true),
        "Retain" => Ok(false),
        _ => Err(()),
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "replicas={}", self.replicas)?;
        if self.is_parallel {
            out.write_str(" policy=Parallel")?;
        }
        if self.strategy != Strategy::default() {
            write!(out, " strategy={}", self.strategy.name())?;
        }
        let numbers = [
            ("partition", self.partition),
            ("maxUnavailable", self.max_unavailable),
            ("minReadySeconds", self.min_ready_seconds),
            ("start", self.start),
            ("history", self.history),
        ];
        for (name, value) in numbers {
            if let Some(value) = value {
                write!(out, " {name}={value}")?;
            }
        }
        if self.has_claims {
            out.write_str(" claims")?;
        }
        if self.deletes_when_scaled {
            out.write_str(" whenScaled=Delete")?;
        }
        if self.deletes_when_deleted {
            out.write_str(" whenDeleted=Delete")?;
        }
        if let Some(image) = &self.image {
            write!(out, " image={image}")?;
        }
        Ok(())
    }
}
