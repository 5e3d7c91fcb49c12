//! Deeds that reach members through `http`, TLS, jobs, `config` and `metrics`.

use crate::bindings::stateward::plugin::types::{Failure, Tls, Trust};
use crate::bindings::stateward::plugin::{config, exec, http, metrics, tcp};

fn tls(trust: &str) -> Tls {
    Tls {
        trust: match trust {
            "unverified" => Trust::Unverified,
            slot => Trust::Slot(slot.to_owned()),
        },
        identity: None,
        server_name: None,
        extra: Vec::new(),
    }
}

/// `METHOD path`, then words: `basic:user:slot`, `bearer:slot`, `tls:slot`, `header:name:value`.
pub(crate) fn http(pod: &str, line: &str) -> String {
    let mut words = line.split(' ');
    let mut next = || words.next().unwrap_or_default().to_owned();
    let mut request = http::Request {
        method: next(),
        path: next(),
        headers: Vec::new(),
        body: b"body".to_vec(),
        credentials: None,
        extra: Vec::new(),
    };
    let mut secure = None;
    for word in words {
        let (what, rest) = word.split_once(':').unwrap_or((word, ""));
        let (first, second) = rest.split_once(':').unwrap_or((rest, ""));
        match what {
            "basic" => {
                let pair = (first.to_owned(), second.to_owned());
                request.credentials = Some(http::Credentials::Basic(pair));
            }
            "bearer" => request.credentials = Some(http::Credentials::Bearer(rest.to_owned())),
            "tls" => secure = Some(tls(rest)),
            _ => request.headers.push((first.to_owned(), second.to_owned())),
        }
    }
    let pods = [pod.to_owned()];
    match http::send(&pods, "admin", secure.as_ref(), &request, 1000).remove(0) {
        Ok(answer) => format!(
            "{} {} bytes, truncated {}: {}",
            answer.status,
            answer.body.len(),
            answer.truncated,
            String::from_utf8_lossy(&answer.body[..answer.body.len().min(400)])
        ),
        Err(failure) => format!("{failure:?}"),
    }
}

fn ping(connection: Result<tcp::Connection, Failure>) -> String {
    match connection {
        Err(failure) => format!("{failure:?}"),
        Ok(connection) => {
            let written = connection.write(b"ping", 1000);
            let read = connection.read(100, 1000);
            let read = read.map(|read| String::from_utf8_lossy(&read).into_owned());
            format!("{written:?} {read:?}")
        }
    }
}

/// TLS from the first byte.
pub(crate) fn encrypted(pod: &str, trust: &str) -> String {
    let pods = [pod.to_owned()];
    ping(tcp::connect(&pods, "mysql", Some(&tls(trust)), 1000).remove(0))
}

/// TLS on a stream that was plain until then.
pub(crate) fn upgraded(pod: &str, trust: &str) -> String {
    let connection = tcp::connect(&[pod.to_owned()], "mysql", None, 1000).remove(0);
    ping(connection.and_then(|connection| {
        connection.start_tls(&tls(trust), 1000)?;
        Ok(connection)
    }))
}

/// `key container argv…`
pub(crate) fn job(pod: &str, verb: &str, line: &str) -> String {
    let mut words = line.split(' ').map(str::to_owned);
    let key = words.next().unwrap_or_default();
    let job = if verb == "poll" {
        exec::poll(pod, &key)
    } else {
        let command = exec::Command {
            container: words.next(),
            argv: words.collect(),
            stdin: Vec::new(),
            extra: Vec::new(),
        };
        exec::start(pod, &key, &command)
    };
    match job {
        Ok(exec::Job::Exited(output)) => {
            format!(
                "exited {} {}",
                output.code,
                String::from_utf8_lossy(&output.stdout)
            )
        }
        other => format!("{other:?}"),
    }
}

pub(crate) fn config(slot: &str) -> String {
    let read = config::read(slot);
    format!(
        "{:?}",
        read.map(|value| String::from_utf8_lossy(&value).into_owned())
    )
}

/// `set|add name value`
pub(crate) fn metric(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let [verb, name, value] = words.as_slice() else {
        return "set|add name value".to_owned();
    };
    let value = value.parse().unwrap_or(f64::NAN);
    let done = match *verb {
        "set" => metrics::set(name, Some(0), value),
        _ => metrics::add(name, None, value),
    };
    format!("{done:?}")
}
