//! What each edit does to the tables. Whether the result is valid is asked afterwards; here only what the result cannot
//! show any more: what was there before, masks, etags, and secrets on their way in.

use super::{
    Context, Edit, EditError,
    canonical::canonical,
    credential::{describe, settle},
    mask::{self, Selection},
    record::{Body, Id, Record},
    tables::Tables,
    whole,
};
use crate::secrets::{self, NODE_PREFIX, Source, VIRTUAL_KEY_PREFIX};
use pointsman_proto::{
    admin::v1::{self, NewWeight},
    violation::Violation,
};
use secrecy::{ExposeSecret, SecretString};
use std::{collections::BTreeSet, sync::Arc};

/// Tables on their way to the result.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) tables: Tables,
    pub(super) touched: BTreeSet<Id>,
    pub(super) tokens: Vec<(Id, SecretString)>,
    pub(super) violations: Vec<Violation>,
}

pub(super) fn perform(tables: &Tables, edit: &Edit, context: &Context<'_>) -> Result<Draft, EditError> {
    let mut draft = Draft { tables: tables.clone(), ..Default::default() };
    match edit {
        Edit::Create(body) => draft.create(body, context)?,
        Edit::Update { body, selection, allow_missing } => draft.update(body, selection, *allow_missing, context)?,
        Edit::Delete { id, etag, allow_missing } => draft.delete(id, etag, *allow_missing)?,
        Edit::SetWeights { model, weights, etag } => draft.set_weights(model, weights, etag)?,
        Edit::Apply { config, prune, allow_empty } => whole::apply(&mut draft, config, *prune, *allow_empty, context)?,
        Edit::Rollback { undone, .. } => whole::roll_back(&mut draft, undone),
        Edit::SecretChanged(keys) | Edit::SecretRenewed(keys) => keys.iter().for_each(|id| draft.renew(id, context)),
    }
    Ok(draft)
}

impl Draft {
    fn create(&mut self, body: &Body, context: &Context<'_>) -> Result<(), EditError> {
        let id = body.id();
        if self.tables.contains(&id) {
            return Err(EditError::AlreadyExists(id));
        }
        self.put(None, body.clone(), context);
        Ok(())
    }

    fn update(
        &mut self,
        given: &Body,
        selection: &Selection,
        allow_missing: bool,
        context: &Context<'_>,
    ) -> Result<(), EditError> {
        let id = given.id();
        self.violations.extend(selection.check(&id));
        let current = self.tables.get(&id).cloned();
        self.check_etag(&id, given.etag())?;
        match current {
            Some(record) => {
                let mut body = mask::take(selection, record.body.clone(), given);
                forget_source_not_given(&mut body, given, &record);
                self.put(Some(&record), body, context);
            }
            None if allow_missing => self.put(None, given.clone(), context),
            None => return Err(EditError::NotFound(id)),
        }
        Ok(())
    }

    fn delete(&mut self, id: &Id, etag: &str, allow_missing: bool) -> Result<(), EditError> {
        if !self.tables.contains(id) {
            return if allow_missing { Ok(()) } else { Err(EditError::NotFound(id.clone())) };
        }
        self.check_etag(id, etag)?;
        let by = users(&self.tables, id);
        if !by.is_empty() {
            return Err(EditError::InUse { id: id.clone(), by });
        }
        self.remove(id);
        Ok(())
    }

    fn set_weights(&mut self, name: &str, weights: &[NewWeight], etag: &str) -> Result<(), EditError> {
        let id = Id::Model(name.into());
        let Some(Body::Model(mut model)) = self.tables.get(&id).map(|r| r.body.clone()) else {
            return Err(EditError::NotFound(id));
        };
        self.check_etag(&id, etag)?;
        for (i, new) in weights.iter().enumerate() {
            match line_of(&model, new) {
                Ok(line) => model.backends[line].weight = Some(new.weight),
                Err(description) => self.violations.push(Violation { field: format!("weights[{i}]"), description }),
            }
        }
        self.insert(Record::plain(Body::Model(model)));
        Ok(())
    }

    /// An etag that was given must be the current one.
    pub(super) fn check_etag(&self, id: &Id, etag: &str) -> Result<(), EditError> {
        let current = self.tables.get(id).map(|record| record.etag());
        if etag.is_empty() || current.as_deref() == Some(etag) { Ok(()) } else { Err(EditError::Stale(id.clone())) }
    }

    /// Puts a resource in place of `current`, with what the server itself adds to it.
    pub(super) fn put(&mut self, current: Option<&Record>, body: Body, context: &Context<'_>) {
        let mut record = Record { hidden: current.map(|r| r.hidden.clone()).unwrap_or_default(), body };
        let id = record.body.id();
        let given = match &mut record.body {
            Body::Key(key) => key.source.take(),
            _ => None,
        };
        record.body = canonical(record.body);
        match (&mut record.body, current.map(|r| &r.body)) {
            (Body::Key(key), before) => {
                let before = match before {
                    Some(Body::Key(before)) => Some(before),
                    _ => None,
                };
                self.violations.extend(settle(key, &mut record.hidden, given, before, context));
            }
            (Body::VirtualKey(key), Some(Body::VirtualKey(before))) => key.last_four.clone_from(&before.last_four),
            (Body::VirtualKey(key), _) => {
                let token = self.mint(&id, VIRTUAL_KEY_PREFIX);
                key.last_four = secrets::last_four(token.expose_secret());
                record.hidden = context.vault.token_digest(token.expose_secret());
            }
            (Body::Node(_), None) => {
                let token = self.mint(&id, NODE_PREFIX);
                record.hidden = context.vault.token_digest(token.expose_secret());
            }
            _ => {}
        }
        self.insert(record);
    }

    fn mint(&mut self, id: &Id, prefix: &str) -> SecretString {
        let token = secrets::mint_token(prefix);
        self.tokens.push((id.clone(), token.clone()));
        token
    }

    pub(super) fn insert(&mut self, record: Record) {
        self.touched.insert(record.body.id());
        self.tables.insert(Arc::new(record));
    }

    pub(super) fn remove(&mut self, id: &Id) {
        self.touched.insert(id.clone());
        self.tables.remove(id);
    }

    /// Takes in the secret that a key's source holds now.
    fn renew(&mut self, id: &Id, context: &Context<'_>) {
        let Some(record) = self.tables.get(id).cloned() else { return };
        let Some(Body::Key(mut key)) = Some(record.body.clone()) else { return };
        let secret = Source::of(&key).and_then(|source| context.sources.get(&source).cloned());
        describe(&mut key, secret.as_ref(), record.key(), context);
        self.insert(Record { body: Body::Key(key), hidden: record.hidden.clone() });
    }
}

/// Masks are about what is stated. A key that states no source keeps its own, which is not stated to `put` again.
fn forget_source_not_given(body: &mut Body, given: &Body, current: &Record) {
    if let (Body::Key(key), Body::Key(given), Some(before)) = (body, given, current.key())
        && (given.source.is_none() || key.source == before.source)
    {
        key.source = None;
    }
}

/// The line of a model that a new weight is for.
fn line_of(model: &v1::Model, new: &NewWeight) -> Result<usize, String> {
    let upstream = |line: &v1::Backend| if line.model.is_empty() { model.name.clone() } else { line.model.clone() };
    let fits =
        |line: &v1::Backend| line.provider == new.provider && (new.model.is_empty() || upstream(line) == new.model);
    let lines: Vec<usize> = (0..model.backends.len()).filter(|i| fits(&model.backends[*i])).collect();
    match lines[..] {
        [line] => Ok(line),
        [] if new.model.is_empty() => Err(format!("the model has no backend of provider {:?}", new.provider)),
        [] => Err(format!("the model has no backend {}/{}", new.provider, new.model)),
        _ => {
            let names: Vec<String> = lines.iter().map(|i| upstream(&model.backends[*i])).collect();
            Err(format!("provider {:?} has several backends here; say which model: {}", new.provider, names.join(", ")))
        }
    }
}

/// Who would be left with a reference to nothing.
fn users(tables: &Tables, id: &Id) -> Vec<String> {
    match id {
        Id::Provider(name) => {
            let keys = tables.keys().filter(|(_, key)| key.provider == *name).map(|(id, _)| id.to_string());
            let uses = |model: &&v1::Model| model.backends.iter().any(|line| line.provider == *name);
            keys.chain(tables.models().filter(uses).map(|m| format!("model {}", m.name))).collect()
        }
        Id::Model(_) => {
            let Some(Body::Model(gone)) = tables.get(id).map(|r| &r.body) else { return Vec::new() };
            let means = |name: &String| *name == gone.name || gone.aliases.contains(name);
            let uses = |model: &&v1::Model| model.name != gone.name && model.fallbacks.iter().any(means);
            let fires = |rule: &&v1::Rule| means(&rule.model) || rule.fallbacks.iter().any(means);
            let models = tables.models().filter(uses).map(|m| format!("model {}", m.name));
            models.chain(tables.rules().filter(fires).map(|rule| format!("rule {}", rule.name))).collect()
        }
        _ => Vec::new(),
    }
}
