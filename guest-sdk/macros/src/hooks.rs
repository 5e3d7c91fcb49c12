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

pub(crate) const HOOKS: [Hook; 10] = [
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
        name: "update_order",
        case: "UpdateOrder",
        parameters: &[("app", "&~App"), ("view", "&dyn ~View")],
        answer: "Vec<u32>",
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
        parameters: &[("scaling", "&~Scaling"), ("host", "&dyn ~Host")],
        answer: "~Step",
    },
    Hook {
        name: "post_ready",
        case: "PostReady",
        parameters: &[("joining", "&~Joining"), ("host", "&dyn ~Host")],
        answer: "~Step",
    },
    Hook {
        name: "pre_delete",
        case: "PreDelete",
        parameters: &[("leaving", "&~Leaving"), ("host", "&dyn ~Host")],
        answer: "~Step",
    },
    Hook {
        name: "post_delete",
        case: "PostDelete",
        parameters: &[("left", "&~Left"), ("host", "&dyn ~Host")],
        answer: "~Step",
    },
    Hook {
        name: "move_role",
        case: "MoveRole",
        parameters: &[("moving", "&~Moving"), ("host", "&dyn ~Host")],
        answer: "~Step",
    },
    Hook {
        name: "task",
        case: "Task",
        parameters: &[("task", "&~Task"), ("host", "&dyn ~Host")],
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
