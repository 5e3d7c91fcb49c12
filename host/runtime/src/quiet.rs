//! The effects of a decide hook: log lines go to the program's own log, nothing else can be reached.

use async_trait::async_trait;

use crate::contract::Failure;
use crate::effects::{Command, Effects, ExecOutput, Level, Stream, Weight};

/// Effects of calls that have none.
pub(crate) struct Quiet {
    plugin: String,
}

impl Quiet {
    pub(crate) fn new(plugin: &str) -> Quiet {
        Quiet {
            plugin: plugin.to_owned(),
        }
    }
}

fn nothing<T>() -> Result<T, Failure> {
    Err(Failure::Denied("a decide hook reaches nothing".to_owned()))
}

#[async_trait]
impl Effects for Quiet {
    async fn dial(&self, _pod: &str, _port: &str) -> Result<Box<dyn Stream>, Failure> {
        nothing()
    }

    async fn exec(&self, _pod: &str, _command: Command) -> Result<ExecOutput, Failure> {
        nothing()
    }

    async fn secret(&self, _slot: &str) -> Result<Vec<u8>, Failure> {
        nothing()
    }

    async fn put_state(
        &self,
        _key: &str,
        _value: Vec<u8>,
        _after_version: u64,
    ) -> Result<u64, Failure> {
        nothing()
    }

    fn emit(&self, _weight: Weight, _reason: &str, _note: &str) {}

    fn log(&self, level: Level, text: &str) {
        let plugin = &self.plugin;
        match level {
            Level::Debug => tracing::debug!(%plugin, "{text}"),
            Level::Info => tracing::info!(%plugin, "{text}"),
            Level::Warn => tracing::warn!(%plugin, "{text}"),
            Level::Error => tracing::error!(%plugin, "{text}"),
        }
    }
}
