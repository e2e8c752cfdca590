use crate::error::CliError;
use std::io::{self, IsTerminal};

/// Asks on a terminal; without one, only `--yes` will do.
pub fn ask(question: &str, yes: bool) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(CliError::Usage(
            "this needs a confirmation, and there is no terminal to ask on: give --yes".to_owned(),
        ));
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(CliError::Failed("not confirmed; nothing was changed".to_owned())),
    }
}
