//! Whether the rates of a point can be estimated from what each job had to expect: only where jobs go their ways one
//! by one, and an older token is never better than a younger one.

use super::read::{Context, View};
use crate::document::Issue;
use crate::model::independence::{Obstacle, of_ages};
use crate::model::{Estimator, Model, Pool};

const KEY: &str = "run.estimator";

/// Refuses the conditional estimator where something stands in its way.
pub(super) fn check(view: &View<'_>, model: &Model, cx: &mut Context) {
    match model.run.estimator {
        Estimator::Counting => return,
        Estimator::Conditional => {}
    }
    for obstacle in of_ages(model) {
        let message = format!("`{KEY}` cannot be `conditional` here: {}", why(obstacle, model));
        let issue = match view.place(KEY) {
            Some(place) => Issue::at(place, message),
            None => Issue::general(message),
        };
        cx.issue(issue.help("count failures instead: `estimator = \"counting\"`"));
    }
}

/// What is in the way, in words.
fn why(obstacle: Obstacle, model: &Model) -> String {
    let service = |id| &model.service(id).name;
    let process = |id| &model.process(id).name;
    match obstacle {
        Obstacle::Changes => {
            "with a `[[change]]` it matters which job has fetched a service token before it".to_owned()
        }
        Obstacle::Pool(id) => {
            let Pool { service: of, name, .. } = model.pool(id);
            format!("jobs wait for each other where slots are limited (`{}.{name}`)", service(*of))
        }
        Obstacle::Link(id) => {
            format!("copies slow each other down over `{}`, which has a `bandwidth`", model.links[id.index()].name)
        }
        Obstacle::KeystoneTime => "with `cloud.keystone.validation_time` or `issue_time` a job waits for what another \
                                   one finds held or cached"
            .to_owned(),
        Obstacle::Outages => "in one of `cloud.keystone.outages` a job may use a service token that another one has \
                              fetched, but fetch none itself"
            .to_owned(),
        Obstacle::Nodes => "Keystone's nodes differ in keys or clocks, and which one is asked depends on requests of \
                            other jobs"
            .to_owned(),
        Obstacle::DisabledServiceUser(id) => format!(
            "the service user of {} is disabled on the way, after which caches still know what other jobs have sent",
            process(id)
        ),
        Obstacle::ClockAhead(id) => format!(
            "the clock of {} is ahead, which ends a service token sooner that another job has fetched before",
            service(id)
        ),
        Obstacle::LostServiceToken(id) => {
            format!("{} does not replace the token that its jobs share when a rotation has taken the key", process(id))
        }
        Obstacle::Caches(id) => format!(
            "the workers of {} have a cache each, and a request that is repeated because of a lost key meets another",
            service(id)
        ),
        Obstacle::Revocation(workload) => format!(
            "`revoke_after` of `{}` does not touch a token that has expired, so that an older token may outlive a \
             younger one",
            model.workloads[workload].name
        ),
        Obstacle::KeystoneCache => {
            "Keystone's cache may keep an older token from the loss of its key for longer than a \
                                    younger one"
                .to_owned()
        }
    }
}
