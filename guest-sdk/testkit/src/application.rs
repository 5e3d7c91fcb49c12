//! The application whose members a plugin talks to.

use std::collections::BTreeMap;

use stateward_sdk::testing::Session;
use stateward_sdk::{Command, Failure, Output, Request, Response};

/// A member's pod, as its application sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pod {
    /// UID of the pod.
    pub uid: String,
    /// Its name, `<app>-<ordinal>`.
    pub name: String,
    /// The member's ordinal.
    pub ordinal: u32,
    /// The pod's address. A replaced pod has another one.
    pub address: String,
    /// The member's stable DNS name.
    pub host: String,
    /// What `member_config` said when the process started.
    pub config: BTreeMap<String, String>,
    /// The virtual clock, in milliseconds since 1970-01-01 UTC.
    pub now_ms: u64,
}

/// How a member takes a connection.
pub enum Accepted {
    /// Nothing listens on this port.
    Refused,
    /// Each line is answered by one, see [`Application::ask`].
    Lines,
    /// A protocol of its own.
    Session(Box<dyn Session>),
}

/// All members of a simulated application. What a member keeps under its ordinal survives its pod, as a volume does,
/// until it is [discarded](Application::discard).
///
/// ```
/// use stateward_testkit::{Application, Pod};
///
/// /// Members that only know whether they were greeted.
/// #[derive(Default)]
/// struct Greeted(std::collections::BTreeSet<u32>);
///
/// impl Application for Greeted {
///     fn ask(&mut self, pod: &Pod, words: &[&str]) -> Result<String, String> {
///         match words {
///             ["hello"] => Ok(if self.0.insert(pod.ordinal) { "new" } else { "known" }.to_owned()),
///             _ => Err(format!("unknown: {}", words.join(" "))),
///         }
///     }
/// }
/// ```
pub trait Application: 'static {
    /// What a member answers to these words; `Err` is a failure of its own: exit code 1, HTTP 409, a line that starts with `error:`.
    fn ask(&mut self, pod: &Pod, words: &[&str]) -> Result<String, String>;

    /// A member's process starts, in a new pod or again in the same one.
    fn boot(&mut self, pod: &Pod) {
        let _ = pod;
    }

    /// A member's process ends. What it has on its volume stays.
    fn stop(&mut self, pod: &Pod) {
        let _ = pod;
    }

    /// A volume of a member is gone, and what it kept there with it: its plugin had it discarded, or the app does not retain it. `volume` is the name of the claim
    /// template: `data`, unless the app has others. Whoever keeps something under ordinals forgets it here.
    fn discard(&mut self, ordinal: u32, volume: &str) {
        let _ = (ordinal, volume);
    }

    /// Time has passed on the virtual clock.
    fn pass(&mut self, now_ms: u64) {
        let _ = now_ms;
    }

    /// What must be the same at the end of a scenario, whatever went wrong on the way. `running` are the ordinals whose process runs.
    fn summary(&self, running: &[u32]) -> String {
        let _ = running;
        String::new()
    }

    /// A program in a container. By default the words after the program are asked.
    fn exec(&mut self, pod: &Pod, command: &Command) -> Output {
        let words: Vec<&str> = command.argv.iter().skip(1).map(String::as_str).collect();
        match self.ask(pod, &words) {
            Ok(text) => Output {
                stdout: format!("{text}\n").into(),
                ..Output::default()
            },
            Err(text) => Output {
                code: 1,
                stderr: format!("{text}\n").into(),
                ..Output::default()
            },
        }
    }

    /// An HTTP request. By default the parts of its path are asked.
    fn http(&mut self, pod: &Pod, port: &str, request: &Request) -> Response {
        let _ = port;
        let path = request.path.split('?').next().unwrap_or_default();
        let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
        match self.ask(pod, &words) {
            Ok(text) => Response::new(200, text),
            Err(text) => Response::new(409, text),
        }
    }

    /// A connection. By default each line is asked, word by word.
    fn accept(&mut self, pod: &Pod, port: &str) -> Result<Accepted, Failure> {
        let _ = (pod, port);
        Ok(Accepted::Lines)
    }
}
