//! Each capability of the mock host asks for its grant, as the real one does, and does what is documented.

use stateward_sdk::prelude::*;
use stateward_sdk::testing::{MockHost, Record};
use stateward_sdk::{Command, Job, Output, Tls};

/// A plugin that asks for the capabilities of these tests and has no hook: the tests are the hook.
struct Asking;

#[plugin]
impl Asking {
    fn manifest() -> Manifest {
        Manifest::new("asking", "0.1.0")
            .tcp("db", "talk")
            .exec("main", ["backup", "*"], "back up")
            .config("ca", "trust members")
            .config("limits", "read limits")
            .secret("password", "log in")
            .secret_reference("client.crt", "show who we are")
            .secret_reference("client.key", "show who we are")
            .metrics("tell how it goes")
            .gauge("lag_seconds", "how far behind")
            .counter("backups_total", "backups made")
    }
}

fn host() -> MockHost {
    MockHost::new(Asking, "app", 2)
}

fn pod(host: &MockHost, ordinal: u32) -> String {
    host.member_of(ordinal).unwrap().pod.unwrap()
}

fn denied<T: std::fmt::Debug>(host: &MockHost, result: Result<T, Failure>, grant: &str) {
    let Err(Failure::Denied(text)) = &result else {
        panic!("it was not denied: {result:?}");
    };
    assert!(text.ends_with(grant), "{text} does not name {grant}");
    let last = host.records().pop().unwrap();
    assert_eq!(last, Record::Denied(text.clone()));
}

fn told<T: std::fmt::Debug>(result: Result<T, Failure>, words: &str) {
    let Err(Failure::Other(text)) = &result else {
        panic!("it went well, or otherwise: {result:?}");
    };
    assert!(text.contains(words), "{text} does not say {words}");
}

#[test]
fn configuration_is_read_from_slots_that_are_granted_and_bound() {
    let host = host();
    told(host.config("limits"), "nothing is bound to slot limits");
    host.set_config("limits", "max=3");
    assert_eq!(host.config("limits").unwrap(), b"max=3");
    let last = host.records().pop();
    assert_eq!(last, Some(Record::Config("limits".to_owned())));
    denied(&host, host.config("other"), r#"config.slots: ["other"]"#);
    host.edit_grants(|grants| grants.config.clear());
    denied(&host, host.config("limits"), r#"config.slots: ["limits"]"#);
}

#[test]
fn metrics_are_those_of_the_manifest_each_used_as_what_it_is() {
    let host = host();
    host.gauge("lag_seconds", Some(1), 2.5).unwrap();
    host.count("backups_total", None, 1.0).unwrap();
    assert_eq!(
        host.records(),
        [
            Record::Metric("lag_seconds".to_owned(), Some(1), 2.5),
            Record::Metric("backups_total".to_owned(), None, 1.0),
        ]
    );
    let undeclared = r#"the manifest declares no metric "lag""#;
    denied(&host, host.gauge("lag", None, 1.0), undeclared);
    told(
        host.gauge("lag_seconds", Some(7), 1.0),
        "there is no member 7",
    );
    for wrong in [
        host.count("lag_seconds", None, 1.0),
        host.gauge("backups_total", None, 1.0),
        host.count("backups_total", None, -1.0),
        host.gauge("lag_seconds", None, f64::NAN),
    ] {
        told(wrong, "set a gauge, add to a counter");
    }
    host.edit_grants(|grants| grants.metrics = false);
    denied(&host, host.gauge("lag_seconds", None, 1.0), "metrics: true");
}

fn backup() -> Command {
    Command::new(["backup", "full"]).container("main")
}

fn backing_up() -> MockHost {
    let host = host();
    host.exec_answers(|_, _| {
        Ok(Output {
            stdout: b"42 tables".to_vec(),
            ..Output::default()
        })
    });
    host
}

fn starts(host: &MockHost) -> usize {
    let is_start = |record: &Record| matches!(record, Record::Started(..));
    host.records()
        .iter()
        .filter(|record| is_start(record))
        .count()
}

#[test]
fn a_program_that_outlives_its_call_runs_once_under_its_key() {
    let host = backing_up();
    let pod = pod(&host, 0);
    host.jobs_take(secs(60));
    assert_eq!(host.poll(&pod, "nightly"), Ok(Job::Lost), "never started");
    assert_eq!(
        Host::start(&host, &pod, "nightly", &backup()),
        Ok(Job::Running)
    );
    assert_eq!(
        Host::start(&host, &pod, "nightly", &backup()),
        Ok(Job::Running)
    );
    host.advance(secs(59));
    assert_eq!(host.poll(&pod, "nightly"), Ok(Job::Running));
    host.advance(secs(1));
    let Ok(Job::Exited(output)) = host.poll(&pod, "nightly") else {
        panic!("it has not ended");
    };
    assert_eq!(output.stdout, b"42 tables");
    let again = Host::start(&host, &pod, "nightly", &backup());
    assert_eq!(again, Ok(Job::Exited(output)));
    assert_eq!(starts(&host), 1);
}

#[test]
fn a_program_is_lost_with_the_host_and_with_its_container() {
    let host = backing_up();
    let pod = pod(&host, 0);
    Host::start(&host, &pod, "nightly", &backup()).unwrap();
    host.lose_jobs();
    // Nobody may start it a second time: it may still run.
    assert_eq!(host.poll(&pod, "nightly"), Ok(Job::Lost));
    assert_eq!(
        Host::start(&host, &pod, "nightly", &backup()),
        Ok(Job::Lost)
    );
    assert_eq!(starts(&host), 1);

    // In a new start of the container nothing of it runs any more.
    host.edit_member(0, |member| member.restarts += 1);
    assert_eq!(host.poll(&pod, "nightly"), Ok(Job::Lost));
    assert_eq!(
        Host::start(&host, &pod, "nightly", &backup()),
        Ok(Job::Running)
    );
    assert_eq!(starts(&host), 2);

    host.start(0);
    assert_eq!(host.poll(&pod, "nightly"), Err(Failure::Replaced));
    let start = Host::start(&host, &pod, "nightly", &backup());
    assert_eq!(start, Err(Failure::Replaced));
}

#[test]
fn starting_and_polling_programs_need_the_grant_and_a_key() {
    let host = backing_up();
    let pod = pod(&host, 0);
    let other = Command::new(["restore", "full"]).container("main");
    let start = Host::start(&host, &pod, "nightly", &other);
    denied(
        &host,
        start,
        r#"exec: [{container: "main", argv: ["restore", "full"]}]"#,
    );
    for key in ["", "no/slash", "-end", &"k".repeat(64)] {
        told(Host::start(&host, &pod, key, &backup()), "1 to 63 letters");
        told(host.poll(&pod, key), "1 to 63 letters");
    }
    Host::start(&host, &pod, "nightly", &backup()).unwrap();
    host.edit_grants(|grants| grants.exec.clear());
    denied(&host, host.poll(&pod, "nightly"), "grant exec");
    // Not even what is known already is told.
    let start = Host::start(&host, &pod, "nightly", &backup());
    denied(
        &host,
        start,
        r#"exec: [{container: "main", argv: ["backup", "full"]}]"#,
    );
}

/// A server that greets, and echoes.
struct Echo;

impl stateward_sdk::testing::Session for Echo {
    fn greeting(&mut self) -> Vec<u8> {
        b"hello".to_vec()
    }

    fn answer(&mut self, received: &[u8]) -> Option<Vec<u8>> {
        Some(received.to_vec())
    }
}

fn connected(host: &MockHost) -> Box<dyn stateward_sdk::Connection> {
    host.connect_one(&pod(host, 0), "db", secs(1)).unwrap()
}

#[test]
fn a_stream_turns_to_tls_with_the_slots_that_are_granted_and_bound() {
    let host = host();
    host.serve(0, "db", || Echo);
    let tls = Tls::trusting("ca").identity("client.crt", "client.key");
    let mut stream = connected(&host);
    assert_eq!(stream.read(100, secs(1)).unwrap(), b"hello");
    told(
        stream.start_tls(&tls, secs(1)),
        "nothing is bound to slot ca",
    );
    host.set_config("ca", "PEM");
    host.set_secret("client.crt", "PEM");
    host.set_secret("client.key", "PEM");
    stream.start_tls(&tls, secs(1)).unwrap();
    assert!(host.records().contains(&Record::StartTls(pod(&host, 0))));
    stream.write(b"secret", secs(1)).unwrap();
    assert_eq!(stream.read(100, secs(1)).unwrap(), b"secret");

    // What is used on the plugin's behalf is not shown to it.
    denied(
        &host,
        host.secret("client.key"),
        r#"secrets.slots: ["client.key"]"#,
    );
    let others = [
        (Tls::unverified(), "tls: {unverified: true}"),
        (Tls::trusting("other"), r#"config.slots: ["other"]"#),
        (
            Tls::trusting("ca").identity("client.crt", "other.key"),
            r#"secrets.references: ["other.key"]"#,
        ),
    ];
    for (tls, grant) in others {
        let mut stream = connected(&host);
        stream.read(100, secs(1)).unwrap();
        denied(&host, stream.start_tls(&tls, secs(1)), grant);
        // From the first byte it needs the same.
        let dialled = host.dial(&[&pod(&host, 0)], "db", Some(&tls), secs(1));
        let dialled = dialled.into_iter().next().unwrap().map(drop);
        denied(&host, dialled, grant);
    }
}

#[test]
fn a_stream_with_unread_bytes_in_clear_cannot_turn_to_tls() {
    let host = host();
    host.serve(0, "db", || Echo);
    host.set_config("ca", "PEM");
    let mut stream = connected(&host);
    let started = stream.start_tls(&Tls::trusting("ca"), secs(1));
    assert!(matches!(started, Err(Failure::Tls(_))), "{started:?}");
    // Whatever the member says now, it is not read in clear.
    assert_eq!(stream.write(b"secret", secs(1)), Err(Failure::Closed));
    assert_eq!(stream.read(100, secs(1)).unwrap(), b"");
}
