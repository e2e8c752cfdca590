//! The health service of gRPC, which load balancers and orchestrators ask: every service serves until a shutdown begins, and
//! then none does, while calls that are under way end.

use tonic::server::NamedService;
use tonic_health::{
    ServingStatus,
    pb::health_server::{Health, HealthServer},
    server::{HealthReporter, health_reporter},
};

/// What the health service tells.
#[derive(Debug)]
pub(super) struct Readiness {
    reporter: HealthReporter,
    /// Empty: the server as a whole, which is known from the start.
    services: Vec<&'static str>,
}

impl Readiness {
    pub(super) fn new() -> (Self, HealthServer<impl Health>) {
        let (reporter, server) = health_reporter();
        (Self { reporter, services: vec![""] }, server)
    }

    pub(super) async fn add<S: NamedService>(&mut self) {
        self.services.push(S::NAME);
        self.reporter.set_serving::<S>().await;
    }

    /// A shutdown begins.
    pub(super) async fn end(&self) {
        for service in &self.services {
            self.reporter.set_service_status(service, ServingStatus::NotServing).await;
        }
    }
}
