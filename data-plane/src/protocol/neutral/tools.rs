//! What a request says of its tools, taken together. Each answer takes as long as the request is, not its square: clients
//! send thousands of tools.

use super::{Part, Request, Tool, ToolChoice};
use std::collections::HashSet;

impl Request {
    /// The tools that may be called: all of them, or those of a choice among some.
    pub fn offered(&self) -> Vec<&Tool> {
        let Some(ToolChoice::Among { names, .. }) = &self.tool_choice else { return self.tools.iter().collect() };
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        self.tools.iter().filter(|tool| names.contains(tool.name.as_str())).collect()
    }

    /// Whether a tool has to be called and none is there. A provider is told nothing then, for it would refuse that.
    pub fn forces_nothing(&self) -> bool {
        let forced = matches!(
            self.tool_choice,
            Some(ToolChoice::Any | ToolChoice::One(_) | ToolChoice::Among { required: true, .. })
        );
        forced && self.offered().is_empty()
    }

    /// The names of the tools that were called so far, each once, in the order of their first calls.
    pub fn called(&self) -> Vec<&str> {
        let mut known = HashSet::new();
        let names = self.turns.iter().flat_map(|turn| &turn.parts).filter_map(|part| match part {
            Part::ToolCall(call) => Some(call.name.as_str()),
            _ => None,
        });
        names.filter(|name| known.insert(*name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::neutral::{Role, ToolCall, Turn};
    use serde_json::json;

    fn request(tools: &[&str], tool_choice: Option<ToolChoice>) -> Request {
        let tool = |name: &&str| Tool {
            name: (*name).to_owned(),
            description: None,
            schema: json!({"type": "object"}),
            strict: None,
            custom: false,
            cache: None,
        };
        Request { tools: tools.iter().map(tool).collect(), tool_choice, ..Request::default() }
    }

    fn among(names: &[&str], required: bool) -> Option<ToolChoice> {
        Some(ToolChoice::Among { names: names.iter().map(|name| (*name).to_owned()).collect(), required })
    }

    #[test]
    fn a_choice_among_some_leaves_the_others_out() {
        for (tools, choice, offered, forces_nothing) in [
            (vec!["a", "b", "c"], None, vec!["a", "b", "c"], false),
            (vec!["a", "b", "c"], among(&["c", "a", "x"], true), vec!["a", "c"], false),
            (vec!["a"], among(&["x"], true), vec![], true),
            (vec!["a"], among(&["x"], false), vec![], false),
            (vec![], Some(ToolChoice::Any), vec![], true),
            (vec![], Some(ToolChoice::One("a".to_owned())), vec![], true),
            (vec![], Some(ToolChoice::Auto), vec![], false),
            (vec![], Some(ToolChoice::None), vec![], false),
        ] {
            let request = request(&tools, choice.clone());
            let names: Vec<&str> = request.offered().into_iter().map(|tool| tool.name.as_str()).collect();
            assert_eq!((names, request.forces_nothing()), (offered, forces_nothing), "{tools:?} {choice:?}");
        }
    }

    #[test]
    fn each_tool_that_was_called_is_named_once() {
        let call = |name: &str| {
            let (id, arguments) = (String::new(), String::new());
            Part::ToolCall(ToolCall { id, name: name.to_owned(), arguments, signature: None })
        };
        let turn = |names: [&str; 2]| Turn { role: Role::Assistant, parts: names.map(call).to_vec() };
        let request = Request { turns: vec![turn(["b", "a"]), turn(["a", "c"])], ..Request::default() };
        assert_eq!(request.called(), ["b", "a", "c"]);
    }
}
