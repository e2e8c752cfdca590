//! What requests would like: filled in alike for rules and for virtual keys.

use crate::{args::preferences::PreferenceFields, mask::Mask};
use pointsman_proto::admin::v1::Preferences;

pub fn fill(fields: PreferenceFields, mask: &mut Mask) -> Option<Preferences> {
    mask.nested(|mask, to: &mut Preferences| {
        mask.put("preferences.priority", fields.priority, &mut to.priority);
        mask.put("preferences.region", fields.prefer_region, &mut to.region);
        mask.put("preferences.preferred_providers", fields.prefer_provider, &mut to.preferred_providers);
        mask.put("preferences.excluded_providers", fields.exclude_provider, &mut to.excluded_providers);
        mask.put_some("preferences.latency_tolerance", fields.latency_tolerance, &mut to.latency_tolerance);
        mask.put_some("preferences.cost_sensitivity", fields.cost_sensitivity, &mut to.cost_sensitivity);
        mask.put("preferences.quality", fields.quality, &mut to.quality);
        mask.put("preferences.required_tags", fields.require_tag, &mut to.required_tags);
    })
}
