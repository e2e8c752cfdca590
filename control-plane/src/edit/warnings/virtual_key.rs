//! Of virtual keys: models that they allow and that are not there.

use crate::edit::catalog::Catalog;
use pointsman_proto::{admin::v1, domain::Catalog as _};

/// Only a model's own name counts among those that a key may use.
pub(super) fn unknown_models(catalog: &Catalog, key: &v1::VirtualKey) -> Vec<String> {
    let about = |allowed: &String| {
        let why = match catalog.model(allowed) {
            None => "and there is none of that name".to_owned(),
            Some(model) if **allowed != *model.name => {
                format!("which is an alias and does not count: allow {}", model.name)
            }
            Some(_) => return None,
        };
        Some(format!("virtual key {}: it allows the model {allowed}, {why}", key.name))
    };
    key.allowed_models.iter().filter_map(about).collect()
}
