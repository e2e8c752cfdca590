use super::verbs::{self, Delete, Edited, Noun, Page, Update};
use crate::{
    args::key::{KeyCommand, KeyFields, KeyFilter},
    client::{MAX_MESSAGE, Service, Session},
    error::CliError,
    input,
    mask::Mask,
    output::{Row, enabled, or_dash},
    values::KeyRef,
};
use pointsman_proto::admin::v1::{
    Commit, CreateKeyRequest, DeleteKeyRequest, GetKeyRequest, Key, ListKeysRequest, ResetKeyRequest, UpdateKeyRequest,
    key::Source, key_service_client::KeyServiceClient,
};
use std::path::Path;
use tonic::Status;

const SOURCES: &str = "\
  --secret-file PATH  read it here, from a file or with - from stdin, and send it
  --env VAR           the control plane takes it from its own environment
  --file-ref PATH     the control plane reads it from a file on its host
  --aws-profile NAME  the control plane takes a key pair from its AWS shared credentials file (bedrock)
  --aws-environment   the control plane takes AWS's variables from its own environment (bedrock)
  --token-file-ref PATH  the control plane reads and refreshes the tokens of a Kiro login on its host (codewhisperer)";

pub async fn run(session: &Session, command: KeyCommand) -> Result<(), CliError> {
    match command {
        KeyCommand::Verb(verb) => verbs::run::<Key>(session, verb).await,
        KeyCommand::Reset { key } => reset(session, key).await,
    }
}

async fn reset(session: &Session, KeyRef { provider, name }: KeyRef) -> Result<(), CliError> {
    let done = format!("key {provider}/{name} reset");
    client(session.connect().await?).reset_key(ResetKeyRequest { provider, name }).await?;
    eprintln!("{done}");
    Ok(())
}

impl Row for Key {
    const HEADERS: &'static [&'static str] =
        &["NAME", "ACCOUNT", "SOURCE", "ENABLED", "LAST-FOUR", "FINGERPRINT", "PROBLEM"];
    const PLURAL: &'static str = "keys";

    fn name(&self) -> String {
        format!("{}/{}", self.provider, self.name)
    }

    fn row(&self) -> Vec<String> {
        let source = match &self.source {
            Some(Source::Env(name)) => format!("env {name}"),
            Some(Source::File(path)) => format!("file {path}"),
            Some(Source::AwsProfile(name)) => format!("aws profile {name}"),
            Some(Source::AwsEnvironment(_)) => "aws environment".to_owned(),
            Some(Source::TokenFile(path)) => format!("token file {path}"),
            Some(Source::Secret(_)) | None => "sealed".to_owned(),
        };
        let shown = [&self.last_four, &self.fingerprint, &self.problem].map(or_dash);
        [self.name(), or_dash(&self.account), source, enabled(self.enabled)].into_iter().chain(shown).collect()
    }
}

impl Noun for Key {
    const KIND: &'static str = "key";
    type Fields = KeyFields;
    type Filter = KeyFilter;

    fn named(name: &str) -> Result<Self, CliError> {
        let KeyRef { provider, name } = name.parse().map_err(CliError::Usage)?;
        Ok(Self { provider, name, ..Self::default() })
    }

    fn set_etag(&mut self, etag: String) {
        self.etag = etag;
    }

    fn fill(&mut self, fields: KeyFields, mask: &mut Mask) -> Result<(), CliError> {
        if fields.refused_secret.is_some() || !fields.refused_words.is_empty() {
            return Err(CliError::Usage(format!(
                "a secret is not taken as an argument, where process lists and shell histories keep it; give one of\n{SOURCES}"
            )));
        }
        let secret = fields.secret_file.map(|path| read_secret(&path)).transpose()?;
        mask.put_some("secret", secret.map(Source::Secret), &mut self.source);
        mask.put_some("env", fields.env.map(Source::Env), &mut self.source);
        mask.put_some("file", fields.file_ref.map(Source::File), &mut self.source);
        mask.put_some("aws_profile", fields.aws_profile.map(Source::AwsProfile), &mut self.source);
        let environment = fields.aws_environment.then_some(Source::AwsEnvironment(true));
        mask.put_some("aws_environment", environment, &mut self.source);
        mask.put_some("token_file", fields.token_file_ref.map(Source::TokenFile), &mut self.source);
        mask.put("account", fields.account, &mut self.account);
        mask.put_some("enabled", fields.enabled, &mut self.enabled);
        Ok(())
    }

    fn check_new(&self) -> Result<(), CliError> {
        match self.source {
            Some(_) => Ok(()),
            None => Err(CliError::Usage(format!("say where the secret comes from; give one of\n{SOURCES}"))),
        }
    }

    async fn list(service: Service, filter: &KeyFilter, page_token: String) -> Result<Page<Self>, Status> {
        let provider = filter.provider.clone().unwrap_or_default();
        let reply =
            client(service).list_keys(ListKeysRequest { page_size: 0, page_token, provider }).await?.into_inner();
        Ok(Page { items: reply.keys, next_page_token: reply.next_page_token })
    }

    async fn get(service: Service, wanted: Self) -> Result<Option<Self>, Status> {
        let request = GetKeyRequest { name: wanted.name, provider: wanted.provider };
        Ok(client(service).get_key(request).await?.into_inner().key)
    }

    async fn create(service: Service, resource: Self, validate_only: bool) -> Result<Edited<Self>, Status> {
        let request = CreateKeyRequest { key: Some(resource), validate_only };
        let reply = client(service).create_key(request).await?.into_inner();
        Ok(Edited { resource: reply.key, commit: reply.commit, token: None })
    }

    async fn update(service: Service, update: Update<Self>) -> Result<Edited<Self>, Status> {
        let Update { resource, mask, allow_missing, validate_only } = update;
        let request = UpdateKeyRequest { key: Some(resource), update_mask: Some(mask), allow_missing, validate_only };
        let reply = client(service).update_key(request).await?.into_inner();
        Ok(Edited { resource: reply.key, commit: reply.commit, token: None })
    }

    async fn delete(service: Service, delete: Delete<Self>) -> Result<Option<Commit>, Status> {
        let Delete { resource: Self { provider, name, etag, .. }, allow_missing, validate_only } = delete;
        let request = DeleteKeyRequest { name, provider, etag, validate_only, allow_missing };
        Ok(client(service).delete_key(request).await?.into_inner().commit)
    }
}

fn client(service: Service) -> KeyServiceClient<Service> {
    KeyServiceClient::new(service).max_decoding_message_size(MAX_MESSAGE)
}

/// Without the line end that an editor or `echo` leaves.
fn read_secret(path: &Path) -> Result<String, CliError> {
    let (name, text) = input::read(path)?;
    let secret = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if secret.is_empty() {
        return Err(CliError::Failed(format!("{name} holds no secret: it is empty")));
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_taken_off_a_secret() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("secret");
        let check = |content: &str, expected: Option<&str>| {
            std::fs::write(&path, content).expect("written");
            assert_eq!(read_secret(&path).ok().as_deref(), expected, "{content:?}");
        };
        check("sk-1\n", Some("sk-1"));
        check("sk-1\r\n", Some("sk-1"));
        check("sk-1", Some("sk-1"));
        check("a\nb\n", Some("a\nb"));
        check("\n", None);
    }
}
