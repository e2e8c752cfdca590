//! Writing how much to think, and with it what else a request may say.

use super::{
    model::{Model, Modes, Off},
    wire::Thinking,
};
use crate::protocol::neutral::{Dropped, Effort, Field, Issuer, Part, Reasoning, Request, Role, Signature, Turn};

/// The API's smallest budget.
const LEAST_BUDGET: u64 = 1_024;
/// Room for the answer where the client sets no limit: the API wants one.
const ROOM: u64 = 4_096;

/// How a request thinks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub thinking: Option<Thinking>,
    pub effort: Option<&'static str>,
    pub max_tokens: u64,
    /// Whether thinking of earlier turns can be said again.
    pub keeps_history: bool,
}

impl Plan {
    pub fn of(request: &Request, model: &Model, dropped: &mut Dropped) -> Self {
        let (thinking, effort) = match request.reasoning {
            None => (None, None),
            Some(Reasoning::Off) => off(model, dropped),
            Some(on @ Reasoning::On { .. }) => on_for(on, request, model, dropped),
        };
        let off = matches!(thinking, Some(Thinking::Disabled | Thinking::BetweenTools));
        Self { thinking, effort, max_tokens: max_tokens(request, thinking, model, dropped), keeps_history: !off }
    }

    /// Whether this request has asked for thinking, which rules out forced tools.
    pub fn is_on(&self) -> bool {
        matches!(self.thinking, Some(Thinking::Enabled { .. } | Thinking::Adaptive { .. }))
    }
}

/// Switches thinking off, as far as the model can be.
fn off(model: &Model, dropped: &mut Dropped) -> (Option<Thinking>, Option<&'static str>) {
    match model.off {
        Off::Disabled => (Some(Thinking::Disabled), None),
        Off::BetweenTools => (Some(Thinking::BetweenTools), None),
        Off::Never => {
            dropped.add(Field::Reasoning);
            (None, Some("low"))
        }
    }
}

fn on_for(
    asked: Reasoning,
    request: &Request,
    model: &Model,
    dropped: &mut Dropped,
) -> (Option<Thinking>, Option<&'static str>) {
    let Reasoning::On { effort, budget, adaptive, show } = asked else { return (None, None) };
    let display = show.map(|show| if show { "summarized" } else { "omitted" });
    let adapts = match model.thinking {
        Modes::Budget => false,
        Modes::Adaptive => true,
        Modes::Both => adaptive || budget.is_none(),
        Modes::Asked => adaptive,
    };
    if adapts {
        if !adaptive && budget.is_some() {
            dropped.add(Field::Reasoning);
        }
        return (Some(Thinking::Adaptive { display }), asked.effort().map(|effort| word(effort, model)));
    }
    if adaptive {
        dropped.add(Field::Reasoning);
    }
    let tokens = asked.budget().unwrap_or(Effort::Medium.budget());
    if tokens < LEAST_BUDGET || !can_think(&glimpses(&request.turns)) {
        dropped.add(Field::Reasoning);
        return off(model, dropped);
    }
    // Models that take nothing but budgets know no effort.
    let effort = effort.filter(|_| budget.is_some() && model.thinking != Modes::Budget);
    (Some(Thinking::Enabled { budget_tokens: tokens, display }), effort.map(|effort| word(effort, model)))
}

/// Anthropic's word for an effort, never one above it.
fn word(effort: Effort, model: &Model) -> &'static str {
    match effort {
        Effort::Minimal => Effort::Low.word(),
        Effort::ExtraHigh if !model.extra_high => Effort::High.word(),
        other => other.word(),
    }
}

/// The limit of the reply, which holds the thinking too. A budget has to be below it.
fn max_tokens(request: &Request, thinking: Option<Thinking>, model: &Model, dropped: &mut Dropped) -> u64 {
    let typical = request.reasoning.and_then(Reasoning::budget).unwrap_or(Effort::Medium.budget());
    let thought = match thinking {
        Some(Thinking::Enabled { budget_tokens, .. }) => budget_tokens,
        Some(Thinking::Adaptive { .. }) => typical,
        None if model.thinks_unasked => typical,
        None | Some(Thinking::Disabled | Thinking::BetweenTools) => 0,
    };
    match (request.max_tokens, thinking) {
        (None, _) => thought.saturating_add(ROOM),
        (Some(asked), Some(Thinking::Enabled { budget_tokens, .. })) if asked <= budget_tokens => {
            dropped.add(Field::MaxTokens);
            budget_tokens.saturating_add(asked)
        }
        (Some(asked), _) => asked,
    }
}

/// What of a turn decides whether thinking can be on.
pub(super) struct Glimpse {
    pub assistant: bool,
    /// It holds results of tools.
    pub results: bool,
    pub thinks_first: bool,
}

/// Whether a budget of thinking can be set: the API wants a chain of tool calls to begin with the thinking that led to it,
/// from the user's last own words on. Later calls of the chain need none of their own, but have it if the model thinks
/// between calls.
pub(super) fn can_think(turns: &[Glimpse]) -> bool {
    let begin = turns.iter().rposition(|turn| !turn.assistant && !turn.results).map_or(0, |last| last + 1);
    let mut chain = turns[begin..].iter().filter(|turn| turn.assistant);
    match (chain.next(), chain.next_back()) {
        (None, _) => true,
        (Some(first), last) => first.thinks_first || last.is_some_and(|last| last.thinks_first),
    }
}

fn glimpses(turns: &[Turn]) -> Vec<Glimpse> {
    let said = turns.iter().filter(|turn| turn.role != Role::System);
    said.map(|turn| Glimpse {
        assistant: turn.role == Role::Assistant,
        results: turn.parts.iter().any(|part| matches!(part, Part::ToolResult { .. })),
        // Foreign thinking is left out, so that what follows it comes first.
        thinks_first: turn.parts.iter().find(|part| own(part) || !is_thinking(part)).is_some_and(own),
    })
    .collect()
}

fn is_thinking(part: &Part) -> bool {
    matches!(part, Part::Thinking { .. } | Part::RedactedThinking(_))
}

/// Whether this is thinking that Anthropic's models signed.
fn own(part: &Part) -> bool {
    let anthropics = |signature: &Signature| signature.issuer == Issuer::Anthropic;
    match part {
        Part::Thinking { signature, .. } => signature.as_ref().is_some_and(anthropics),
        Part::RedactedThinking(signature) => anthropics(signature),
        _ => false,
    }
}
