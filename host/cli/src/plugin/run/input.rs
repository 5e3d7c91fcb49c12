//! The input of `plugin run`: which hook, about whom, on what snapshot, and what the host answers. What is not given has a plain default.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stateward_runtime::{
    Act, App, Call, Cause, Death, Entry, Hook, Member, MoveCause, Snapshot, Standing,
};

use crate::plugin::exchange::{Bytes, Exchange};

/// One call of a hook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Input {
    pub(crate) hook: Hook,
    /// The member that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ordinal: Option<u32>,
    /// Of `pre-delete` and `move-role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// Of `move-role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<u32>,
    /// Of `post-delete`: the UID of the pod that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    was: Option<String>,
    /// Of `task`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arguments: Option<Value>,
    /// Of `validate`: the app as it was accepted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    old: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    call: Map<String, Value>,
    #[serde(default)]
    app: Map<String, Value>,
    /// `spec.plugin.settings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settings: Option<Value>,
    /// None: as many as the app wants, all ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    members: Option<Vec<Map<String, Value>>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    deaths: BTreeMap<String, Death>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    state: BTreeMap<String, Stored>,
    /// What the host answers.
    #[serde(default)]
    pub(crate) exchanges: Vec<Exchange>,
}

/// A value of `state`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Text(String),
    Entry { value: Bytes, version: u64 },
}

impl Input {
    /// The smallest input of this hook, to go on from.
    pub(crate) fn example(hook: Hook) -> Input {
        let about = |hooks: &[Hook]| hooks.contains(&hook);
        let text = |is: bool, text: &str| is.then(|| text.to_owned());
        let member = about(&[
            Hook::MemberConfig,
            Hook::Probe,
            Hook::PostReady,
            Hook::PreDelete,
            Hook::PostDelete,
        ]);
        let cause = match hook {
            Hook::PreDelete => Some("scale-in"),
            Hook::MoveRole => Some("planned"),
            _ => None,
        };
        let app = json!({"name": "app", "current": 3, "target": 2});
        let exec = Exchange::Exec {
            pod: None,
            argv: vec!["program".to_owned(), "argument".to_owned()],
            code: 0,
            stdout: Bytes::Text("what it prints\n".to_owned()),
            stderr: Bytes::default(),
            failure: None,
        };
        Input {
            ordinal: member.then_some(2),
            cause: cause.map(str::to_owned),
            role: text(about(&[Hook::MoveRole]), "primary"),
            was: text(about(&[Hook::PostDelete]), "app-2-uid"),
            task: text(about(&[Hook::Task]), "tidy"),
            app: app.as_object().cloned().unwrap_or_default(),
            settings: Some(json!({})),
            exchanges: match hook {
                Hook::Validate | Hook::MemberConfig | Hook::UpdateOrder => Vec::new(),
                _ => vec![exec],
            },
            ..Input::of(hook)
        }
    }

    fn of(hook: Hook) -> Input {
        Input {
            hook,
            ordinal: None,
            cause: None,
            role: None,
            target: None,
            was: None,
            task: None,
            arguments: None,
            old: None,
            call: Map::new(),
            app: Map::new(),
            settings: None,
            members: None,
            deaths: BTreeMap::new(),
            state: BTreeMap::new(),
            exchanges: Vec::new(),
        }
    }

    /// A call of an act hook as it was made.
    pub(crate) fn of_act(act: &Act, call: &Call, snapshot: &Snapshot) -> Input {
        let mut input = Input::of(act.hook()).on(snapshot);
        input.call = map(call);
        // Text reads better than numbers.
        if let Some(checkpoint) = &call.checkpoint {
            let bytes = json!(Bytes::of(checkpoint));
            input.call.insert("checkpoint".to_owned(), bytes);
        }
        match act {
            Act::PreScale => {}
            Act::PostReady { ordinal } => input.ordinal = Some(*ordinal),
            Act::PreDelete { ordinal, cause } => {
                input.ordinal = Some(*ordinal);
                input.cause = word(cause);
            }
            Act::MoveRole {
                role,
                cause,
                target,
            } => {
                input.role = Some(role.clone());
                input.cause = word(cause);
                input.target = *target;
            }
            Act::PostDelete { ordinal, was } => {
                input.ordinal = Some(*ordinal);
                input.was = Some(was.clone());
            }
            Act::Task {
                name,
                member,
                arguments,
            } => {
                input.task = Some(name.clone());
                input.ordinal = *member;
                input.arguments = serde_json::from_str(arguments).ok();
            }
        }
        input
    }

    /// A probe as it was made.
    pub(crate) fn of_probe(ordinal: u32, snapshot: &Snapshot) -> Input {
        Input {
            ordinal: Some(ordinal),
            ..Input::of(Hook::Probe).on(snapshot)
        }
    }

    /// With what the host answered.
    pub(crate) fn with(self, exchanges: Vec<Exchange>) -> Input {
        Input { exchanges, ..self }
    }

    fn on(self, snapshot: &Snapshot) -> Input {
        let stored = |entry: &Entry| Stored::Entry {
            value: Bytes::of(&entry.value),
            version: entry.version,
        };
        let mut app = map(&*snapshot.app);
        app.remove("settings");
        Input {
            app,
            settings: serde_json::from_str(&snapshot.app.settings).ok(),
            members: Some((snapshot.members.iter()).map(|one| map(&**one)).collect()),
            deaths: (*snapshot.deaths).clone(),
            state: (snapshot.state.iter())
                .map(|(key, entry)| (key.clone(), stored(entry)))
                .collect(),
            ..self
        }
    }

    /// The snapshot that the call is made on.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, String> {
        let app = self.app_of(&self.app)?;
        let members = match &self.members {
            Some(given) => given.clone(),
            None => {
                let last = app.start.saturating_add(app.target.max(app.current));
                let all = (app.start..last.min(app.start.saturating_add(1000))).chain(self.ordinal);
                let ordinals: std::collections::BTreeSet<u32> = all.collect();
                let member = |ordinal: u32| map(&json!({ "ordinal": ordinal }));
                ordinals.into_iter().map(member).collect()
            }
        };
        let mut members: Vec<Arc<Member>> = members
            .iter()
            .map(|given| Ok(Arc::new(member(&app, given)?)))
            .collect::<Result<_, String>>()?;
        members.sort_by_key(|member| member.ordinal);
        let alive = members.iter().filter_map(|member| member.pod.clone());
        let mut deaths: BTreeMap<String, Death> = alive.map(|pod| (pod, Death::Alive)).collect();
        deaths.extend(self.deaths.clone());
        let entry = |stored: &Stored| match stored {
            Stored::Text(text) => Entry {
                value: text.clone().into_bytes(),
                version: 1,
            },
            Stored::Entry { value, version } => Entry {
                value: value.as_slice().to_vec(),
                version: *version,
            },
        };
        let state = self.state.iter();
        Ok(Snapshot {
            app: Arc::new(app),
            members: members.into(),
            deaths: Arc::new(deaths),
            state: Arc::new(
                state
                    .map(|(key, stored)| (key.clone(), entry(stored)))
                    .collect(),
            ),
        })
    }

    fn app_of(&self, given: &Map<String, Value>) -> Result<App, String> {
        let mut all = json!({"name": "app", "namespace": "default", "uid": "app-uid", "generation": 1, "nowMs": 1_800_000_000_000_u64});
        if let Some(all) = all.as_object_mut() {
            let settings = self.settings.clone().unwrap_or_else(|| json!({}));
            all.insert("settings".to_owned(), json!(settings.to_string()));
            all.extend(given.clone());
        }
        over("app", &map(&all))
    }

    /// Of `validate`: what was accepted last.
    pub(crate) fn old(&self) -> Result<Option<App>, String> {
        self.old.as_ref().map(|old| self.app_of(old)).transpose()
    }

    /// The call under its id.
    pub(crate) fn call(&self) -> Result<Call, String> {
        let mut call = map(&json!({"id": format!("{}/by-hand", self.hook), "attempt": 1}));
        call.extend(self.call.clone());
        if let Some(Value::String(text)) = call.get("checkpoint") {
            let bytes = json!(text.as_bytes());
            call.insert("checkpoint".to_owned(), bytes);
        }
        over("call", &call)
    }

    /// What an act hook is called for; none: it is no act hook.
    pub(crate) fn act(&self) -> Result<Option<Act>, String> {
        Ok(Some(match self.hook {
            Hook::PreScale => Act::PreScale,
            Hook::PostReady => Act::PostReady {
                ordinal: self.about()?,
            },
            Hook::PreDelete => Act::PreDelete {
                ordinal: self.about()?,
                cause: self.cause::<Cause>("scale-in")?,
            },
            Hook::PostDelete => Act::PostDelete {
                ordinal: self.about()?,
                was: self.was.clone().unwrap_or_default(),
            },
            Hook::MoveRole => Act::MoveRole {
                role: self.needed("role", &self.role)?,
                cause: self.cause::<MoveCause>("planned")?,
                target: self.target,
            },
            Hook::Task => Act::Task {
                name: self.needed("task", &self.task)?,
                member: self.ordinal,
                arguments: self
                    .arguments
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string),
            },
            _ => return Ok(None),
        }))
    }

    /// The member that it is about.
    pub(crate) fn about(&self) -> Result<u32, String> {
        let hook = self.hook;
        self.ordinal
            .ok_or_else(|| format!("{hook} is about a member: give its `ordinal`"))
    }

    fn needed(&self, field: &str, given: &Option<String>) -> Result<String, String> {
        let hook = self.hook;
        given
            .clone()
            .ok_or_else(|| format!("{hook} needs the field `{field}`"))
    }

    fn cause<T: DeserializeOwned>(&self, otherwise: &str) -> Result<T, String> {
        let given = self.cause.as_deref().unwrap_or(otherwise);
        serde_json::from_value(json!(given)).map_err(|error| format!("cause {given:?}: {error}"))
    }
}

/// A member that is not told otherwise is there and ready.
fn member(app: &App, given: &Map<String, Value>) -> Result<Member, String> {
    let mut all = given.clone();
    let ordinal = given.get("ordinal").and_then(Value::as_u64);
    if !given.contains_key("standing") {
        all.insert("standing".to_owned(), json!(Standing::Ready));
    }
    let is_absent = all.get("standing") == Some(&json!(Standing::Absent));
    if !given.contains_key("pod") && !is_absent {
        let uid = format!("{}-{}-uid", app.name, ordinal.unwrap_or_default());
        all.insert("pod".to_owned(), json!(uid));
    }
    over("a member", &all)
}

/// The default, with what is given in its place. A field that there is not is a mistake.
fn over<T>(what: &str, given: &Map<String, Value>) -> Result<T, String>
where
    T: Default + Serialize + DeserializeOwned,
{
    let mut all = map(&T::default());
    for (field, value) in given {
        if !all.contains_key(field) {
            let known: Vec<&str> = all.keys().map(String::as_str).collect();
            let known = known.join(", ");
            return Err(format!("{what} has no field {field:?}; there are {known}"));
        }
        all.insert(field.clone(), value.clone());
    }
    serde_json::from_value(Value::Object(all)).map_err(|error| format!("{what}: {error}"))
}

fn map(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// A cause as one word. That of a later host is told as it is.
fn word(value: &impl Serialize) -> Option<String> {
    let value = serde_json::to_value(value).ok()?;
    value.as_str().map(str::to_owned)
}
