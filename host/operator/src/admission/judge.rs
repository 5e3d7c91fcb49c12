//! Whether a StatefulApp may be stored, by what the operator holds in memory: no request is made to the API for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stateward_planner::world::{Answers, Budgets, Plugin};
use stateward_planner::{Shared, Spec};
use stateward_runtime::Finding;
use tokio::time::timeout;

use super::review::Matter;
use crate::clock::Clock;
use crate::hooks::{Observations, Portraits, snapshot, validate};
use crate::metrics::Metrics;
use crate::plugins::{Offer, Registry, Serving};
use crate::watch::{AppKey, AppObject, Index};
use crate::worlds::{Parts, build};

/// How long `validate` is waited for. The API server waits a little longer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Of a larger app no picture is drawn while somebody waits.
const MOST_MEMBERS: u32 = 10_000;

/// What is said to an apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Allowed {
        warnings: Vec<String>,
    },
    /// Allowed, because not all of it can be judged now; it is after the apply.
    Unjudged {
        why: String,
    },
    Refused {
        /// That of the condition `Stalled` that the app would get.
        reason: String,
        message: String,
        warnings: Vec<String>,
    },
}

const ALLOWED: Judgement = Judgement::Allowed {
    warnings: Vec::new(),
};

impl Judgement {
    /// For metrics.
    pub(super) fn result(&self) -> &'static str {
        match self {
            Judgement::Allowed { .. } => "allowed",
            Judgement::Unjudged { .. } => "unjudged",
            Judgement::Refused { .. } => "refused",
        }
    }
}

/// Judges.
pub(super) struct Judge {
    pub(super) index: Arc<Index>,
    pub(super) plugins: Arc<Registry>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: Clock,
}

impl Judge {
    pub(super) async fn judge(&self, matter: Matter) -> Judgement {
        match matter {
            Matter::Nothing => ALLOWED,
            Matter::App(app) => self.app(*app).await,
            Matter::Scale { key, replicas } => match self.scaled(&key, replicas) {
                Some(app) if app.metadata.deletion_timestamp.is_some() => ALLOWED,
                Some(app) => self.app(app).await,
                None => unjudged("the app is not known yet"),
            },
        }
    }

    /// The app as it would be stored with this size.
    fn scaled(&self, key: &AppKey, replicas: Value) -> Option<AppObject> {
        let stored = self.index.app(key)?;
        let mut app = AppObject::clone(&stored);
        let spec = app.spec.as_object_mut()?;
        if spec.insert("replicas".to_owned(), replicas.clone()) != Some(replicas) {
            let generation = app.generation().saturating_add(1);
            app.metadata.generation = Some(generation);
        }
        Some(app)
    }

    /// The rules of the spec, then the schema of the settings, then `validate`.
    async fn app(&self, app: AppObject) -> Judgement {
        let spec = match app.parse() {
            Ok(spec) => spec,
            Err(error) => {
                return Judgement::Refused {
                    reason: error.reason().to_owned(),
                    message: error.to_string(),
                    warnings: Vec::new(),
                };
            }
        };
        let Some(plugin) = app.plugin_name().map(str::to_owned) else {
            return ALLOWED;
        };
        let why = match self.plugins.offer(&plugin) {
            Offer::Ready(serving) => return self.ask(&serving, app, spec.into()).await,
            _ if !self.metrics.is_ready() => "the operator has just been started".to_owned(),
            Offer::Loading => format!("plugin {plugin} is being loaded"),
            Offer::Unavailable { message, .. } => message,
        };
        Judgement::Unjudged {
            why: format!("{why}; the app waits for the plugin, and its spec is judged then"),
        }
    }

    async fn ask(&self, serving: &Serving, app: AppObject, spec: Shared<Spec>) -> Judgement {
        if spec.replicas > MOST_MEMBERS {
            let why = format!("{} members are too many to be judged now", spec.replicas);
            return unjudged(&why);
        }
        let recorded = app.recorded();
        let accepted = recorded.accepted.clone();
        let parts = Parts {
            spec,
            recorded,
            plugin: Plugin::Ready(serving.facts.clone()),
            answers: Answers::default(),
            memory: BTreeMap::new(),
            seen: BTreeMap::new(),
            budgets: Budgets::NotLooked,
        };
        let view = build(&self.index, Arc::new(app), parts);
        // What probes saw is known to the app's actor alone.
        let (seen, mut portraits) = (Observations::new(), Portraits::default());
        let now = self.clock.now();
        let picture = snapshot(&view, &seen, &mut portraits, &self.index, now);
        // How it ends says nothing of the version's conduct: who may try a spec, and be it in a dry run, must not take a version from all apps, nor clear one. A
        // spec that is stored is judged again, and that counts.
        let said = timeout(PATIENCE, validate(serving, picture, accepted.as_ref())).await;
        let why = match said {
            Ok(Ok(said)) => return of(&said.answer),
            Ok(Err(error)) => format!("{}: {error}", error.reason()),
            Err(_) => format!(
                "validate of plugin {} took longer than {} s",
                serving.facts.name,
                PATIENCE.as_secs()
            ),
        };
        unjudged(&why)
    }
}

fn unjudged(why: &str) -> Judgement {
    Judgement::Unjudged {
        why: format!("the spec is judged after the apply: {why}"),
    }
}

/// What findings come to.
fn of(findings: &[Finding]) -> Judgement {
    let (blocking, others): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.blocks);
    let lines = |findings: Vec<&Finding>| -> Vec<String> {
        findings.into_iter().map(Finding::to_string).collect()
    };
    let (blocking, warnings) = (lines(blocking), lines(others));
    match blocking.as_slice() {
        [] => Judgement::Allowed { warnings },
        lines => Judgement::Refused {
            reason: "SpecRefused".to_owned(),
            message: lines.join("; "),
            warnings,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use stateward_components::built;
    use stateward_planner::world::Face;
    use stateward_runtime::{Grants, Limits, Options, Plugin, Runtime};
    use tokio::sync::Mutex;

    use super::*;
    use crate::api::Collection;
    use crate::crd::FailurePolicies;

    /// An operator that has listed everything.
    fn judge() -> Judge {
        let judge = Judge {
            index: Arc::default(),
            plugins: Arc::default(),
            metrics: Arc::new(Metrics::new()),
            clock: Clock::system(),
        };
        judge.metrics.ready();
        judge
    }

    /// The plugin, compiled once for all tests.
    async fn loaded(plugin: &'static str) -> Plugin {
        static LOADED: Mutex<BTreeMap<&str, Plugin>> = Mutex::const_new(BTreeMap::new());
        let mut loaded = LOADED.lock().await;
        if let Some(plugin) = loaded.get(plugin) {
            return plugin.clone();
        }
        let runtime = Runtime::new(Options {
            compile_timeout: Duration::from_secs(3_600),
            ..Options::default()
        })
        .unwrap();
        let file = tokio::task::spawn_blocking(move || built(plugin));
        let bytes = std::fs::read(file.await.unwrap()).unwrap();
        let found = runtime.load(bytes.into(), None).await.unwrap();
        loaded.insert(plugin, found.clone());
        found
    }

    /// An operator that serves this plugin.
    async fn serving(plugin: &'static str, grants: Value) -> Judge {
        let grants: Grants = serde_json::from_value(grants).unwrap();
        let granted = loaded(plugin).await.grant(grants, Limits::default());
        let judge = judge();
        let serving = Serving::new(plugin, granted.unwrap(), FailurePolicies::default());
        judge.plugins.set(plugin, Offer::Ready(Arc::new(serving)));
        judge
    }

    async fn with_mysql() -> Judge {
        let grants = json!({
            "tcp": { "ports": ["mysql"] }, "secrets": { "slots": ["root", "replication"] },
            "requests": true, "events": true, "state": true,
        });
        serving("plugin-mysql", grants).await
    }

    /// An app of which this is changed, with this plugin.
    fn app(plugin: Option<&str>, change: impl FnOnce(&mut Value)) -> Matter {
        let mut app = json!({
            "metadata": { "namespace": "shop", "name": "db", "uid": "1", "generation": 1 },
            "spec": {
                "replicas": 1,
                "selector": { "matchLabels": { "app": "db" } },
                "template": {
                    "metadata": { "labels": { "app": "db" } },
                    "spec": { "containers": [{ "name": "main", "image": "app:1" }] },
                },
            },
        });
        if let Some(plugin) = plugin {
            app["spec"]["plugin"] = json!({ "name": plugin });
        }
        change(&mut app);
        let app = AppObject::from_value(Face::StatefulApp, app).unwrap();
        Matter::App(Box::new(app))
    }

    fn why(judgement: &Judgement) -> &str {
        match judgement {
            Judgement::Unjudged { why } => why,
            other => panic!("{other:?}"),
        }
    }

    fn refusal(judgement: &Judgement) -> (&str, &str) {
        match judgement {
            Judgement::Refused {
                reason, message, ..
            } => (reason, message),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_spec_that_breaks_a_rule_is_refused_with_the_field_and_the_rule() {
        let judge = judge();
        let judgement = judge.judge(app(None, |app| {
            app["spec"]["template"]["metadata"]["labels"] = json!({ "app": "other" });
        }));
        let judgement = judgement.await;
        let (reason, message) = refusal(&judgement);
        assert_eq!(reason, "SpecInvalid");
        assert!(
            message.contains("spec.template.metadata.labels"),
            "{message}"
        );

        let judgement = judge.judge(app(None, |app| {
            app["metadata"]["name"] = json!("x".repeat(62));
        }));
        assert_eq!(refusal(&judgement.await).0, "NameInvalid");
    }

    #[tokio::test]
    async fn an_app_without_a_plugin_is_judged_by_the_rules_alone() {
        assert_eq!(judge().judge(app(None, |_| {})).await, ALLOWED);
    }

    #[tokio::test]
    async fn a_plugin_that_cannot_be_asked_yet_is_a_warning() {
        let judge = judge();
        let judgement = judge.judge(app(Some("mysql"), |_| {})).await;
        assert!(why(&judgement).contains("there is no Plugin mysql"));
        judge.plugins.announce("mysql");
        let judgement = judge.judge(app(Some("mysql"), |_| {})).await;
        assert!(why(&judgement).contains("plugin mysql is being loaded"));
        let refused = Offer::Unavailable {
            reason: "DigestMismatch".to_owned(),
            message: "plugin mysql: other bytes".to_owned(),
        };
        judge.plugins.set("mysql", refused);
        let judgement = judge.judge(app(Some("mysql"), |_| {})).await;
        assert!(why(&judgement).contains("plugin mysql: other bytes; the app waits"));
    }

    #[tokio::test]
    async fn who_has_not_listed_everything_says_so() {
        let judge = Judge {
            metrics: Arc::new(Metrics::new()),
            ..judge()
        };
        let judgement = judge.judge(app(Some("mysql"), |_| {})).await;
        assert!(why(&judgement).contains("the operator has just been started"));
    }

    #[tokio::test]
    async fn settings_that_the_schema_does_not_allow_are_refused_with_each_mistake() {
        let judge = with_mysql().await;
        let judgement = judge.judge(app(Some("plugin-mysql"), |app| {
            app["spec"]["plugin"]["settings"] =
                json!({ "lagLimitSeconds": "ten", "prot": "mysql" });
        }));
        let judgement = judgement.await;
        let (reason, message) = refusal(&judgement);
        assert_eq!(reason, "SpecRefused");
        for mistake in [
            "settings.lagLimitSeconds: want integer, but got string",
            "settings: additionalProperties 'prot' not allowed",
        ] {
            assert!(message.contains(mistake), "{message}");
        }
        let judgement = judge.judge(app(Some("plugin-mysql"), |app| {
            app["spec"]["plugin"]["settings"] = json!({ "lagLimitSeconds": 10 });
        }));
        assert_eq!(judgement.await, ALLOWED);
    }

    #[tokio::test]
    async fn validate_is_asked_with_what_was_accepted_last() {
        let judge = with_mysql().await;
        let moved = |accepted: Value| {
            app(Some("plugin-mysql"), |app| {
                app["spec"]["ordinals"] = json!({ "start": 5 });
                app["status"] = json!({ "accepted": accepted });
            })
        };
        let before = json!({ "generation": 1, "replicas": 1, "start": 0, "hooks": [] });
        let judgement = judge.judge(moved(before)).await;
        let (reason, message) = refusal(&judgement);
        assert_eq!(reason, "SpecRefused");
        assert!(message.contains("ordinals.start: must stay 0"), "{message}");
        assert_eq!(judge.judge(moved(Value::Null)).await, ALLOWED);
    }

    #[tokio::test]
    async fn what_does_not_block_is_a_warning() {
        let judge = with_mysql().await;
        let judgement = judge.judge(app(Some("plugin-mysql"), |app| {
            app["spec"]["replicas"] = json!(0);
        }));
        let Judgement::Allowed { warnings } = judgement.await else {
            panic!("it is allowed");
        };
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with("replicas: is 0"), "{warnings:?}");
    }

    #[tokio::test]
    async fn another_size_is_judged_with_the_spec_that_is_stored() {
        let judge = with_mysql().await;
        let mut stored = Value::Null;
        let Matter::App(app) = app(Some("plugin-mysql"), |app| stored = app.clone()) else {
            panic!("an app");
        };
        let to = |replicas: u32| Matter::Scale {
            key: app.key.clone(),
            replicas: json!(replicas),
        };
        let judgement = judge.judge(to(20)).await;
        assert!(why(&judgement).contains("not known yet"), "{judgement:?}");
        judge.index.fill(Collection::StatefulApps, vec![stored]);
        assert_eq!(judge.judge(to(2)).await, ALLOWED);
        let Judgement::Allowed { warnings } = judge.judge(to(20)).await else {
            panic!("it is allowed");
        };
        assert!(warnings[0].starts_with("replicas: is 20"), "{warnings:?}");
    }

    #[tokio::test]
    async fn a_call_without_an_answer_and_too_large_an_app_hold_up_nobody() {
        let grants = json!({ "requests": true, "discardVolumes": true, "events": true });
        let judge = serving("steered", grants).await;
        let judgement = judge.judge(app(Some("steered"), |app| {
            app["spec"]["plugin"]["settings"] = json!({ "validate": "panic" });
        }));
        let judgement = judgement.await;
        assert!(why(&judgement).contains("PluginPanicked"), "{judgement:?}");
        let judgement = judge.judge(app(Some("steered"), |app| {
            app["spec"]["replicas"] = json!(i32::MAX);
        }));
        let judgement = judgement.await;
        assert!(why(&judgement).contains("too many"), "{judgement:?}");
    }
}
