//! Keys: the credentials of providers.

use super::{Admin, required, update, written};
use crate::edit::{
    Edit,
    record::{Body, Id},
};
use pointsman_proto::admin::v1::{
    Commit, CreateKeyRequest, CreateKeyResponse, DeleteKeyRequest, DeleteKeyResponse, GetKeyRequest, GetKeyResponse,
    Key, ListKeysRequest, ListKeysResponse, ResetKeyRequest, ResetKeyResponse, UpdateKeyRequest, UpdateKeyResponse,
    key_service_server::KeyService,
};
use pointsman_proto::domain::{KeyId, Name};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl KeyService for Admin {
    async fn list_keys(&self, request: Request<ListKeysRequest>) -> Result<Response<ListKeysResponse>, Status> {
        let request = request.into_inner();
        let belongs = |id: &Id| match id {
            Id::Key(provider, _) => request.provider.is_empty() || *provider == request.provider,
            _ => false,
        };
        let first = Id::Key(request.provider.clone(), String::new());
        let (keys, next_page_token) = self.page(first, request.page_size, &request.page_token, belongs)?;
        Ok(Response::new(ListKeysResponse { keys, next_page_token }))
    }

    async fn get_key(&self, request: Request<GetKeyRequest>) -> Result<Response<GetKeyResponse>, Status> {
        let request = request.into_inner();
        let key = Some(self.get(&Id::Key(request.provider, request.name))?);
        Ok(Response::new(GetKeyResponse { key }))
    }

    async fn create_key(&self, request: Request<CreateKeyRequest>) -> Result<Response<CreateKeyResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let body = required(request.key, "key")?;
        let id = body.id();
        let commit = self.submit(Edit::Create(body), &caller, request.validate_only).await?;
        Ok(Response::new(CreateKeyResponse { key: written(&commit, &id), commit: Some(Commit::from(&commit)) }))
    }

    async fn update_key(&self, request: Request<UpdateKeyRequest>) -> Result<Response<UpdateKeyResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let body: Body = required(request.key, "key")?;
        let id = body.id();
        let edit = update(body, request.update_mask.map(|mask| mask.paths), request.allow_missing);
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(UpdateKeyResponse { key: written(&commit, &id), commit: Some(Commit::from(&commit)) }))
    }

    async fn delete_key(&self, request: Request<DeleteKeyRequest>) -> Result<Response<DeleteKeyResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let id = Id::Key(request.provider, request.name);
        let edit = Edit::Delete { id, etag: request.etag, allow_missing: request.allow_missing };
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(DeleteKeyResponse { commit: Some(Commit::from(&commit)) }))
    }

    async fn reset_key(&self, request: Request<ResetKeyRequest>) -> Result<Response<ResetKeyResponse>, Status> {
        let request = request.into_inner();
        let id = Id::Key(request.provider, request.name);
        let key: Key = self.get(&id)?;
        if let (Some(provider), Some(key)) = (Name::parse(&key.provider), Name::parse(&key.name)) {
            (self.fleet.reset_key)(KeyId { provider, key });
        }
        Ok(Response::new(ResetKeyResponse {}))
    }
}
