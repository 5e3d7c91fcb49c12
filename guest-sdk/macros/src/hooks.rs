//! The hooks by the names that authors write, with what each takes.

/// One hook.
pub(crate) struct Hook {
    /// The function that the author writes.
    pub(crate) name: &'static str,
    /// Its case in the SDK's `Hook`.
    pub(crate) case: &'static str,
    /// Its parameters after `&self`: name and type, as the SDK's `Plugin` has them. `~` stands for the SDK.
    pub(crate) parameters: &'static [(&'static str, &'static str)],
    pub(crate) answer: &'static str,
}

pub(crate) const HOOKS: [Hook; 7] = [
    Hook {
        name: "validate",
        case: "Validate",
        parameters: &[
            ("old", "Option<&~App>"),
            ("new", "&~App"),
            ("view", "&dyn ~View"),
        ],
        answer: "Vec<~Finding>",
    },
    Hook {
        name: "member_config",
        case: "MemberConfig",
        parameters: &[
            ("app", "&~App"),
            ("member", "&~Member"),
            ("view", "&dyn ~View"),
        ],
        answer: "::std::collections::BTreeMap<String, String>",
    },
    Hook {
        name: "probe",
        case: "Probe",
        parameters: &[
            ("app", "&~App"),
            ("member", "&~Member"),
            ("reach", "&dyn ~Reach"),
        ],
        answer: "Result<~Report, ~Fault>",
    },
    Hook {
        name: "pre_scale",
        case: "PreScale",
        parameters: &[("call", "&~Call"), ("app", "&~App"), ("host", "&dyn ~Host")],
        answer: "~Step",
    },
    Hook {
        name: "post_ready",
        case: "PostReady",
        parameters: &[
            ("call", "&~Call"),
            ("app", "&~App"),
            ("member", "&~Member"),
            ("host", "&dyn ~Host"),
        ],
        answer: "~Step",
    },
    Hook {
        name: "pre_delete",
        case: "PreDelete",
        parameters: &[
            ("call", "&~Call"),
            ("app", "&~App"),
            ("member", "&~Member"),
            ("why", "&~Cause"),
            ("host", "&dyn ~Host"),
        ],
        answer: "~Step",
    },
    Hook {
        name: "move_role",
        case: "MoveRole",
        parameters: &[
            ("call", "&~Call"),
            ("app", "&~App"),
            ("held", "&~Claim"),
            ("why", "&~MoveCause"),
            ("target", "Option<u32>"),
            ("host", "&dyn ~Host"),
        ],
        answer: "~Step",
    },
];

impl Hook {
    pub(crate) fn named(name: &str) -> Option<&'static Hook> {
        HOOKS.iter().find(|hook| hook.name == name)
    }

    /// As an author would write it, for error messages.
    pub(crate) fn signature(&self) -> String {
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .map(|(name, kind)| format!("{name}: {kind}"))
            .collect();
        format!(
            "fn {}(&self, {}) -> {}",
            self.name,
            parameters.join(", "),
            self.answer
        )
        .replace("::std::collections::", "")
        .replace('~', "")
    }
}
