//! The other members, from the snapshot.

use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use crate::contract::{Death, Member};
use crate::sandbox::Sandbox;

/// Members in one answer of `range`.
const MAX_RANGE: usize = 256;

pub(super) fn link(view: &mut LinkerInstance<'_, Sandbox>) -> wasmtime::Result<()> {
    view.func_wrap(
        "get",
        |mut cx: StoreContextMut<'_, Sandbox>, (ordinal,): (u32,)| {
            cx.data_mut().meter.enter()?;
            Ok((cx.data().snapshot.member(ordinal).cloned(),))
        },
    )?;
    view.func_wrap(
        "range",
        |mut cx: StoreContextMut<'_, Sandbox>, (first, max): (u32, u32)| {
            cx.data_mut().meter.enter()?;
            let members = &cx.data().snapshot.members;
            let found: Vec<Arc<Member>> = members
                .iter()
                .skip(members.partition_point(|member| member.ordinal < first))
                .take(usize::try_from(max).unwrap_or(MAX_RANGE).min(MAX_RANGE))
                .cloned()
                .collect();
            Ok((found,))
        },
    )?;
    view.func_wrap(
        "death-of",
        |mut cx: StoreContextMut<'_, Sandbox>, (pod,): (String,)| {
            cx.data_mut().meter.enter()?;
            let snapshot = &cx.data().snapshot;
            let death = match snapshot.deaths.get(&pod) {
                Some(death) => death.clone(),
                None if snapshot.has_pod(&pod) => Death::Alive,
                // Nothing is known of it: no proof that its processes ended.
                None => Death::ObjectGone,
            };
            Ok((death,))
        },
    )
}
