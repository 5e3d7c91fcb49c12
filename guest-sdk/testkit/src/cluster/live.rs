//! What a hook holds while it runs: the scene, and the one way by which it reaches members.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use jiff::SignedDuration;
use stateward_sdk::{Failure, Hook};

use crate::application::{Application, Pod};
use crate::cluster::scene::Scene;
use crate::fault::{Kind, Place, die};

/// The host, as a hook sees it.
pub(super) struct Live<A>(pub(super) Rc<RefCell<Scene<A>>>);

impl<A> Clone for Live<A> {
    fn clone(&self) -> Live<A> {
        Live(Rc::clone(&self.0))
    }
}

/// What became of something that a member was asked.
pub(super) enum Exchange<T> {
    /// The member did it, and answered.
    Answered(T),
    /// The member did it, and its answer is lost.
    Lost(Failure, T),
}

impl<A: Application> Live<A> {
    /// Asks a member. This is where faults strike: the member may never hear of it, or its answer may never come.
    pub(super) fn exchange<T>(
        &self,
        uid: &str,
        words: &str,
        timeout: Duration,
        act: impl FnOnce(&mut Scene<A>, &Pod) -> Result<T, Failure>,
    ) -> Result<Exchange<T>, Failure> {
        let is_act = self.is_act();
        let kind = {
            let points = &mut self.0.borrow_mut().points;
            let effect = if is_act {
                points.next(Place::Effect)
            } else {
                None
            };
            effect.or(points.next(Place::Member))
        };
        if let Some(kind @ (Kind::CrashBeforeEffect | Kind::LostBeforeEffect | Kind::Replaced)) =
            kind
        {
            let mut scene = self.0.borrow_mut();
            scene.history.fault(format_args!("{kind}: {words}"));
            match kind {
                Kind::CrashBeforeEffect => {
                    drop(scene);
                    die();
                }
                Kind::LostBeforeEffect => return Err(Failure::Closed),
                _ => scene.replace(uid),
            }
        }
        let result = self.reach(uid, words, timeout, act)?;
        let Some(kind @ (Kind::CrashAfterEffect | Kind::LostAfterEffect | Kind::Timeout)) = kind
        else {
            return Ok(result);
        };
        let mut scene = self.0.borrow_mut();
        scene.history.fault(format_args!("{kind}: {words}"));
        let (Exchange::Answered(value) | Exchange::Lost(_, value)) = result;
        match kind {
            Kind::CrashAfterEffect => {
                drop(scene);
                die();
            }
            Kind::Timeout => {
                let wait = SignedDuration::try_from(timeout.min(Duration::from_secs(60)));
                scene.pass(wait.unwrap_or_default());
                Ok(Exchange::Lost(Failure::Timeout, value))
            }
            _ => Ok(Exchange::Lost(Failure::Closed, value)),
        }
    }

    fn reach<T>(
        &self,
        uid: &str,
        words: &str,
        timeout: Duration,
        act: impl FnOnce(&mut Scene<A>, &Pod) -> Result<T, Failure>,
    ) -> Result<Exchange<T>, Failure> {
        let mut scene = self.0.borrow_mut();
        let Some(pod) = scene.pod(uid) else {
            scene
                .history
                .detail(format_args!("{words}: the pod is gone"));
            return Err(Failure::Replaced);
        };
        if scene.cut_off.contains(&pod.ordinal) {
            scene.history.detail(format_args!("{words}: no answer"));
            return Err(Failure::Timeout);
        }
        let slow = scene.slow.get(&pod.ordinal).copied().unwrap_or_default();
        let value = act(&mut scene, &pod)?;
        if !slow.is_zero() {
            let wait = SignedDuration::try_from(slow.min(timeout));
            scene.pass(wait.unwrap_or_default());
        }
        Ok(match slow > timeout {
            true => Exchange::Lost(Failure::Timeout, value),
            false => Exchange::Answered(value),
        })
    }

    /// Changes something that the host keeps, at once and durably.
    pub(super) fn keep<T>(
        &self,
        words: &str,
        act: impl FnOnce(&mut Scene<A>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let kind = self.0.borrow_mut().points.next(Place::Effect);
        let strike = |kind: Kind| {
            let mut scene = self.0.borrow_mut();
            scene.history.fault(format_args!("{kind}: {words}"));
            drop(scene);
            die()
        };
        if kind == Some(Kind::CrashBeforeEffect) {
            strike(Kind::CrashBeforeEffect);
        }
        let result = act(&mut self.0.borrow_mut())?;
        self.0.borrow_mut().history.detail(words);
        if kind == Some(Kind::CrashAfterEffect) {
            strike(Kind::CrashAfterEffect);
        }
        Ok(result)
    }

    /// Notes a denial.
    pub(super) fn granted(
        &self,
        check: impl FnOnce(&Scene<A>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let result = check(&self.0.borrow());
        if let Err(Failure::Denied(text)) = &result {
            let mut scene = self.0.borrow_mut();
            scene.history.detail(format_args!("denied: {text}"));
        }
        result
    }

    /// Whether the hook that runs may change things.
    pub(super) fn is_act(&self) -> bool {
        !matches!(
            self.0.borrow().calling,
            None | Some(Hook::Validate | Hook::MemberConfig | Hook::UpdateOrder | Hook::Probe)
        )
    }
}
