//! The one integration-test binary: the product over HTTP, on a real PostgreSQL, with a clock that tests turn. One file per subject.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

mod harness;

mod access;
mod alert_rules;
mod alerts;
mod attachments;
mod changed;
mod channels;
mod corrections;
mod crash;
mod crash_files;
mod dashboard;
mod day;
mod dialog;
mod digest;
mod endpoints;
mod explain;
mod feedback;
mod feedback_mails;
mod fuzzed;
mod gather;
mod grouping_versions;
mod hostile;
mod ignoring;
mod issue_page;
mod keys;
mod limits;
mod mail_links;
mod mail_log;
mod mail_samples;
mod main_path;
mod migrations;
mod noise;
mod outbox;
mod pages;
mod personal;
mod projects;
mod quotas;
mod regroup;
mod repeats;
mod search;
mod secrets;
mod setting_up;
mod spikes;
mod storm;
mod sub_path;
mod surges;
mod tidy;
mod trouble;
mod weekly;
