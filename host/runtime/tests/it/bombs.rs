//! Components that a compiler would not write: they want more memory, or more of their tables, than anybody gets.

use bytes::Bytes;
use stateward_runtime::LoadError;

use crate::fixture::runtime;

/// A component that has these memories and tables, and whose `describe` does `deed` and then aborts.
fn bomb(memory: &str, table: &str, deed: &str) -> Bytes {
    let text = format!(
        r#"(component
            (core module $module
                (memory (export "memory") {memory})
                (table $table {table} funcref)
                (func (export "manifest") (result i32) {deed} unreachable)
            )
            (core instance $instance (instantiate $module))
            (func $manifest (result string)
                (canon lift (core func $instance "manifest") (memory $instance "memory")))
            (instance $describe (export "manifest" (func $manifest)))
            (export "stateward:plugin/describe@0.1.0" (instance $describe))
        )"#
    );
    Bytes::from(wat::parse_str(text).unwrap())
}

async fn refused(bytes: Bytes) -> LoadError {
    runtime().load(bytes, None).await.unwrap_err()
}

#[tokio::test]
async fn a_table_that_grows_without_end_is_denied_as_memory_is() {
    let deed = "(loop $more (br_if $more (i32.ge_s
        (table.grow $table (ref.null func) (i32.const 1000)) (i32.const 0))))";
    let error = refused(bomb("1", "1", deed)).await;
    assert_eq!(error.reason(), "DescribeFailed");
    assert!(error.to_string().contains("memory"), "{error}");
}

#[tokio::test]
async fn a_memory_that_grows_without_end_is_denied() {
    let deed = "(loop $more (br_if $more (i32.ge_s (memory.grow (i32.const 100)) (i32.const 0))))";
    let error = refused(bomb("1", "1", deed)).await;
    assert_eq!(error.reason(), "DescribeFailed");
    assert!(error.to_string().contains("memory"), "{error}");
}

#[tokio::test]
async fn what_is_too_large_from_the_start_is_refused_before_it_runs() {
    // 512 MiB of memory; 2 GiB of memory; a table of 16 million elements.
    for (memory, table) in [("8192", "1"), ("32768", "1"), ("1", "16000000")] {
        let error = refused(bomb(memory, table, "")).await;
        println!(
            "{memory} pages, {table} elements: {}: {error}",
            error.reason()
        );
        assert!(
            ["DescribeFailed", "CompileFailed"].contains(&error.reason()),
            "{error}"
        );
    }
    // The pool is as it was.
    assert!(
        runtime()
            .load(crate::fixture::component("hostile"), None)
            .await
            .is_ok()
    );
}
