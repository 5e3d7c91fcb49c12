//! `kubectl` of the same release, unmodified, against the embedded API. No controller runs: what one would write, the
//! test writes. Whole apps are walked through in [`walkthroughs`](super::walkthroughs), logs and exec are the node's.
//!
//! | file | commands |
//! |---|---|
//! | [`objects`] | apply, edit, get -w, wait, describe, explain and what else shows and changes objects, in both faces |
//! | [`rollouts`] | rollout status, history, undo, restart |
//! | [`deletion`] | delete and its cascades, in both faces |
//! | [`nodes`] | drain, cordon, uncordon |

mod deletion;
mod desk;
mod nodes;
mod objects;
mod rollouts;
