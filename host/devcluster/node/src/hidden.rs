//! The entry points that the binary itself starts: each is a fresh process, so that it may change its namespaces
//! while it has a single thread.
//!
//! | word | who starts it | what it becomes |
//! |---|---|---|
//! | `__container` | the node agent | unshares namespaces, starts `__container-init` in them, waits |
//! | `__try` | the node agent, once | finds out whether containers can have namespaces and a root of their own |
//! | `__container-init` | `__container` | PID 1 of the container: root view, command, signals |
//! | `__enter` | the node agent, for exec | joins a container's namespaces |
//! | `__exec` | `__enter` | the command of an exec, bound to the life of its starter |
//! | `__files` | a recipe | the built-in web server for a folder |

use std::ffi::OsString;
use std::process::ExitCode;

use crate::files;
use crate::runtime::process::{container_init, enter, sandbox};

/// Runs the hidden entry point that `args` names (`args[1]`), or returns `None` when it names none.
///
/// Must be called first thing in `main`, before any thread exists: namespaces are entered by the calling thread only.
pub fn hidden_entry(args: &[OsString]) -> Option<ExitCode> {
    let word = args.get(1)?.to_str()?;
    let rest = args.get(2..).unwrap_or_default();
    match word {
        "__container" => Some(sandbox::entry(rest)),
        "__try" => Some(sandbox::try_entry(rest)),
        "__container-init" => Some(container_init::entry()),
        "__enter" => Some(enter::enter_entry(rest)),
        "__exec" => Some(enter::exec_entry(rest)),
        "__files" => Some(files::entry(rest)),
        _ => None,
    }
}
