//! Values of secrets never reach what people see or what is kept.

use std::sync::Arc;

use stateward_runtime::{Granted, Grants, Limits, SecretsGrant};

use crate::double::Double;
use crate::fixture::{act, asked, ended, granted, told};

const SECRET: &str = "opensesame";

async fn plugin() -> Granted {
    let grants = Grants {
        secrets: SecretsGrant {
            slots: vec!["root".to_owned()],
            ..SecretsGrant::default()
        },
        events: true,
        state: true,
        ..asked()
    };
    granted(grants, Limits::default()).await
}

#[tokio::test]
async fn a_secret_is_masked_in_messages_logs_and_events() {
    let plugin = plugin().await;
    let effects: Arc<Double> = Double::new();
    assert_eq!(told(&plugin, "secret:root", &effects).await, "***");
    act(&plugin, "secret-log:root", &effects).await.unwrap();
    assert_eq!(effects.log()[0].1, "it is *** indeed");
    told(&plugin, "secret-event:root", &effects).await;
    assert_eq!(effects.events.lock().unwrap()[0].2, "it is *** indeed");
    let error = ended(&plugin, "secret-panic:root", &effects).await;
    let text = error.to_string();
    assert!(text.contains("***") && !text.contains(SECRET), "{text}");
}

#[tokio::test]
async fn a_secret_is_refused_in_a_checkpoint_and_in_state() {
    let plugin = plugin().await;
    let effects = Double::new();
    let error = ended(&plugin, "secret-checkpoint:root", &effects).await;
    assert_eq!(error.reason(), "PluginLeakedSecret");
    assert!(!error.to_string().contains(SECRET), "{error}");
    let text = told(&plugin, "secret-state:root", &effects).await;
    assert!(text.contains("Denied"), "{text}");
    assert!(effects.state.lock().unwrap().is_empty());
}
