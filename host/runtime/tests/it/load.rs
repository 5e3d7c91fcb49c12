//! What is refused at load, and how it is said.

use std::time::Duration;

use bytes::Bytes;
use stateward_runtime::{Digest, Hook, LoadError, Options, Runtime};

use crate::fixture::{component, hostile, runtime};

async fn refused(bytes: Bytes) -> LoadError {
    match runtime().load(bytes, None).await {
        Err(error) => error,
        Ok(plugin) => panic!("it was loaded: {plugin:?}"),
    }
}

#[tokio::test]
async fn a_plugin_tells_what_it_is_and_which_hooks_it_has() {
    let plugin = hostile().await;
    assert_eq!(plugin.manifest().name, "hostile");
    assert_eq!(plugin.manifest().roles.len(), 2);
    assert_eq!(plugin.digest(), &Digest::of(&component("hostile")));
    let hooks: Vec<Hook> = plugin.hooks().iter().copied().collect();
    assert_eq!(
        hooks,
        Hook::ALL
            .into_iter()
            .filter(|hook| *hook != Hook::Describe)
            .collect::<Vec<_>>()
    );
    let imported = |name: &str| plugin.imports().iter().any(|import| import == name);
    assert!(imported("stateward:plugin/tcp@0.1.0"));
    assert!(
        imported("wasi:random/insecure-seed@0.2.6") || imported("wasi:random/insecure-seed@0.2.9"),
        "{:?}",
        plugin.imports()
    );
    assert!(
        plugin
            .exports()
            .contains(&"stateward:plugin/probe@0.1.0".to_owned())
    );
}

#[tokio::test]
async fn a_digest_that_differs_is_refused_with_both() {
    let bytes = component("hostile");
    let other: Digest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    let error = runtime()
        .load(bytes.clone(), Some(&other))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "DigestMismatch");
    let text = error.to_string();
    assert!(text.contains(&other.to_string()), "{text}");
    assert!(text.contains(&Digest::of(&bytes).to_string()), "{text}");
    let right = Digest::of(&bytes);
    assert!(runtime().load(bytes, Some(&right)).await.is_ok());
}

#[tokio::test]
async fn a_component_that_is_too_large_is_not_even_looked_at() {
    let small = Runtime::new(Options {
        max_component_bytes: 1000,
        concurrent_calls: 1,
        ..Options::default()
    })
    .unwrap();
    let error = small.load(component("hostile"), None).await.unwrap_err();
    assert_eq!(error.reason(), "TooLarge");
}

#[tokio::test]
async fn garbage_a_truncated_file_and_a_core_module_are_no_components() {
    let whole = component("hostile");
    let core_module = Bytes::from_static(b"\0asm\x01\0\0\0");
    let cases = [
        Bytes::from_static(b"garbage"),
        Bytes::new(),
        whole.slice(..whole.len() / 2),
        whole.slice(..whole.len() - 1),
        core_module.clone(),
    ];
    for bytes in cases {
        assert_eq!(refused(bytes).await.reason(), "NotAComponent");
    }
    let text = refused(core_module).await.to_string();
    assert!(text.contains("wasm32-wasip2"), "{text}");
}

#[tokio::test]
async fn code_that_is_damaged_inside_is_no_component() {
    let mut bytes = component("no_describe").to_vec();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0xff);
    let error = refused(bytes.into()).await;
    assert!(
        ["NotAComponent", "ContractMismatch"].contains(&error.reason()),
        "{error}"
    );
}

#[tokio::test]
async fn forbidden_imports_are_listed_all_of_them() {
    let error = refused(component("reaches_out")).await;
    assert_eq!(error.reason(), "ForbiddenImport");
    let text = error.to_string();
    for import in ["wasi:filesystem/types", "wasi:sockets/tcp", "wasi:clocks/"] {
        assert!(text.contains(import), "{import} in {text}");
    }
    let LoadError::ForbiddenImport(imports) = error else {
        panic!("{error}");
    };
    assert!(imports.iter().all(|import| !import.starts_with("wasi:cli")));
}

#[tokio::test]
async fn what_a_later_host_knows_needs_a_newer_host() {
    let error = refused(component("unknown_hook")).await;
    assert_eq!(error.reason(), "NeedsNewerHost");
    assert!(error.to_string().contains("teleport"), "{error}");
    let error = refused(component("later_contract")).await;
    assert_eq!(error.reason(), "NeedsNewerHost");
    assert!(error.to_string().contains("describe@0.2.0"), "{error}");
    let error = refused(component("later_manifest")).await;
    assert_eq!(error.reason(), "NeedsNewerHost");
    assert!(error.to_string().contains("teleport"), "{error}");
}

#[tokio::test]
async fn a_record_of_another_shape_is_found_before_any_call() {
    let error = refused(component("changed_record")).await;
    assert_eq!(error.reason(), "ContractMismatch");
    assert!(error.to_string().contains("probe"), "{error}");
}

#[tokio::test]
async fn a_component_that_does_not_describe_itself_is_no_plugin() {
    let error = refused(component("no_describe")).await;
    assert_eq!(error.reason(), "ContractMismatch");
    assert!(error.to_string().contains("describe"), "{error}");
}

#[tokio::test]
async fn an_invalid_manifest_is_refused_with_what_is_wrong() {
    let error = refused(component("bad_manifest")).await;
    assert_eq!(error.reason(), "ManifestInvalid");
    assert!(error.to_string().contains("version"), "{error}");
}

#[tokio::test]
async fn a_plugin_that_spins_when_it_is_loaded_is_stopped() {
    let error = refused(component("spins_at_load")).await;
    assert_eq!(error.reason(), "DescribeFailed");
    assert!(error.to_string().contains("computed for longer"), "{error}");
}

#[tokio::test]
async fn a_compilation_that_takes_too_long_is_not_waited_for() {
    let impatient = Runtime::new(Options {
        compile_timeout: Duration::ZERO,
        concurrent_calls: 1,
        ..Options::default()
    })
    .unwrap();
    let error = impatient
        .load(component("unknown_hook"), None)
        .await
        .unwrap_err();
    // Its names are read before it is compiled.
    assert_eq!(error.reason(), "NeedsNewerHost");
    let error = impatient
        .load(component("bad_manifest"), None)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "CompileTimeout");
}
