use super::verbs::{Delete, Edited, Noun, Page, Token, Update};
use crate::{
    args::{shared::Everything, small::NodeFields},
    client::{MAX_MESSAGE, Service},
    error::CliError,
    mask::Mask,
    output::{Row, or_dash},
};
use pointsman_proto::admin::v1::{
    Commit, CreateNodeRequest, DeleteNodeRequest, GetNodeRequest, ListNodesRequest, Node, UpdateNodeRequest,
    node_service_client::NodeServiceClient,
};
use tonic::Status;

const ADVICE: &str = "This is the token with which the node joins.";

impl Row for Node {
    const HEADERS: &'static [&'static str] = &["NAME", "ZONE"];
    const PLURAL: &'static str = "nodes";

    fn name(&self) -> String {
        self.name.clone()
    }

    fn row(&self) -> Vec<String> {
        vec![self.name(), or_dash(&self.zone)]
    }
}

impl Noun for Node {
    const KIND: &'static str = "node";
    type Fields = NodeFields;
    type Filter = Everything;

    fn named(name: &str) -> Result<Self, CliError> {
        Ok(Self { name: name.to_owned(), ..Self::default() })
    }

    fn set_etag(&mut self, etag: String) {
        self.etag = etag;
    }

    fn fill(&mut self, fields: NodeFields, mask: &mut Mask) -> Result<(), CliError> {
        mask.put("zone", fields.zone, &mut self.zone);
        Ok(())
    }

    async fn list(service: Service, _: &Everything, page_token: String) -> Result<Page<Self>, Status> {
        let reply = client(service).list_nodes(ListNodesRequest { page_size: 0, page_token }).await?.into_inner();
        Ok(Page { items: reply.nodes, next_page_token: reply.next_page_token })
    }

    async fn get(service: Service, wanted: Self) -> Result<Option<Self>, Status> {
        Ok(client(service).get_node(GetNodeRequest { name: wanted.name }).await?.into_inner().node)
    }

    async fn create(service: Service, resource: Self, validate_only: bool) -> Result<Edited<Self>, Status> {
        let request = CreateNodeRequest { node: Some(resource), validate_only };
        let reply = client(service).create_node(request).await?.into_inner();
        let token = Token::new("join_token", reply.join_token, ADVICE);
        Ok(Edited { resource: reply.node, commit: reply.commit, token })
    }

    async fn update(service: Service, update: Update<Self>) -> Result<Edited<Self>, Status> {
        let Update { resource, mask, allow_missing, validate_only } = update;
        let request = UpdateNodeRequest { node: Some(resource), update_mask: Some(mask), allow_missing, validate_only };
        let reply = client(service).update_node(request).await?.into_inner();
        Ok(Edited { resource: reply.node, commit: reply.commit, token: None })
    }

    async fn delete(service: Service, delete: Delete<Self>) -> Result<Option<Commit>, Status> {
        let Delete { resource: Self { name, etag, .. }, allow_missing, validate_only } = delete;
        let request = DeleteNodeRequest { name, etag, validate_only, allow_missing };
        Ok(client(service).delete_node(request).await?.into_inner().commit)
    }
}

fn client(service: Service) -> NodeServiceClient<Service> {
    NodeServiceClient::new(service).max_decoding_message_size(MAX_MESSAGE)
}
