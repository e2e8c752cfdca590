//! The configuration as a whole, its history, and the fleet that runs it.

use super::{Admin, page, required, status, update, written};
use crate::{
    edit::{
        Edit,
        canonical::canonical,
        record::{Body, Id},
        tables::Tables,
    },
    publisher::Commit,
    store::history::Revision as Stored,
};
use futures_util::{Stream, StreamExt, stream};
use pointsman_proto::admin::v1::{
    self, ApplyRequest, ApplyResponse, Config, CreatedToken, ExplainRequest, ExplainResponse, ExportRequest,
    ExportResponse, GetFleetRequest, GetFleetResponse, GetRevisionRequest, GetRevisionResponse, GetSettingsRequest,
    GetSettingsResponse, GetStatsRequest, GetStatsResponse, ListRevisionsRequest, ListRevisionsResponse,
    ResourceChange, Revision, RollbackRequest, RollbackResponse, UpdateSettingsRequest, UpdateSettingsResponse,
    WatchRequest, WatchResponse, config_service_server::ConfigService,
};
use secrecy::ExposeSecret;
use std::{pin::Pin, time::Duration};
use tonic::{Request, Response, Status};

/// No two answers of a watch are closer than this.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

#[tonic::async_trait]
impl ConfigService for Admin {
    async fn apply(&self, request: Request<ApplyRequest>) -> Result<Response<ApplyResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let config = request.config.ok_or_else(|| status::invalid_field("config", "is required"))?;
        let edit = Edit::Apply { config, prune: request.prune, allow_empty: request.allow_empty };
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        let tokens = commit
            .tokens
            .iter()
            .map(|(id, token)| CreatedToken { virtual_key: id.name(), token: token.expose_secret().to_owned() });
        let tokens = tokens.collect();
        Ok(Response::new(ApplyResponse { commit: Some((&commit).into()), changes: shown(&commit), tokens }))
    }

    async fn export(&self, _: Request<ExportRequest>) -> Result<Response<ExportResponse>, Status> {
        let state = self.publisher.state();
        let config = Some(export(&state.configuration.tables));
        Ok(Response::new(ExportResponse { config, version: state.version }))
    }

    async fn get_settings(&self, _: Request<GetSettingsRequest>) -> Result<Response<GetSettingsResponse>, Status> {
        Ok(Response::new(GetSettingsResponse { settings: Some(self.get(&Id::Settings)?) }))
    }

    async fn update_settings(
        &self,
        request: Request<UpdateSettingsRequest>,
    ) -> Result<Response<UpdateSettingsResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let body: Body = required(request.settings, "settings")?;
        let edit = update(body, request.update_mask.map(|mask| mask.paths), false);
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        let settings = written(&commit, &Id::Settings);
        Ok(Response::new(UpdateSettingsResponse { settings, commit: Some((&commit).into()) }))
    }

    async fn list_revisions(
        &self,
        request: Request<ListRevisionsRequest>,
    ) -> Result<Response<ListRevisionsResponse>, Status> {
        let request = request.into_inner();
        let before = match request.page_token.as_str() {
            "" => u64::MAX,
            token => page::read_token(token)?
                .parse()
                .map_err(|_| status::invalid_field("page_token", "is not from an answer of this listing"))?,
        };
        let size = page::size(request.page_size);
        let limit = u32::try_from(size + 1).unwrap_or(u32::MAX);
        let mut found = self.publisher.revisions(before, limit).await.map_err(status::of)?;
        let more = found.len() > size;
        found.truncate(size);
        let last = found.last().filter(|_| more).map(|revision| page::token(&revision.version.to_string()));
        let revisions = found.into_iter().map(Into::into).collect();
        Ok(Response::new(ListRevisionsResponse { revisions, next_page_token: last.unwrap_or_default() }))
    }

    async fn get_revision(
        &self,
        request: Request<GetRevisionRequest>,
    ) -> Result<Response<GetRevisionResponse>, Status> {
        let version = request.into_inner().version;
        let found = self.publisher.revision(version).await.map_err(status::of)?;
        let revision = found.ok_or_else(|| status::no_such_revision(version))?;
        Ok(Response::new(GetRevisionResponse { revision: Some(revision.into()) }))
    }

    async fn rollback(&self, request: Request<RollbackRequest>) -> Result<Response<RollbackResponse>, Status> {
        let (_, caller, request) = request.into_parts();
        let edit = Edit::Rollback { version: request.version, undone: Vec::new() };
        let commit = self.submit(edit, &caller, request.validate_only).await?;
        Ok(Response::new(RollbackResponse { commit: Some((&commit).into()), changes: shown(&commit) }))
    }

    async fn get_fleet(&self, _: Request<GetFleetRequest>) -> Result<Response<GetFleetResponse>, Status> {
        Ok(Response::new(GetFleetResponse { fleet: Some((self.fleet.view)()) }))
    }

    async fn explain(&self, request: Request<ExplainRequest>) -> Result<Response<ExplainResponse>, Status> {
        self.explain_request(request.into_inner()).await.map(Response::new)
    }

    async fn get_stats(&self, request: Request<GetStatsRequest>) -> Result<Response<GetStatsResponse>, Status> {
        self.statistics(request.into_inner()).await.map(Response::new)
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let asked = request.into_inner().min_interval.and_then(|d| Duration::try_from(d).ok());
        let interval = asked.unwrap_or_default().max(MIN_INTERVAL);
        let view = self.fleet.view.clone();
        let mut changed = self.fleet.changed.clone();
        changed.mark_changed(); // the first answer comes at once
        let answers = stream::unfold((changed, view, true), move |(mut changed, view, first)| async move {
            if !first {
                tokio::time::sleep(interval).await;
            }
            changed.changed().await.ok()?;
            let answer = WatchResponse { fleet: Some(view()) };
            Some((Ok(answer), (changed, view, false)))
        });
        Ok(Response::new(Box::pin(answers.take_until(self.stop.clone().cancelled_owned()))))
    }
}

fn shown(commit: &Commit) -> Vec<ResourceChange> {
    commit.changes.iter().filter_map(|change| change.shown()).collect()
}

/// The configuration in the form in which applying it again changes nothing: without what is the server's own.
fn export(tables: &Tables) -> Config {
    let mut config = Config::default();
    for (_, record) in tables.iter() {
        match canonical(record.body.clone()) {
            Body::Settings(settings) => config.settings = Some(settings),
            Body::Provider(provider) => config.providers.push(provider),
            Body::Key(key) => config.keys.push(key),
            Body::Model(model) => config.models.push(model),
            Body::Rule(rule) => config.rules.push(rule),
            Body::VirtualKey(key) => config.virtual_keys.push(key),
            Body::Node(_) => {}
        }
    }
    config
}

impl From<Stored> for Revision {
    fn from(stored: Stored) -> Self {
        let ms = stored.created_at_ms;
        let create_time =
            pbjson_types::Timestamp { seconds: ms.div_euclid(1000), nanos: (ms.rem_euclid(1000) * 1_000_000) as i32 };
        v1::Revision {
            version: stored.version,
            actor: stored.actor,
            create_time: Some(create_time),
            summary: stored.summary,
            changes: stored.changes.iter().filter_map(|change| change.shown()).collect(),
        }
    }
}
