//! `$(NAME)` in commands, arguments and variables, with the rules of Kubernetes: an unknown name stays as it is written,
//! `$$` is a dollar sign.

/// Puts values in the place of references.
pub(crate) fn expand<'a>(text: &str, lookup: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = if let Some(tail) = after.strip_prefix('$') {
            expanded.push('$');
            tail
        } else if let Some((name, tail)) = after
            .strip_prefix('(')
            .and_then(|inner| inner.split_once(')'))
        {
            match lookup(name) {
                Some(value) => expanded.push_str(value),
                None => {
                    expanded.push_str("$(");
                    expanded.push_str(name);
                    expanded.push(')');
                }
            }
            tail
        } else {
            expanded.push('$');
            after
        };
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn references_expand_as_kubernetes_documents_them() {
        for (text, expanded) in [
            ("--id=$(ID)", "--id=7"),
            ("$(ID)$(ID)", "77"),
            ("$(NONE)", "$(NONE)"),
            ("$$(ID)", "$(ID)"),
            ("$ID ${ID}", "$ID ${ID}"),
            ("$(ID", "$(ID"),
            ("cost: 5$", "cost: 5$"),
        ] {
            assert_eq!(expand(text, |name| (name == "ID").then_some("7")), expanded);
        }
    }
}
