//! Hooks that only look: `validate`, `member_config`, `probe`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use stateward_planner::plan::Question;
use stateward_planner::world::{UpdateOrder, Verdict};
use stateward_sdk::{Hook, Member, Seen};

use crate::application::Application;
use crate::cluster::Cluster;
use crate::cluster::live::Live;
use crate::fault::HostDied;

impl<A: Application> Cluster<A> {
    /// Runs a hook; a panic is a mistake of the plugin, and the call has no answer.
    pub(super) fn guarded<T>(&self, hook: Hook, ask: impl FnOnce(&Live<A>) -> T) -> Option<T> {
        self.live.borrow_mut().calling = Some(hook);
        let result = catch_unwind(AssertUnwindSafe(|| ask(&Live(self.live.clone()))));
        self.live.borrow_mut().calling = None;
        match result {
            Ok(answer) => Some(answer),
            Err(end) if end.is::<HostDied>() => resume_unwind(end),
            Err(end) => {
                let said = end.downcast_ref::<String>().map(String::as_str);
                let said = said.or_else(|| end.downcast_ref::<&str>().copied());
                let said = said.unwrap_or("without a word");
                let text = format!("{} panics: {said}", hook.name());
                self.live.borrow_mut().mistake(text);
                None
            }
        }
    }

    pub(super) fn decide(&self, question: &Question) {
        match question {
            Question::Validate => {
                let app = self.show(None);
                let plugin = &self.plugin;
                let findings = self
                    .guarded(Hook::Validate, |live| plugin.on_validate(None, &app, live))
                    .flatten()
                    .unwrap_or_default();
                let blocks = findings.into_iter().find(|finding| finding.blocks);
                let mut scene = self.live.borrow_mut();
                scene.model.verdict = match blocks {
                    None => Verdict::Accepted,
                    Some(finding) => Verdict::Refused {
                        message: format!("{}: {}", finding.path, finding.text),
                    },
                };
            }
            Question::MemberConfig { ordinal } => {
                let app = self.show(None);
                let member = self.known(*ordinal);
                let plugin = &self.plugin;
                let config = self
                    .guarded(Hook::MemberConfig, |live| {
                        plugin.on_member_config(&app, &member, live)
                    })
                    .flatten();
                self.live.borrow_mut().model.config = config.unwrap_or_default();
            }
            Question::UpdateOrder => {
                let app = self.show(None);
                let plugin = &self.plugin;
                let order = self
                    .guarded(Hook::UpdateOrder, |live| plugin.on_update_order(&app, live))
                    .flatten();
                let mut sorted = order.clone().unwrap_or_default();
                sorted.sort_unstable();
                let wanted = app.start..app.start.saturating_add(app.target);
                let answer = match order {
                    Some(ordinals) if sorted.into_iter().eq(wanted) => {
                        UpdateOrder::Ordinals { ordinals }
                    }
                    _ => UpdateOrder::Unusable,
                };
                let mut scene = self.live.borrow_mut();
                scene.model.world.answers.update_order = Some(answer);
            }
        }
    }

    pub(super) fn probe(&self, ordinal: u32) {
        let app = self.show(None);
        let member = self.known(ordinal);
        let plugin = &self.plugin;
        let answer = self
            .guarded(Hook::Probe, |live| plugin.on_probe(&app, &member, live))
            .flatten();
        let Some(pod) = member.pod else { return };
        let mut scene = self.live.borrow_mut();
        let at_ms = scene.now_ms();
        // A probe that fails has not found the member well.
        let Some(report) = answer.map(Result::unwrap_or_default) else {
            return;
        };
        let seen = Seen {
            at_ms,
            healthy: report.healthy,
            role: report.role,
            note: report.note,
        };
        scene.note(&pod, &seen, report.wants);
        scene.seen.insert(pod, seen);
    }

    /// What the next call sees. `stale`: of the members but this one, what the call before saw.
    pub(super) fn show(&self, stale: Option<Option<u32>>) -> stateward_sdk::App {
        let mut scene = self.live.borrow_mut();
        let present = scene.members();
        scene.shown = match stale {
            None => present.clone(),
            Some(subject) => {
                let before = std::mem::take(&mut scene.last_members);
                let is_subject = |member: &Member| Some(member.ordinal) == subject;
                let old = before.into_iter().filter(|member| !is_subject(member));
                let new = present.iter().filter(|member| is_subject(member)).cloned();
                let mut all: Vec<Member> = old.chain(new).collect();
                all.sort_by_key(|member| member.ordinal);
                all
            }
        };
        scene.app()
    }

    pub(super) fn known(&self, ordinal: u32) -> Member {
        let scene = self.live.borrow();
        let shown = scene.shown.iter();
        let known = shown.into_iter().find(|member| member.ordinal == ordinal);
        known.cloned().unwrap_or(Member {
            ordinal,
            ..Member::default()
        })
    }
}
