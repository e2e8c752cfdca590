use super::*;
use crate::{features::Thinking, place::Place, router::Router};
use pointsman_proto::{
    admin::v1 as admin,
    clock::Clock,
    domain::{Effort, Name, Preferences},
};

/// A line that takes texts only, of a provider in `region` of the same name.
fn plain(region: &str, tags: &[&str]) -> admin::Backend {
    let no = Some(false);
    let capabilities =
        admin::Capabilities { tools: no, vision: no, thinking: no, json_schema: no, context_window: 1000 };
    admin::Backend {
        provider: region.into(),
        region: region.into(),
        tags: tags.iter().map(ToString::to_string).collect(),
        capabilities: Some(capabilities),
        ..Default::default()
    }
}

fn models(lines: &[&[admin::Backend]]) -> Vec<Arc<Model>> {
    let providers: BTreeSet<&str> = lines.iter().flat_map(|l| l.iter()).map(|line| &*line.provider).collect();
    let provider =
        |name: &&str| admin::Provider { name: (*name).into(), protocol: "openai".into(), ..Default::default() };
    let names = ["m", "other"];
    let models = names.iter().zip(lines).map(|(name, lines)| admin::Model {
        name: (*name).into(),
        backends: lines.to_vec(),
        ..Default::default()
    });
    let mut router = Router::new(Clock::start(), Place::default(), "test");
    let config = admin::Config {
        providers: providers.iter().map(provider).collect(),
        models: models.collect(),
        ..Default::default()
    };
    router.configure(&config).expect("it is valid");
    names[..lines.len()].iter().map(|name| router.model(name).expect("it is there")).collect()
}

fn message(refusal: Option<Refusal>) -> String {
    refusal.expect("it is refused").message().to_owned()
}

fn prefer(preferences: Preferences) -> Features {
    Features { preferences, ..Features::default() }
}

#[test]
fn what_all_backends_lack_is_named() {
    let models = models(&[&[plain("eu", &["cheap"]), plain("us", &["cheap"])]]);
    let names = |names: &[&str]| names.iter().filter_map(|name| Name::parse(name)).collect();
    for (features, expected) in [
        (Features { tools: true, ..Features::default() }, "no tools"),
        (Features { images: true, ..Features::default() }, "no vision"),
        (Features { thinking: Thinking::Yes, ..Features::default() }, "no thinking"),
        (Features { thinking: Thinking::Level(Effort::Low), ..Features::default() }, "no thinking"),
        (Features { json_schema: true, ..Features::default() }, "no json_schema"),
        (Features { tokens: 1001, ..Features::default() }, "no context_window of 1001 tokens"),
        (Features { tokens: 1001, ..Features::default() }, "the largest has 1000"),
        (
            Features { tokens: 601, max_output: Some(400), ..Features::default() },
            "no context_window of 1001 tokens, which its prompt of about 601 and an answer of up to 400 come to",
        ),
        (
            Features { tools: true, images: true, ..Features::default() },
            "no tools, which the request brings; no vision",
        ),
        (prefer(Preferences { required_tags: vec!["gdpr".into()], ..Preferences::default() }), "no tag \"gdpr\""),
        (
            prefer(Preferences { excluded_providers: names(&["eu", "us"]), ..Preferences::default() }),
            "x-pointsman-exclude-providers",
        ),
    ] {
        let said = message(incapable(models.iter(), &features));
        assert!(said.starts_with("No backend of the model \"m\" can be given this request"), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_request_that_some_backend_of_the_chain_fits_is_not_refused() {
    let any = admin::Backend { provider: "us".into(), ..Default::default() };
    let with_images = Features { images: true, ..Features::default() };
    let alone = models(&[&[plain("eu", &[])]]);
    assert!(incapable(alone.iter(), &with_images).is_some());
    let adaptive = Features { thinking: Thinking::Adaptive(Effort::High), ..Features::default() };
    let full = Features { tokens: 600, max_output: Some(400), ..Features::default() };
    for fits in [Features::default(), adaptive, full] {
        assert!(incapable(alone.iter(), &fits).is_none(), "{fits:?}");
    }
    let chain = models(&[&[plain("eu", &[])], std::slice::from_ref(&any)]);
    assert!(incapable(chain.iter(), &with_images).is_none());
    let drained = models(&[&[plain("eu", &[])], &[plain("eu", &[]), admin::Backend { weight: Some(0.0), ..any }]]);
    let said = message(incapable(drained.iter(), &with_images));
    assert!(said.contains("of the model \"m\" or of its fallbacks"), "{said}");
}

#[test]
fn where_each_lacks_something_else_all_is_named() {
    let sees = admin::Backend {
        capabilities: Some(admin::Capabilities { tools: Some(false), ..Default::default() }),
        ..plain("eu", &[])
    };
    let models = models(&[&[sees, plain("us", &["gdpr"])]]);
    let preferences = Preferences { required_tags: vec!["gdpr".into()], ..Preferences::default() };
    let features = Features { images: true, ..prefer(preferences) };
    let said = message(incapable(models.iter(), &features));
    assert!(said.contains("each lacks something: no tag \"gdpr\"") && said.contains("no vision"), "{said}");
}

#[test]
fn of_a_named_backend_alone_it_is_asked_what_it_lacks() {
    let any = admin::Backend { provider: "us".into(), ..Default::default() };
    let models = models(&[&[plain("eu", &[]), any]]);
    let endpoint = |i: usize| Some(models[0].backends[i].endpoint.id.clone());
    let with_images = |i| Features { images: true, backend: endpoint(i), ..Features::default() };
    assert!(incapable(models.iter(), &with_images(1)).is_none());
    let said = message(incapable(models.iter(), &with_images(0)));
    assert!(said.starts_with("The backend eu/m, which the request names, cannot be given it: no vision"), "{said}");
    let said = message(no_such_region(models.iter(), &with_images(1), "eu"));
    assert!(said.starts_with("The backend us/m, which the request names, is not in the region \"eu\""), "{said}");
}

#[test]
fn a_region_that_nobody_serves_is_named_with_those_that_are() {
    let models = models(&[&[plain("eu", &[])], &[plain("us", &[])]]);
    assert!(no_such_region(models.iter(), &Features::default(), "US").is_none());
    let said = message(no_such_region(models.iter(), &Features::default(), "mars"));
    assert!(said.contains("\"mars\"") && said.contains("They are in: eu, us."), "{said}");
}
