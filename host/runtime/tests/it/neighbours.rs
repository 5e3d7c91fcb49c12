//! A plugin that misbehaves harms nobody beside it: what the calls of another app cost while it does is printed as a ratio.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stateward_runtime::{Grants, Limits, Outcome};

use crate::double::{Double, Member};
use crate::fixture::{act, asked, component, granted, runtime, tell};

/// The median time of a good call.
async fn usual(calls: usize) -> Duration {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let mut took = Vec::new();
    for _ in 0..calls {
        let begin = Instant::now();
        let answer = act(&plugin, "done", &effects).await;
        assert_eq!(answer.unwrap().outcome, Outcome::Done);
        took.push(begin.elapsed());
    }
    took.sort();
    took[took.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_other_apps_go_on_beside_every_attack() {
    let tight = Limits {
        wall: Duration::from_millis(300),
        cpu: Duration::from_millis(50),
        memory: 8 << 20,
        ..Limits::default()
    };
    let grants = Grants {
        events: true,
        state: true,
        ..asked()
    };
    let hostile = granted(grants, tight).await;
    let alone = usual(100).await;
    let attacks = [
        ("spin", Member::Answers),
        ("eat", Member::Answers),
        ("recurse", Member::Answers),
        ("panic", Member::Answers),
        ("storm", Member::Answers),
        ("flood-log:100000", Member::Answers),
        ("big-answer", Member::Answers),
        ("handles:100", Member::Swallows),
        ("drip", Member::Silent),
        ("guzzle", Member::Swallows),
        ("put-many:100", Member::Answers),
        ("events:1000", Member::Answers),
    ];
    for (deed, member) in attacks {
        let over = Arc::new(AtomicBool::new(false));
        let (plugin, ended) = (hostile.clone(), Arc::clone(&over));
        let attack = tokio::spawn(async move {
            let mut calls = 0_u32;
            while !ended.load(Ordering::Acquire) {
                let effects = Double::with(member);
                // How it ends is told where each limit is tested; that it ends is enough here.
                let _ = act(&plugin, deed, &effects).await;
                calls += 1;
                tokio::task::yield_now().await;
            }
            calls
        });
        let beside = usual(50).await;
        over.store(true, Ordering::Release);
        let calls = attack.await.unwrap();
        assert!(calls > 0, "{deed} ran");
        let ratio = beside.as_secs_f64() / alone.as_secs_f64();
        tell(format_args!(
            "beside {deed}: {ratio:.1} of the usual {alone:?}"
        ));
    }
}

/// A component that was cut off or changed anywhere is refused by a name, or loads and stays contained.
#[tokio::test]
async fn a_damaged_component_is_refused_by_name() {
    let whole = component("hostile");
    for part in 1..16 {
        let cut = whole.slice(..whole.len() * part / 16);
        let refused = runtime().load(cut, None).await.unwrap_err();
        assert!(!refused.reason().is_empty());
    }
    let mut reasons = std::collections::BTreeMap::new();
    for place in (8..2048).step_by(97) {
        let mut bytes = whole.to_vec();
        bytes[place] ^= 0xff;
        let reason = match runtime().load(bytes.into(), None).await {
            Ok(_) => "loads",
            Err(error) => error.reason(),
        };
        *reasons.entry(reason).or_insert(0) += 1;
    }
    tell(format_args!("damaged components: {reasons:?}"));
}
