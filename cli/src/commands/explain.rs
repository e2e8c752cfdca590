//! `explain`: what a request would meet, as the nodes themselves say.

mod text;

use crate::{args::insight::ExplainArgs, client::Session, error::CliError, output};
use pointsman_proto::admin::v1::ExplainRequest;
use std::{
    fs,
    io::{self, Read},
    path::Path,
};

pub async fn run(session: &Session, args: ExplainArgs) -> Result<(), CliError> {
    let body = args.body.as_deref().map(read).transpose()?.unwrap_or_default();
    let request = ExplainRequest {
        model: args.model.unwrap_or_default(),
        body: body.into(),
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
    match reply.explanations.is_empty() {
        true => {
            Err(CliError::TimedOut(format!("no answer came within a second from {}", reply.silent_nodes.join(", "))))
        }
        false => Ok(()),
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
