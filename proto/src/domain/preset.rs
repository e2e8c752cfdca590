//! Well-known endpoints by name, and what a provider means where it says nothing itself.
//!
//! Nodes are sent providers with everything filled in, so that a fleet of several builds agrees on what a preset is.

use super::{OpenAiApi, Protocol};
use crate::admin::v1 as wire;

/// Where AWS's protocols are served when no region is given.
const DEFAULT_REGION: &str = "us-east-1";

/// A well-known endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    pub name: &'static str,
    pub protocol: Protocol,
    /// `{region}` stands for the provider's region.
    pub base_url: &'static str,
    pub api: OpenAiApi,
}

const fn own(name: &'static str, protocol: Protocol, base_url: &'static str) -> Preset {
    Preset { name, protocol, base_url, api: OpenAiApi::Both }
}

/// One that imitates OpenAI's chat completions.
const fn chat(name: &'static str, base_url: &'static str) -> Preset {
    Preset { name, protocol: Protocol::OpenAi, base_url, api: OpenAiApi::Chat }
}

/// One that imitates OpenAI's Responses too.
const fn both(name: &'static str, base_url: &'static str) -> Preset {
    Preset { name, protocol: Protocol::OpenAi, base_url, api: OpenAiApi::Both }
}

/// Every preset. A protocol that is stated alone means the preset of its name; `-cn` is the one for mainland China, with
/// accounts of its own. Where a server has Responses for some of its models only, the table says chat: every model has it,
/// and requests are translated.
#[rustfmt::skip] // a table
pub const PRESETS: &[Preset] = &[
    own("openai", Protocol::OpenAi, "https://api.openai.com/v1"), // https://platform.openai.com/docs/api-reference
    own("anthropic", Protocol::Anthropic, "https://api.anthropic.com"), // https://docs.anthropic.com/en/api
    own("gemini", Protocol::Gemini, "https://generativelanguage.googleapis.com"), // https://ai.google.dev/api
    own("bedrock", Protocol::Bedrock, "https://bedrock-runtime.{region}.amazonaws.com"), // https://docs.aws.amazon.com/general/latest/gr/bedrock.html
    own("codewhisperer", Protocol::CodeWhisperer, "https://q.{region}.amazonaws.com"), // no public page: aws/amazon-q-developer-cli
    chat("cerebras", "https://api.cerebras.ai/v1"), // https://inference-docs.cerebras.ai/resources/openai
    chat("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"), // https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope
    chat("dashscope-cn", "https://dashscope.aliyuncs.com/compatible-mode/v1"), // https://help.aliyun.com/zh/model-studio
    chat("deepseek", "https://api.deepseek.com"), // https://api-docs.deepseek.com
    both("fireworks", "https://api.fireworks.ai/inference/v1"), // https://docs.fireworks.ai/guides/response-api
    both("groq", "https://api.groq.com/openai/v1"), // https://console.groq.com/docs/openai
    both("lmstudio", "http://127.0.0.1:1234/v1"), // https://lmstudio.ai/docs/developer/openai-compat/responses
    chat("mistral", "https://api.mistral.ai/v1"), // https://docs.mistral.ai/api
    chat("modelscope", "https://api-inference.modelscope.cn/v1"), // https://modelscope.cn/docs/model-service/API-Inference/intro
    chat("moonshot", "https://api.moonshot.ai/v1"), // https://platform.moonshot.ai/docs/api/chat
    chat("moonshot-cn", "https://api.moonshot.cn/v1"), // https://platform.moonshot.cn/docs/api/chat
    chat("nvidia", "https://integrate.api.nvidia.com/v1"), // https://docs.api.nvidia.com/nim/reference/llm-apis
    both("ollama", "http://127.0.0.1:11434/v1"), // https://docs.ollama.com/api/openai-compatibility; Responses since 0.13.3
    both("openrouter", "https://openrouter.ai/api/v1"), // https://openrouter.ai/docs/api-reference
    chat("perplexity", "https://api.perplexity.ai"), // https://docs.perplexity.ai; it has no list of models
    chat("qwen", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"), // dashscope by its models' name
    chat("siliconflow", "https://api.siliconflow.com/v1"), // https://docs.siliconflow.com/en/api-reference
    chat("siliconflow-cn", "https://api.siliconflow.cn/v1"), // https://docs.siliconflow.cn/cn/api-reference
    chat("together", "https://api.together.xyz/v1"), // https://docs.together.ai/reference/chat-completions
    both("vllm", "http://127.0.0.1:8000/v1"), // https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html
    both("xai", "https://api.x.ai/v1"), // https://docs.x.ai/docs/api-reference
    chat("zai", "https://api.z.ai/api/paas/v4"), // https://docs.z.ai
    chat("zhipu", "https://open.bigmodel.cn/api/paas/v4"), // https://open.bigmodel.cn; zai for mainland China
];

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// Their names, for people.
    pub fn names() -> String {
        PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ")
    }
}

/// A provider with what its preset or protocol means filled in wherever it says nothing itself. What is wrong with it
/// stays, and is found by [`super::Provider::check`]. Resolving a valid one once more changes nothing.
pub fn resolve(stated: &wire::Provider) -> wire::Provider {
    let mut provider = stated.clone();
    let alone = stated.preset.is_empty() && stated.base_url.is_empty();
    let preset = Preset::named(if alone { &stated.protocol } else { &stated.preset });
    fill(&mut provider.protocol, || preset.map_or(Protocol::OpenAi, |preset| preset.protocol).as_str().into());
    let protocol = Protocol::parse(&provider.protocol);
    if protocol.is_some_and(Protocol::is_aws) {
        fill(&mut provider.region, || region_of(&stated.base_url).unwrap_or(DEFAULT_REGION).into());
    }
    if let Some(preset) = preset {
        fill(&mut provider.base_url, || preset.base_url.replace("{region}", &provider.region));
        if preset.protocol.has_apis() {
            fill(&mut provider.api, || preset.api.as_str().into());
        }
    }
    if protocol == Some(Protocol::OpenAi) {
        provider.compatible = provider.compatible.or(Some(!is_of_openai(&provider.base_url)));
    }
    provider
}

fn fill(field: &mut String, value: impl FnOnce() -> String) {
    if field.is_empty() {
        *field = value();
    }
}

/// The region in the name of one of AWS's own hosts: `SERVICE.REGION.amazonaws.com`.
fn region_of(base_url: &str) -> Option<&str> {
    let (_, rest) = base_url.split_once("://")?;
    let host = rest.split(['/', ':']).next()?;
    let (_, region) = host.strip_suffix(".amazonaws.com")?.split_once('.')?;
    Some(region)
}

/// OpenAI's own hosts: `api.openai.com`, and `REGION.api.openai.com` where data stays in a region.
fn is_of_openai(base_url: &str) -> bool {
    let Some((_, rest)) = base_url.split_once("://") else { return false };
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    host == "api.openai.com" || host.ends_with(".api.openai.com")
}

#[cfg(test)]
mod tests;
