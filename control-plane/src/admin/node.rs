//! Nodes: who may join the fleet.

use super::{Admin, required, token, update, written};
use crate::edit::{
    Edit,
    record::{Body, Id},
};
use pointsman_proto::admin::v1::{
    Commit, CreateNodeRequest, CreateNodeResponse, DeleteNodeRequest, DeleteNodeResponse, GetNodeRequest,
    GetNodeResponse, ListNodesRequest, ListNodesResponse, UpdateNodeRequest, UpdateNodeResponse,
    node_service_server::NodeService,
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl NodeService for Admin {
    async fn list_nodes(&self, request: Request<ListNodesRequest>) -> Result<Response<ListNodesResponse>, Status> {
        let request = request.into_inner();
        let belongs = |id: &Id| matches!(id, Id::Node(_));
        let first = Id::Node(String::new());
        let (nodes, next_page_token) = self.page(first, request.page_size, &request.page_token, belongs)?;
        Ok(Response::new(ListNodesResponse { nodes, next_page_token }))
    }

    async fn get_node(&self, request: Request<GetNodeRequest>) -> Result<Response<GetNodeResponse>, Status> {
        let node = Some(self.get(&Id::Node(request.into_inner().name))?);
        Ok(Response::new(GetNodeResponse { node }))
    }

    async fn create_node(&self, request: Request<CreateNodeRequest>) -> Result<Response<CreateNodeResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let body = required(request.node, "node")?;
        let id = body.id();
        let commit = self.submit(Edit::Create(body), &caller, request.validate_only).await?;
        Ok(Response::new(CreateNodeResponse {
            node: written(&commit, &id),
            commit: Some(Commit::from(&commit)),
            join_token: token(&commit, &id),
        }))
    }

    async fn update_node(&self, request: Request<UpdateNodeRequest>) -> Result<Response<UpdateNodeResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let body: Body = required(request.node, "node")?;
        let id = body.id();
        let edit = update(body, request.update_mask.map(|mask| mask.paths), request.allow_missing);
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(UpdateNodeResponse { node: written(&commit, &id), commit: Some(Commit::from(&commit)) }))
    }

    async fn delete_node(&self, request: Request<DeleteNodeRequest>) -> Result<Response<DeleteNodeResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let id = Id::Node(request.name);
        let edit = Edit::Delete { id, etag: request.etag, allow_missing: request.allow_missing };
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(DeleteNodeResponse { commit: Some(Commit::from(&commit)) }))
    }
}
