//! Equal meaning, equal form: what is said of a resource without saying anything is left out, so that tables, etags and
//! revisions can be compared by content. Apart from that, values stay as the operator gave them.

use super::record::Body;
use pointsman_proto::admin::v1;

/// The canonical form of what an operator says: no default said aloud, no output-only field, no etag.
pub fn canonical(mut body: Body) -> Body {
    body.set_etag(String::new());
    match &mut body {
        Body::Settings(_) | Body::Node(_) => {}
        Body::Provider(provider) => canonical_provider(provider),
        Body::Key(key) => {
            say_nothing_of_true(&mut key.enabled);
            key.fingerprint.clear();
            key.last_four.clear();
            key.secret_revision = 0;
            key.problem.clear();
            key.secret_expire_time = None;
        }
        Body::Model(model) => {
            say_nothing_of_true(&mut model.enabled);
            for line in &mut model.backends {
                say_nothing_of_true(&mut line.enabled);
                say_nothing_of_nothing(&mut line.capabilities);
            }
        }
        Body::Rule(rule) => {
            say_nothing_of_true(&mut rule.enabled);
            say_nothing_of_nothing(&mut rule.when);
            say_nothing_of_nothing(&mut rule.preferences);
        }
        Body::VirtualKey(key) => {
            say_nothing_of_true(&mut key.enabled);
            key.last_four.clear();
            say_nothing_of_nothing(&mut key.preferences);
            if let Some(time) = &mut key.expire_time {
                time.nanos -= time.nanos % 1_000_000; // kept in milliseconds
            }
        }
    }
    body
}

fn canonical_provider(provider: &mut v1::Provider) {
    say_nothing_of_true(&mut provider.enabled);
    say_nothing_of_nothing(&mut provider.timeouts);
    say_nothing_of_nothing(&mut provider.circuit_breaker);
    say_nothing_of_nothing(&mut provider.rate_limits);
}

fn say_nothing_of_true(enabled: &mut Option<bool>) {
    *enabled = enabled.filter(|enabled| !enabled);
}

/// For parts whose being there means nothing by itself.
fn say_nothing_of_nothing<T: Default + PartialEq>(part: &mut Option<T>) {
    if part.as_ref().is_some_and(|part| *part == T::default()) {
        *part = None;
    }
}
