//! The `#[plugin]` macro of `stateward-sdk`. Use it through that crate, which documents it.

mod expand;
mod hooks;

use proc_macro::TokenStream;

/// Makes a plugin of an `impl` block: exactly the hooks that are written in it are exported, and the host learns from the exports what the
/// plugin can do.
///
/// | function | signature |
/// |---|---|
/// | `manifest` (always) | `fn manifest() -> Manifest` |
/// | `validate` | `fn validate(&self, old: Option<&App>, new: &App, view: &dyn View) -> Vec<Finding>` |
/// | `member_config` | `fn member_config(&self, app: &App, member: &Member, view: &dyn View) -> BTreeMap<String, String>` |
/// | `update_order` | `fn update_order(&self, app: &App, view: &dyn View) -> Vec<u32>` |
/// | `probe` | `fn probe(&self, app: &App, member: &Member, reach: &dyn Reach) -> Result<Report, Fault>` |
/// | `pre_scale` | `fn pre_scale(&self, scaling: &Scaling, host: &dyn Host) -> Step` |
/// | `post_ready` | `fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step` |
/// | `pre_delete` | `fn pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Step` |
/// | `post_delete` | `fn post_delete(&self, left: &Left, host: &dyn Host) -> Step` |
/// | `move_role` | `fn move_role(&self, moving: &Moving, host: &dyn Host) -> Step` |
/// | `task` | `fn task(&self, task: &Task, host: &dyn Host) -> Step` |
///
/// Other functions belong into another `impl` block. The struct has no fields (`struct Ring;`): nothing outlives a call.
#[proc_macro_attribute]
pub fn plugin(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(arguments.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
