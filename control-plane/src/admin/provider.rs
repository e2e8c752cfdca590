//! Providers.

use super::{Admin, required, status, update, written};
use crate::edit::{
    Edit,
    record::{Body, Id},
};
use pointsman_proto::admin::v1::{
    Commit, CreateProviderRequest, CreateProviderResponse, DeleteProviderRequest, DeleteProviderResponse,
    GetProviderRequest, GetProviderResponse, ListProvidersRequest, ListProvidersResponse, ListUpstreamModelsRequest,
    ListUpstreamModelsResponse, Provider, UpdateProviderRequest, UpdateProviderResponse,
    provider_service_server::ProviderService,
};
use pointsman_proto::domain::Name;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl ProviderService for Admin {
    async fn list_providers(
        &self,
        request: Request<ListProvidersRequest>,
    ) -> Result<Response<ListProvidersResponse>, Status> {
        let request = request.into_inner();
        let belongs = |id: &Id| matches!(id, Id::Provider(_));
        let first = Id::Provider(String::new());
        let (providers, next_page_token) = self.page(first, request.page_size, &request.page_token, belongs)?;
        Ok(Response::new(ListProvidersResponse { providers, next_page_token }))
    }

    async fn get_provider(
        &self,
        request: Request<GetProviderRequest>,
    ) -> Result<Response<GetProviderResponse>, Status> {
        let provider = Some(self.get(&Id::Provider(request.into_inner().name))?);
        Ok(Response::new(GetProviderResponse { provider }))
    }

    async fn create_provider(
        &self,
        request: Request<CreateProviderRequest>,
    ) -> Result<Response<CreateProviderResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let body = required(request.provider, "provider")?;
        let id = body.id();
        let commit = self.submit(Edit::Create(body), &caller, request.validate_only).await?;
        Ok(Response::new(CreateProviderResponse {
            provider: written(&commit, &id),
            commit: Some(Commit::from(&commit)),
        }))
    }

    async fn update_provider(
        &self,
        request: Request<UpdateProviderRequest>,
    ) -> Result<Response<UpdateProviderResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let body: Body = required(request.provider, "provider")?;
        let id = body.id();
        let edit = update(body, request.update_mask.map(|mask| mask.paths), request.allow_missing);
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(UpdateProviderResponse {
            provider: written(&commit, &id),
            commit: Some(Commit::from(&commit)),
        }))
    }

    async fn list_upstream_models(
        &self,
        request: Request<ListUpstreamModelsRequest>,
    ) -> Result<Response<ListUpstreamModelsResponse>, Status> {
        let id = Id::Provider(request.into_inner().provider);
        let provider: Provider = self.get(&id)?;
        let name = Name::parse(&provider.name).ok_or_else(|| status::not_found(&id))?;
        let models = self.upstream.list(&name).await.map_err(status::of_ask)?;
        Ok(Response::new(ListUpstreamModelsResponse { models }))
    }

    async fn delete_provider(
        &self,
        request: Request<DeleteProviderRequest>,
    ) -> Result<Response<DeleteProviderResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let id = Id::Provider(request.name);
        let edit = Edit::Delete { id, etag: request.etag, allow_missing: request.allow_missing };
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(DeleteProviderResponse { commit: Some(Commit::from(&commit)) }))
    }
}
