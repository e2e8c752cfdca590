//! Virtual keys: the credentials of clients.

use super::{Admin, required, token, update, written};
use crate::edit::{
    Edit,
    record::{Body, Id},
};
use pointsman_proto::admin::v1::{
    Commit, CreateVirtualKeyRequest, CreateVirtualKeyResponse, DeleteVirtualKeyRequest, DeleteVirtualKeyResponse,
    GetVirtualKeyRequest, GetVirtualKeyResponse, ListVirtualKeysRequest, ListVirtualKeysResponse,
    UpdateVirtualKeyRequest, UpdateVirtualKeyResponse, virtual_key_service_server::VirtualKeyService,
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl VirtualKeyService for Admin {
    async fn list_virtual_keys(
        &self,
        request: Request<ListVirtualKeysRequest>,
    ) -> Result<Response<ListVirtualKeysResponse>, Status> {
        let request = request.into_inner();
        let belongs = |id: &Id| matches!(id, Id::VirtualKey(_));
        let first = Id::VirtualKey(String::new());
        let (virtual_keys, next_page_token) = self.page(first, request.page_size, &request.page_token, belongs)?;
        Ok(Response::new(ListVirtualKeysResponse { virtual_keys, next_page_token }))
    }

    async fn get_virtual_key(
        &self,
        request: Request<GetVirtualKeyRequest>,
    ) -> Result<Response<GetVirtualKeyResponse>, Status> {
        let virtual_key = Some(self.get(&Id::VirtualKey(request.into_inner().name))?);
        Ok(Response::new(GetVirtualKeyResponse { virtual_key }))
    }

    async fn create_virtual_key(
        &self,
        request: Request<CreateVirtualKeyRequest>,
    ) -> Result<Response<CreateVirtualKeyResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let body = required(request.virtual_key, "virtual_key")?;
        let id = body.id();
        let commit = self.submit(Edit::Create(body), &caller, request.validate_only).await?;
        Ok(Response::new(CreateVirtualKeyResponse {
            virtual_key: written(&commit, &id),
            commit: Some(Commit::from(&commit)),
            token: token(&commit, &id),
        }))
    }

    async fn update_virtual_key(
        &self,
        request: Request<UpdateVirtualKeyRequest>,
    ) -> Result<Response<UpdateVirtualKeyResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let body: Body = required(request.virtual_key, "virtual_key")?;
        let id = body.id();
        let edit = update(body, request.update_mask.map(|mask| mask.paths), request.allow_missing);
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(UpdateVirtualKeyResponse {
            virtual_key: written(&commit, &id),
            commit: Some(Commit::from(&commit)),
        }))
    }

    async fn delete_virtual_key(
        &self,
        request: Request<DeleteVirtualKeyRequest>,
    ) -> Result<Response<DeleteVirtualKeyResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let id = Id::VirtualKey(request.name);
        let edit = Edit::Delete { id, etag: request.etag, allow_missing: request.allow_missing };
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(DeleteVirtualKeyResponse { commit: Some(Commit::from(&commit)) }))
    }
}
