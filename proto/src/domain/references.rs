//! What resources say of each other. Both planes ask the same questions, each of its own catalog.

use super::{Model, ModelName, Rule};
use crate::violation::{Checker, Violation};

/// The resources that others may refer to.
pub trait Catalog {
    fn has_provider(&self, name: &str) -> bool;
    /// The model of this name or alias.
    fn model(&self, name: &str) -> Option<&Model>;
}

/// What `model` refers to and is not there, or goes round in a circle; fields are named below `path`.
pub fn check_references(catalog: &impl Catalog, model: &Model, path: &str) -> Vec<Violation> {
    let mut at = Checker::at(path);
    for (i, backend) in model.backends.iter().enumerate() {
        if !catalog.has_provider(&backend.provider) {
            at.refuse(&format!("backends[{i}].provider"), format!("there is no provider {:?}", &*backend.provider));
        }
    }
    for (i, fallback) in model.fallbacks.iter().enumerate() {
        if catalog.model(fallback).is_none() {
            at.refuse(&format!("fallbacks[{i}]"), format!("there is no model {:?}", &**fallback));
        }
    }
    if let Some(cycle) = fallback_cycle(catalog, model) {
        let names: Vec<&str> = cycle.iter().map(|n| &**n).collect();
        at.refuse("fallbacks", format!("go round in a circle: {}", names.join(" → ")));
    }
    at.finish(()).err().unwrap_or_default()
}

/// What `rule` refers to and is not there; fields are named below `path`.
pub fn check_rule_references(catalog: &impl Catalog, rule: &Rule, path: &str) -> Vec<Violation> {
    let mut at = Checker::at(path);
    let served = catalog.model(&rule.model).map(|model| &model.name);
    if served.is_none() {
        at.refuse("model", format!("there is no model {:?}", &*rule.model));
    }
    for (i, fallback) in rule.fallbacks.iter().enumerate() {
        let field = format!("fallbacks[{i}]");
        match catalog.model(fallback) {
            None => at.refuse(&field, format!("there is no model {:?}", &**fallback)),
            // By another of its names: the same name is refused without looking anything up.
            Some(model) if Some(&model.name) == served && *fallback != rule.model => {
                at.refuse(
                    &field,
                    format!("go round in a circle: {} → {fallback}, which is the same model", rule.model),
                );
            }
            Some(_) => {}
        }
    }
    at.finish(()).err().unwrap_or_default()
}

/// The circle of fallbacks that leads from `model` back to it, if there is one.
pub fn fallback_cycle(catalog: &impl Catalog, model: &Model) -> Option<Vec<ModelName>> {
    let mut visited = std::collections::HashSet::new();
    let mut trail = vec![model.name.clone()];
    follow(catalog, model, model, &mut visited, &mut trail).then_some(trail)
}

fn follow(
    catalog: &impl Catalog,
    start: &Model,
    from: &Model,
    visited: &mut std::collections::HashSet<ModelName>,
    trail: &mut Vec<ModelName>,
) -> bool {
    for name in &from.fallbacks {
        let Some(next) = catalog.model(name) else { continue };
        trail.push(next.name.clone());
        if next.name == start.name {
            return true;
        }
        if visited.insert(next.name.clone()) && follow(catalog, start, next, visited, trail) {
            return true;
        }
        trail.pop();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::v1 as wire;
    use std::collections::BTreeMap;

    struct Models(BTreeMap<String, Model>);

    impl Catalog for Models {
        fn has_provider(&self, name: &str) -> bool {
            name == "p"
        }
        fn model(&self, name: &str) -> Option<&Model> {
            self.0.get(name)
        }
    }

    fn models(fallbacks: &[(&str, &[&str])]) -> Models {
        let model = |(name, to): &(&str, &[&str])| {
            let wire = wire::Model {
                name: (*name).into(),
                backends: vec![wire::Backend { provider: "p".into(), ..Default::default() }],
                fallbacks: to.iter().map(|s| (*s).into()).collect(),
                ..Default::default()
            };
            ((*name).into(), Model::check(&wire, "").expect("it is valid"))
        };
        Models(fallbacks.iter().map(model).collect())
    }

    #[test]
    fn a_circle_of_fallbacks_is_printed_as_a_path() {
        let models = models(&[("a", &["x", "b"]), ("b", &["c"]), ("c", &["a"]), ("x", &[])]);
        let found = check_references(&models, &models.0["a"], "a");
        assert_eq!(found[0].to_string(), "a.fallbacks: go round in a circle: a → b → c → a");
        assert!(check_references(&models, &models.0["x"], "x").is_empty());
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut models = models(&[("a", &["gone"])]);
        models.0.get_mut("a").expect("it was made above").backends[0].provider =
            super::super::Name::parse("q").expect("a name");
        let found = check_references(&models, &models.0["a"], "a");
        let fields: Vec<_> = found.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["a.backends[0].provider", "a.fallbacks[0]"]);
    }
}
