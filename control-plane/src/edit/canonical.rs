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
            model.backends.iter_mut().for_each(|line| say_nothing_of_true(&mut line.enabled));
        }
        Body::VirtualKey(key) => {
            say_nothing_of_true(&mut key.enabled);
            key.last_four.clear();
            if let Some(time) = &mut key.expire_time {
                time.nanos -= time.nanos % 1_000_000; // kept in milliseconds
            }
        }
    }
    body
}

fn canonical_provider(provider: &mut v1::Provider) {
    say_nothing_of_true(&mut provider.enabled);
    provider.timeouts = provider.timeouts.filter(|t| *t != v1::Timeouts::default());
    provider.circuit_breaker = provider.circuit_breaker.filter(|c| *c != v1::CircuitBreaker::default());
    provider.rate_limits = provider.rate_limits.filter(|r| *r != v1::RateLimits::default());
}

fn say_nothing_of_true(enabled: &mut Option<bool>) {
    *enabled = enabled.filter(|enabled| !enabled);
}
