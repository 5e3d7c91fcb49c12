//! Numbers for the operator's metrics. Grant: `metrics`; names are those that the manifest declares.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::forbid;
use crate::contract::Failure;
use crate::effects::Change;
use crate::manifest::MetricKind;
use crate::sandbox::Sandbox;

pub(super) fn link(
    metrics: &mut LinkerInstance<'_, Sandbox>,
    allowed: bool,
) -> wasmtime::Result<()> {
    if !allowed {
        return forbid(metrics, "metrics", &["set", "add"]);
    }
    metrics.func_wrap(
        "set",
        |mut cx: StoreContextMut<'_, Sandbox>,
         (name, ordinal, value): (String, Option<u32>, f64)| {
            let sandbox = cx.data_mut();
            sandbox.meter.enter()?;
            Ok((sandbox.metric(&name, ordinal, Change::Set(value)),))
        },
    )?;
    metrics.func_wrap(
        "add",
        |mut cx: StoreContextMut<'_, Sandbox>,
         (name, ordinal, value): (String, Option<u32>, f64)| {
            let sandbox = cx.data_mut();
            sandbox.meter.enter()?;
            Ok((sandbox.metric(&name, ordinal, Change::Add(value)),))
        },
    )
}

impl Sandbox {
    fn metric(&self, name: &str, ordinal: Option<u32>, change: Change) -> Result<(), Failure> {
        self.permit(self.grants().metrics, "a metric", "metrics: true")?;
        let shown = crate::text::line(name, 64);
        let declared = self.terms.metrics.iter().find(|known| known.name == name);
        let declared = declared
            .ok_or_else(|| Failure::Denied(format!("the manifest declares no metric {shown:?}")))?;
        let fits = match change {
            Change::Set(value) => declared.kind == MetricKind::Gauge && value.is_finite(),
            Change::Add(value) => {
                declared.kind == MetricKind::Counter && value.is_finite() && value >= 0.0
            }
        };
        if !fits {
            return Err(Failure::Other(format!(
                "{shown} is declared a {:?}: set a gauge, add to a counter what is not negative",
                declared.kind
            )));
        }
        if let Some(ordinal) = ordinal.filter(|ordinal| self.snapshot.member(*ordinal).is_none()) {
            return Err(Failure::Other(format!("there is no member {ordinal}")));
        }
        self.effects.metric(name, ordinal, change);
        Ok(())
    }
}
