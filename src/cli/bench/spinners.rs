//! Two busy processes of the lowest priority. A core that never sleeps need not be woken, which on a virtual machine costs more than the
//! work it is woken for; what they take is only what nobody else wants.

use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::{Child, Command};

/// They end when this goes.
pub(super) struct Spinners {
    _processes: Vec<Child>,
}

impl Spinners {
    pub(super) fn start() -> anyhow::Result<Self> {
        let start = || {
            Command::new("nice")
                .args(["-n", "19", "sh", "-c", "while :; do :; done"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .context("cannot start a spinner")
        };
        Ok(Self { _processes: vec![start()?, start()?] })
    }
}
