//! From a client's dialect to a provider's protocol and back, through the neutral form.
//!
//! A [`Translation`] is made from the request and kept for the reply: it knows both sides, which names were shortened on
//! the way in, and what was left out.

mod streamer;

pub use streamer::Streamer;

use super::{
    anthropic, bedrock, codewhisperer, frames, gemini,
    neutral::{
        Broken, Collector, Context, Field, Part, Reasoning, Request, Response, Stop, Unreadable, Unsupported, Usage,
        Written,
    },
    openai, openai_completions, openai_responses,
    shape::{Names, Shape, fit},
    surface::Surface,
    upstream::Call,
};
use openai::request::Compat;
use pointsman_proto::domain::{OpenAiApi, Protocol, Provider};

/// The client's side of a translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientForm {
    Chat,
    Completions,
    Responses,
    Messages,
    Generate,
}

/// The provider's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderForm {
    Chat(Compat),
    Responses,
    Messages,
    Generate,
    Converse,
    Assist,
}

/// Why a request cannot go to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCarried {
    /// As the client wrote it.
    pub field: String,
    pub why: String,
}

/// A request translated, and what its reply needs.
pub struct Translation {
    pub client: ClientForm,
    pub provider: ProviderForm,
    pub stream: bool,
    /// What was left out, as the client wrote it.
    pub dropped: Vec<String>,
    names: Names,
    context: Context,
    /// Thinking was asked for in words, and comes back in words.
    tagged: bool,
}

/// A whole reply in the client's dialect.
#[derive(Debug)]
pub struct Translated {
    /// None where the model's tool call cannot be parsed, which no dialect can tell of.
    pub body: Option<Vec<u8>>,
    pub usage: Option<Usage>,
}

impl ClientForm {
    /// The form in which a surface's requests come; none for those that are not translated.
    pub fn of(surface: Surface) -> Option<Self> {
        match surface {
            Surface::Chat => Some(Self::Chat),
            Surface::Completions => Some(Self::Completions),
            Surface::Responses => Some(Self::Responses),
            Surface::Messages | Surface::CountTokens => Some(Self::Messages),
            Surface::Generate { .. } | Surface::GeminiCountTokens => Some(Self::Generate),
            Surface::Embeddings | Surface::OtherOpenAi | Surface::OtherGemini => None,
        }
    }

    /// Reads a client's request.
    ///
    /// # Errors
    /// It is not what the dialect allows.
    pub fn read(self, surface: Surface, body: &[u8]) -> Result<Request, Unreadable> {
        let mut request = match self {
            Self::Chat => openai::request::read(body),
            Self::Completions => openai_completions::request::read(body),
            Self::Responses => openai_responses::request::read(body),
            Self::Messages => anthropic::request::read(body, surface == Surface::CountTokens),
            Self::Generate if surface == Surface::GeminiCountTokens => gemini::tokens::read(body),
            Self::Generate => gemini::request::read(body),
        }?;
        if let Surface::Generate { stream } = surface {
            request.stream = stream;
        }
        Ok(request)
    }

    fn field(self, field: Field) -> &'static str {
        match self {
            Self::Chat => openai::request::field(field),
            Self::Completions => openai_completions::request::field(field),
            Self::Responses => openai_responses::request::field(field),
            Self::Messages => anthropic::request::field(field),
            Self::Generate => gemini::request::field(field),
        }
    }

    fn write(self, response: &Response, context: &Context) -> Vec<u8> {
        match self {
            Self::Chat => openai::response::write(response, context),
            Self::Completions => openai_completions::response::write(response, context),
            Self::Responses => openai_responses::response::write(response, context),
            Self::Messages => anthropic::response::write(response, context),
            Self::Generate => gemini::response::write(response, context),
        }
    }
}

impl ProviderForm {
    /// The form that a provider takes requests in.
    pub fn of(provider: &Provider) -> Self {
        match provider.protocol {
            Protocol::OpenAi | Protocol::AzureOpenAi if provider.api == OpenAiApi::Responses => Self::Responses,
            Protocol::OpenAi | Protocol::AzureOpenAi => Self::Chat(compat(provider)),
            Protocol::Anthropic => Self::Messages,
            Protocol::Gemini => Self::Generate,
            Protocol::Bedrock => Self::Converse,
            Protocol::CodeWhisperer => Self::Assist,
        }
    }

    /// Where its requests go.
    pub fn call(self, stream: bool) -> Call<'static> {
        match (self, stream) {
            (Self::Chat(_), _) => Call::OpenAi("/chat/completions"),
            (Self::Responses, _) => Call::OpenAi("/responses"),
            (Self::Messages, _) => Call::Messages,
            (Self::Generate, false) => Call::Gemini("generateContent"),
            (Self::Generate, true) => Call::Gemini("streamGenerateContent?alt=sse"),
            (Self::Converse, false) => Call::Converse,
            (Self::Converse, true) => Call::ConverseStream,
            (Self::Assist, _) => Call::Assist,
        }
    }

    fn shape(self) -> Shape {
        let openai = matches!(self, Self::Chat(_) | Self::Responses);
        let tool_name = match self {
            Self::Messages => 128,
            Self::Assist => 63,
            _ => 64,
        };
        Shape { system_in_place: openai, tool_name, alternate: !openai }
    }

    fn write(self, request: &Request, model: &str, profile_arn: Option<&str>) -> Result<Written, Unsupported> {
        match self {
            Self::Chat(compat) => openai::request::write(request, model, compat),
            Self::Responses => openai_responses::request::write(request, model),
            Self::Messages => anthropic::request::write(request, model),
            Self::Generate => gemini::request::write(request, model),
            Self::Converse => bedrock::request::write(request, model),
            Self::Assist => codewhisperer::request::write(request, model, profile_arn),
        }
    }
}

/// Whose imitation of OpenAI a provider is.
pub fn compat(provider: &Provider) -> Compat {
    match provider.base_url.authority.host() {
        _ if !provider.compatible => Compat::OpenAi,
        host if host.ends_with(".googleapis.com") => Compat::Google,
        _ => Compat::Compatible,
    }
}

/// A request fitted to what a provider's form accepts.
pub fn fitted(request: &Request, form: ProviderForm) -> (Request, Names) {
    let mut request = request.clone();
    let names = fit(&mut request, form.shape());
    (request, names)
}

impl Translation {
    /// Writes a client's request in a provider's form, with the upstream's name for the model.
    ///
    /// # Errors
    /// Something that the provider cannot be given and that would change the answer.
    pub fn request(
        request: &Request,
        client: ClientForm,
        provider: ProviderForm,
        model: &str,
        profile_arn: Option<&str>,
        created: u64,
    ) -> Result<(Vec<u8>, Self), NotCarried> {
        if let Some(extra) = request.extra.iter().find(|extra| extra.essential) {
            let why = "it has no counterpart in the protocol of the provider that serves this model";
            return Err(NotCarried { field: extra.field.clone(), why: why.into() });
        }
        let (fitted, names) = fitted(request, provider);
        let written = provider.write(&fitted, model, profile_arn).map_err(|unsupported| NotCarried {
            field: client.field(unsupported.field).to_owned(),
            why: unsupported.why.into_owned(),
        })?;
        let left_out = written.dropped.iter().map(|field| client.field(*field).to_owned());
        let mut dropped: Vec<String> = request.extra.iter().map(|e| e.field.clone()).chain(left_out).collect();
        dropped.sort_unstable();
        dropped.dedup();
        let context = Context {
            model: model.to_owned(),
            created,
            include_usage: request.include_usage,
            custom_tools: request.tools.iter().filter(|t| t.custom).map(|t| t.name.clone()).collect(),
        };
        let tagged = matches!(request.reasoning, Some(Reasoning::On { .. }));
        Ok((written.body, Self { client, provider, stream: request.stream, dropped, names, context, tagged }))
    }

    /// Translates a whole reply.
    ///
    /// # Errors
    /// It is not a reply of the provider's protocol.
    pub fn reply(&self, body: &[u8]) -> Result<Translated, Broken> {
        let mut response = match self.provider {
            ProviderForm::Chat(_) => openai::response::read(body, &self.context),
            ProviderForm::Responses => openai_responses::response::read(body, &self.context),
            ProviderForm::Messages => anthropic::response::read(body, &self.context),
            ProviderForm::Generate => gemini::response::read(body, &self.context),
            ProviderForm::Converse => bedrock::response::read(body, &self.context),
            ProviderForm::Assist => self.collected(body),
        }?;
        let usage = response.usage;
        if response.stop == Stop::Malformed {
            return Ok(Translated { body: None, usage });
        }
        for part in &mut response.parts {
            if let Part::ToolCall(call) = part {
                call.name = self.names.original(&call.name).to_owned();
            }
        }
        Ok(Translated { body: Some(self.client.write(&response, &self.context)), usage })
    }

    /// The reply of a provider that always streams.
    fn collected(&self, body: &[u8]) -> Result<Response, Broken> {
        let mut reader = codewhisperer::stream::Reader::new(&self.context, self.tagged);
        let (mut cutter, mut collector) = (frames::Reader::default(), Collector::default());
        cutter.feed(body, |frame| reader.read(&frame, &mut |event| collector.take(event)))?;
        if !cutter.is_between_frames() {
            return Err(Broken::Early);
        }
        reader.finish(&mut |event| collector.take(event))?;
        collector.finish().ok_or(Broken::Early)
    }

    /// What translates the pieces of a stream.
    pub fn streamer(self) -> Streamer {
        Streamer::new(self)
    }
}
