//! Connections of a component to simulated members.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use stateward_sdk::{Connection, Failure};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

use super::wires::Ask;

const PATIENCE: Duration = Duration::from_secs(30);
const PIECE: u32 = 64 * 1024;

/// Carries bytes between a component and a simulated member, which answers at once or never. When the simulated host dies, `died` is told.
pub(super) async fn carry(
    mut member: Box<dyn Connection>,
    mut component: DuplexStream,
    died: mpsc::UnboundedSender<Ask>,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // What it says before it is asked, or has to say still.
        loop {
            match member.read(PIECE, PATIENCE) {
                Ok(data) if data.is_empty() => return,
                Ok(data) => {
                    if component.write_all(&data).await.is_err() {
                        return;
                    }
                }
                Err(Failure::Timeout) => break,
                Err(_) => return,
            }
        }
        let data = match component.read(&mut buffer).await {
            Ok(count) if count > 0 => buffer.get(..count).unwrap_or_default(),
            _ => return,
        };
        match catch_unwind(AssertUnwindSafe(|| member.write(data, PATIENCE))) {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(end) => {
                // The call ends with it; nobody is left to tell when it has ended already.
                died.send(Ask::Died(end)).ok();
                return;
            }
        }
    }
}
