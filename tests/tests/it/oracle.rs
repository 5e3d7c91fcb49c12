//! The oracle: one scripted conversation with the embedded API and with the real kube-apiserver, answer beside answer.
//!
//! | part | does |
//! |---|---|
//! | `tests/conversation/*.yaml` | the requests, one file per topic |
//! | `tests/conversation/accepted_differences.yaml` | where the embedded API may answer otherwise, each with its reason |
//! | [`script`] | reads them |
//! | [`speaker`] | sends one request and waits for what a controller has to bring |
//! | [`connections`], [`caller`] | what no client library sends, byte by byte |
//! | [`answer`] | an answer without what differs by nature: UIDs, versions, times |
//! | [`difference`] | where two answers differ, and what of that was accepted |

mod answer;
mod caller;
mod connections;
mod difference;
mod script;
mod speaker;

use std::io::Write as _;

use anyhow::{Context, Result};
use stateward_controlplane::{ControlPlane, Options};
use stateward_devcluster::{Cluster, ServeOptions};
use tokio_util::sync::CancellationToken;

use difference::Accepted;
use speaker::Speaker;

/// Fewer requests would leave topics out.
const AT_LEAST: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_api_answers_as_the_real_one_does() -> Result<()> {
    let topics = script::read_all()?;
    let requests: usize = topics.iter().map(|topic| topic.steps.len()).sum();
    assert!(requests >= AT_LEAST, "{requests} requests");

    let cluster = Cluster::in_memory();
    let stop = CancellationToken::new();
    let serving = cluster.serve(ServeOptions::default(), stop.clone()).await?;
    let options = Options::default().without_statefulset_controller();
    let kubernetes = ControlPlane::start(options).await?;
    let real_kubeconfig = std::fs::read_to_string(kubernetes.kubeconfig())?;

    let mut differences = Vec::new();
    let mut complaints = Vec::new();
    for topic in &topics {
        let mut embedded = Speaker::new(&serving.kubeconfig_yaml, &topic.name).await?;
        let mut real = Speaker::new(&real_kubeconfig, &topic.name).await?;
        for step in &topic.steps {
            let told = |who: &str| format!("{who}: {}/{}", topic.name, step.name());
            let (ours, theirs) = tokio::join!(embedded.say(step), real.say(step));
            let (ours, theirs) = (
                ours.with_context(|| told("embedded"))?,
                theirs.with_context(|| told("real"))?,
            );
            let (.., expected) = step.parts()?;
            if theirs.code != expected {
                complaints.push(format!(
                    "{}: Kubernetes answers {}: the conversation is wrong",
                    told("real"),
                    theirs.code
                ));
            }
            differences.extend(difference::between(topic, step, &ours, &theirs));
        }
    }
    let (ours, theirs) = (&serving.kubeconfig_yaml, &real_kubeconfig);
    differences.extend(connections::differences(ours, theirs).await?);
    stop.cancel();
    serving.stopped().await;

    let accepted = Accepted::read()?;
    let verdict = accepted.judge(&differences);
    let _closed = writeln!(
        std::io::stdout(),
        "{requests} requests in {} topics; {} differences accepted by {} entries",
        topics.len(),
        verdict.accepted,
        accepted.len(),
    );
    complaints.extend(verdict.complaints);
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}
