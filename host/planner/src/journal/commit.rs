//! The outcome of a call, its checkpoint, what it asks of the host and the epochs of roles, in one status: either all of it is written, or nothing.

use serde::{Deserialize, Serialize};

use crate::hooks;
use crate::journal::{Act, Invocation, Phase};
use crate::orders;
use crate::status::{EndedRequest, Holder, Order, RoleStatus, Status};
use crate::world::{Pod, Role};

/// What came out of one call of an act hook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub phase: Phase,
    /// Base64. None keeps the checkpoint of the call before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    #[serde(default)]
    pub requests: Vec<Request>,
}

/// What a hook asks of the host along with its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    tag = "request"
)]
pub enum Request {
    /// This pod is to hold the role, after the claim of this epoch.
    Claim {
        role: String,
        pod: String,
        after_epoch: u64,
    },
    /// Nobody is to hold the role, after the claim of this epoch.
    Release { role: String, after_epoch: u64 },
    /// This pod is to be replaced.
    DeletePod { pod: String, why: String },
    /// These claims of the member, by UID, are to be deleted.
    DiscardVolumes {
        ordinal: u32,
        claims: Vec<String>,
        why: String,
    },
    /// The member is not to be started again.
    Quarantine { ordinal: u32, why: String },
}

/// Why an answer cannot be committed. Nothing of it may be written; the call counts as failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error(
        "role {role} is at epoch {epoch}, the claim was made after epoch {after_epoch}: another claim came in between; ask again"
    )]
    Epoch {
        role: String,
        epoch: u64,
        after_epoch: u64,
    },
    #[error(
        "role {role} was claimed for a pod with the UID {pod}, which is no live member of the app; ask again"
    )]
    NoSuchPod { role: String, pod: String },
    #[error(
        "the plugin claims role {role}, which its manifest does not name as exclusive; correct the manifest"
    )]
    NotExclusive { role: String },
    #[error(
        "{} requests of the plugin are open already; ask again when they are fulfilled",
        orders::MOST
    )]
    TooManyOrders,
    #[error(
        "the app's status has no room for this answer of {id} among those of other invocations; it is asked again, and a smaller checkpoint or their end makes room"
    )]
    StatusFull { id: String },
}

impl Conflict {
    /// Stable, CamelCase.
    pub fn reason(&self) -> &'static str {
        match self {
            Conflict::Epoch { .. } => "RoleEpochChanged",
            Conflict::NoSuchPod { .. } => "RoleClaimedForUnknownPod",
            Conflict::NotExclusive { .. } => "RoleNotExclusive",
            Conflict::TooManyOrders => "TooManyOrders",
            Conflict::StatusFull { .. } => "StatusFull",
        }
    }
}

/// The status that records this answer. `status` is what stands in the API, `pods` are the app's, `roles` are those of the plugin's manifest.
///
/// A `move-role` that is done ends the recorded move in the same write, so that it is never begun again from its new holder.
pub fn commit(
    status: &Status,
    invocation: &Invocation,
    answer: &Answer,
    pods: &[Pod],
    roles: &[Role],
) -> Result<Status, Conflict> {
    let before = status;
    let mut status = status.clone();
    for request in &answer.requests {
        fulfil(&mut status, request, pods, roles)?;
    }
    let answered = hooks::as_recorded(&Invocation {
        phase: answer.phase.clone(),
        checkpoint: answer
            .checkpoint
            .clone()
            .or_else(|| invocation.checkpoint.clone()),
        ..invocation.clone()
    });
    if let Act::MoveRole { role, number, .. } = &answered.act
        && answered.is_done()
    {
        end_move(&mut status, role, *number);
    }
    let place = status
        .invocations
        .iter()
        .position(|known| known.id == answered.id);
    let is_refused = matches!(answered.phase, Phase::Refused { .. });
    let has_requests = !answer.requests.is_empty();
    // A refusal that is written anyway keeps its clock when the host dies.
    match (
        place,
        hooks::must_stand(&answered) || is_refused && has_requests,
    ) {
        (Some(place), true) => {
            if let Some(known) = status.invocations.get_mut(place) {
                *known = answered;
            }
        }
        (Some(place), false) => drop(status.invocations.remove(place)),
        (None, true) => status.invocations.push(answered),
        (None, false) => {}
    }
    // Roles move whatever fills the status: there are few.
    if !matches!(invocation.act, Act::MoveRole { .. }) && !hooks::admits(before, &status) {
        return Err(Conflict::StatusFull {
            id: invocation.id.to_string(),
        });
    }
    Ok(status)
}

fn fulfil(
    status: &mut Status,
    request: &Request,
    pods: &[Pod],
    roles: &[Role],
) -> Result<(), Conflict> {
    let (name, after_epoch, claimant) = match request {
        Request::Claim {
            role,
            pod,
            after_epoch,
        } => (role, *after_epoch, Some(pod)),
        Request::Release { role, after_epoch } => (role, *after_epoch, None),
        Request::DeletePod { pod, why } => {
            // Gone already: there is nothing to do.
            if let Some(holder) = holder(pods, pod) {
                let order = Order::Replace {
                    ordinal: holder.ordinal,
                    pod: holder.pod,
                    why: why.clone(),
                };
                return order_of(status, order);
            }
            return Ok(());
        }
        Request::DiscardVolumes {
            ordinal,
            claims,
            why,
        } => {
            let order = Order::Discard {
                ordinal: *ordinal,
                claims: claims.clone(),
                why: why.clone(),
            };
            return order_of(status, order);
        }
        Request::Quarantine { ordinal, why } => {
            let order = Order::Quarantine {
                ordinal: *ordinal,
                why: why.clone(),
            };
            return order_of(status, order);
        }
    };
    if !roles
        .iter()
        .any(|known| known.name == *name && known.exclusive)
    {
        return Err(Conflict::NotExclusive { role: name.clone() });
    }
    let mut record = status
        .roles
        .iter()
        .find(|known| known.name == *name)
        .cloned()
        .unwrap_or_else(|| RoleStatus::unclaimed(name));
    if record.epoch != after_epoch {
        return Err(Conflict::Epoch {
            role: name.clone(),
            epoch: record.epoch,
            after_epoch,
        });
    }
    record.holder = match claimant {
        Some(pod) => Some(holder(pods, pod).ok_or_else(|| Conflict::NoSuchPod {
            role: name.clone(),
            pod: pod.clone(),
        })?),
        None => None,
    };
    record.epoch = record.epoch.saturating_add(1);
    match status.roles.iter_mut().find(|known| known.name == *name) {
        Some(known) => *known = record,
        None => status.roles.push(record),
    }
    Ok(())
}

fn order_of(status: &mut Status, order: Order) -> Result<(), Conflict> {
    if status.orders.len() >= orders::MOST {
        return Err(Conflict::TooManyOrders);
    }
    orders::take(status, order);
    Ok(())
}

fn holder(pods: &[Pod], uid: &str) -> Option<Holder> {
    let pod = pods
        .iter()
        .find(|pod| pod.uid == uid && pod.deletion.is_none())?;
    let (_, ordinal) = pod.name.rsplit_once('-')?;
    Some(Holder {
        ordinal: ordinal.parse().ok()?,
        pod: uid.to_owned(),
    })
}

fn end_move(status: &mut Status, role: &str, number: u64) {
    let Some(record) = status.roles.iter_mut().find(|known| known.name == role) else {
        return;
    };
    let has_moved = record
        .moving
        .as_ref()
        .is_some_and(|moving| moving.number == number && record.epoch > moving.epoch)
        && record.holder.is_some();
    if !has_moved {
        return;
    }
    if let Some(request) = record.moving.take().and_then(|moving| moving.request) {
        record.last_request = Some(EndedRequest {
            id: request,
            result: "Moved".to_owned(),
            message: record.moved(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::MoveCause;
    use crate::status::Moving;
    use crate::testing::{app, now, pod};
    use jiff::Timestamp;

    fn roles() -> Vec<Role> {
        vec![Role {
            name: "primary".to_owned(),
            exclusive: true,
            movable: true,
            grace_seconds: 30,
        }]
    }

    fn pods() -> Vec<Pod> {
        [0, 1]
            .map(|ordinal| pod(&app(2), ordinal, "web-a"))
            .to_vec()
    }

    fn invocation(act: Act) -> Invocation {
        Invocation {
            id: act.id(),
            act,
            started: now(),
            attempts: 1,
            checkpoint: None,
            phase: Phase::Calling,
            cancelling: false,
            digest: None,
            is_recorded: false,
        }
    }

    fn post_ready() -> Invocation {
        invocation(Act::PostReady {
            ordinal: 0,
            pod: "uid-0".to_owned(),
            restarts: 0,
        })
    }

    fn done(requests: Vec<Request>) -> Answer {
        Answer {
            phase: Phase::Done,
            checkpoint: None,
            requests,
        }
    }

    fn claim(pod: &str, after_epoch: u64) -> Request {
        Request::Claim {
            role: "primary".to_owned(),
            pod: pod.to_owned(),
            after_epoch,
        }
    }

    #[test]
    fn a_claim_comes_under_a_new_epoch() {
        let answer = done(vec![claim("uid-0", 0)]);
        let status = commit(
            &Status::default(),
            &post_ready(),
            &answer,
            &pods(),
            &roles(),
        )
        .unwrap();
        assert_eq!(status.roles[0].epoch, 1);
        assert_eq!(
            status.roles[0].holder,
            Some(Holder {
                ordinal: 0,
                pod: "uid-0".to_owned()
            })
        );
        assert!(
            status.invocations.is_empty(),
            "done at once needs no record"
        );
    }

    #[test]
    fn an_answer_that_cannot_be_fulfilled_whole_changes_nothing() {
        let cases = [
            (vec![claim("uid-0", 1)], "RoleEpochChanged"),
            (vec![claim("uid-9", 0)], "RoleClaimedForUnknownPod"),
            (
                vec![claim("uid-0", 0), claim("uid-1", 0)],
                "RoleEpochChanged",
            ),
            (
                vec![Request::Release {
                    role: "reader".to_owned(),
                    after_epoch: 0,
                }],
                "RoleNotExclusive",
            ),
        ];
        for (requests, reason) in cases {
            let result = commit(
                &Status::default(),
                &post_ready(),
                &done(requests),
                &pods(),
                &roles(),
            );
            assert_eq!(result.unwrap_err().reason(), reason);
        }
    }

    #[test]
    fn a_terminating_pod_cannot_take_a_role() {
        let mut pods = pods();
        pods[0].deletion = Some(now());
        let answer = done(vec![claim("uid-0", 0)]);
        let result = commit(&Status::default(), &post_ready(), &answer, &pods, &roles());
        assert_eq!(result.unwrap_err().reason(), "RoleClaimedForUnknownPod");
    }

    #[test]
    fn progress_and_its_checkpoint_stand_until_the_end() {
        let answer = Answer {
            phase: Phase::InProgress {
                ask_again: Timestamp::UNIX_EPOCH,
                percent: Some(5),
                message: "copying".to_owned(),
            },
            checkpoint: Some("Y2s=".to_owned()),
            requests: Vec::new(),
        };
        let status = commit(
            &Status::default(),
            &post_ready(),
            &answer,
            &pods(),
            &roles(),
        )
        .unwrap();
        assert_eq!(status.invocations[0].checkpoint.as_deref(), Some("Y2s="));
        let ended = commit(
            &status,
            &status.invocations[0],
            &done(Vec::new()),
            &pods(),
            &roles(),
        )
        .unwrap();
        assert!(ended.invocations.is_empty());
    }

    #[test]
    fn a_permission_to_delete_stands_before_it_is_used() {
        let asked = invocation(Act::PreDelete {
            ordinal: 1,
            pod: "uid-1".to_owned(),
            cause: crate::journal::Cause::ScaleIn,
        });
        let status = commit(
            &Status::default(),
            &asked,
            &done(Vec::new()),
            &pods(),
            &roles(),
        )
        .unwrap();
        assert_eq!(status.invocations[0].id.0, "pre-delete/uid-1/scale-in");
    }

    #[test]
    fn a_move_ends_with_the_claim_that_fulfils_it() {
        let mut status = Status::default();
        status.roles.push(RoleStatus {
            holder: Some(Holder {
                ordinal: 0,
                pod: "uid-0".to_owned(),
            }),
            epoch: 4,
            moves: 2,
            moving: Some(Moving {
                number: 2,
                epoch: 4,
                cause: MoveCause::Planned,
                target: Some(1),
                request: Some("wish".to_owned()),
            }),
            ..RoleStatus::unclaimed("primary")
        });
        let asked = invocation(Act::MoveRole {
            role: "primary".to_owned(),
            epoch: 4,
            number: 2,
            cause: MoveCause::Planned,
            target: Some(1),
        });
        let status = commit(
            &status,
            &asked,
            &done(vec![claim("uid-1", 4)]),
            &pods(),
            &roles(),
        )
        .unwrap();
        let role = &status.roles[0];
        assert_eq!((role.epoch, &role.moving), (5, &None));
        let ended = role.last_request.as_ref().unwrap();
        assert_eq!(
            (ended.id.as_str(), ended.result.as_str()),
            ("wish", "Moved")
        );
    }
}
