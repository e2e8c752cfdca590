//! The validated domain. A value of these types is known to be good by itself; what it refers to is checked by
//! [`check_references`]. Secrets and digests never show in Debug output.

mod aws;
mod base_url;
mod codewhisperer;
mod key;
mod model;
mod name;
pub mod preset;
mod protocol;
mod provider;
mod references;
mod settings;
mod virtual_key;

pub use aws::AwsCredentials;
pub use base_url::BaseUrl;
pub use codewhisperer::CodeWhispererToken;
pub use key::{Key, KeySource, ProviderKey};
pub use model::{Backend, Model, Strategy};
pub use name::{EndpointId, KeyId, ModelName, Name, SlotId};
pub use preset::Preset;
pub use protocol::{OpenAiApi, Protocol};
pub use provider::{CircuitPolicy, Provider, RateLimitPolicy, Timeouts};
pub use references::{Catalog, check_references, fallback_cycle};
pub use settings::{ClientAuthentication, Settings};
pub use virtual_key::{Digest, VirtualKey, VirtualKeySpec};
