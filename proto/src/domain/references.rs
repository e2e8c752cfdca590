//! What resources say of each other. Both planes ask the same questions, each of its own catalog.

use super::{Model, ModelName, Rule};
use crate::violation::{Checker, Violation};
use std::collections::HashSet;

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
        at.refuse("fallbacks", format!("go round in a circle: {}", in_words(&cycle)));
    }
    at.finish(()).err().unwrap_or_default()
}

fn in_words(cycle: &[ModelName]) -> String {
    let names: Vec<&str> = cycle.iter().map(|n| &**n).collect();
    names.join(" → ")
}

/// What `rule` refers to and is not there, or is its own model; fields are named below `path`.
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

/// What of a model's fallbacks is of no use. Only edits are asked this: what is stored serves as it is, whoever accepted it.
pub fn check_detours(catalog: &impl Catalog, model: &Model, path: &str) -> Vec<Violation> {
    let mut at = Checker::at(path);
    check_doubles(catalog, &model.fallbacks, &mut at);
    at.finish(()).err().unwrap_or_default()
}

/// The same of a rule's fallbacks, which may also lead back to its model.
pub fn check_rule_detours(catalog: &impl Catalog, rule: &Rule, path: &str) -> Vec<Violation> {
    let mut at = Checker::at(path);
    let served = catalog.model(&rule.model).map(|model| &model.name);
    check_doubles(catalog, &rule.fallbacks, &mut at);
    let others = || rule.fallbacks.iter().filter(|name| catalog.model(name).map(|model| &model.name) != served);
    if let Some(cycle) = served.and_then(|served| circle(catalog, served, others())) {
        at.refuse("fallbacks", format!("go round in a circle: {}", in_words(&cycle)));
    }
    at.finish(()).err().unwrap_or_default()
}

/// Fallbacks that are an earlier one, by the same or another of its names.
fn check_doubles(catalog: &impl Catalog, fallbacks: &[ModelName], at: &mut Checker) {
    let model = |name: &ModelName| catalog.model(name).map(|model| &model.name);
    for (i, fallback) in fallbacks.iter().enumerate() {
        let mut earlier = fallbacks[..i].iter();
        match earlier.find(|other| model(other).is_some() && model(other) == model(fallback)) {
            None => {}
            Some(first) if first == fallback => {
                at.refuse(&format!("fallbacks[{i}]"), format!("{:?} is listed twice", &**fallback))
            }
            Some(first) => at.refuse(
                &format!("fallbacks[{i}]"),
                format!("{fallback} is the same model as {first}, which is listed before"),
            ),
        }
    }
}

/// The circle of fallbacks that leads from `model` back to it, if there is one.
pub fn fallback_cycle(catalog: &impl Catalog, model: &Model) -> Option<Vec<ModelName>> {
    circle(catalog, &model.name, &model.fallbacks)
}

/// The circle that leads from the model `start` by these fallbacks, and theirs, back to it.
fn circle<'a>(
    catalog: &impl Catalog,
    start: &ModelName,
    fallbacks: impl IntoIterator<Item = &'a ModelName>,
) -> Option<Vec<ModelName>> {
    let mut visited = HashSet::new();
    let mut trail = vec![start.clone()];
    follow(catalog, start, fallbacks, &mut visited, &mut trail).then_some(trail)
}

fn follow<'a>(
    catalog: &impl Catalog,
    start: &ModelName,
    fallbacks: impl IntoIterator<Item = &'a ModelName>,
    visited: &mut HashSet<ModelName>,
    trail: &mut Vec<ModelName>,
) -> bool {
    for name in fallbacks {
        let Some(next) = catalog.model(name) else { continue };
        trail.push(next.name.clone());
        if next.name == *start {
            return true;
        }
        if visited.insert(next.name.clone()) && follow(catalog, start, &next.fallbacks, visited, trail) {
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
    fn a_rules_fallbacks_do_not_lead_back_to_its_model() {
        let rule = |model: &str, fallbacks: &[&str]| {
            let fallbacks = fallbacks.iter().map(|name| (*name).to_owned()).collect();
            let (name, class, model) = ("r".into(), "default".into(), model.into());
            Rule::check(&wire::Rule { name, class, model, fallbacks, ..Default::default() }, "").expect("it is valid")
        };
        let check = |models: &Models, rule: &Rule, expected: &[&str]| {
            let mut found = check_rule_references(models, rule, "r");
            found.extend(check_rule_detours(models, rule, "r"));
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
        };
        let mut models = models(&[("a", &[]), ("b", &["a"]), ("c", &["x", "b"]), ("x", &[])]);
        check(&models, &rule("a", &["b"]), &["r.fallbacks: go round in a circle: a → b → a"]);
        check(&models, &rule("a", &["x", "c"]), &["r.fallbacks: go round in a circle: a → c → b → a"]);
        check(&models, &rule("x", &["c"]), &["r.fallbacks: go round in a circle: x → c → x"]);
        check(&models, &rule("b", &["x"]), &[]);
        // Its own list takes the place of the model's.
        check(&models, &rule("b", &["a"]), &[]);
        models.0.insert("also-a".into(), models.0["a"].clone());
        let same = "r.fallbacks[0]: go round in a circle: a → also-a, which is the same model";
        check(&models, &rule("a", &["also-a"]), &[same]);
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

    #[test]
    fn a_fallback_is_listed_once_whatever_it_is_called() {
        let mut models = models(&[("a", &["b", "c"]), ("b", &[]), ("c", &[])]);
        assert!(check_detours(&models, &models.0["a"], "a").is_empty());
        models.0.insert("c".into(), models.0["b"].clone());
        let of_model = check_detours(&models, &models.0["a"], "a");
        assert_eq!(of_model[0].to_string(), "a.fallbacks[1]: c is the same model as b, which is listed before");
        let fallbacks = vec!["c".into(), "b".into()];
        let rule = wire::Rule {
            name: "r".into(),
            class: "default".into(),
            model: "a".into(),
            fallbacks,
            ..Default::default()
        };
        let rule = Rule::check(&rule, "").expect("it is valid");
        let of_rule = check_rule_detours(&models, &rule, "r");
        assert_eq!(of_rule[0].to_string(), "r.fallbacks[1]: b is the same model as c, which is listed before");
    }
}
