//! AWS CodeWhisperer, alias Amazon Q Developer, alias Kiro: `generateAssistantResponse`, as the client that AWS
//! generates for its own command line describes it, and as proxies of Kiro's editor have observed it; AWS documents none
//! of it. Peculiar: there is no system prompt, no sampling, no limit and no choice of tools; the history is checked
//! strictly, and every flaw is answered with "Improperly formed request."; a reply names no reason for its end, and its
//! tokens only at times.
//!
//! There is no `response` here: the upstream always streams, and a whole reply is [collected](super::neutral::Collector)
//! from its events.

pub mod error;
pub mod request;
pub mod stream;
