//! How much the model is to think. Only Claude's thinking can be governed, past Converse, in Anthropic's own words;
//! older models take a number of tokens, newer ones an effort.

use crate::protocol::bedrock::model::{Model, Thinking as Governed};
use crate::protocol::neutral::{
    Dropped, Effort, Field, Issuer, Part, Reasoning, Request, Role, Signature, ToolChoice, Turn,
};
use serde::Serialize;

/// Anthropic takes no smaller budget, in tokens.
const SMALLEST_BUDGET: u64 = 1_024;

/// Tokens left for the answer where the client sets no limit: without one of its own, a request has the model's
/// default, which may be smaller than the budget.
const ROOM_FOR_ANSWER: u64 = 4_096;

/// `additionalModelRequestFields.thinking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Thinking {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<&'static str>,
}

/// What a request says of thinking, and what follows for its other fields.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) thinking: Option<Thinking>,
    pub(super) effort: Option<&'static str>,
    pub(super) max_tokens: Option<u64>,
}

impl Plan {
    /// Whether the request turns thinking on.
    pub(super) fn thinks(&self) -> bool {
        self.thinking.is_some_and(|thinking| thinking.kind != "disabled")
    }
}

pub(super) fn plan(request: &Request, model: Model, dropped: &mut Dropped) -> Plan {
    let silent = Plan { max_tokens: request.max_tokens, ..Plan::default() };
    let (effort, budget, adaptive, show) = match request.reasoning {
        None => return silent,
        Some(Reasoning::Off) => return off(silent, model, dropped),
        Some(Reasoning::On { effort, budget, adaptive, show }) => (effort, budget, adaptive, show),
    };
    // A tool that must be called is a promise about the answer, thinking is none: Claude does not do both.
    let governed = if forces_a_tool(request) { Governed::Unknown } else { model.thinking() };
    let budget = budget.filter(|_| !adaptive);
    let display = show.map(|show| if show { "summarized" } else { "omitted" });
    match (governed, budget) {
        (Governed::Effort, _) | (Governed::BudgetOrEffort, None) => {
            let effort = effort.or(budget.map(Effort::of_budget)).map(|effort| word(effort, model, dropped));
            Plan { thinking: Some(Thinking { kind: "adaptive", budget_tokens: None, display }), effort, ..silent }
        }
        (Governed::Budget | Governed::BudgetOrEffort, _) if !resumes_without_thinking(request) => {
            let wanted = budget.unwrap_or_else(|| effort.unwrap_or(Effort::Medium).budget());
            within_budget(wanted, display, silent, dropped)
        }
        _ => {
            dropped.add(Field::Reasoning);
            off(silent, model, dropped)
        }
    }
}

/// The budget has to stay below the limit of tokens: where it does not, half of them are for thinking, half for the
/// answer, and where that is too few for thinking, there is none.
fn within_budget(wanted: u64, display: Option<&'static str>, silent: Plan, dropped: &mut Dropped) -> Plan {
    let budget = match silent.max_tokens {
        Some(most) if most <= wanted => most / 2,
        _ => wanted,
    };
    dropped.add_if(budget != wanted || budget < SMALLEST_BUDGET, Field::Reasoning);
    if budget < SMALLEST_BUDGET {
        return silent;
    }
    Plan {
        thinking: Some(Thinking { kind: "enabled", budget_tokens: Some(budget), display }),
        effort: None,
        max_tokens: silent.max_tokens.or(Some(budget.saturating_add(ROOM_FOR_ANSWER))),
    }
}

fn off(silent: Plan, model: Model, dropped: &mut Dropped) -> Plan {
    if !model.is_claude() || model.thinks_unasked() && !model.can_be_kept_from_thinking() {
        dropped.add(Field::Reasoning);
    } else if model.thinks_unasked() {
        return Plan { thinking: Some(Thinking { kind: "disabled", budget_tokens: None, display: None }), ..silent };
    }
    silent
}

/// `outputConfig.effort`, which begins with `low`.
fn word(effort: Effort, model: Model, dropped: &mut Dropped) -> &'static str {
    match effort {
        Effort::Minimal => Effort::Low.word(),
        Effort::ExtraHigh if !model.takes_extra_high() => {
            dropped.add(Field::Reasoning);
            Effort::High.word()
        }
        _ => effort.word(),
    }
}

fn forces_a_tool(request: &Request) -> bool {
    let forced = matches!(
        request.tool_choice,
        Some(ToolChoice::Any | ToolChoice::One(_) | ToolChoice::Among { required: true, .. })
    );
    forced && !request.tools.is_empty()
}

/// Whether the model is in the middle of calling tools, and has not thought before: then it may not begin to think with
/// a budget ("a final `assistant` message must start with a thinking block"). Of one run of calls, only the first turn
/// needs to begin with thinking.
fn resumes_without_thinking(request: &Request) -> bool {
    let answers = |turn: &Turn| turn.parts.iter().any(|part| matches!(part, Part::ToolResult { .. }));
    let run = request.turns.iter().rev().take_while(|turn| turn.role != Role::User || answers(turn));
    let mut turns = run.filter(|turn| turn.role == Role::Assistant).peekable();
    turns.peek().is_some() && !turns.any(begins_with_thinking)
}

fn begins_with_thinking(turn: &Turn) -> bool {
    let is_own = |signature: &Signature| signature.issuer == Issuer::Anthropic;
    let first = turn.parts.iter().find_map(|part| match part {
        Part::CachePoint { .. } => None,
        Part::Text(text) => (!text.trim().is_empty()).then_some(false),
        Part::Thinking { signature, .. } => signature.as_ref().is_some_and(is_own).then_some(true),
        Part::RedactedThinking(signature) => is_own(signature).then_some(true),
        _ => Some(false),
    });
    first == Some(true)
}
