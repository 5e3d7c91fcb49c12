//! Jobs of the manifest: started by a user, by what a probe wants, or after a finished scale. A run is recorded before its first call, so that its id is
//! known, and one run of a task is under way at a time.

use jiff::SignedDuration;

use crate::draft::Draft;
use crate::hooks::TASK;
use crate::journal::{Act, Invocation, Phase};
use crate::rulings;
use crate::scene::{Mode, Scene};
use crate::status::{EndedRun, Origin, TaskRun, TaskStatus};
use crate::world::{ReadyPlugin, TaskWish};

/// Between the end of a run and the next one that a probe wants.
const REST: SignedDuration = SignedDuration::from_secs(60);

/// Ends the runs that are over, and begins those that are wanted.
pub(crate) fn advance(scene: &Scene<'_>, draft: &mut Draft) {
    if !scene.hooks.has(TASK) || scene.goal.mode != Mode::Full {
        return;
    }
    let mut tasks = std::mem::take(&mut draft.status.tasks);
    for task in &mut tasks {
        run(scene, task, draft);
    }
    if let Some(plugin) = scene.hooks.ready() {
        tasks.retain(|task| {
            let is_known = plugin.tasks.iter().any(|known| known.name == task.name);
            is_known || task.running.is_some() || is_answer(scene, task)
        });
        begin(scene, plugin, &mut tasks, draft);
    }
    draft.status.tasks = tasks;
}

/// Brings the run under way forward.
fn run(scene: &Scene<'_>, task: &mut TaskStatus, draft: &mut Draft) {
    let Some(running) = &task.running else {
        return;
    };
    let act = act(&task.name, running);
    let id = act.id();
    let known = scene.world.journal.get(&id);
    let is_by_user = matches!(running.origin, Origin::User { .. });
    let is_undone = known.is_none_or(|known| known.is_undone() || !known.is_under_way());
    let end = match known.map(|known| &known.phase) {
        _ if rulings::is_skipped(scene, &id) => Some(("Skipped", String::new())),
        _ if rulings::is_aborted(scene, &id) => is_undone.then(|| ("Aborted", String::new())),
        Some(Phase::Done) if known.is_some_and(Invocation::is_done) => {
            Some(("Done", String::new()))
        }
        // A user hears of it and may ask again; what the host started is asked again by itself.
        Some(Phase::Refused { reason, .. }) if is_by_user && is_undone => {
            Some(("Refused", reason.clone()))
        }
        Some(Phase::Fatal { message, .. }) => Some(("Failed", message.clone())),
        _ => None,
    };
    match end {
        Some((result, message)) => end_run(scene, task, result, message, draft),
        None if rulings::is_aborted(scene, &id) => {}
        None => draft.want(act, false),
    }
}

fn end_run(
    scene: &Scene<'_>,
    task: &mut TaskStatus,
    result: &str,
    message: String,
    draft: &mut Draft,
) {
    let Some(running) = task.running.take() else {
        return;
    };
    let request = match running.origin {
        Origin::User { request } => Some(request),
        Origin::Probe | Origin::Scale { .. } => None,
    };
    task.last = Some(EndedRun {
        number: running.number,
        request,
        result: result.to_owned(),
        message: message.chars().take(256).collect(),
        at: scene.now,
    });
    draft.is_urgent = true;
}

/// Whether the run of this number is the one under way.
pub(crate) fn is_running(scene: &Scene<'_>, name: &str, number: u64) -> bool {
    (scene.world.recorded.tasks.iter())
        .filter(|task| task.name == name)
        .filter_map(|task| task.running.as_ref())
        .any(|running| running.number == number)
}

fn act(name: &str, running: &TaskRun) -> Act {
    Act::Task {
        name: name.to_owned(),
        run: running.number,
        member: running.member,
        arguments: running.arguments.clone(),
    }
}

fn is_answer(scene: &Scene<'_>, task: &TaskStatus) -> bool {
    let wish = scene.world.app.wishes.task.as_ref();
    let request = task.last.as_ref().and_then(|last| last.request.as_ref());
    wish.is_some_and(|wish| Some(&wish.id) == request)
}

fn begin(scene: &Scene<'_>, plugin: &ReadyPlugin, tasks: &mut Vec<TaskStatus>, draft: &mut Draft) {
    if let Some(wish) = &scene.world.app.wishes.task {
        by_user(scene, plugin, wish, tasks, draft);
    }
    for task in &plugin.tasks {
        let Some(place) = place(tasks, &task.name) else {
            continue;
        };
        if task.after_scale {
            after_scale(scene, place, draft);
        }
        by_probe(scene, place, draft);
    }
    tasks.retain(|task| *task != unused(&task.name));
}

fn by_user(
    scene: &Scene<'_>,
    plugin: &ReadyPlugin,
    wish: &TaskWish,
    tasks: &mut Vec<TaskStatus>,
    draft: &mut Draft,
) {
    let is_taken_up = |task: &TaskStatus| {
        let running = task.running.as_ref().map(|running| &running.origin);
        let is_under_way = matches!(running, Some(Origin::User { request }) if *request == wish.id);
        let ended = task.last.as_ref().and_then(|last| last.request.as_ref());
        is_under_way || ended == Some(&wish.id)
    };
    if tasks.iter().any(is_taken_up) {
        return;
    }
    let refusal = if plugin.tasks.iter().all(|known| known.name != wish.task) {
        let known: Vec<_> = plugin.tasks.iter().map(|task| task.name.as_str()).collect();
        Some(format!(
            "plugin {} knows no task {}; it has: {}",
            plugin.name,
            wish.task,
            known.join(", ")
        ))
    } else {
        let has_member =
            |member: &u32| scene.goal.ordinals.contains(*member) || scene.members.contains(*member);
        (wish.member.filter(|member| !has_member(member)))
            .map(|member| format!("{} has no member {member}", scene.world.app.name))
    };
    let Some(place) = place(tasks, &wish.task) else {
        return;
    };
    if let Some(message) = refusal {
        place.last = Some(EndedRun {
            number: 0,
            request: Some(wish.id.clone()),
            result: "Refused".to_owned(),
            message,
            at: scene.now,
        });
        draft.is_urgent = true;
    } else if place.running.is_none() {
        let origin = Origin::User {
            request: wish.id.clone(),
        };
        start(place, origin, wish.member, wish.arguments.clone(), draft);
    }
}

/// Once per scale that was finished.
fn after_scale(scene: &Scene<'_>, task: &mut TaskStatus, draft: &mut Draft) {
    let Some(scale) = &draft.status.scale else {
        return;
    };
    let number = scale.number;
    let is_finished = scale.reached.as_ref() == Some(&scene.goal.ordinals)
        && scene.is_as_wanted()
        && scene.are_available();
    if is_finished && task.after_scale < number && task.running.is_none() {
        task.after_scale = number;
        start(task, Origin::Scale { number }, None, String::new(), draft);
    }
}

fn by_probe(scene: &Scene<'_>, task: &mut TaskStatus, draft: &mut Draft) {
    if task.running.is_some() {
        return;
    }
    let last = task.last.as_ref().map(|last| last.at);
    let wanted = scene.wanted().filter(|member| member.is_alive());
    for member in wanted {
        let Some(seen) = &member.pod.seen else {
            continue;
        };
        // What was seen before the last run ended may be what that run mended.
        let is_news = last.is_none_or(|end| seen.at > end);
        if !is_news || !seen.wants.contains(&task.name) {
            continue;
        }
        match last.and_then(|end| end.checked_add(REST).ok()) {
            Some(rested) if rested > scene.now => draft.wake(rested),
            _ => {
                start(
                    task,
                    Origin::Probe,
                    Some(member.ordinal),
                    String::new(),
                    draft,
                );
                return;
            }
        }
    }
}

fn start(
    task: &mut TaskStatus,
    origin: Origin,
    member: Option<u32>,
    arguments: String,
    draft: &mut Draft,
) {
    task.runs = task.runs.saturating_add(1);
    task.running = Some(TaskRun {
        number: task.runs,
        origin,
        member,
        arguments,
    });
    draft.is_urgent = true;
}

fn unused(name: &str) -> TaskStatus {
    TaskStatus {
        name: name.to_owned(),
        runs: 0,
        running: None,
        last: None,
        after_scale: 0,
    }
}

fn place<'a>(tasks: &'a mut Vec<TaskStatus>, name: &str) -> Option<&'a mut TaskStatus> {
    if tasks.iter().all(|task| task.name != name) {
        tasks.push(unused(name));
    }
    tasks.iter_mut().find(|task| task.name == name)
}

#[cfg(test)]
mod tests;
