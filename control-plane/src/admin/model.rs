//! Models, and the weights of their backends.

use super::{Admin, required, update, written};
use crate::edit::{
    Edit,
    record::{Body, Id},
};
use pointsman_proto::admin::v1::{
    Commit, CreateModelRequest, CreateModelResponse, DeleteModelRequest, DeleteModelResponse, GetModelRequest,
    GetModelResponse, ListModelsRequest, ListModelsResponse, SetModelWeightsRequest, UpdateModelRequest,
    UpdateModelResponse, model_service_server::ModelService,
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl ModelService for Admin {
    async fn list_models(&self, request: Request<ListModelsRequest>) -> Result<Response<ListModelsResponse>, Status> {
        let request = request.into_inner();
        let belongs = |id: &Id| matches!(id, Id::Model(_));
        let first = Id::Model(String::new());
        let (models, next_page_token) = self.page(first, request.page_size, &request.page_token, belongs)?;
        Ok(Response::new(ListModelsResponse { models, next_page_token }))
    }

    async fn get_model(&self, request: Request<GetModelRequest>) -> Result<Response<GetModelResponse>, Status> {
        let model = Some(self.get(&Id::Model(request.into_inner().name))?);
        Ok(Response::new(GetModelResponse { model }))
    }

    async fn create_model(
        &self,
        request: Request<CreateModelRequest>,
    ) -> Result<Response<CreateModelResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let body = required(request.model, "model")?;
        let id = body.id();
        let commit = self.submit(Edit::Create(body), &caller, request.validate_only).await?;
        Ok(Response::new(CreateModelResponse { model: written(&commit, &id), commit: Some(Commit::from(&commit)) }))
    }

    async fn update_model(
        &self,
        request: Request<UpdateModelRequest>,
    ) -> Result<Response<UpdateModelResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let body: Body = required(request.model, "model")?;
        let id = body.id();
        let edit = update(body, request.update_mask.map(|mask| mask.paths), request.allow_missing);
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(UpdateModelResponse { model: written(&commit, &id), commit: Some(Commit::from(&commit)) }))
    }

    async fn delete_model(
        &self,
        request: Request<DeleteModelRequest>,
    ) -> Result<Response<DeleteModelResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let id = Id::Model(request.name);
        let edit = Edit::Delete { id, etag: request.etag, allow_missing: request.allow_missing };
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(DeleteModelResponse { commit: Some(Commit::from(&commit)) }))
    }

    async fn set_model_weights(
        &self,
        request: Request<SetModelWeightsRequest>,
    ) -> Result<Response<UpdateModelResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let id = Id::Model(request.name.clone());
        let edit = Edit::SetWeights { model: request.name, weights: request.weights, etag: request.etag };
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(UpdateModelResponse { model: written(&commit, &id), commit: Some(Commit::from(&commit)) }))
    }
}
