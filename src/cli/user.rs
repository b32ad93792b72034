//! `vedette user create`.

use std::io::BufRead as _;

use secrecy::SecretString;

use super::print::line;
use super::project::with_database;
use crate::accounts::{self, NewUser};
use crate::config::Common;
use crate::platform::clock::Clock;
use crate::platform::ids::Ids;

/// `vedette user …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make an account
    Create {
        /// The address to sign in with
        email: String,
        /// May see and change everything
        #[arg(long)]
        admin: bool,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

pub(super) async fn run(command: Command, common: &Common) -> anyhow::Result<()> {
    let Command::Create { email, admin, password_stdin } = command;
    let password = if password_stdin {
        let mut text = String::new();
        std::io::stdin().lock().read_line(&mut text)?;
        Some(SecretString::from(text.trim_end_matches(['\r', '\n'])))
    } else {
        None
    };
    // Nobody could sign in without one, and there is no other way to get one yet.
    let generated: String = Ids::real().secret().chars().take(20).collect();
    with_database(common, async |db| {
        let chosen = password.clone().unwrap_or_else(|| SecretString::from(generated.as_str()));
        let new = NewUser { email: &email, is_admin: admin, password: Some(&chosen) };
        accounts::create_user(db, &new, &Ids::real(), Clock::real().now()).await?;
        line(format!("Account {email} was made."))?;
        if password.is_none() {
            line("Its password, to be changed on the account page after signing in:")?;
            line(&generated)?;
        }
        Ok(())
    })
    .await
}
