use super::verbs::{self, Delete, Edited, Noun, Page, Update};
use crate::{
    args::{
        provider::{CheckFields, ProviderCommand, ProviderFields, UpstreamModelArgs},
        shared::Everything,
    },
    client::{MAX_MESSAGE, Service, Session},
    error::CliError,
    mask::Mask,
    output::{self, Row, enabled, or_dash},
};
use pointsman_proto::admin::v1::{
    CircuitBreaker, Commit, CreateProviderRequest, DeleteProviderRequest, GetProviderRequest, HealthCheck,
    ListProvidersRequest, ListUpstreamModelsRequest, Provider, RateLimits, Timeouts, UpdateProviderRequest,
    UpstreamModel, provider_service_client::ProviderServiceClient,
};
use pointsman_proto::domain::preset;
use tonic::Status;

pub async fn run(session: &Session, command: ProviderCommand) -> Result<(), CliError> {
    match command {
        ProviderCommand::Verb(verb) => verbs::run::<Provider>(session, verb).await,
        ProviderCommand::Models(args) => models(session, args).await,
    }
}

async fn models(session: &Session, args: UpstreamModelArgs) -> Result<(), CliError> {
    let request = ListUpstreamModelsRequest { provider: args.name };
    let reply = client(session.connect().await?).list_upstream_models(request).await?.into_inner();
    output::print_list(&reply.models, args.read.output)
}

impl Row for UpstreamModel {
    const HEADERS: &'static [&'static str] = &["NAME", "DISPLAY-NAME", "CONTEXT", "MAX-OUTPUT"];
    const PLURAL: &'static str = "models";

    fn name(&self) -> String {
        self.name.clone()
    }

    fn row(&self) -> Vec<String> {
        let known = |tokens: u32| if tokens == 0 { "-".to_owned() } else { tokens.to_string() };
        vec![self.name(), or_dash(&self.display_name), known(self.context_window), known(self.max_output_tokens)]
    }
}

impl Row for Provider {
    const HEADERS: &'static [&'static str] = &["NAME", "PROTOCOL", "BASE-URL", "ENABLED", "REGION"];
    const PLURAL: &'static str = "providers";

    fn name(&self) -> String {
        self.name.clone()
    }

    fn row(&self) -> Vec<String> {
        // What a preset means is shown, so that it can be seen where requests go.
        let meant = preset::resolve(self);
        vec![self.name(), meant.protocol, or_dash(meant.base_url), enabled(self.enabled), or_dash(meant.region)]
    }
}

impl Noun for Provider {
    const KIND: &'static str = "provider";
    type Fields = ProviderFields;
    type Filter = Everything;

    fn named(name: &str) -> Result<Self, CliError> {
        Ok(Self { name: name.to_owned(), ..Self::default() })
    }

    fn set_etag(&mut self, etag: String) {
        self.etag = etag;
    }

    fn fill(&mut self, fields: ProviderFields, mask: &mut Mask) -> Result<(), CliError> {
        mask.put("base_url", fields.base_url, &mut self.base_url);
        mask.put("protocol", fields.protocol, &mut self.protocol);
        mask.put("preset", fields.preset, &mut self.preset);
        mask.put("api", fields.api, &mut self.api);
        mask.put("api_version", fields.api_version, &mut self.api_version);
        mask.put_some("compatible", fields.compatible, &mut self.compatible);
        mask.put("token_url", fields.token_url, &mut self.token_url);
        mask.put_some("enabled", fields.enabled, &mut self.enabled);
        mask.put("region", fields.region, &mut self.region);
        mask.put("zone", fields.zone, &mut self.zone);
        mask.put("max_concurrent_requests", fields.max_concurrent_requests, &mut self.max_concurrent_requests);
        mask.put_some("slow_start", fields.slow_start, &mut self.slow_start);
        let (timeouts, circuit, limits) = (fields.timeouts, fields.circuit, fields.limits);
        self.timeouts = mask.nested(|mask, to: &mut Timeouts| {
            mask.put_some("timeouts.connect", timeouts.connect_timeout, &mut to.connect);
            mask.put_some("timeouts.first_byte", timeouts.first_byte_timeout, &mut to.first_byte);
            mask.put_some("timeouts.idle", timeouts.idle_timeout, &mut to.idle);
        });
        self.circuit_breaker = mask.nested(|mask, to: &mut CircuitBreaker| {
            mask.put("circuit_breaker.failure_threshold", circuit.failure_threshold, &mut to.failure_threshold);
            mask.put("circuit_breaker.success_threshold", circuit.success_threshold, &mut to.success_threshold);
            mask.put_some("circuit_breaker.reset_timeout", circuit.reset_timeout, &mut to.reset_timeout);
            mask.put_some("circuit_breaker.monitoring_period", circuit.monitoring_period, &mut to.monitoring_period);
        });
        self.rate_limits = mask.nested(|mask, to: &mut RateLimits| {
            mask.put_some("rate_limits.cooldown", limits.cooldown, &mut to.cooldown);
            mask.put("rate_limits.blacklist_after", limits.blacklist_after, &mut to.blacklist_after);
            mask.put_some("rate_limits.blacklist_for", limits.blacklist_for, &mut to.blacklist_for);
            mask.put_some("rate_limits.blacklist_max", limits.blacklist_max, &mut to.blacklist_max);
        });
        self.health_check = mask.nested(|mask, to| health_check(fields.check, mask, to));
        Ok(())
    }

    async fn list(service: Service, _: &Everything, page_token: String) -> Result<Page<Self>, Status> {
        let request = ListProvidersRequest { page_size: 0, page_token };
        let reply = client(service).list_providers(request).await?.into_inner();
        Ok(Page { items: reply.providers, next_page_token: reply.next_page_token })
    }

    async fn get(service: Service, wanted: Self) -> Result<Option<Self>, Status> {
        Ok(client(service).get_provider(GetProviderRequest { name: wanted.name }).await?.into_inner().provider)
    }

    async fn create(service: Service, resource: Self, validate_only: bool) -> Result<Edited<Self>, Status> {
        let request = CreateProviderRequest { provider: Some(resource), validate_only };
        let reply = client(service).create_provider(request).await?.into_inner();
        Ok(Edited { resource: reply.provider, commit: reply.commit, token: None })
    }

    async fn update(service: Service, update: Update<Self>) -> Result<Edited<Self>, Status> {
        let Update { resource, mask, allow_missing, validate_only } = update;
        let request =
            UpdateProviderRequest { provider: Some(resource), update_mask: Some(mask), allow_missing, validate_only };
        let reply = client(service).update_provider(request).await?.into_inner();
        Ok(Edited { resource: reply.provider, commit: reply.commit, token: None })
    }

    async fn delete(service: Service, delete: Delete<Self>) -> Result<Option<Commit>, Status> {
        let Delete { resource: Self { name, etag, .. }, allow_missing, validate_only } = delete;
        let request = DeleteProviderRequest { name, etag, validate_only, allow_missing };
        Ok(client(service).delete_provider(request).await?.into_inner().commit)
    }
}

fn health_check(fields: CheckFields, mask: &mut Mask, to: &mut HealthCheck) {
    if let Some(check) = fields.health_check {
        // What is asked is said whole, so that nothing is left of another kind.
        mask.put("health_check.kind", Some(check.kind), &mut to.kind);
        mask.put("health_check.path", Some(check.path), &mut to.path);
        mask.put("health_check.model", Some(check.model), &mut to.model);
    }
    mask.put_some("health_check.interval", fields.health_interval, &mut to.interval);
    mask.put_some("health_check.timeout", fields.health_timeout, &mut to.timeout);
    mask.put("health_check.retries", fields.health_retries, &mut to.retries);
}

fn client(service: Service) -> ProviderServiceClient<Service> {
    ProviderServiceClient::new(service).max_decoding_message_size(MAX_MESSAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command, shared::Verb};
    use clap::Parser;

    #[test]
    fn an_update_names_exactly_the_given_fields() {
        let line =
            "pointsman provider update openai --cooldown 90s --base-url https://x --enabled false --connect-timeout 2s";
        let Ok(Cli { command: Command::Provider(ProviderCommand::Verb(Verb::Update(args))), .. }) =
            Cli::try_parse_from(line.split(' '))
        else {
            panic!("a legal command line");
        };
        let (mut provider, mut mask) = (Provider::named("openai").expect("a name"), Mask::default());
        provider.fill(args.fields, &mut mask).expect("legal fields");
        let paths = mask.into_update().expect("some paths").paths;
        assert_eq!(paths, ["base_url", "enabled", "timeouts.connect", "rate_limits.cooldown"]);
        assert_eq!(provider.enabled, Some(false));
        assert_eq!(provider.rate_limits.and_then(|limits| limits.cooldown).map(|cooldown| cooldown.seconds), Some(90));
        assert_eq!(provider.circuit_breaker, None);
    }

    #[test]
    fn a_health_check_is_said_whole_and_its_times_by_themselves() {
        for (flags, paths) in [
            ("--health-check tcp", vec!["kind", "path", "model"]),
            ("--health-interval 10s --health-retries 2", vec!["interval", "retries"]),
        ] {
            let line = format!("pointsman provider update p {flags}");
            let Ok(Cli { command: Command::Provider(ProviderCommand::Verb(Verb::Update(args))), .. }) =
                Cli::try_parse_from(line.split(' '))
            else {
                panic!("a legal command line");
            };
            let (mut provider, mut mask) = (Provider::named("p").expect("a name"), Mask::default());
            provider.fill(args.fields, &mut mask).expect("legal fields");
            let expected: Vec<String> = paths.iter().map(|field| format!("health_check.{field}")).collect();
            assert_eq!(mask.into_update().expect("some paths").paths, expected);
            assert!(provider.health_check.is_some());
        }
    }

    #[test]
    fn a_preset_is_shown_as_what_it_means() {
        let provider = Provider { name: "b".into(), preset: "bedrock".into(), ..Provider::default() };
        let expected = ["b", "bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com", "true", "us-east-1"];
        assert_eq!(provider.row(), expected);
        let model = UpstreamModel { name: "m".into(), context_window: 128_000, ..Default::default() };
        assert_eq!(model.row(), ["m", "-", "128000", "-"]);
    }
}
