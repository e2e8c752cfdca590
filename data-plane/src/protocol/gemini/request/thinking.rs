//! `thinkingConfig`: a budget of tokens up to 2.5, a level from 3 on; both together are an error.

use super::object::Object;
use crate::protocol::{
    gemini::model::{self, Thinking},
    neutral::{Effort, Reasoning, Unreadable},
};
use serde::Serialize;

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThinkingConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    include_thoughts: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
}

/// What a request's reasoning becomes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub config: Option<ThinkingConfig>,
    /// The model cannot do quite what was asked for.
    pub altered: bool,
}

/// A client's config. Gemini thinks unless told not to: to be shown its thoughts is to ask for them.
pub fn read(mut config: Object) -> Result<Option<Reasoning>, Unreadable> {
    let show = config.boolean("includeThoughts")?;
    let budget = config.integer("thinkingBudget")?;
    let level = config.string("thinkingLevel")?;
    let effort =
        match level.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("thinking_level_unspecified") => None,
            Some(word) => Some(Effort::of_word(word).ok_or_else(|| {
                Unreadable::new(config.at("thinkingLevel"), "the level is MINIMAL, LOW, MEDIUM or HIGH")
            })?),
        };
    let on = |budget, adaptive| Some(Reasoning::On { effort, budget, adaptive, show });
    Ok(match budget {
        Some(0) => Some(Reasoning::Off),
        Some(budget) => on(u64::try_from(budget).ok(), budget < 0),
        None if effort.is_some() => on(None, false),
        None if show == Some(true) => on(None, true),
        None => None,
    })
}

pub fn write(reasoning: Reasoning, model: &str, max_tokens: Option<u64>) -> Written {
    match model::thinking(model) {
        Thinking::Unknown => Written { config: None, altered: reasoning != Reasoning::Off },
        Thinking::Budget => budget(reasoning, model::name(model), max_tokens),
        Thinking::Level => level(reasoning, model::name(model)),
    }
}

fn budget(reasoning: Reasoning, model: &str, max_tokens: Option<u64>) -> Written {
    // What the three sizes of 2.5 accept besides -1; the largest cannot but think.
    let (least, most, off) = match model {
        model if model.contains("pro") => (128, 32_768, 128),
        model if model.contains("lite") => (512, 24_576, 0),
        _ => (1, 24_576, 0),
    };
    let Reasoning::On { effort, budget, adaptive, show } = reasoning else {
        let config = ThinkingConfig { thinking_budget: Some(off), ..ThinkingConfig::default() };
        return Written { config: Some(config), altered: off != 0 };
    };
    // Thoughts count among the reply's tokens: where the number is ours, half of them are left for the reply.
    let room = max_tokens.map_or(most, |tokens| tokens / 2);
    let asked = if adaptive { None } else { budget.or(effort.map(|effort| effort.budget().min(room))) };
    let given = asked.map(|tokens| tokens.clamp(least, most));
    let config = ThinkingConfig {
        include_thoughts: Some(show.unwrap_or(true)),
        thinking_budget: Some(given.map_or(-1, u64::cast_signed)),
        thinking_level: None,
    };
    // Only a number that the client chose is worth a word.
    Written { config: Some(config), altered: !adaptive && budget.is_some() && given != budget }
}

fn level(reasoning: Reasoning, model: &str) -> Written {
    let flash = model.contains("flash");
    let Reasoning::On { show, .. } = reasoning else {
        let level = if flash { "MINIMAL" } else { "LOW" };
        let config = ThinkingConfig { thinking_level: Some(level), ..ThinkingConfig::default() };
        return Written { config: Some(config), altered: true };
    };
    let (level, altered) = match reasoning.effort() {
        None => (None, false),
        Some(Effort::Minimal) if flash => (Some("MINIMAL"), false),
        Some(Effort::Minimal) => (Some("LOW"), true),
        Some(Effort::Low) => (Some("LOW"), false),
        // The first of the family has two levels only.
        Some(Effort::Medium) if model.starts_with("gemini-3-pro") => (Some("HIGH"), true),
        Some(Effort::Medium) => (Some("MEDIUM"), false),
        Some(Effort::High) => (Some("HIGH"), false),
        Some(Effort::ExtraHigh | Effort::Max) => (Some("HIGH"), true),
    };
    let include_thoughts = Some(show.unwrap_or(true));
    let config = ThinkingConfig { include_thoughts, thinking_level: level, thinking_budget: None };
    Written { config: Some(config), altered }
}
