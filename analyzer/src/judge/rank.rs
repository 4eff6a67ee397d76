//! Puts findings in order: by points, then as rules outrank each other. Findings of one bucket become one,
//! and consequences go to their causes.

use super::failure::Failure;
use super::finding::Finding;
use crate::evidence::Citation;
use crate::knowledge::Rule;

/// Ranks the causes that were found.
pub(super) fn rank(rules: &[Rule], failures: &[Failure], findings: Vec<Finding>) -> Vec<Finding> {
    outranked(rules, merged(rules, by_points(failures, findings)))
}

fn by_points(failures: &[Failure], mut findings: Vec<Finding>) -> Vec<Finding> {
    let at = |finding: &Finding| finding.main(failures).unwrap_or(Citation::event(0));
    findings
        .sort_by(|a, b| b.score().total_cmp(&a.score()).then(at(a).cmp(&at(b))).then(a.rule.cmp(&b.rule)));
    findings
}

/// Leaves out findings that are consequences of another one, belong to the bucket of another one, or whose
/// failures a better one explains.
fn merged(rules: &[Rule], findings: Vec<Finding>) -> Vec<Finding> {
    let is_consequence = |finding: &Finding, of: &Finding| {
        rules[finding.rule].when.consequence_of.contains(&rules[of.rule].id)
    };
    let mut taken: Vec<usize> = Vec::new();
    let mut ranked: Vec<Finding> = Vec::new();
    for mut finding in findings {
        let related = ranked
            .iter_mut()
            .find(|other| is_consequence(&finding, other) || is_consequence(other, &finding));
        if let Some(other) = related {
            // A consequence may have more points than its cause: the two change places.
            if is_consequence(other, &finding) {
                std::mem::swap(other, &mut finding);
            }
            other.consequences.extend(&finding.failures);
            taken.extend(finding.failures);
            continue;
        }
        let rule = &rules[finding.rule];
        let same_bucket = ranked.iter_mut().find(|other| {
            rules[other.rule].bucket == rule.bucket && (other.rule != finding.rule || rule.when.one_finding)
        });
        if let Some(other) = same_bucket {
            if rule.when.outranks.contains(&rules[other.rule].id) {
                std::mem::swap(other, &mut finding);
            }
            let new: Vec<usize> =
                finding.failures.iter().filter(|f| !other.failures.contains(f)).copied().collect();
            other.failures.extend(new);
            other.cited.extend(finding.cited);
            continue;
        }
        finding.failures.retain(|failure| !taken.contains(failure));
        if finding.failures.is_empty() && finding.cited.iter().all(|cited| cited.evidence.is_some()) {
            continue;
        }
        taken.extend(&finding.failures);
        ranked.push(finding);
    }
    ranked
}

/// Puts findings before those that their rules outrank, however many points these have.
fn outranked(rules: &[Rule], ranked: Vec<Finding>) -> Vec<Finding> {
    let mut ordered: Vec<Finding> = Vec::with_capacity(ranked.len());
    for finding in ranked {
        let outranks = &rules[finding.rule].when.outranks;
        let before = ordered.iter().position(|other| outranks.contains(&rules[other.rule].id));
        ordered.insert(before.unwrap_or(ordered.len()), finding);
    }
    ordered
}
