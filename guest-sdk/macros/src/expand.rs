//! From the author's `impl` block to the SDK's `Plugin`, and under wasm to the exports.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Result, Type};

use crate::hooks::{HOOKS, Hook};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(
            arguments,
            "#[plugin] takes no arguments",
        ));
    }
    let block: ItemImpl = syn::parse2(item).map_err(|error| {
        Error::new(
            error.span(),
            "#[plugin] belongs on the `impl` block of a plugin: `#[plugin] impl MyPlugin { … }`",
        )
    })?;
    if block.trait_.is_some() || !block.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &block.self_ty,
            "#[plugin] belongs on a plain `impl MyPlugin { … }`: no trait, no generics",
        ));
    }
    let plugin = &block.self_ty;

    let mut hooks = Vec::new();
    let mut has_manifest = false;
    for item in &block.items {
        let ImplItem::Fn(function) = item else {
            continue;
        };
        match Hook::named(&function.sig.ident.to_string()) {
            Some(hook) => hooks.push((hook, written(hook, function)?)),
            None if function.sig.ident == "manifest" => {
                check_manifest(function)?;
                has_manifest = true;
            }
            None => return Err(unknown(&function.sig.ident)),
        }
    }
    if !has_manifest {
        return Err(Error::new_spanned(
            plugin,
            "a plugin needs `fn manifest() -> Manifest`: its name, its version and what it asks for",
        ));
    }

    let cases = hooks.iter().map(|(hook, _)| {
        let case = format_ident!("{}", hook.case);
        quote!(::stateward_sdk::Hook::#case)
    });
    let calls = hooks
        .iter()
        .map(|(hook, span)| forwarded(hook, *span, plugin));
    let exports = hooks.iter().map(|(hook, _)| exported(hook.name));
    let describe = exported("describe");
    Ok(quote! {
        #block

        impl ::stateward_sdk::Plugin for #plugin {
            fn on_describe(&self) -> ::stateward_sdk::Manifest {
                <#plugin>::manifest()
            }

            fn hooks(&self) -> &'static [::stateward_sdk::Hook] {
                &[#(#cases),*]
            }

            #(#calls)*
        }

        impl ::stateward_sdk::Stateless for #plugin {
            fn new() -> Self {
                #plugin
            }
        }

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "a component's exports are extern functions; the SDK wrote them")]
        const _: () = {
            type Exported = ::stateward_sdk::__private::Exported<#plugin>;
            #describe
            #(#exports)*
        };
    })
}

/// Where the author wrote it, for type errors: the SDK's call of it points there.
fn written(hook: &Hook, function: &ImplItemFn) -> Result<Span> {
    let takes_self = matches!(function.sig.inputs.first(), Some(FnArg::Receiver(_)));
    if !takes_self || function.sig.inputs.len() != hook.parameters.len() + 1 {
        return Err(Error::new_spanned(
            &function.sig,
            format!("this hook is written `{}`", hook.signature()),
        ));
    }
    Ok(function.sig.span())
}

fn check_manifest(function: &ImplItemFn) -> Result<()> {
    if function.sig.inputs.is_empty() {
        return Ok(());
    }
    Err(Error::new_spanned(
        &function.sig,
        "it is written `fn manifest() -> Manifest`: the host asks once, before there is any app",
    ))
}

fn unknown(name: &Ident) -> Error {
    let names: Vec<&str> = HOOKS.iter().map(|hook| hook.name).collect();
    Error::new_spanned(
        name,
        format!(
            "there is no hook `{name}`; the hooks are {}. Other functions belong into another `impl` block",
            names.join(", ")
        ),
    )
}

fn forwarded(hook: &Hook, span: Span, plugin: &Type) -> TokenStream {
    let name = Ident::new(hook.name, span);
    let on = format_ident!("on_{}", hook.name);
    let names: Vec<Ident> = hook
        .parameters
        .iter()
        .map(|(name, _)| format_ident!("{name}"))
        .collect();
    let kinds = hook.parameters.iter().map(|(_, kind)| sdk_type(kind));
    let answer = sdk_type(hook.answer);
    let call = quote_spanned!(span=> <#plugin>::#name(self, #(#names),*));
    quote! {
        fn #on(&self, #(#names: #kinds),*) -> Option<#answer> {
            Some(#call)
        }
    }
}

fn exported(name: &str) -> TokenStream {
    let export = format_ident!("export_{name}");
    let on = format_ident!("on_{name}");
    quote! {
        ::stateward_sdk::__private::#on::#export!(Exported with_types_in ::stateward_sdk::__private::#on);
    }
}

fn sdk_type(text: &str) -> TokenStream {
    text.replace('~', "::stateward_sdk::")
        .parse()
        .unwrap_or_else(|_| {
            let message = format!("{text} is no type");
            quote!(compile_error!(#message))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(item: &str) -> String {
        let item = item.parse().unwrap();
        expand(TokenStream::new(), item).unwrap_err().to_string()
    }

    #[test]
    fn a_name_that_is_no_hook_is_an_error_that_lists_the_hooks() {
        let said = error(
            "impl Ring { fn manifest() -> Manifest { m() } fn pre_delet(&self) -> Step { done() } }",
        );
        assert!(
            said.starts_with("there is no hook `pre_delet`; the hooks are validate,"),
            "{said}"
        );
        assert!(
            said.ends_with("Other functions belong into another `impl` block"),
            "{said}"
        );
    }

    #[test]
    fn a_hook_of_another_shape_is_an_error_that_shows_the_right_one() {
        let said = error(
            "impl Ring { fn manifest() -> Manifest { m() } fn pre_scale(&self) -> Step { done() } }",
        );
        assert_eq!(
            said,
            "this hook is written `fn pre_scale(&self, scaling: &Scaling, host: &dyn Host) -> Step`"
        );
    }

    #[test]
    fn a_plugin_without_a_manifest_is_an_error() {
        let said = error(
            "impl Ring { fn pre_scale(&self, scaling: &Scaling, host: &dyn Host) -> Step { done() } }",
        );
        assert!(
            said.starts_with("a plugin needs `fn manifest() -> Manifest`"),
            "{said}"
        );
    }

    #[test]
    fn it_belongs_on_a_plain_impl_block() {
        assert!(error("struct Ring;").starts_with("#[plugin] belongs on the `impl` block"));
        assert!(error("impl<T> Ring<T> {}").contains("no trait, no generics"));
        assert!(error("impl Default for Ring {}").contains("no trait, no generics"));
    }

    #[test]
    fn all_hooks_are_exported_under_wasm_and_no_others() {
        let item = "impl Ring { fn manifest() -> Manifest { m() } \
                    fn probe(&self, a: &App, m: &Member, r: &dyn Reach) -> Result<Report, Fault> { r() } }";
        let code = expand(TokenStream::new(), item.parse().unwrap())
            .unwrap()
            .to_string();
        assert!(code.contains("export_describe !") && code.contains("export_probe !"));
        assert!(!code.contains("export_validate"));
    }
}
