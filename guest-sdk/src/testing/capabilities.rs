//! The host's functions, as a test host does them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{MockHost, Record, Request, Scene};
use crate::failure::Failure;
use crate::host::{Command, Connection, Entry, Host, Job, Level, Output, Reach, View, Weight};
use crate::http::{Request as HttpRequest, Response};
use crate::member::{Death, Member};
use crate::tls::Tls;

/// The host's bounds of `state`.
const STATE_KEYS: usize = 16;
const STATE_BYTES: usize = 1024;

impl View for MockHost {
    fn member(&self, ordinal: u32) -> Option<Member> {
        self.member_of(ordinal)
    }

    fn members_from(&self, first_ordinal: u32, max: u32) -> Vec<Member> {
        let max = usize::try_from(max.min(256)).unwrap_or(256);
        self.scene()
            .members
            .range(first_ordinal..)
            .take(max)
            .map(|(_, member)| member.clone())
            .collect()
    }

    fn death_of(&self, pod: &str) -> Death {
        let scene = self.scene();
        match scene.deaths.get(pod) {
            Some(death) => death.clone(),
            None if scene.has_pod(pod) => Death::Alive,
            None => Death::ObjectGone,
        }
    }

    fn state_get(&self, key: &str) -> Option<Entry> {
        self.scene().state.get(key).cloned()
    }

    fn now_ms(&self) -> u64 {
        self.scene().now_ms
    }

    fn log(&self, level: Level, text: &str) {
        self.scene()
            .records
            .push(Record::Log(level, text.to_owned()));
    }
}

impl Reach for MockHost {
    fn dial(
        &self,
        pods: &[&str],
        port: &str,
        secure: Option<&Tls>,
        timeout: Duration,
    ) -> Vec<Result<Box<dyn Connection>, Failure>> {
        // Dialled outside of the lock, because a real server takes its time.
        let dial = |pod: &&str| {
            let server = {
                let mut scene = self.scene();
                let granted = scene.grants.allow_port(port, secure);
                scene.noted(granted)?;
                scene.bound(secure)?;
                let dialled = Record::Dial((*pod).to_owned(), port.to_owned());
                scene.records.push(dialled);
                scene.server(pod, port)?
            };
            let stream = server.dial(timeout)?;
            Ok(Box::new(Guarded {
                scene: Arc::clone(&self.scene),
                pod: (*pod).to_owned(),
                stream,
            }) as Box<dyn Connection>)
        };
        pods.iter().map(dial).collect()
    }

    fn send(
        &self,
        pods: &[&str],
        port: &str,
        secure: Option<&Tls>,
        request: &HttpRequest,
        _timeout: Duration,
    ) -> Vec<Result<Response, Failure>> {
        let send = |pod: &&str| {
            let server = {
                let mut scene = self.scene();
                let granted = scene.grants.allow_http(port, secure, request);
                scene.noted(granted)?;
                scene.bound(secure)?;
                let (method, path) = (request.method.clone(), request.path.clone());
                let sent = Record::Http((*pod).to_owned(), method, path);
                scene.records.push(sent);
                scene.server(pod, port)?
            };
            server.respond(request)
        };
        pods.iter().map(send).collect()
    }

    fn exec(&self, pod: &str, command: &Command, _timeout: Duration) -> Result<Output, Failure> {
        let answer = {
            let mut scene = self.scene();
            if !scene.has_pod(pod) {
                return Err(Failure::Replaced);
            }
            let granted = scene
                .grants
                .allow_exec(command.container.as_deref(), &command.argv);
            scene.noted(granted)?;
            scene
                .records
                .push(Record::Exec(pod.to_owned(), command.argv.clone()));
            scene.exec.clone()
        };
        match answer {
            Some(answer) => answer(pod, command),
            None => Err(Failure::Other("the test gave no exec_answers".to_owned())),
        }
    }

    fn secret(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        let mut scene = self.scene();
        let granted = scene.grants.allow_slot(slot);
        scene.noted(granted)?;
        scene.records.push(Record::Secret(slot.to_owned()));
        scene
            .secrets
            .get(slot)
            .cloned()
            .ok_or_else(|| Failure::Other(format!("nothing is bound to slot {slot}")))
    }

    fn config(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        let mut scene = self.scene();
        let granted = scene.grants.allow_config(slot);
        scene.noted(granted)?;
        scene.records.push(Record::Config(slot.to_owned()));
        scene
            .config
            .get(slot)
            .cloned()
            .ok_or_else(|| Failure::Other(format!("nothing is bound to slot {slot}")))
    }

    fn gauge(&self, name: &str, ordinal: Option<u32>, value: f64) -> Result<(), Failure> {
        let mut scene = self.scene();
        let granted = scene.grants.allow_gauge(name, value);
        scene.metric(granted, name, ordinal, value)
    }

    fn count(&self, name: &str, ordinal: Option<u32>, value: f64) -> Result<(), Failure> {
        let mut scene = self.scene();
        let granted = scene.grants.allow_count(name, value);
        scene.metric(granted, name, ordinal, value)
    }

    fn event(&self, weight: Weight, reason: &str, note: &str) -> Result<(), Failure> {
        let mut scene = self.scene();
        let granted = scene.grants.allow_events();
        scene.noted(granted)?;
        scene
            .records
            .push(Record::Event(weight, reason.to_owned(), note.to_owned()));
        Ok(())
    }

    fn random(&self, count: u32) -> Vec<u8> {
        let mut scene = self.scene();
        (0..count.min(4096)).map(|_| scene.draw()).collect()
    }
}

impl Host for MockHost {
    fn claim_role(&self, role: &str, pod: &str, after_epoch: u64) -> Result<(), Failure> {
        let mut scene = self.scene();
        if !scene.has_pod(pod) {
            return Err(Failure::Replaced);
        }
        scene.queue(Request::ClaimRole {
            role: role.to_owned(),
            pod: pod.to_owned(),
            after_epoch,
        })
    }

    fn release_role(&self, role: &str, after_epoch: u64) -> Result<(), Failure> {
        self.scene().queue(Request::ReleaseRole {
            role: role.to_owned(),
            after_epoch,
        })
    }

    fn delete_pod(&self, pod: &str, why: &str) -> Result<(), Failure> {
        let mut scene = self.scene();
        if !scene.has_pod(pod) {
            return Err(Failure::Replaced);
        }
        scene.queue(Request::DeletePod {
            pod: pod.to_owned(),
            why: why.to_owned(),
        })
    }

    fn discard_volumes(&self, ordinal: u32, claims: &[&str], why: &str) -> Result<(), Failure> {
        self.scene().queue(Request::DiscardVolumes {
            ordinal,
            claims: claims.iter().map(|&claim| claim.to_owned()).collect(),
            why: why.to_owned(),
        })
    }

    fn quarantine(&self, ordinal: u32, why: &str) -> Result<(), Failure> {
        self.scene().queue(Request::Quarantine {
            ordinal,
            why: why.to_owned(),
        })
    }

    /// The program runs at once; [`MockHost::jobs_take`] says when it ends.
    fn start(&self, pod: &str, key: &str, command: &Command) -> Result<Job, Failure> {
        let (restarts, ends_ms) = {
            let mut scene = self.scene();
            let container = command.container.as_deref();
            let granted = scene.grants.allow_start(key, container, &command.argv);
            let restarts = scene.restarts(pod)?;
            scene.noted(granted)?;
            if let Some(known) = scene.jobs.of(pod, key, restarts, scene.now_ms) {
                return Ok(known);
            }
            let started = Record::Started(pod.to_owned(), key.to_owned(), command.argv.clone());
            scene.records.push(started);
            let takes = u64::try_from(scene.jobs_take.as_millis()).unwrap_or(u64::MAX);
            (restarts, scene.now_ms.saturating_add(takes))
        };
        self.scene().jobs.starts(pod, key, restarts);
        let output = self.exec(pod, command, Duration::MAX)?;
        self.scene().jobs.ends(pod, key, ends_ms, output);
        Ok(Job::Running)
    }

    fn poll(&self, pod: &str, key: &str) -> Result<Job, Failure> {
        let mut scene = self.scene();
        let granted = scene.grants.allow_poll(key);
        scene.noted(granted)?;
        let restarts = scene.restarts(pod)?;
        let polled = Record::Polled(pod.to_owned(), key.to_owned());
        scene.records.push(polled);
        let known = scene.jobs.of(pod, key, restarts, scene.now_ms);
        Ok(known.unwrap_or(Job::Lost))
    }

    fn state_put(&self, key: &str, value: &[u8], after_version: u64) -> Result<u64, Failure> {
        let mut scene = self.scene();
        let granted = scene.grants.allow_state();
        scene.noted(granted)?;
        let version = scene.state.get(key).map_or(0, |entry| entry.version);
        if version != after_version {
            return Err(Failure::Conflict);
        }
        if value.len() > STATE_BYTES || (version == 0 && scene.state.len() >= STATE_KEYS) {
            return Err(Failure::Budget(format!(
                "state holds at most {STATE_KEYS} keys of at most {STATE_BYTES} bytes"
            )));
        }
        let entry = Entry {
            value: value.to_vec(),
            version: version + 1,
        };
        scene.state.insert(key.to_owned(), entry);
        scene
            .records
            .push(Record::StatePut(key.to_owned(), value.to_vec()));
        Ok(version + 1)
    }
}

impl Scene {
    fn metric(
        &mut self,
        granted: Result<(), Failure>,
        name: &str,
        ordinal: Option<u32>,
        value: f64,
    ) -> Result<(), Failure> {
        self.noted(granted)?;
        if let Some(ordinal) = ordinal.filter(|ordinal| !self.members.contains_key(ordinal)) {
            return Err(Failure::Other(format!("there is no member {ordinal}")));
        }
        let set = Record::Metric(name.to_owned(), ordinal, value);
        self.records.push(set);
        Ok(())
    }

    /// How often the container of this pod restarted.
    fn restarts(&self, pod: &str) -> Result<u32, Failure> {
        let member = self.member(pod).ok_or(Failure::Replaced)?;
        Ok(member.restarts)
    }

    /// Whether the slots that TLS needs have values.
    fn bound(&self, secure: Option<&Tls>) -> Result<(), Failure> {
        let unbound = secure.and_then(|tls| {
            tls.slots().find(|slot| {
                let slot: &str = slot;
                !self.config.contains_key(slot) && !self.secrets.contains_key(slot)
            })
        });
        match unbound {
            Some(slot) => Err(Failure::Other(format!("nothing is bound to slot {slot}"))),
            None => Ok(()),
        }
    }

    fn server(&self, pod: &str, port: &str) -> Result<super::Server, Failure> {
        if !self.has_pod(pod) {
            return Err(Failure::Replaced);
        }
        self.servers
            .get(&(pod.to_owned(), port.to_owned()))
            .cloned()
            .ok_or_else(|| Failure::Unreachable(format!("nothing listens on port {port}")))
    }

    fn queue(&mut self, request: Request) -> Result<(), Failure> {
        let granted = match &request {
            Request::DiscardVolumes { .. } => self.grants.allow_discard_volumes(),
            _ => self.grants.allow_requests(),
        };
        self.noted(granted)?;
        if let Some((role, after_epoch)) = request.role() {
            if !self.exclusive_roles.iter().any(|known| known == role) {
                return Err(Failure::Denied(format!(
                    "the manifest declares no exclusive role {role:?}"
                )));
            }
            let epoch = self.app.claim(role).map_or(0, |claim| claim.epoch);
            let mut queued = self.queued.iter().filter_map(Request::role);
            if epoch != after_epoch || queued.any(|(other, _)| other == role) {
                return Err(Failure::Conflict);
            }
        }
        self.records.push(Record::Queued(request.clone()));
        self.queued.push(request);
        Ok(())
    }

    fn noted(&mut self, granted: Result<(), Failure>) -> Result<(), Failure> {
        if let Err(Failure::Denied(text)) = &granted {
            self.records.push(Record::Denied(text.clone()));
        }
        granted
    }

    /// The same bytes in each run: a test must be able to fail twice.
    fn draw(&mut self) -> u8 {
        self.drawn = self
            .drawn
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let [byte, ..] = self.drawn.to_be_bytes();
        byte
    }
}

/// A connection that asks for grants when it is to be encrypted.
struct Guarded {
    scene: Arc<Mutex<Scene>>,
    pod: String,
    stream: Box<dyn Connection>,
}

impl Connection for Guarded {
    fn read(&mut self, max: u32, timeout: Duration) -> Result<Vec<u8>, Failure> {
        self.stream.read(max, timeout)
    }

    fn write(&mut self, data: &[u8], timeout: Duration) -> Result<(), Failure> {
        self.stream.write(data, timeout)
    }

    fn start_tls(&mut self, tls: &Tls, timeout: Duration) -> Result<(), Failure> {
        {
            let mut scene = super::locked(&self.scene);
            let granted = scene.grants.allow_tls(Some(tls));
            scene.noted(granted)?;
            scene.bound(Some(tls))?;
        }
        self.stream.start_tls(tls, timeout)?;
        let started = Record::StartTls(self.pod.clone());
        super::locked(&self.scene).records.push(started);
        Ok(())
    }
}
