use super::verbs::{self, Edited};
use crate::{
    args::small::{SettingsCommand, SettingsUpdateArgs},
    client::{Session, config_service},
    error::CliError,
    mask::Mask,
    output::{self, Row},
};
use pointsman_proto::admin::v1::{GetSettingsRequest, Settings, UpdateSettingsRequest};

impl Row for Settings {
    const HEADERS: &'static [&'static str] = &["CLIENT-AUTHENTICATION", "MAX-ATTEMPTS"];
    const PLURAL: &'static str = "settings";

    fn name(&self) -> String {
        "settings".to_owned()
    }

    fn row(&self) -> Vec<String> {
        let authentication =
            if self.client_authentication.is_empty() { "virtual_key" } else { &self.client_authentication };
        let attempts = if self.max_attempts == 0 { 4 } else { self.max_attempts };
        vec![authentication.to_owned(), attempts.to_string()]
    }
}

pub async fn run(session: &Session, command: SettingsCommand) -> Result<(), CliError> {
    match command {
        SettingsCommand::Get(read) => {
            let reply = session.config_service().await?.get_settings(GetSettingsRequest {}).await?.into_inner();
            output::print_one(&reply.settings.unwrap_or_default(), read.output)
        }
        SettingsCommand::Update(args) => update(session, args).await,
    }
}

async fn update(session: &Session, args: SettingsUpdateArgs) -> Result<(), CliError> {
    let mut settings = Settings { etag: args.etag.etag.unwrap_or_default(), ..Settings::default() };
    let mut mask = Mask::default();
    mask.put("client_authentication", args.client_authentication, &mut settings.client_authentication);
    mask.put("max_attempts", args.max_attempts, &mut settings.max_attempts);
    mask.unset(args.unset)?;
    let request = UpdateSettingsRequest {
        settings: Some(settings),
        update_mask: Some(mask.into_update()?),
        validate_only: args.edit.commit.dry_run,
    };
    let service = session.connect().await?;
    let reply = config_service(service.clone()).update_settings(request).await?.into_inner();
    let edited = Edited { resource: reply.settings, commit: reply.commit, token: None };
    verbs::finish(service, edited, "settings updated", &args.edit).await
}
