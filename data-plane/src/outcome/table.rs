//! The one table of what upstreams' errors mean: the first row that fits decides. What a provider's message says counts
//! only where it cannot be the client's own words come back.
//!
//! Sources: OpenAI's error guide and `openai-openapi`; Anthropic's errors page; google.rpc status codes as the Gemini API
//! uses them; botocore's service model of `bedrock-runtime`; the client generated for CodeWhisperer in
//! amazon-q-developer-cli. What an error calls itself decides before its status does.

use crate::protocol::neutral::Class;
use pointsman_proto::domain::Protocol::{self, Anthropic, AzureOpenAi, Bedrock, CodeWhisperer, Gemini, OpenAi};

/// One row.
pub(super) struct Row {
    /// Whose errors it is about; empty for everyone's.
    pub of: &'static [Protocol],
    /// First and last. An error in a stream may have no status, which is 0.
    pub status: (u16, u16),
    pub when: When,
    pub means: Class,
    /// For people, in a log line or the client's last error.
    pub why: &'static str,
    /// It is about the provider as a whole, not one of its models.
    pub whole: bool,
}

/// What else must hold.
pub(super) enum When {
    Always,
    /// The error gives itself one of these names.
    Named(&'static [&'static str]),
    /// It gives itself no other name than these.
    OnlyNamed(&'static [&'static str]),
    /// Its message holds one of these, in whichever case.
    Says(&'static [&'static str]),
    /// Its message begins with this.
    Begins(&'static str),
}

use Class::{
    BadCredential, BadRequest, ContentFilter, ContextTooLong, Failed, Forbidden, ModelDenied, NotFound, Overloaded,
    QuotaSpent, RateLimited, TimedOut, TooLarge, UnknownModel,
};
use When::{Always, Begins, Named, OnlyNamed, Says};

const EVERYONE: &[Protocol] = &[];
const OPENAI: &[Protocol] = &[OpenAi, AzureOpenAi];
const AWS: &[Protocol] = &[Bedrock, CodeWhisperer];
const ANY: (u16, u16) = (0, 999);

const fn row(of: &'static [Protocol], status: (u16, u16), when: When, means: Class, why: &'static str) -> Row {
    Row { of, status, when, means, why, whole: false }
}

impl Row {
    const fn whole(self) -> Self {
        Self { whole: true, ..self }
    }
}

#[rustfmt::skip]
pub(super) static TABLE: &[Row] = &[
    // More than any waiting would let through.
    row(EVERYONE, (413, 413), Always, TooLarge, "413"),
    row(OPENAI, (429, 429), Says(&["request too large for"]), TooLarge, "429: more tokens than the limit ever allows"),
    row(EVERYONE, ANY, Named(&["request_too_large"]), TooLarge, "413"),
    // A spent quota: no waiting of minutes ends it.
    row(OPENAI, ANY, Named(&OPENAI_QUOTA), QuotaSpent, "the quota is spent"),
    row(&[Anthropic], ANY, Named(&["enforced_spend_limit_reached", "billing_error"]), QuotaSpent, "the quota is spent"),
    row(&[Anthropic], (400, 403), Begins("Your credit balance is too low"), QuotaSpent, "the balance is spent"),
    row(&[Gemini], ANY, Named(&["PerDay"]), QuotaSpent, "the daily quota is spent"),
    row(&[Bedrock], (429, 429), Says(&["per day"]), QuotaSpent, "the daily quota is spent"),
    row(&[Bedrock], ANY, Named(&["ServiceQuotaExceededException"]), QuotaSpent, "the quota is spent"),
    row(&[CodeWhisperer], ANY, Named(&KIRO_QUOTA), QuotaSpent, "the quota is spent"),
    row(&[CodeWhisperer], ANY, Named(&["CONVERSATION_LIMIT_EXCEEDED"]), BadRequest, "the conversation is too long"),
    row(EVERYONE, (402, 402), Always, QuotaSpent, "402: the balance is spent"),
    // A rate limit: for how long, the headers or the body say.
    row(&[CodeWhisperer], ANY, Named(&["INSUFFICIENT_MODEL_CAPACITY"]), Overloaded, "the model has no capacity"),
    row(EVERYONE, (429, 429), Always, RateLimited, "429"),
    row(OPENAI, ANY, Named(&OPENAI_RATE), RateLimited, "a rate limit"),
    row(&[Anthropic], ANY, Named(&["rate_limit_error"]), RateLimited, "a rate limit"),
    row(&[Gemini], ANY, Named(&["RESOURCE_EXHAUSTED"]), RateLimited, "a rate limit"),
    row(AWS, ANY, Named(&AWS_RATE), RateLimited, "a rate limit"),
    // No capacity, for anyone.
    row(EVERYONE, ANY, Named(&["overloaded_error"]), Overloaded, "529: the provider is overloaded").whole(),
    row(EVERYONE, (529, 529), Always, Overloaded, "529: the provider is overloaded").whole(),
    row(&[CodeWhisperer], (500, 500), Says(&["unexpectedly high load"]), Overloaded, "the provider is overloaded"),
    row(OPENAI, ANY, Named(&["server_is_overloaded", "service_unavailable_error"]), Overloaded, "503"),
    row(&[Gemini], ANY, Named(&["UNAVAILABLE"]), Overloaded, "503"),
    row(AWS, ANY, Named(&["serviceUnavailableException", "ServiceUnavailableException"]), Overloaded, "503"),
    row(EVERYONE, (503, 503), Always, Overloaded, "503"),
    // The gateway's credential.
    row(OPENAI, (401, 401), Named(&OPENAI_KEY), BadCredential, "401: the provider does not accept the key"),
    row(OPENAI, (401, 401), OnlyNamed(&OPENAI_TYPES), BadCredential, "401: the provider does not accept the key"),
    row(OPENAI, (401, 401), Always, Forbidden, "401: the key lacks a permission"),
    row(&[Gemini], ANY, Named(&["API_KEY_INVALID"]), BadCredential, "the provider does not accept the key"),
    row(&[Gemini], (403, 403), Says(&["api key", "suspended"]), BadCredential, "403: the provider does not accept the key"),
    // A clock that is wrong, or a mistake of ours, is this node's alone: an opinion, and no fact about the key.
    row(&[Bedrock], ANY, Named(&AWS_SIGNATURE), Failed, "403: the signature or its time is not accepted; is this node's clock right?"),
    row(&[Bedrock], ANY, Named(&AWS_KEY), BadCredential, "the provider does not accept the credentials"),
    row(&[Bedrock], (403, 403), Says(&["bearer token", "api key"]), BadCredential, "403: the provider does not accept the key"),
    row(&[CodeWhisperer], (403, 403), Says(&["bearer token"]), BadCredential, "403: the token is not accepted"),
    row(&[CodeWhisperer], ANY, Named(&["TEMPORARILY_SUSPENDED"]), BadCredential, "the account is suspended"),
    row(EVERYONE, (401, 401), Always, BadCredential, "401: the provider does not accept the key"),
    // The credential and this model.
    row(OPENAI, (403, 403), Named(&["model_not_found", "model_access_denied"]), ModelDenied, "403: the key may not use this model"),
    row(&[Bedrock], (403, 403), Named(&["AccessDeniedException"]), ModelDenied, "403: the credentials may not use this model"),
    row(&[CodeWhisperer], (403, 403), Named(&["FEATURE_NOT_SUPPORTED"]), ModelDenied, "403: the account may not use this model"),
    row(&[Gemini], (400, 400), Begins("User location is not supported"), ModelDenied, "400: not available where this node is"),
    row(OPENAI, ANY, Named(&["model_not_found", "DeploymentNotFound"]), UnknownModel, "the provider does not know this model"),
    row(&[Anthropic], (404, 404), Begins("model:"), UnknownModel, "404: the provider does not know this model"),
    row(&[Gemini], (404, 404), Begins("models/"), UnknownModel, "404: the provider does not know this model"),
    row(&[Bedrock], ANY, Named(&["ResourceNotFoundException"]), UnknownModel, "404: the provider does not know this model"),
    row(&[Bedrock], (400, 400), Says(&["provided model identifier is invalid"]), UnknownModel, "400: the provider does not know this model"),
    row(&[CodeWhisperer], ANY, Named(&["INVALID_MODEL_ID"]), UnknownModel, "400: the provider does not know this model"),
    // The client's own fault.
    row(EVERYONE, ANY, Named(&CONTEXT), ContextTooLong, "the prompt is too long"),
    row(EVERYONE, (400, 422), Says(&CONTEXT_WORDS), ContextTooLong, "the prompt is too long"),
    row(EVERYONE, (0, 0), Says(&CONTEXT_WORDS), ContextTooLong, "the prompt is too long"),
    row(OPENAI, ANY, Named(&FILTER), ContentFilter, "a filter refused the prompt"),
    row(OPENAI, (0, 0), Named(&OPENAI_PROMPT), BadRequest, "an invalid request"),
    // Failures of the upstream.
    row(EVERYONE, (408, 408), Always, TimedOut, "408"),
    row(EVERYONE, (504, 504), Always, TimedOut, "504"),
    row(EVERYONE, (0, 0), Named(&["timeout_error", "DEADLINE_EXCEEDED"]), TimedOut, "a timeout in a stream"),
    row(EVERYONE, (500, 500), Always, Failed, "500"),
    row(EVERYONE, (502, 502), Always, Failed, "502"),
    row(EVERYONE, (501, 599), Always, Failed, "5xx"),
    row(&[Bedrock], (424, 424), Always, Failed, "424: the model failed"),
    row(EVERYONE, (300, 399), Always, Failed, "a redirect, which is not followed"),
    // What is left is the client's.
    row(EVERYONE, (403, 403), Always, Forbidden, "403"),
    row(EVERYONE, (404, 404), Always, NotFound, "404"),
    row(EVERYONE, (400, 499), Always, BadRequest, "4xx"),
    row(EVERYONE, (0, 0), Named(&BAD_REQUEST), BadRequest, "an invalid request"),
    row(EVERYONE, ANY, Always, Failed, "an error in a stream"),
];

static OPENAI_QUOTA: [&str; 5] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
];
static KIRO_QUOTA: [&str; 3] = ["MONTHLY_REQUEST_COUNT", "DAILY_REQUEST_COUNT", "OVERAGE_REQUEST_LIMIT_EXCEEDED"];
static OPENAI_RATE: [&str; 5] = ["rate_limit_exceeded", "rate_limit_error", "slow_down", "requests", "tokens"];
static AWS_RATE: [&str; 5] = [
    "ThrottlingException",
    "throttlingException",
    "ThrottlingError",
    "TooManyRequestsException",
    "ModelNotReadyException",
];
static OPENAI_KEY: [&str; 4] = ["invalid_api_key", "invalid_authentication", "account_deactivated", "key_revoked"];
/// The `type` of errors without a `code`; Azure's code is the status.
static OPENAI_TYPES: [&str; 4] = ["invalid_request_error", "authentication_error", "401", "Unauthorized"];
static AWS_SIGNATURE: [&str; 4] =
    ["InvalidSignatureException", "IncompleteSignatureException", "IncompleteSignature", "RequestExpired"];
static AWS_KEY: [&str; 4] = [
    "UnrecognizedClientException",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "MissingAuthenticationTokenException",
];
static CONTEXT: [&str; 2] = ["context_length_exceeded", "CONTENT_LENGTH_EXCEEDS_THRESHOLD"];
static CONTEXT_WORDS: [&str; 8] = [
    "prompt is too long",
    "maximum context length",
    "exceed context limit",
    "context window",
    "input is too long",
    "too many input tokens",
    "exceeds the maximum number of tokens",
    "maximum prompt length",
];
static FILTER: [&str; 4] =
    ["content_filter", "content_policy_violation", "image_content_policy_violation", "ResponsibleAIPolicyViolation"];
/// What a Responses stream may say of its prompt.
static OPENAI_PROMPT: [&str; 15] = [
    "invalid_prompt",
    "invalid_image",
    "invalid_image_format",
    "invalid_base64_image",
    "invalid_image_url",
    "image_too_large",
    "image_too_small",
    "image_parse_error",
    "invalid_image_mode",
    "image_file_too_large",
    "unsupported_image_media_type",
    "empty_image_file",
    "failed_to_download_image",
    "image_file_not_found",
    "unsupported_parameter",
];
static BAD_REQUEST: [&str; 4] =
    ["invalid_request_error", "INVALID_ARGUMENT", "validationException", "ValidationException"];
