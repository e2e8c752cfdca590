//! `GET /foundation-models`, which Bedrock's control plane answers.

use serde_json::{Value, json};

use crate::wire::{Reply, Voice};

pub(super) fn list(voice: &Voice<'_>) -> Reply {
    let summaries: Vec<Value> = voice.models.iter().map(|id| summary(id)).collect();
    Reply::Whole(json!({"modelSummaries": summaries}))
}

fn summary(id: &str) -> Value {
    json!({
        "modelArn": format!("arn:aws:bedrock:us-east-1::foundation-model/{id}"),
        "modelId": id,
        "modelName": id,
        "providerName": "Fake",
        "inputModalities": ["TEXT", "IMAGE"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": true,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    })
}
