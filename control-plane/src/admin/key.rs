//! Keys: the credentials of providers.

use super::{Admin, required, update, written};
use crate::edit::{
    Edit,
    record::{Body, Id},
};
use pbjson_types::Timestamp;
use pointsman_proto::admin::v1::{
    Commit, CreateKeyRequest, CreateKeyResponse, DeleteKeyRequest, DeleteKeyResponse, GetKeyRequest, GetKeyResponse,
    Key, ListKeysRequest, ListKeysResponse, ResetKeyRequest, ResetKeyResponse, UpdateKeyRequest, UpdateKeyResponse,
    key_service_server::KeyService,
};
use pointsman_proto::domain::{KeyId, Name};
use tonic::{Request, Response, Status};

impl Admin {
    /// Adds what is known of a key's secret now, beyond what the configuration says.
    fn describe(&self, key: &mut Key) {
        let unreadable = self.publisher.source_problems().borrow().clone();
        key.problem = self.tokens.against(key, &unreadable).map(|(_, why)| why).unwrap_or_default();
        let expires_at = self.tokens.login(key).and_then(|login| login.expires_at);
        key.secret_expire_time =
            expires_at.map(|at| Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() });
    }
}

#[tonic::async_trait]
impl KeyService for Admin {
    async fn list_keys(&self, request: Request<ListKeysRequest>) -> Result<Response<ListKeysResponse>, Status> {
        let request = request.into_inner();
        let belongs = |id: &Id| match id {
            Id::Key(provider, _) => request.provider.is_empty() || *provider == request.provider,
            _ => false,
        };
        let first = Id::Key(request.provider.clone(), String::new());
        let (mut keys, next_page_token) = self.page(first, request.page_size, &request.page_token, belongs)?;
        keys.iter_mut().for_each(|key| self.describe(key));
        Ok(Response::new(ListKeysResponse { keys, next_page_token }))
    }

    async fn get_key(&self, request: Request<GetKeyRequest>) -> Result<Response<GetKeyResponse>, Status> {
        let request = request.into_inner();
        let mut key = self.get(&Id::Key(request.provider, request.name))?;
        self.describe(&mut key);
        Ok(Response::new(GetKeyResponse { key: Some(key) }))
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
        if let (Some(provider), Some(name)) = (Name::parse(&key.provider), Name::parse(&key.name)) {
            (self.fleet.reset_key)(KeyId { provider, key: name });
        }
        self.tokens.reset(&key);
        Ok(Response::new(ResetKeyResponse {}))
    }
}
