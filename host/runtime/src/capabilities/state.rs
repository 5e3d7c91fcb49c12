//! A few small facts of the app that outlive calls. Grant: `state` for `put`.
//!
//! Reads come from the snapshot, overlaid by what this call wrote: the snapshot's version is what a decide hook's answer is kept under.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::forbid;
use crate::contract::{Entry, Failure};
use crate::sandbox::Sandbox;

const MAX_KEY: usize = 64;

pub(super) fn link(state: &mut LinkerInstance<'_, Sandbox>, may_put: bool) -> wasmtime::Result<()> {
    state.func_wrap(
        "get",
        |mut cx: StoreContextMut<'_, Sandbox>, (key,): (String,)| {
            let sandbox = cx.data_mut();
            sandbox.meter.enter()?;
            Ok((sandbox.entry(&key).cloned(),))
        },
    )?;
    if !may_put {
        return forbid(state, "state", &["put"]);
    }
    state.func_wrap_async(
        "put",
        |mut cx: StoreContextMut<'_, Sandbox>,
         (key, value, after_version): (String, Vec<u8>, u64)| {
            Box::new(async move {
                let sandbox = cx.data_mut();
                sandbox.meter.enter()?;
                let version = sandbox.put_state(&key, value, after_version).await;
                sandbox.meter.resume();
                Ok((version,))
            })
        },
    )
}

impl Sandbox {
    fn entry(&self, key: &str) -> Option<&Entry> {
        self.written
            .get(key)
            .or_else(|| self.snapshot.state.get(key))
    }

    async fn put_state(
        &mut self,
        key: &str,
        value: Vec<u8>,
        after_version: u64,
    ) -> Result<u64, Failure> {
        self.permit(self.grants().state, "state.put", "state: true")?;
        if !is_key(key) {
            return Err(Failure::Other(format!(
                "key {:?} must have 1 to {MAX_KEY} of a-z, A-Z, 0-9, '-', '_' and '.'",
                crate::text::line(key, MAX_KEY)
            )));
        }
        let limits = self.limits();
        if value.len() > limits.state_value {
            return Err(Failure::Budget(format!(
                "{} bytes per value of state, this has {}",
                limits.state_value,
                value.len()
            )));
        }
        if self.entry(key).is_none() && self.keys() >= limits.state_keys {
            return Err(Failure::Budget(format!(
                "{} keys of state per app",
                limits.state_keys
            )));
        }
        if self.masks.reveal(&value) || self.masks.reveal(key.as_bytes()) {
            return Err(Failure::Denied(
                "state must not hold the value of a secret".to_owned(),
            ));
        }
        let version = self
            .effects
            .put_state(key, value.clone(), after_version)
            .await?;
        self.written
            .insert(key.to_owned(), Entry { value, version });
        Ok(version)
    }

    fn keys(&self) -> usize {
        let new = |key: &&String| !self.snapshot.state.contains_key(*key);
        self.snapshot.state.len() + self.written.keys().filter(new).count()
    }
}

fn is_key(key: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !key.is_empty() && key.len() <= MAX_KEY && key.bytes().all(fits)
}
