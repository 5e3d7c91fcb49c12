//! The host's functions behind the SDK's traits.

use std::time::Duration;

use crate::bindings::host::stateward::plugin as wit;
use crate::component::arguments::milliseconds;
use crate::{
    Command, Connection, Death, Entry, Failure, Host, Job, Level, Member, Output, Reach, Request,
    Response, Tls, View, Weight,
};

/// The longest piece that is written at once. The host counts what it is handed in one call, and takes at most 1 MiB.
const PIECE: usize = 256 * 1024;

/// The host that this component runs in.
pub(super) struct Imports;

impl View for Imports {
    fn member(&self, ordinal: u32) -> Option<Member> {
        wit::view::get(ordinal).map(Into::into)
    }

    fn members_from(&self, first_ordinal: u32, max: u32) -> Vec<Member> {
        wit::view::range(first_ordinal, max)
            .into_iter()
            .map(Into::into)
            .collect()
    }

    fn death_of(&self, pod: &str) -> Death {
        wit::view::death_of(pod).into()
    }

    fn state_get(&self, key: &str) -> Option<Entry> {
        wit::state::get(key).map(|entry| Entry {
            value: entry.value,
            version: entry.version,
        })
    }

    fn now_ms(&self) -> u64 {
        wit::clock::now_ms()
    }

    fn log(&self, level: Level, text: &str) {
        let level = match level {
            Level::Debug => wit::log::Level::Debug,
            Level::Info => wit::log::Level::Info,
            Level::Warn => wit::log::Level::Warn,
            Level::Error => wit::log::Level::Error,
        };
        wit::log::write(level, text);
    }
}

impl Reach for Imports {
    fn dial(
        &self,
        pods: &[&str],
        port: &str,
        secure: Option<&Tls>,
        timeout: Duration,
    ) -> Vec<Result<Box<dyn Connection>, Failure>> {
        let secure = secure.map(Into::into);
        wit::tcp::connect(&owned(pods), port, secure.as_ref(), milliseconds(timeout))
            .into_iter()
            .map(|answer| match answer {
                Ok(stream) => Ok(Box::new(Stream(stream)) as Box<dyn Connection>),
                Err(failure) => Err(failure.into()),
            })
            .collect()
    }

    fn send(
        &self,
        pods: &[&str],
        port: &str,
        secure: Option<&Tls>,
        request: &Request,
        timeout: Duration,
    ) -> Vec<Result<Response, Failure>> {
        let (pods, secure, request) = (owned(pods), secure.map(Into::into), request.into());
        wit::http::send(
            &pods,
            port,
            secure.as_ref(),
            &request,
            milliseconds(timeout),
        )
        .into_iter()
        .map(|answer| answer.map(Into::into).map_err(Into::into))
        .collect()
    }

    fn exec(&self, pod: &str, command: &Command, timeout: Duration) -> Result<Output, Failure> {
        Ok(wit::exec::run(pod, &command.into(), milliseconds(timeout))?.into())
    }

    fn config(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        Ok(wit::config::read(slot)?)
    }

    fn gauge(&self, name: &str, ordinal: Option<u32>, value: f64) -> Result<(), Failure> {
        Ok(wit::metrics::set(name, ordinal, value)?)
    }

    fn count(&self, name: &str, ordinal: Option<u32>, value: f64) -> Result<(), Failure> {
        Ok(wit::metrics::add(name, ordinal, value)?)
    }

    fn secret(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        Ok(wit::secret::read(slot)?)
    }

    fn event(&self, weight: Weight, reason: &str, note: &str) -> Result<(), Failure> {
        let weight = match weight {
            Weight::Normal => wit::events::Weight::Normal,
            Weight::Warning => wit::events::Weight::Warning,
        };
        Ok(wit::events::emit(weight, reason, note)?)
    }

    fn random(&self, count: u32) -> Vec<u8> {
        wit::random::bytes(count)
    }
}

impl Host for Imports {
    fn claim_role(&self, role: &str, pod: &str, after_epoch: u64) -> Result<(), Failure> {
        Ok(wit::requests::claim_role(role, pod, after_epoch)?)
    }

    fn release_role(&self, role: &str, after_epoch: u64) -> Result<(), Failure> {
        Ok(wit::requests::release_role(role, after_epoch)?)
    }

    fn delete_pod(&self, pod: &str, why: &str) -> Result<(), Failure> {
        Ok(wit::requests::delete_pod(pod, why)?)
    }

    fn discard_volumes(&self, ordinal: u32, claims: &[&str], why: &str) -> Result<(), Failure> {
        Ok(wit::requests::discard_volumes(
            ordinal,
            &owned(claims),
            why,
        )?)
    }

    fn quarantine(&self, ordinal: u32, why: &str) -> Result<(), Failure> {
        Ok(wit::requests::quarantine(ordinal, why)?)
    }

    fn start(&self, pod: &str, key: &str, command: &Command) -> Result<Job, Failure> {
        Ok(wit::exec::start(pod, key, &command.into())?.into())
    }

    fn poll(&self, pod: &str, key: &str) -> Result<Job, Failure> {
        Ok(wit::exec::poll(pod, key)?.into())
    }

    fn state_put(&self, key: &str, value: &[u8], after_version: u64) -> Result<u64, Failure> {
        Ok(wit::state::put(key, value, after_version)?)
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

struct Stream(wit::tcp::Connection);

impl Connection for Stream {
    fn read(&mut self, max: u32, timeout: Duration) -> Result<Vec<u8>, Failure> {
        Ok(self.0.read(max, milliseconds(timeout))?)
    }

    fn write(&mut self, data: &[u8], timeout: Duration) -> Result<(), Failure> {
        for piece in data.chunks(PIECE) {
            self.0.write(piece, milliseconds(timeout))?;
        }
        Ok(())
    }

    fn start_tls(&mut self, tls: &Tls, timeout: Duration) -> Result<(), Failure> {
        Ok(self.0.start_tls(&tls.into(), milliseconds(timeout))?)
    }
}
