//! What is kept of a job when its timelines have ended, and of everything at the end.

use super::job::Job;
use super::{Cloud, Records};
use crate::model::ServiceId;
use crate::observe::{NamedJob, Observations, Outcome, Sample, ServiceFacts};
use crate::units::{Instant, Span};

impl Cloud<'_> {
    /// Counts a job whose timelines have all ended; its slot is still as it left it.
    pub(super) fn count(&mut self, slot: u32, job: &Job<'_>) {
        if job.submitted < self.counted_from {
            return;
        }
        let workload = usize::from(job.workload);
        let kind = &self.model.workloads[workload].kind;
        let (quantities, resources) = self.jobs.details(slot, kind);
        let named = NamedJob { ordinal: job.ordinal, submitted: job.submitted };
        let facts = &mut self.workloads[workload];
        let counts = &mut facts.counts;
        counts.jobs += 1;
        match job.outcome {
            Outcome::Unfinished => counts.unfinished += 1,
            Outcome::Completed => {
                counts.completed += 1;
                self.completed[workload].push(named);
                if let Some(ended) = job.ended {
                    let duration = ended.since(job.submitted);
                    counts.duration_sum_micros += i128::from(duration.micros());
                    facts.durations.record(duration);
                }
                if let Some(margin) = job.smallest_margin {
                    facts.margins.record(margin);
                }
            }
            Outcome::Failed(failure) => {
                counts.failed += 1;
                counts.refused_at_submission += u64::from(job.accepted == 0);
                counts.token_failures += u64::from(failure.first_cause.reason.is_token_failure());
                let orphans = u64::from(job.orphans(kind, resources));
                counts.orphans += orphans;
                let way = facts.failures.entry(failure.way()).or_default();
                way.jobs += 1;
                way.orphans += orphans;
                let most = self.budget.failed;
                self.failed[workload].entry(failure.way()).or_insert_with(|| Sample::new(most)).push(named);
            }
        }
        match self.keep {
            Records::None => {}
            Records::Jobs => self.records.push(job.record(kind, quantities, resources)),
            Records::Bins => self.bins[workload].count(job.submitted, job.ended, job.outcome),
        }
    }

    /// Everything, `events` having been handled.
    pub(super) fn observe(mut self, events: u64) -> Observations {
        // A poll at the very end is still sent.
        let end = self.last_arrival + self.model.run.drain + Span::from_micros(1);
        for slot in self.jobs.slots() {
            self.count_all_skipped(end, slot);
        }
        let left: Vec<(u32, Job<'_>)> = self.jobs.drain().collect();
        for (slot, job) in &left {
            self.count(*slot, job);
        }
        let mut services: Vec<ServiceFacts> = self.receivers.iter().map(|receiver| receiver.facts).collect();
        services[ServiceId::KEYSTONE.index()] = self.keystone.facts;
        Observations {
            workloads: self.workloads,
            services,
            pools: self.pools.into_facts(end),
            links: self.links.into_facts(end, Instant::START + self.model.run.duration),
            service_tokens_issued: self
                .senders
                .iter()
                .filter(|sender| sender.is_service_user())
                .map(|sender| u64::from(sender.issued))
                .sum(),
            records: self.records,
            bins: self.bins,
            events,
            chances: Vec::new(),
            failed: self.failed,
            completed: self.completed,
            remedies: Vec::new(),
        }
    }
}
