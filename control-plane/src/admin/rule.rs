//! Rules: which model serves a request, by what the request is.

use super::{Admin, required, update, written};
use crate::edit::{
    Edit,
    record::{Body, Id},
};
use pointsman_proto::admin::v1::{
    Commit, CreateRuleRequest, CreateRuleResponse, DeleteRuleRequest, DeleteRuleResponse, GetRuleRequest,
    GetRuleResponse, ListRulesRequest, ListRulesResponse, UpdateRuleRequest, UpdateRuleResponse,
    rule_service_server::RuleService,
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl RuleService for Admin {
    async fn list_rules(&self, request: Request<ListRulesRequest>) -> Result<Response<ListRulesResponse>, Status> {
        let request = request.into_inner();
        let belongs = |id: &Id| matches!(id, Id::Rule(_));
        let first = Id::Rule(String::new());
        let (rules, next_page_token) = self.page(first, request.page_size, &request.page_token, belongs)?;
        Ok(Response::new(ListRulesResponse { rules, next_page_token }))
    }

    async fn get_rule(&self, request: Request<GetRuleRequest>) -> Result<Response<GetRuleResponse>, Status> {
        let rule = Some(self.get(&Id::Rule(request.into_inner().name))?);
        Ok(Response::new(GetRuleResponse { rule }))
    }

    async fn create_rule(&self, request: Request<CreateRuleRequest>) -> Result<Response<CreateRuleResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let body = required(request.rule, "rule")?;
        let id = body.id();
        let commit = self.submit(Edit::Create(body), &caller, request.validate_only).await?;
        Ok(Response::new(CreateRuleResponse { rule: written(&commit, &id), commit: Some(Commit::from(&commit)) }))
    }

    async fn update_rule(&self, request: Request<UpdateRuleRequest>) -> Result<Response<UpdateRuleResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let body: Body = required(request.rule, "rule")?;
        let id = body.id();
        let edit = update(body, request.update_mask.map(|mask| mask.paths), request.allow_missing);
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(UpdateRuleResponse { rule: written(&commit, &id), commit: Some(Commit::from(&commit)) }))
    }

    async fn delete_rule(&self, request: Request<DeleteRuleRequest>) -> Result<Response<DeleteRuleResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let id = Id::Rule(request.name);
        let edit = Edit::Delete { id, etag: request.etag, allow_missing: request.allow_missing };
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(DeleteRuleResponse { commit: Some(Commit::from(&commit)) }))
    }
}
