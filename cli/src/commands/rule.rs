mod words;

use super::{
    preferences,
    verbs::{Delete, Edited, Noun, Page, Update},
};
use crate::{
    args::{
        rule::{ConditionFields, RuleFields},
        shared::Everything,
    },
    client::{MAX_MESSAGE, Service},
    error::CliError,
    mask::Mask,
    output::{Row, enabled, or_dash},
};
use pointsman_proto::admin::v1::{
    Commit, Condition, CreateRuleRequest, DeleteRuleRequest, GetRuleRequest, ListRulesRequest, Rule, UpdateRuleRequest,
    rule_service_client::RuleServiceClient,
};
use tonic::Status;

impl Row for Rule {
    const HEADERS: &'static [&'static str] = &["POSITION", "NAME", "ENABLED", "WHEN", "MODEL", "FALLBACKS"];
    const PLURAL: &'static str = "rules";

    fn name(&self) -> String {
        self.name.clone()
    }

    fn row(&self) -> Vec<String> {
        let (position, fallbacks) = (self.position.to_string(), or_dash(self.fallbacks.join(",")));
        vec![position, self.name(), enabled(self.enabled), words::condition(self), self.model.clone(), fallbacks]
    }
}

impl Noun for Rule {
    const KIND: &'static str = "rule";
    type Fields = RuleFields;
    type Filter = Everything;

    fn named(name: &str) -> Result<Self, CliError> {
        Ok(Self { name: name.to_owned(), ..Self::default() })
    }

    fn set_etag(&mut self, etag: String) {
        self.etag = etag;
    }

    fn fill(&mut self, fields: RuleFields, mask: &mut Mask) -> Result<(), CliError> {
        mask.put("class", fields.class, &mut self.class);
        mask.put("model", fields.model, &mut self.model);
        mask.put("fallbacks", fields.fallback, &mut self.fallbacks);
        mask.put("position", fields.position, &mut self.position);
        mask.put_some("enabled", fields.enabled, &mut self.enabled);
        self.when = mask.nested(|mask, to| condition(fields.when, mask, to));
        self.preferences = preferences::fill(fields.preferences, mask);
        Ok(())
    }

    fn check_new(&self) -> Result<(), CliError> {
        if self.model.is_empty() {
            return Err(CliError::Usage("a rule needs the model that serves: say --model NAME".to_owned()));
        }
        Ok(())
    }

    /// As they are asked.
    fn sort(items: &mut [Self]) {
        items.sort_by(|a, b| (a.position, &a.name).cmp(&(b.position, &b.name)));
    }

    async fn list(service: Service, _: &Everything, page_token: String) -> Result<Page<Self>, Status> {
        let reply = client(service).list_rules(ListRulesRequest { page_size: 0, page_token }).await?.into_inner();
        Ok(Page { items: reply.rules, next_page_token: reply.next_page_token })
    }

    async fn get(service: Service, wanted: Self) -> Result<Option<Self>, Status> {
        Ok(client(service).get_rule(GetRuleRequest { name: wanted.name }).await?.into_inner().rule)
    }

    async fn create(service: Service, resource: Self, validate_only: bool) -> Result<Edited<Self>, Status> {
        let request = CreateRuleRequest { rule: Some(resource), validate_only };
        let reply = client(service).create_rule(request).await?.into_inner();
        Ok(Edited { resource: reply.rule, commit: reply.commit, token: None })
    }

    async fn update(service: Service, update: Update<Self>) -> Result<Edited<Self>, Status> {
        let Update { resource, mask, allow_missing, validate_only } = update;
        let request = UpdateRuleRequest { rule: Some(resource), update_mask: Some(mask), allow_missing, validate_only };
        let reply = client(service).update_rule(request).await?.into_inner();
        Ok(Edited { resource: reply.rule, commit: reply.commit, token: None })
    }

    async fn delete(service: Service, delete: Delete<Self>) -> Result<Option<Commit>, Status> {
        let Delete { resource: Self { name, etag, .. }, allow_missing, validate_only } = delete;
        let request = DeleteRuleRequest { name, etag, validate_only, allow_missing };
        Ok(client(service).delete_rule(request).await?.into_inner().commit)
    }
}

fn condition(fields: ConditionFields, mask: &mut Mask, to: &mut Condition) {
    mask.put("when.dialects", fields.when_dialect, &mut to.dialects);
    mask.put("when.models", fields.when_model, &mut to.models);
    mask.put("when.min_tokens", fields.min_tokens, &mut to.min_tokens);
    mask.put("when.max_tokens", fields.max_tokens, &mut to.max_tokens);
    mask.put_some("when.thinking", fields.when_thinking, &mut to.thinking);
    mask.put("when.thinking_effort", fields.thinking_effort, &mut to.thinking_effort);
    mask.put_some("when.tools", fields.when_tools, &mut to.tools);
    mask.put_some("when.web_search", fields.when_web_search, &mut to.web_search);
    mask.put_some("when.images", fields.when_images, &mut to.images);
    mask.put_some("when.stream", fields.when_stream, &mut to.stream);
    // Two flags say one list.
    let headers = match (fields.when_header, fields.when_no_header) {
        (None, None) => None,
        (there, not_there) => Some(there.into_iter().chain(not_there).flatten().collect()),
    };
    mask.put("when.headers", headers, &mut to.headers);
    mask.put("when.virtual_key_tags", fields.when_key_tag, &mut to.virtual_key_tags);
    mask.put("when.times", fields.when_time, &mut to.times);
}

fn client(service: Service) -> RuleServiceClient<Service> {
    RuleServiceClient::new(service).max_decoding_message_size(MAX_MESSAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command, shared::Verb};
    use clap::Parser;

    #[test]
    fn every_flag_finds_its_field() {
        let words = [
            "pointsman rule update r --class thinking --model m --fallback a --fallback b --position 3 --enabled false",
            "--when-dialect messages --when-model claude-* --min-tokens 1 --max-tokens 2 --when-thinking true",
            "--thinking-effort low --when-tools true --when-web-search false --when-images true --when-stream false",
            "--when-header x-a=1 --when-no-header x-b --when-key-tag t --when-time 08:00-18:00",
            "--priority low --prefer-region eu --prefer-provider p --exclude-provider q --latency-tolerance 2s",
            "--cost-sensitivity 0.5 --quality premium --require-tag gdpr",
        ]
        .join(" ");
        let Ok(Cli { command: Command::Rule(Verb::Update(args)), .. }) = Cli::try_parse_from(words.split(' ')) else {
            panic!("a legal command line");
        };
        let (mut rule, mut mask) = (Rule::named("r").expect("a name"), Mask::default());
        rule.fill(args.fields, &mut mask).expect("legal fields");
        let paths = mask.into_update().expect("some paths").paths;
        let nested = |part: &str| paths.iter().filter(|path| path.starts_with(part)).count();
        assert_eq!((paths.len(), nested("when."), nested("preferences.")), (26, 13, 8));
        let form = serde_json::to_value(&rule).expect("it has a JSON form");
        for path in &paths {
            let found = path.split('.').try_fold(&form, |value, field| value.get(field));
            assert!(found.is_some(), "{path} is not in {form}");
        }
        assert_eq!(rule.when.map(|when| when.headers.len()), Some(2));
    }

    #[test]
    fn a_new_rule_needs_a_model() {
        let rule = |model: &str| Rule { name: "r".into(), model: model.into(), ..Rule::default() };
        assert!(rule("m").check_new().is_ok());
        assert!(rule("").check_new().is_err_and(|error| error.to_string().contains("--model NAME")));
    }

    #[test]
    fn a_list_stands_in_the_order_of_asking() {
        let rule = |name: &str, position| Rule { name: name.into(), position, ..Rule::default() };
        let mut rules = [rule("b", 2), rule("z", 1), rule("a", 2)];
        Rule::sort(&mut rules);
        assert_eq!(rules.map(|rule| rule.name), ["z", "a", "b"]);
    }
}
