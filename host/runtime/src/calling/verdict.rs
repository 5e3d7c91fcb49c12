//! What ended a call, from wasmtime's error and what the sandbox noted.

use wasmtime::component::ResourceTableError;
use wasmtime::{Error, PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::{MAX_STORE_HANDLES, MAX_TRANSFER};
use crate::errors::CallFault;
use crate::sandbox::{MAX_HANDLES, Sandbox, Stop};

/// The longest text of a panic or trap that is kept.
const MAX_TEXT: usize = 512;

pub(super) fn of(err: &Error, sandbox: &Sandbox) -> CallFault {
    if let Some(stop) = err.downcast_ref::<Stop>() {
        return match stop {
            Stop::Impure {
                interface,
                function,
            } => CallFault::Impure {
                interface: interface.clone(),
                function: function.clone(),
            },
            Stop::Hostcalls(what) => CallFault::HostcallLimit(what.clone()),
            Stop::Cpu => CallFault::Timeout {
                limit: sandbox.limits().cpu,
            },
        };
    }
    if err.is::<PoolConcurrencyLimitError>() {
        return CallFault::HostSaturated;
    }
    if let Some(I32Exit(status)) = err.downcast_ref::<I32Exit>() {
        return CallFault::Trapped(format!("left through exit with status {status}"));
    }
    let trap = err.downcast_ref::<Trap>();
    if trap == Some(&Trap::StackOverflow) {
        return CallFault::StackOverflow;
    }
    // A guest that is denied memory ends in the same trap as one that panics.
    if sandbox.memory.was_denied() {
        return CallFault::OutOfMemory {
            limit: sandbox.limits().memory,
        };
    }
    match trap {
        Some(Trap::UnreachableCodeReached) => CallFault::Panicked(last_words(sandbox)),
        // Compilers keep part of the stack in linear memory, at its low end.
        Some(Trap::MemoryOutOfBounds) => CallFault::Trapped(
            "access beyond its memory; in a memory-safe language, a recursion that is too deep"
                .to_owned(),
        ),
        Some(trap) => CallFault::Trapped(trap.to_string()),
        None => untyped(err, sandbox),
    }
}

/// Errors that wasmtime gives no type to.
fn untyped(err: &Error, sandbox: &Sandbox) -> CallFault {
    let text = format!("{err:#}");
    if text.contains("fuel allocated for hostcalls has been exhausted") {
        // Without frames of the guest it was lifting the answer.
        return if err.downcast_ref::<WasmBacktrace>().is_some() {
            CallFault::HostcallLimit(format!("more than {MAX_TRANSFER} bytes in one host call"))
        } else {
            CallFault::OutputTooLarge {
                what: "value",
                size: MAX_TRANSFER + 1,
                limit: MAX_TRANSFER,
            }
        };
    }
    let handles = |max: usize| CallFault::HostcallLimit(format!("more than {max} open handles"));
    if let Some(ResourceTableError::Full) = err.downcast_ref() {
        return handles(MAX_HANDLES);
    }
    if text.contains("store handle limit exceeded") {
        return handles(MAX_STORE_HANDLES);
    }
    CallFault::Trapped(sandbox.shown(&text, MAX_TEXT))
}

/// What a guest said before it aborted: the panic message that its standard library or its SDK's hook left.
fn last_words(sandbox: &Sandbox) -> String {
    let output = sandbox.output.text();
    let panic = output
        .rfind("panicked at")
        .and_then(|at| output.get(at..))
        .map(|panic| panic.split("note: run with").next().unwrap_or(panic));
    let words = panic
        .or(sandbox.last_error.as_deref())
        .unwrap_or(output.as_str());
    let words = sandbox.shown(words, MAX_TEXT);
    if words.is_empty() {
        "it left no message".to_owned()
    } else {
        words
    }
}
