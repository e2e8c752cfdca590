//! Who asks: the holder of the admin token, whose edits bear the name `admin`.

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use subtle::ConstantTimeEq;
use tonic::{Request, Status, service::Interceptor};
use tonic_types::{ErrorDetails, StatusExt};

use super::status::DOMAIN;

/// The one who asks, by the name that revisions bear.
#[derive(Clone, Debug)]
pub struct Actor(&'static str);

impl Actor {
    /// The name.
    pub fn name(&self) -> &str {
        self.0
    }
}

/// Lets those in who bear the admin token, or everyone under `--insecure-dev`.
#[derive(Clone)]
pub struct Authenticate(Option<[u8; 32]>);

impl fmt::Debug for Authenticate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticate(..)")
    }
}

impl Authenticate {
    /// None lets everyone in.
    pub fn new(token: Option<&SecretString>) -> Self {
        Self(token.map(|token| hash(token.expose_secret())))
    }

    /// Tokens are compared by their hash, which takes as long for every wrong one.
    fn admits(&self, request: &Request<()>) -> bool {
        let Some(expected) = self.0 else { return true };
        let header = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let token = header.and_then(|header| header.split_once(' ')).filter(|(s, _)| s.eq_ignore_ascii_case("bearer"));
        token.is_some_and(|(_, token)| hash(token.trim()).ct_eq(&expected).into())
    }
}

impl Interceptor for Authenticate {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if !self.admits(&request) {
            let mut details = ErrorDetails::new();
            details.set_error_info("UNAUTHENTICATED", DOMAIN, std::collections::HashMap::new());
            let message = "send the admin token: authorization: Bearer <token>";
            return Err(Status::with_error_details(tonic::Code::Unauthenticated, message, details));
        }
        request.extensions_mut().insert(Actor("admin"));
        Ok(request)
    }
}

fn hash(text: &str) -> [u8; 32] {
    digest(&SHA256, text.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(header: Option<&str>) -> bool {
        let mut request = Request::new(());
        if let Some(header) = header {
            request.metadata_mut().insert("authorization", header.parse().expect("a header"));
        }
        Authenticate::new(Some(&"pma_right".into())).call(request).is_ok()
    }

    #[test]
    fn only_the_token_opens() {
        assert!(asked(Some("Bearer pma_right")) && asked(Some("bearer pma_right")));
        for bad in
            [None, Some(""), Some("Bearer "), Some("Bearer pma_wrong"), Some("Basic pma_right"), Some("pma_right")]
        {
            assert!(!asked(bad), "{bad:?}");
        }
        assert!(Authenticate::new(None).call(Request::new(())).is_ok());
    }
}
