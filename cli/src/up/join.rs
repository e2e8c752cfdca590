//! Who may join: the nodes of this process, under names of their own, with tokens that are made anew at each start.

use crate::{
    client::{MAX_MESSAGE, Service},
    error::CliError,
};
use pointsman_proto::admin::v1::{
    CreateNodeRequest, DeleteNodeRequest, ListNodesRequest, Node, node_service_client::NodeServiceClient,
};
use secrecy::{ExposeSecret, SecretString};
use std::io::Write;
use tempfile::NamedTempFile;

/// Nodes whose names are this and a number belong to this process.
const PREFIX: &str = "local-";

/// The name of the node with this index.
pub fn name(index: u16) -> String {
    format!("{PREFIX}{}", index + 1)
}

/// A token for each name; the nodes of an earlier start are forgotten, since their tokens are.
pub async fn tokens(service: Service, names: &[&str]) -> Result<Vec<SecretString>, CliError> {
    let mut client = NodeServiceClient::new(service).max_decoding_message_size(MAX_MESSAGE);
    for name in earlier(&mut client).await? {
        client.delete_node(DeleteNodeRequest { name, allow_missing: true, ..Default::default() }).await?;
    }
    let mut tokens = Vec::new();
    for name in names {
        let node = Some(Node { name: (*name).to_owned(), ..Node::default() });
        let reply = client.create_node(CreateNodeRequest { node, validate_only: false }).await?.into_inner();
        tokens.push(SecretString::from(reply.join_token));
    }
    Ok(tokens)
}

async fn earlier(client: &mut NodeServiceClient<Service>) -> Result<Vec<String>, CliError> {
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = client.list_nodes(ListNodesRequest { page_size: 1000, page_token }).await?.into_inner();
        names.extend(page.nodes.into_iter().map(|node| node.name).filter(|name| is_ours(name)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(names);
        }
    }
}

fn is_ours(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|number| number.parse::<u16>().is_ok())
}

/// A node reads its token from a file, once, when it starts. This one is its owner's alone and ends when it is dropped.
pub fn private_file(token: &SecretString) -> Result<NamedTempFile, CliError> {
    let written = NamedTempFile::new().and_then(|mut file| {
        file.write_all(token.expose_secret().as_bytes())?;
        Ok(file)
    });
    written.map_err(|error| CliError::Failed(format!("cannot write a node's join token: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nodes_of_this_process_are_forgotten() {
        assert!(is_ours(&name(0)) && is_ours("local-12"));
        assert!(!is_ours("local") && !is_ours("local-a") && !is_ours("edge-1"));
    }
}
