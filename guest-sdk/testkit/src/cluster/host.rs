//! The host's functions, with the checks of the real one.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use stateward_planner::put_state;
use stateward_sdk::{
    Command, Connection, Death, Entry, Failure, Host, Job, Level, Member, Output, Reach, Request,
    Response, Tls, View, Weight,
};

use crate::application::{Accepted, Application};
use crate::cluster::live::{Exchange, Live};
use crate::cluster::streams::{Speech, Stream};

impl<A: Application> View for Live<A> {
    fn member(&self, ordinal: u32) -> Option<Member> {
        let scene = self.0.borrow();
        let mut shown = scene.shown.iter();
        shown.find(|member| member.ordinal == ordinal).cloned()
    }

    fn members_from(&self, first_ordinal: u32, max: u32) -> Vec<Member> {
        let max = usize::try_from(max.min(256)).unwrap_or(256);
        let scene = self.0.borrow();
        let shown = scene.shown.iter();
        let from = shown.filter(|member| member.ordinal >= first_ordinal);
        from.take(max).cloned().collect()
    }

    fn death_of(&self, pod: &str) -> Death {
        let scene = self.0.borrow();
        if scene.ended.contains(pod) {
            Death::Stopped
        } else if scene.processes.contains_key(pod) {
            Death::Alive
        } else {
            Death::ObjectGone
        }
    }

    fn state_get(&self, key: &str) -> Option<Entry> {
        let scene = self.0.borrow();
        let entry = scene.model.world.recorded.state.get(key)?;
        Some(Entry {
            value: BASE64_STANDARD.decode(&entry.value).unwrap_or_default(),
            version: entry.version,
        })
    }

    fn now_ms(&self) -> u64 {
        self.0.borrow().now_ms()
    }

    fn log(&self, level: Level, text: &str) {
        let mut scene = self.0.borrow_mut();
        scene.history.detail(format_args!("logs {level:?}: {text}"));
    }
}

impl<A: Application> Reach for Live<A> {
    fn dial(
        &self,
        pods: &[&str],
        port: &str,
        secure: Option<&Tls>,
        timeout: Duration,
    ) -> Vec<Result<Box<dyn Connection>, Failure>> {
        let dial = |uid: &&str| {
            self.granted(|scene| scene.grants.allow_port(port, secure))?;
            self.0.borrow().bound(secure)?;
            let words = format!("{} is dialled on {port}", self.name(uid));
            let accepted = self.exchange(uid, &words, timeout, |scene, pod| {
                scene.application.accept(pod, port)
            })?;
            let accepted = answered(accepted)?;
            let mut unread = VecDeque::new();
            let speech = match accepted {
                Accepted::Refused => {
                    let why = format!("nothing listens on port {port}");
                    return Err(Failure::Unreachable(why));
                }
                Accepted::Lines => Speech::Lines(Vec::new()),
                Accepted::Session(mut session) => {
                    unread.extend(session.greeting());
                    Speech::Session(session)
                }
            };
            Ok(Box::new(Stream {
                live: self.clone(),
                pod: (*uid).to_owned(),
                name: self.name(uid),
                speech,
                unread,
                end: None,
            }) as Box<dyn Connection>)
        };
        pods.iter().map(dial).collect()
    }

    fn send(
        &self,
        pods: &[&str],
        port: &str,
        secure: Option<&Tls>,
        request: &Request,
        timeout: Duration,
    ) -> Vec<Result<Response, Failure>> {
        let (method, path) = (&request.method, &request.path);
        let send = |uid: &&str| {
            self.granted(|scene| scene.grants.allow_http(port, secure, request))?;
            self.0.borrow().bound(secure)?;
            let words = format!("{method} {path} to {}", self.name(uid));
            let answer = self.exchange(uid, &words, timeout, |scene, pod| {
                let response = scene.application.http(pod, port, request);
                let (status, text) = (response.status, response.text().unwrap_or_default());
                scene
                    .history
                    .detail(format_args!("{words} → {status} {text}"));
                Ok(response)
            })?;
            answered(answer)
        };
        pods.iter().map(send).collect()
    }

    fn exec(&self, uid: &str, command: &Command, timeout: Duration) -> Result<Output, Failure> {
        let container = command.container.as_deref();
        self.granted(|scene| scene.grants.allow_exec(container, &command.argv))?;
        let words = format!("{} runs {}", self.name(uid), command.argv.join(" "));
        let answer = self.exchange(uid, &words, timeout, |scene, pod| {
            let output = scene.application.exec(pod, command);
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            let code = output.code;
            scene
                .history
                .detail(format_args!("{words} → exit {code} {text}"));
            Ok(output)
        })?;
        answered(answer)
    }

    fn secret(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        self.granted(|scene| scene.grants.allow_slot(slot))?;
        let unbound = || Failure::Other(format!("nothing is bound to slot {slot}"));
        let scene = self.0.borrow();
        scene.secrets.get(slot).cloned().ok_or_else(unbound)
    }

    fn config(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        self.granted(|scene| scene.grants.allow_config(slot))?;
        let unbound = || Failure::Other(format!("nothing is bound to slot {slot}"));
        let scene = self.0.borrow();
        scene.config.get(slot).cloned().ok_or_else(unbound)
    }

    fn event(&self, weight: Weight, reason: &str, note: &str) -> Result<(), Failure> {
        self.granted(|scene| scene.grants.allow_events())?;
        let mut scene = self.0.borrow_mut();
        let event = format_args!("event {weight:?} {reason}: {note}");
        scene.history.detail(event);
        Ok(())
    }

    fn gauge(&self, name: &str, ordinal: Option<u32>, value: f64) -> Result<(), Failure> {
        self.granted(|scene| scene.grants.allow_gauge(name, value))?;
        self.metric(name, ordinal, value)
    }

    fn count(&self, name: &str, ordinal: Option<u32>, value: f64) -> Result<(), Failure> {
        self.granted(|scene| scene.grants.allow_count(name, value))?;
        self.metric(name, ordinal, value)
    }

    /// The same bytes in each run: a test must be able to fail twice.
    fn random(&self, count: u32) -> Vec<u8> {
        let mut scene = self.0.borrow_mut();
        let draw = |_| {
            scene.drawn = scene
                .drawn
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let [byte, ..] = scene.drawn.to_be_bytes();
            byte
        };
        (0..count.min(4096)).map(draw).collect()
    }
}

impl<A: Application> Host for Live<A> {
    fn claim_role(&self, role: &str, pod: &str, after_epoch: u64) -> Result<(), Failure> {
        if !self.0.borrow().processes.contains_key(pod) {
            return Err(Failure::Replaced);
        }
        self.ask_for_role(role, Some(pod), after_epoch)
    }

    fn release_role(&self, role: &str, after_epoch: u64) -> Result<(), Failure> {
        self.ask_for_role(role, None, after_epoch)
    }

    fn delete_pod(&self, pod: &str, why: &str) -> Result<(), Failure> {
        self.ask_for_replacement(pod, why)
    }

    fn discard_volumes(&self, ordinal: u32, claims: &[&str], why: &str) -> Result<(), Failure> {
        self.ask_for_discarding(ordinal, claims, why)
    }

    fn quarantine(&self, ordinal: u32, why: &str) -> Result<(), Failure> {
        self.ask_for_quarantine(ordinal, why)
    }

    /// The program ends as soon as it is started; `poll` tells. That it starts is noted first, so that a host that dies over it knows no more than that.
    fn start(&self, uid: &str, key: &str, command: &Command) -> Result<Job, Failure> {
        let container = command.container.as_deref();
        let restarts = self.0.borrow().restarts(uid)?;
        self.granted(|scene| scene.grants.allow_start(key, container, &command.argv))?;
        let known = {
            let scene = self.0.borrow();
            scene.jobs.of(uid, key, restarts, scene.now_ms())
        };
        if let Some(known) = known {
            return Ok(known);
        }
        self.0.borrow_mut().jobs.starts(uid, key, restarts);
        // Whatever happens to the connection, the program may run: then it is lost.
        if let Ok(output) = self.exec(uid, command, Duration::from_secs(60)) {
            self.0.borrow_mut().jobs.ends(uid, key, 0, output);
        }
        Ok(Job::Running)
    }

    fn poll(&self, uid: &str, key: &str) -> Result<Job, Failure> {
        self.granted(|scene| scene.grants.allow_poll(key))?;
        let scene = self.0.borrow();
        let restarts = scene.restarts(uid)?;
        let known = scene.jobs.of(uid, key, restarts, scene.now_ms());
        Ok(known.unwrap_or(Job::Lost))
    }

    fn state_put(&self, key: &str, value: &[u8], after_version: u64) -> Result<u64, Failure> {
        self.granted(|scene| scene.grants.allow_state())?;
        self.keep(&format!("state {key} is written"), |scene| {
            let recorded = &scene.model.world.recorded;
            match put_state(recorded, key, value, after_version) {
                Ok((status, version)) => {
                    scene.model.world.recorded = status.into();
                    scene.model.world.answers.member_config.clear();
                    Ok(version)
                }
                Err(error) if error.reason() == "StateConflict" => Err(Failure::Conflict),
                Err(error) => Err(Failure::Budget(error.to_string())),
            }
        })
    }
}

impl<A: Application> Live<A> {
    fn name(&self, uid: &str) -> String {
        let scene = self.0.borrow();
        let pods = &scene.model.world.pods;
        let pod = pods.iter().find(|pod| pod.uid == uid);
        pod.map_or_else(|| format!("the former pod {uid}"), |pod| pod.name.clone())
    }

    fn metric(&self, name: &str, ordinal: Option<u32>, value: f64) -> Result<(), Failure> {
        let mut scene = self.0.borrow_mut();
        let whom = match ordinal {
            None => String::new(),
            Some(ordinal) if scene.shown.iter().any(|member| member.ordinal == ordinal) => {
                format!(" of member {ordinal}")
            }
            Some(ordinal) => {
                return Err(Failure::Other(format!("there is no member {ordinal}")));
            }
        };
        let set = format_args!("metric {name}{whom}: {value}");
        scene.history.detail(set);
        Ok(())
    }
}

fn answered<T>(exchange: Exchange<T>) -> Result<T, Failure> {
    match exchange {
        Exchange::Answered(value) => Ok(value),
        Exchange::Lost(failure, _) => Err(failure),
    }
}
