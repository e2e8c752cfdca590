use super::verbs::{self, Delete, Edited, Noun, Page, Update};
use crate::{
    args::{
        model::{ModelCommand, ModelFields, SetWeightsArgs},
        shared::Everything,
    },
    client::{MAX_MESSAGE, Service, Session},
    error::CliError,
    mask::Mask,
    output::{Row, enabled, or_dash},
};
use pointsman_proto::admin::v1::{
    Backend, Commit, CreateModelRequest, DeleteModelRequest, GetModelRequest, Hedging, ListModelsRequest, Model,
    SetModelWeightsRequest, UpdateModelRequest, model_service_client::ModelServiceClient,
};
use tonic::Status;

pub async fn run(session: &Session, command: ModelCommand) -> Result<(), CliError> {
    match command {
        ModelCommand::Verb(verb) => verbs::run::<Model>(session, verb).await,
        ModelCommand::SetWeights(args) => set_weights(session, args).await,
    }
}

async fn set_weights(session: &Session, args: SetWeightsArgs) -> Result<(), CliError> {
    let service = session.connect().await?;
    let done = format!("weights of model {} set", args.name);
    let request = SetModelWeightsRequest {
        name: args.name,
        weights: args.weights,
        etag: args.etag.etag.unwrap_or_default(),
        validate_only: args.edit.commit.dry_run,
    };
    let reply = client(service.clone()).set_model_weights(request).await?.into_inner();
    let edited = Edited { resource: reply.model, commit: reply.commit, token: None };
    verbs::finish(service, edited, &done, &args.edit).await
}

impl Row for Model {
    const HEADERS: &'static [&'static str] = &["NAME", "STRATEGY", "ENABLED", "BACKENDS", "FALLBACKS", "ALIASES"];
    const PLURAL: &'static str = "models";

    fn name(&self) -> String {
        self.name.clone()
    }

    fn row(&self) -> Vec<String> {
        let strategy = if self.strategy.is_empty() { "weighted_random" } else { &self.strategy };
        let backends: Vec<String> = self.backends.iter().map(backend).collect();
        let lists = [backends, self.fallbacks.clone(), self.aliases.clone()].map(|list| or_dash(list.join(",")));
        [self.name(), strategy.to_owned(), enabled(self.enabled)].into_iter().chain(lists).collect()
    }
}

/// As it is typed.
fn backend(backend: &Backend) -> String {
    let slash = if backend.model.is_empty() { "" } else { "/" };
    format!("{}{slash}{}={}", backend.provider, backend.model, backend.weight.unwrap_or(1.0))
}

impl Noun for Model {
    const KIND: &'static str = "model";
    type Fields = ModelFields;
    type Filter = Everything;

    fn named(name: &str) -> Result<Self, CliError> {
        Ok(Self { name: name.to_owned(), ..Self::default() })
    }

    fn set_etag(&mut self, etag: String) {
        self.etag = etag;
    }

    fn fill(&mut self, fields: ModelFields, mask: &mut Mask) -> Result<(), CliError> {
        mask.put("backends", fields.backend, &mut self.backends);
        mask.put("fallbacks", fields.fallback, &mut self.fallbacks);
        mask.put("aliases", fields.alias, &mut self.aliases);
        mask.put("strategy", fields.strategy, &mut self.strategy);
        mask.put_some("enabled", fields.enabled, &mut self.enabled);
        mask.put_some("affinity", fields.affinity, &mut self.affinity);
        mask.put("headroom", fields.headroom, &mut self.headroom);
        let (after, percentile) = (fields.hedge_after, fields.hedge_percentile);
        let says_when = after.is_some() || percentile.is_some();
        self.hedging = mask.nested(|mask, to: &mut Hedging| {
            // One takes the other's place.
            mask.put("hedging.after", says_when.then_some(after), &mut to.after);
            mask.put("hedging.percentile", says_when.then_some(percentile.unwrap_or(0)), &mut to.percentile);
            mask.put("hedging.budget_percent", fields.hedge_budget, &mut to.budget_percent);
        });
        Ok(())
    }

    async fn list(service: Service, _: &Everything, page_token: String) -> Result<Page<Self>, Status> {
        let reply = client(service).list_models(ListModelsRequest { page_size: 0, page_token }).await?.into_inner();
        Ok(Page { items: reply.models, next_page_token: reply.next_page_token })
    }

    async fn get(service: Service, wanted: Self) -> Result<Option<Self>, Status> {
        Ok(client(service).get_model(GetModelRequest { name: wanted.name }).await?.into_inner().model)
    }

    async fn create(service: Service, resource: Self, validate_only: bool) -> Result<Edited<Self>, Status> {
        let request = CreateModelRequest { model: Some(resource), validate_only };
        let reply = client(service).create_model(request).await?.into_inner();
        Ok(Edited { resource: reply.model, commit: reply.commit, token: None })
    }

    async fn update(service: Service, update: Update<Self>) -> Result<Edited<Self>, Status> {
        let Update { resource, mask, allow_missing, validate_only } = update;
        let request =
            UpdateModelRequest { model: Some(resource), update_mask: Some(mask), allow_missing, validate_only };
        let reply = client(service).update_model(request).await?.into_inner();
        Ok(Edited { resource: reply.model, commit: reply.commit, token: None })
    }

    async fn delete(service: Service, delete: Delete<Self>) -> Result<Option<Commit>, Status> {
        let Delete { resource: Self { name, etag, .. }, allow_missing, validate_only } = delete;
        let request = DeleteModelRequest { name, etag, validate_only, allow_missing };
        Ok(client(service).delete_model(request).await?.into_inner().commit)
    }
}

fn client(service: Service) -> ModelServiceClient<Service> {
    ModelServiceClient::new(service).max_decoding_message_size(MAX_MESSAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command, shared::Verb};
    use clap::Parser;

    fn filled(flags: &str) -> (Model, Vec<String>) {
        let line = format!("pointsman model update m {flags}");
        let Ok(Cli { command: Command::Model(ModelCommand::Verb(Verb::Update(args))), .. }) =
            Cli::try_parse_from(line.split(' '))
        else {
            panic!("a legal command line");
        };
        let (mut model, mut mask) = (Model::named("m").expect("a name"), Mask::default());
        model.fill(args.fields, &mut mask).expect("legal fields");
        (model, mask.into_update().expect("some paths").paths)
    }

    #[test]
    fn the_two_ways_of_saying_when_to_hedge_replace_each_other() {
        let (model, paths) = filled("--hedge-percentile 95");
        assert_eq!(paths, ["hedging.after", "hedging.percentile"]);
        assert_eq!(model.hedging.map(|hedging| (hedging.after, hedging.percentile)), Some((None, 95)));
        let (model, paths) = filled("--hedge-budget 10");
        assert_eq!((model.hedging.map(|hedging| hedging.budget_percent), paths.len()), (Some(10), 1));
    }

    #[test]
    fn affinity_and_headroom_are_fields_of_their_own() {
        let (model, paths) = filled("--affinity header:x-team,max_load=2 --headroom false --strategy auto");
        assert_eq!(paths, ["strategy", "affinity", "headroom"]);
        assert_eq!(model.affinity.map(|affinity| affinity.header), Some("x-team".to_owned()));
    }
}
