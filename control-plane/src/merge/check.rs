//! What the control plane's own checks of providers came to. A check speaks for itself alone: neither nodes' opinions nor
//! circuits enter into it, and only the check that took a provider out brings it back.
//!
//! Nodes outlive the control plane, and may still hold what an earlier one found. So the first finding of each check is
//! told, well or not; and a message of every cause names the providers that nobody checks as not failing.

use super::{Health, Tracked, report::bounded};
use crate::catalog::Catalog;
use pointsman_proto::{
    admin::v1 as admin,
    domain::{EndpointId, Name},
    fleet::v1 as wire,
    slot::Millis,
};
use std::{collections::BTreeSet, sync::Arc};

/// What the check of one provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Why, as it was when it began to.
    Failing(Arc<str>),
    Well,
}

fn fact(provider: &Name, check: &Check) -> wire::CheckFact {
    let (failing, reason) = match check {
        Check::Failing(reason) => (true, reason.to_string()),
        Check::Well => (false, String::new()),
    };
    wire::CheckFact { provider: provider.to_string(), failing, reason }
}

impl Health {
    /// A provider's check came to this: `failing` says why. Of one that is not to be checked nothing is said but the end of
    /// what was.
    pub fn checked(&mut self, catalog: &Catalog, provider: &Name, failing: Option<&str>, now: Millis) {
        let is_checked = catalog.providers.get(provider).is_some_and(|p| p.health_check.is_some());
        let known = self.checks.get(provider).map(|check| check.value != Check::Well);
        if known == Some(failing.is_some()) || (!is_checked && known != Some(true)) {
            return;
        }
        let value = failing.map_or(Check::Well, |reason| Check::Failing(bounded(reason)));
        self.touch();
        self.checks.insert(provider.clone(), Tracked { value, epoch: self.epoch + 1 });
        self.look_at_provider(catalog, provider, now);
    }

    /// Whether the provider's check fails.
    pub(super) fn is_checked_out(&self, provider: &Name) -> bool {
        self.checks.get(provider).is_some_and(|check| check.value != Check::Well)
    }

    /// Providers that are no longer checked are well as far as checks go, and those that are gone are forgotten.
    pub(super) fn recheck(&mut self, catalog: &Catalog, now: Millis) {
        self.checks.retain(|name, _| catalog.providers.contains_key(name));
        let unchecked = |name: &&Name| catalog.providers.get(*name).is_some_and(|p| p.health_check.is_none());
        let over: Vec<Name> = self.checks.keys().filter(unchecked).cloned().collect();
        over.iter().for_each(|provider| self.checked(catalog, provider, None, now));
    }

    pub(super) fn check_facts(
        &self,
        catalog: &Catalog,
        since: u64,
        touched: &mut BTreeSet<EndpointId>,
    ) -> Vec<wire::CheckFact> {
        let newer = super::view::newer(&self.checks, since);
        let facts = newer.map(|(provider, check)| {
            touched.extend(catalog.endpoints_of(provider).cloned());
            fact(provider, check)
        });
        let is_unchecked = |name: &Name| !self.checks.contains_key(name);
        let unchecked = catalog
            .providers
            .iter()
            .filter(|(name, p)| since == 0 && (p.health_check.is_none() || !p.enabled) && is_unchecked(name));
        facts.chain(unchecked.map(|(provider, _)| fact(provider, &Check::Well))).collect()
    }

    pub(super) fn check_causes(&self) -> impl Iterator<Item = admin::Cause> {
        self.checks.iter().filter_map(|(provider, check)| match &check.value {
            Check::Failing(reason) => Some(admin::Cause {
                kind: "check".into(),
                provider: provider.to_string(),
                state: "failing".into(),
                reason: reason.to_string(),
                ..Default::default()
            }),
            Check::Well => None,
        })
    }
}
