use super::changes;
use crate::{
    args::small::RevisionCommand,
    client::Session,
    error::CliError,
    output::{self, Format, Row},
};
use pbjson_types::Timestamp;
use pointsman_proto::admin::v1::{GetRevisionRequest, ListRevisionsRequest, Revision};

impl Row for Revision {
    const HEADERS: &'static [&'static str] = &["VERSION", "TIME", "ACTOR", "SUMMARY"];
    const PLURAL: &'static str = "revisions";

    fn name(&self) -> String {
        self.version.to_string()
    }

    fn row(&self) -> Vec<String> {
        let time = self.create_time.map_or_else(|| "-".to_owned(), moment);
        vec![self.name(), time, self.actor.clone(), self.summary.clone()]
    }
}

/// To the second, in UTC.
pub fn moment(time: Timestamp) -> String {
    jiff::Timestamp::from_second(time.seconds).map_or_else(|_| "-".to_owned(), |time| time.to_string())
}

pub async fn run(session: &Session, command: RevisionCommand) -> Result<(), CliError> {
    match command {
        RevisionCommand::List(read) => list(session, read.output).await,
        RevisionCommand::Get { version, read } => get(session, version, read.output).await,
    }
}

async fn list(session: &Session, format: Format) -> Result<(), CliError> {
    let mut service = session.config_service().await?;
    let (mut revisions, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListRevisionsRequest { page_size: 0, page_token };
        let page = service.list_revisions(request).await?.into_inner();
        revisions.extend(page.revisions);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return output::print_list(&revisions, format);
        }
    }
}

async fn get(session: &Session, version: u64, format: Format) -> Result<(), CliError> {
    let reply = session.config_service().await?.get_revision(GetRevisionRequest { version }).await?.into_inner();
    let revision =
        reply.revision.ok_or_else(|| CliError::NotFound(format!("there is no revision with version {version}")))?;
    output::print_one(&revision, format)?;
    if format == Format::Table && !revision.changes.is_empty() {
        output::print(&format!("\n{}", changes::diff(&revision.changes)?))?;
    }
    Ok(())
}
