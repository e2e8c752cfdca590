//! Every client's dialect and every provider's protocol, and translations between them.

use pointsman_data_plane::protocol::{
    neutral::{Part, Reasoning, Request, Role, Tool, Turn},
    openai::request::Compat,
    translate::{ClientForm, ProviderForm, Translation},
};
use serde_json::json;

pub const CLIENTS: [ClientForm; 5] =
    [ClientForm::Chat, ClientForm::Completions, ClientForm::Responses, ClientForm::Messages, ClientForm::Generate];

pub const PROVIDERS: [ProviderForm; 8] = [
    ProviderForm::Chat(Compat::OpenAi),
    ProviderForm::Chat(Compat::Compatible),
    ProviderForm::Chat(Compat::Google),
    ProviderForm::Responses,
    ProviderForm::Messages,
    ProviderForm::Generate,
    ProviderForm::Converse,
    ProviderForm::Assist,
];

/// Those whose replies are read differently.
pub const READERS: [ProviderForm; 6] = [
    ProviderForm::Chat(Compat::OpenAi),
    ProviderForm::Responses,
    ProviderForm::Messages,
    ProviderForm::Generate,
    ProviderForm::Converse,
    ProviderForm::Assist,
];

/// Names that writers go by.
pub const MODELS: [&str; 12] = [
    "gpt-4o",
    "gpt-5.1",
    "o3-mini",
    "claude-sonnet-4-5",
    "claude-opus-4-6",
    "claude-3-haiku-20240307",
    "gemini-2.5-pro",
    "gemini-3-flash",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "amazon.nova-pro-v1:0",
    "llama3:8b",
    "",
];

/// A tool whose name no provider takes.
pub const LONG_NAME: &str = "a.tool.whose.name.is.longer.than.any.provider.takes.and.has.dots.in.it.so.that.it.must.be.changed.and.\
                             changed.back.in.the.reply.of.each";

/// The provider whose reader reads what a client is sent. Text completions have none.
pub fn reader_of(client: ClientForm) -> Option<ProviderForm> {
    match client {
        ClientForm::Chat => Some(ProviderForm::Chat(Compat::OpenAi)),
        ClientForm::Completions => None,
        ClientForm::Responses => Some(ProviderForm::Responses),
        ClientForm::Messages => Some(ProviderForm::Messages),
        ClientForm::Generate => Some(ProviderForm::Generate),
    }
}

/// What a reply is translated by. `thinks` asks for thinking, which some providers then give in words; `tools` has one
/// of free text, and one whose name is changed on the way.
pub fn translation(client: ClientForm, provider: ProviderForm, stream: bool, thinks: bool, tools: bool) -> Translation {
    let reasoning = Reasoning::On { effort: None, budget: Some(2_048), adaptive: false, show: None };
    let request = Request {
        turns: vec![Turn { role: Role::User, parts: vec![Part::Text("hello".into())] }],
        tools: if tools { vec![tool("free", true), tool(LONG_NAME, false)] } else { Vec::new() },
        reasoning: thinks.then_some(reasoning),
        max_tokens: Some(8_192),
        stream,
        include_usage: stream,
        ..Request::default()
    };
    let written = Translation::request(&request, client, provider, "claude-sonnet-4-5", None, 1_763_700_000);
    written.unwrap_or_else(|no| panic!("a plain request goes everywhere: {no:?}")).1
}

fn tool(name: &str, custom: bool) -> Tool {
    let schema = json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]});
    Tool { name: name.into(), description: None, schema, strict: None, custom, cache: None }
}
