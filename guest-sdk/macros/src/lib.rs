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
/// | `probe` | `fn probe(&self, app: &App, member: &Member, reach: &dyn Reach) -> Result<Report, Fault>` |
/// | `pre_scale` | `fn pre_scale(&self, call: &Call, app: &App, host: &dyn Host) -> Step` |
/// | `post_ready` | `fn post_ready(&self, call: &Call, app: &App, member: &Member, host: &dyn Host) -> Step` |
/// | `pre_delete` | `fn pre_delete(&self, call: &Call, app: &App, member: &Member, why: &Cause, host: &dyn Host) -> Step` |
/// | `move_role` | `fn move_role(&self, call: &Call, app: &App, held: &Claim, why: &MoveCause, target: Option<u32>, host: &dyn Host) -> Step` |
///
/// Other functions belong into another `impl` block. The struct has no fields (`struct Ring;`): nothing outlives a call.
#[proc_macro_attribute]
pub fn plugin(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(arguments.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
