//! `explain`: what a request would meet, as the nodes themselves say. That it would be refused is told by the exit code too.

mod text;

use crate::{args::insight::ExplainArgs, client::Session, error::CliError, output};
use pointsman_proto::admin::v1::ExplainRequest;
use std::{
    fs,
    io::{self, Read},
    path::Path,
};

pub async fn run(session: &Session, args: ExplainArgs) -> Result<(), CliError> {
    let body = args.body.as_deref().map(read).transpose()?;
    let request = ExplainRequest {
        model: args.model.unwrap_or_default(),
        body: body.map(Into::into),
        headers: args.headers,
        path: args.path.unwrap_or_default(),
        virtual_key: args.virtual_key.unwrap_or_default(),
        node: args.node.unwrap_or_default(),
    };
    let reply = session.config_service().await?.explain(request).await?.into_inner();
    match args.output {
        Some(format) => output::print_document(&reply, format)?,
        None => output::print(&text::render(&reply))?,
    }
    if reply.explanations.iter().any(|explanation| !explanation.refusal.is_empty()) {
        return Err(CliError::WouldBeRefused);
    }
    match (reply.explanations.is_empty(), reply.overlong_nodes.is_empty()) {
        (false, _) => Ok(()),
        (true, true) => {
            Err(CliError::TimedOut(format!("no answer came within a second from {}", reply.silent_nodes.join(", "))))
        }
        (true, false) => Err(CliError::Failed(format!(
            "the answer of {} is longer than 1 MiB; ask for a model with fewer backends, or one that fewer rules come before",
            reply.overlong_nodes.join(", ")
        ))),
    }
}

/// As it is: a body need not be text.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    let mut body = Vec::new();
    let read = match file.as_os_str() == "-" {
        true => io::stdin().read_to_end(&mut body).map(|_| body),
        false => fs::read(file),
    };
    read.map_err(|error| CliError::Failed(format!("cannot read {}: {error}", file.display())))
}
