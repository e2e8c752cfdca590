//! The validated domain. A value of these types is known to be good by itself; what it refers to is checked by
//! [`check_references`]. Secrets and digests never show in Debug output.

mod aws;
mod base_url;
mod codewhisperer;
mod health_check;
mod key;
mod model;
mod name;
mod preferences;
pub mod preset;
mod protocol;
mod provider;
mod references;
mod rule;
mod settings;
mod strategy;
mod virtual_key;

pub use aws::AwsCredentials;
pub use base_url::BaseUrl;
pub use codewhisperer::CodeWhispererToken;
pub use health_check::{CheckKind, HealthCheck};
pub use key::{Key, KeySource, ProviderKey};
pub use model::{Affinity, AffinityBy, Backend, Capabilities, HedgeAfter, Hedging, Model, Price};
pub use name::{EndpointId, KeyId, ModelName, Name, SlotId};
pub use preferences::Preferences;
pub use preset::Preset;
pub use protocol::{OpenAiApi, Protocol};
pub use provider::{CircuitPolicy, Provider, RateLimitPolicy, Timeouts};
pub use references::{
    Catalog, check_detours, check_references, check_rule_detours, check_rule_references, fallback_cycle,
};
pub use rule::{
    Class, ClientDialect, Condition, Effort, HeaderMatch, LONG_CONTEXT, Pattern, Rule, STILL_LONG, TimeOfDay, Wanted,
};
pub use settings::{ClientAuthentication, Settings};
pub use strategy::{Priority, Quality, Strategy};
pub use virtual_key::{Digest, VirtualKey, VirtualKeySpec};
