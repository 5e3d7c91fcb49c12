//! Scenarios: what users and fate do to an app, and what must hold.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::application::Application;
use crate::cluster::{Cluster, Settled};
use crate::fault::{Fault, Kind};
use crate::report::{Failing, Report};

type Make<A> = dyn Fn() -> Cluster<A>;
type Deed<A> = dyn Fn(&Cluster<A>);

/// What happens to an app, step by step. After each [`when`](Scenario::when) the host works until nothing is left to do.
pub struct Scenario<A> {
    name: String,
    make: Box<Make<A>>,
    steps: Vec<(String, Turn<A>)>,
    always: Vec<(String, Box<Deed<A>>)>,
    kinds: Vec<Kind>,
}

enum Turn<A> {
    Given(Box<Deed<A>>),
    When(Box<Deed<A>>),
    Then(Box<Deed<A>>),
    Waits(String),
}

impl<A: Application> Scenario<A> {
    /// A scenario of this name on a cluster that is made anew for each run.
    pub fn new(name: impl Into<String>, make: impl Fn() -> Cluster<A> + 'static) -> Scenario<A> {
        Scenario {
            name: name.into(),
            make: Box::new(make),
            steps: Vec::new(),
            always: Vec::new(),
            kinds: Kind::ALL.to_vec(),
        }
    }

    /// As [`when`](Scenario::when), before what is tested: no fault strikes here. These come first.
    pub fn given(mut self, what: impl Into<String>, deed: impl Fn(&Cluster<A>) + 'static) -> Self {
        let turn = Turn::Given(Box::new(deed));
        self.steps.push((what.into(), turn));
        self
    }

    /// Something happens, and the host works until nothing is left to do.
    pub fn when(mut self, what: impl Into<String>, deed: impl Fn(&Cluster<A>) + 'static) -> Self {
        let turn = Turn::When(Box::new(deed));
        self.steps.push((what.into(), turn));
        self
    }

    /// The step before cannot be finished: the app waits, and says this.
    pub fn waits(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        let turn = Turn::Waits(text.clone());
        self.steps.push((format!("it waits: {text}"), turn));
        self
    }

    /// Holds here, whatever went wrong on the way: an assertion.
    pub fn then(mut self, what: impl Into<String>, check: impl Fn(&Cluster<A>) + 'static) -> Self {
        let turn = Turn::Then(Box::new(check));
        self.steps.push((what.into(), turn));
        self
    }

    /// Holds after each step of the scenario, whatever went wrong on the way: an assertion.
    pub fn always(
        mut self,
        what: impl Into<String>,
        check: impl Fn(&Cluster<A>) + 'static,
    ) -> Self {
        self.always.push((what.into(), Box::new(check)));
        self
    }

    /// Only these kinds of faults.
    pub fn faults(mut self, kinds: &[Kind]) -> Self {
        self.kinds = kinds.to_vec();
        self
    }

    /// Runs it once, without a fault.
    ///
    /// # Panics
    /// When something does not hold. The message tells what happened.
    pub fn runs(&self) {
        let (_, problem) = self.run(None);
        if let Some(failing) = problem {
            fail(&format!("{}\n{failing}", self.name));
        }
    }

    /// Runs it once for each fault at each point, and compares the end with that of the run without a fault.
    ///
    /// # Panics
    /// When a run fails. The message tells the shortest failing history.
    pub fn survives_every_fault(&self) {
        let report = self.explore();
        if !report.failing.is_empty() {
            fail(&report.to_string());
        }
    }

    /// As [`survives_every_fault`](Scenario::survives_every_fault), and answers what came out.
    pub fn explore(&self) -> Report {
        let (cluster, problem) = self.run(None);
        let mut report = Report {
            scenario: self.name.clone(),
            runs: 1,
            failing: problem.into_iter().collect(),
        };
        if !report.failing.is_empty() {
            return report;
        }
        let (points, end) = (cluster.points(), cluster.summary());
        for kind in &self.kinds {
            for point in 0..points.count(kind.at()) {
                let fault = Fault { kind: *kind, point };
                report.runs += 1;
                let (disturbed, problem) = self.run(Some(fault));
                let problem = problem.or_else(|| {
                    let other = disturbed.summary();
                    let differs = other != end;
                    differs.then(|| {
                        let text = differences(&end, &other);
                        failing(&disturbed, Some(fault), text)
                    })
                });
                report.failing.extend(problem);
            }
        }
        report.failing.sort_by_key(|failing| failing.length);
        report
    }

    fn run(&self, fault: Option<Fault>) -> (Cluster<A>, Option<Failing>) {
        let cluster = (self.make)();
        let problem = self.play(&cluster, fault);
        let problem = problem.or_else(|| cluster.mistakes().into_iter().next());
        let problem = problem.map(|text| failing(&cluster, fault, text));
        (cluster, problem)
    }

    fn play(&self, cluster: &Cluster<A>, fault: Option<Fault>) -> Option<String> {
        let mut settled = Settled::Reached;
        cluster.inject(fault);
        for (index, (what, turn)) in self.steps.iter().enumerate() {
            match turn {
                Turn::Given(deed) => {
                    cluster.inject(None);
                    deed(cluster);
                    if let Settled::Waiting(waits) = cluster.settle() {
                        let waits = waits.join("; ");
                        return Some(format!("given {what}: it waits for good: {waits}"));
                    }
                    cluster.inject(fault);
                }
                Turn::When(deed) => {
                    deed(cluster);
                    settled = cluster.settle();
                    let is_awaited = matches!(self.steps.get(index + 1), Some((_, Turn::Waits(_))));
                    if let (Settled::Waiting(waits), false) = (&settled, is_awaited) {
                        let waits = waits.join("; ");
                        return Some(format!("when {what}: it waits for good: {waits}"));
                    }
                }
                Turn::Waits(text) => match &settled {
                    Settled::Waiting(waits) if waits.iter().any(|wait| wait.contains(text)) => {}
                    Settled::Waiting(waits) => {
                        let waits = waits.join("; ");
                        return Some(format!("it does not wait for {text:?}, but: {waits}"));
                    }
                    Settled::Reached => {
                        return Some(format!("it does not wait for {text:?}"));
                    }
                },
                Turn::Then(check) => {
                    if let Some(said) = fails(cluster, check) {
                        return Some(format!("then {what}: {said}"));
                    }
                }
            }
            for (what, check) in &self.always {
                if let Some(said) = fails(cluster, check) {
                    return Some(format!("always {what}: {said}"));
                }
            }
        }
        None
    }
}

/// What a check says when it does not hold.
fn fails<A>(cluster: &Cluster<A>, check: &Deed<A>) -> Option<String> {
    let end = catch_unwind(AssertUnwindSafe(|| check(cluster))).err()?;
    let said = end.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| end.downcast_ref::<&str>().copied());
    Some(said.unwrap_or("it does not hold").to_owned())
}

fn failing<A: Application>(cluster: &Cluster<A>, fault: Option<Fault>, why: String) -> Failing {
    Failing {
        kind: fault.map(|fault| fault.kind),
        why,
        history: cluster.history(),
        length: cluster.length(),
    }
}

fn differences(wanted: &[String], other: &[String]) -> String {
    let pairs = wanted.iter().zip(other);
    let differing = pairs.filter(|(wanted, other)| wanted != other);
    let told = differing.map(|(wanted, other)| format!("{other}\n  without the fault {wanted}"));
    let told: Vec<String> = told.collect();
    format!("it ends otherwise: {}", told.join("; "))
}

#[allow(clippy::panic, reason = "this is how a test fails")]
fn fail(text: &str) -> ! {
    panic!("{text}")
}
