//! `usher doctor`.

use super::{Failure, Outcome, boot, output};
use crate::config::{Config, Report};
use crate::doctor::{self, Finding, Verdict};

pub async fn run(config: Config, report: &Report, json: bool) -> Outcome {
    let findings = match boot::connect(config).await {
        Ok(running) => {
            let findings = doctor::examine(&running.app).await;
            running.stop().await;
            findings
        }
        Err(error) => {
            let mut findings = doctor::examine_settings(report);
            findings.push(doctor::no_database(&error));
            findings
        }
    };
    let failed = findings.iter().filter(|finding| finding.verdict == Verdict::Failed).count();
    if json {
        output::json(&findings)?;
    } else {
        let row = |finding: &Finding| {
            let verdict = match finding.verdict {
                Verdict::Ok => "ok",
                Verdict::Warning => "WARNING",
                Verdict::Failed => "FAILED",
            };
            vec![verdict.to_owned(), finding.check.to_owned(), finding.detail.clone()]
        };
        output::table(&["verdict", "check", "detail"], findings.iter().map(row).collect(), "");
        for finding in &findings {
            if let Some(advice) = &finding.advice {
                output::say(format!("{}: {advice}", finding.check));
            }
        }
    }
    if failed > 0 {
        return Err(Failure { code: 1, message: format!("{failed} checks failed") });
    }
    Ok(())
}
