//! Verdicts as JUnit XML, for the CI systems that read it: a suite per scenario, a case per expectation.

use std::path::Path;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::digest::why;
use super::{Findings, cautions};

/// What the report of one scenario file will say.
#[derive(Debug)]
pub struct Suite(TestSuite);

impl Suite {
    /// The verdicts of a scenario that ran; one without expectations passes by having run.
    pub fn of(findings: Findings<'_>) -> Suite {
        let Findings { study, verdicts, results } = findings;
        let mut suite = TestSuite::new(study.name.as_str());
        for verdict in verdicts {
            let expectation = &study.expectations[verdict.expectation];
            let status = if verdict.holds() {
                TestCaseStatus::success()
            } else {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(why(study, expectation, verdict));
                status.set_description(expectation.place.as_str());
                status
            };
            suite.add_test_case(case(&study.name, &expectation.text, status));
        }
        if let Some(precision) = &study.precision {
            let status = match cautions::imprecise(study, results) {
                None => TestCaseStatus::success(),
                Some(message) => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(message);
                    status
                }
            };
            suite.add_test_case(case(&study.name, &format!("precision of {}", precision.metric.code()), status));
        } else if verdicts.is_empty() {
            suite.add_test_case(case(&study.name, "runs", TestCaseStatus::success()));
        }
        Suite(suite)
    }

    /// A file that could not be run.
    pub fn unreadable(path: &Path, problem: &str) -> Suite {
        let name = path.display().to_string();
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message("could not be run");
        status.set_description(problem);
        let mut suite = TestSuite::new(name.as_str());
        suite.add_test_case(case(&name, "can be read", status));
        Suite(suite)
    }
}

fn case(scenario: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(scenario);
    case
}

/// The report of all suites; it names no time, so that equal runs give equal reports.
pub fn render(suites: Vec<Suite>) -> String {
    let mut report = Report::new("outlast check");
    report.add_test_suites(suites.into_iter().map(|Suite(suite)| suite));
    report.to_string().expect("a report in memory can be written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn failures_and_errors_are_told_apart() {
        let case = fixture::grid();
        let unreadable = Suite::unreadable(Path::new("bad.toml"), "bad.toml:1:1: unknown key `nam`");
        let text = render(vec![Suite::of(case.findings()), unreadable]);
        assert!(text.contains("<error message=\"could not be run\""), "{text}");
        assert!(text.contains(&format!("testsuite name=\"{}\"", case.study.name)), "{text}");
        assert!(!text.contains("timestamp"), "{text}");
    }
}
