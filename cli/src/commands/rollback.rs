use super::{changes, confirm, wait};
use crate::{
    args::config::RollbackArgs,
    client::{Session, config_service},
    error::CliError,
    output,
};
use pointsman_proto::admin::v1::RollbackRequest;

/// Shows what would change before it asks.
pub async fn run(session: &Session, args: RollbackArgs) -> Result<(), CliError> {
    let version = args.version;
    let service = session.connect().await?;
    let mut client = config_service(service.clone());
    if !args.yes || args.commit.dry_run {
        let plan = client.rollback(RollbackRequest { version, validate_only: true }).await?.into_inner();
        let diff = changes::diff(&plan.changes)?;
        if args.commit.dry_run {
            output::print(&diff)?;
            let what = format!("rolled back to version {version}");
            return wait::finish(service, plan.commit, &what, &args.commit).await;
        }
        eprint!("{diff}");
        confirm::ask(&format!("Roll {} back to version {version}?", session.server()?), false)?;
    }
    let reply = client.rollback(RollbackRequest { version, validate_only: false }).await?.into_inner();
    for line in changes::summary(&reply.changes) {
        eprintln!("{line}");
    }
    wait::finish(service, reply.commit, &format!("rolled back to version {version}"), &args.commit).await
}
