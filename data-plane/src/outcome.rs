//! What an answer teaches: whose error it is, for how long, and what the slot and circuit machines learn from it.

mod table;

use crate::{
    hints::stated_wait,
    protocol::neutral::{Class, Told},
    select::Outcome,
};
use http::HeaderMap;
use pointsman_proto::{domain::Protocol, slot::Refusal};
use std::time::Duration;
use table::{Row, TABLE, When};

/// Less than this is no reset of a quota.
const SHORTEST_QUOTA: Duration = Duration::from_secs(3600);

/// What an error means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lesson {
    /// For the client.
    pub class: Class,
    /// For the health machine.
    pub outcome: Outcome,
}

/// What an error of an upstream means: one that came as a response's status, or as an event of a stream, which may name no
/// status.
pub(crate) fn lesson(protocol: Protocol, status: Option<u16>, headers: &HeaderMap, told: &Told) -> Lesson {
    let status = status.or(told.status).unwrap_or(0);
    let row = TABLE.iter().find(|row| row.fits(protocol, status, told));
    let (class, why, whole) = row.map_or((Class::Failed, "an error", false), |row| (row.means, row.why, row.whole));
    let wait = || stated_wait(headers, told.wait);
    let outcome = match class {
        Class::RateLimited => Outcome::Refused { refusal: Refusal::RateLimited(wait()), why },
        // Some repeat the minute's wait where the day's quota is spent.
        Class::QuotaSpent => {
            Outcome::Refused { refusal: Refusal::QuotaSpent(wait().filter(|wait| *wait >= SHORTEST_QUOTA)), why }
        }
        Class::ModelDenied => Outcome::Refused { refusal: Refusal::Denied, why },
        Class::BadCredential => Outcome::BadCredential { why },
        Class::Overloaded | Class::Failed | Class::TimedOut | Class::Unavailable => Outcome::Failure { why, whole },
        Class::BadRequest
        | Class::ContextTooLong
        | Class::ContentFilter
        | Class::Unauthorized
        | Class::Forbidden
        | Class::NotFound
        // It may have been a tool of the client's that names another model.
        | Class::UnknownModel
        | Class::TooLarge => Outcome::ClientError,
    };
    Lesson { class, outcome }
}

impl Row {
    fn fits(&self, protocol: Protocol, status: u16, told: &Told) -> bool {
        let named = |list: &[&str]| told.words.iter().any(|word| list.contains(&word.as_str()));
        (self.of.is_empty() || self.of.contains(&protocol))
            && (self.status.0..=self.status.1).contains(&status)
            && match self.when {
                When::Always => true,
                When::Named(list) => named(list),
                When::OnlyNamed(list) => told.words.iter().all(|word| list.contains(&word.as_str())),
                When::Begins(words) => told.message.starts_with(words),
                When::Says(list) => {
                    let message = told.message.to_ascii_lowercase();
                    list.iter().any(|words| message.contains(words))
                }
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(words: &[&str], message: &str) -> Told {
        let words = words.iter().map(|w| (*w).to_owned()).collect();
        Told { words, message: message.to_owned(), ..Told::default() }
    }

    fn kind(lesson: &Lesson) -> &'static str {
        match lesson.outcome {
            Outcome::Success => "success",
            Outcome::Failure { whole: false, .. } => "failure",
            Outcome::Failure { whole: true, .. } => "failure of the provider",
            Outcome::Refused { refusal: Refusal::RateLimited(_), .. } => "rate limit",
            Outcome::Refused { refusal: Refusal::QuotaSpent(_), .. } => "quota",
            Outcome::Refused { refusal: Refusal::Denied, .. } => "denied",
            Outcome::BadCredential { .. } => "bad credential",
            Outcome::ClientError => "client",
        }
    }

    #[test]
    fn each_answer_teaches_what_it_should() {
        use Protocol::{Anthropic, AzureOpenAi, Bedrock, CodeWhisperer, Gemini, OpenAi};
        for (protocol, status, words, message, expected) in [
            (OpenAi, 429, &[][..], "", "rate limit"),
            (OpenAi, 429, &["rate_limit_exceeded", "requests"], "", "rate limit"),
            (OpenAi, 429, &["insufficient_quota"], "", "quota"),
            (OpenAi, 429, &["project_spend_limit_exceeded"], "", "quota"),
            (OpenAi, 402, &[], "", "quota"),
            (OpenAi, 401, &[], "", "bad credential"),
            (OpenAi, 401, &["invalid_request_error"], "", "bad credential"),
            (OpenAi, 401, &["invalid_api_key", "invalid_request_error"], "", "bad credential"),
            (OpenAi, 401, &["missing_scope", "invalid_request_error"], "", "client"),
            (OpenAi, 403, &[], "", "client"),
            (OpenAi, 403, &["model_not_found"], "", "denied"),
            (OpenAi, 404, &["model_not_found"], "", "client"),
            (OpenAi, 404, &[], "", "client"),
            (OpenAi, 400, &["context_length_exceeded"], "", "client"),
            (OpenAi, 413, &["rate_limit_exceeded", "tokens"], "", "client"),
            (OpenAi, 429, &["rate_limit_exceeded"], "Request too large for gpt-5 on tokens per min", "client"),
            (OpenAi, 503, &["slow_down"], "", "rate limit"),
            (OpenAi, 500, &[], "", "failure"),
            (OpenAi, 503, &["server_is_overloaded"], "", "failure"),
            (OpenAi, 529, &[], "", "failure of the provider"),
            (OpenAi, 302, &[], "", "failure"),
            (AzureOpenAi, 429, &["429"], "Please retry after 3 seconds", "rate limit"),
            (AzureOpenAi, 401, &["401"], "", "bad credential"),
            (AzureOpenAi, 404, &["DeploymentNotFound"], "", "client"),
            (AzureOpenAi, 400, &["content_filter"], "", "client"),
            (Anthropic, 429, &["rate_limit_error"], "", "rate limit"),
            (Anthropic, 429, &["enforced_spend_limit_reached", "rate_limit_error"], "", "quota"),
            (Anthropic, 400, &["invalid_request_error"], "Your credit balance is too low to", "quota"),
            (Anthropic, 400, &["invalid_request_error"], "credit balance is too low: Extra inputs", "client"),
            (Anthropic, 400, &["invalid_request_error"], "prompt is too long: 9 > 8", "client"),
            (Anthropic, 401, &["authentication_error"], "", "bad credential"),
            (Anthropic, 403, &["permission_error"], "", "client"),
            (Anthropic, 404, &["not_found_error"], "model: claude-9", "client"),
            (Anthropic, 529, &["overloaded_error"], "", "failure of the provider"),
            (Gemini, 429, &["RESOURCE_EXHAUSTED", "PerMinute"], "", "rate limit"),
            (Gemini, 429, &["RESOURCE_EXHAUSTED", "PerDay"], "", "quota"),
            (Gemini, 400, &["API_KEY_INVALID", "INVALID_ARGUMENT"], "", "bad credential"),
            (Gemini, 400, &["INVALID_ARGUMENT"], "", "client"),
            (Gemini, 404, &["NOT_FOUND"], "models/x is not found", "client"),
            (Gemini, 503, &["UNAVAILABLE"], "", "failure"),
            (Bedrock, 429, &["ThrottlingException"], "Too many requests", "rate limit"),
            (Bedrock, 429, &["ThrottlingException"], "too many tokens per day", "quota"),
            (Bedrock, 403, &["AccessDeniedException"], "", "denied"),
            (Bedrock, 403, &["ExpiredTokenException"], "", "bad credential"),
            (Bedrock, 403, &["UnrecognizedClientException"], "", "bad credential"),
            (Bedrock, 403, &["InvalidSignatureException"], "Signature expired", "failure"),
            (Bedrock, 400, &["ValidationException"], "'once per day' is no tool name", "client"),
            (Bedrock, 400, &["ValidationException"], "", "client"),
            (Bedrock, 424, &["ModelErrorException"], "", "failure"),
            (CodeWhisperer, 429, &["INSUFFICIENT_MODEL_CAPACITY", "ThrottlingError"], "", "failure"),
            (CodeWhisperer, 402, &["MONTHLY_REQUEST_COUNT"], "", "quota"),
            (CodeWhisperer, 403, &[], "The bearer token included in the request is invalid", "bad credential"),
            (CodeWhisperer, 400, &["ValidationError"], "Improperly formed request.", "client"),
        ] {
            let lesson = lesson(protocol, Some(status), &HeaderMap::new(), &told(words, message));
            assert_eq!(kind(&lesson), expected, "{protocol:?} {status} {words:?} {message}");
        }
    }

    #[test]
    fn an_error_event_stands_for_its_status() {
        use Protocol::{Anthropic, Bedrock, Gemini, OpenAi};
        for (protocol, words, status, expected) in [
            (OpenAi, &["rate_limit_exceeded", "requests"][..], None, "rate limit"),
            (OpenAi, &[], Some(429), "rate limit"),
            (OpenAi, &["insufficient_quota"], None, "quota"),
            (OpenAi, &["server_error"], None, "failure"),
            (OpenAi, &[], None, "failure"),
            (OpenAi, &["context_length_exceeded", "invalid_request_error"], None, "client"),
            (OpenAi, &["invalid_image_url"], None, "client"),
            (Anthropic, &["overloaded_error"], None, "failure of the provider"),
            (Anthropic, &["invalid_request_error"], None, "client"),
            (Gemini, &["RESOURCE_EXHAUSTED"], None, "rate limit"),
            (Bedrock, &["throttlingException"], None, "rate limit"),
            (Bedrock, &["validationException"], None, "client"),
        ] {
            let told = Told { status, ..told(words, "") };
            let lesson = lesson(protocol, None, &HeaderMap::new(), &told);
            assert_eq!(kind(&lesson), expected, "{protocol:?} {words:?} {status:?}");
        }
    }

    #[test]
    fn a_body_may_say_how_long() {
        let told = Told { wait: Some(Duration::from_secs(38)), ..told(&["RESOURCE_EXHAUSTED"], "") };
        let lesson = lesson(Protocol::Gemini, Some(429), &HeaderMap::new(), &told);
        let Outcome::Refused { refusal, .. } = lesson.outcome else { panic!("a rate limit: {lesson:?}") };
        assert_eq!(refusal, Refusal::RateLimited(Some(Duration::from_secs(38))));
    }
}
