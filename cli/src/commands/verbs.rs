//! The five verbs, once for all nouns. A noun says how it is named, filled and shown, and makes its five calls.

use super::{confirm, wait};
use crate::{
    args::shared::{CreateArgs, DeleteArgs, EditArgs, GetArgs, ListArgs, UpdateArgs, Verb},
    client::{Service, Session},
    error::CliError,
    mask::Mask,
    output::{self, Row},
};
use clap::Args;
use pointsman_proto::admin::v1::Commit;
use prost_types::FieldMask;
use serde::Serialize;
use serde_json::{Map, Value};
use tonic::Status;

pub trait Noun: Row + Sized {
    const KIND: &'static str;
    type Fields: Args;
    type Filter: Args;

    /// A message with nothing but its name.
    fn named(name: &str) -> Result<Self, CliError>;
    fn set_etag(&mut self, etag: String);
    fn fill(&mut self, fields: Self::Fields, mask: &mut Mask) -> Result<(), CliError>;
    /// What a new one must have beyond what the server can tell.
    fn check_new(&self) -> Result<(), CliError> {
        Ok(())
    }

    /// Puts a list in order, where it is not that of the names.
    fn sort(_: &mut [Self]) {}

    async fn list(service: Service, filter: &Self::Filter, page_token: String) -> Result<Page<Self>, Status>;
    async fn get(service: Service, wanted: Self) -> Result<Option<Self>, Status>;
    async fn create(service: Service, resource: Self, validate_only: bool) -> Result<Edited<Self>, Status>;
    async fn update(service: Service, update: Update<Self>) -> Result<Edited<Self>, Status>;
    async fn delete(service: Service, delete: Delete<Self>) -> Result<Option<Commit>, Status>;
}

pub struct Page<T> {
    pub items: Vec<T>,
    pub next_page_token: String,
}

pub struct Update<T> {
    pub resource: T,
    pub mask: FieldMask,
    pub allow_missing: bool,
    pub validate_only: bool,
}

pub struct Delete<T> {
    /// Its name and, if given, its etag.
    pub resource: T,
    pub allow_missing: bool,
    pub validate_only: bool,
}

pub struct Edited<T> {
    pub resource: Option<T>,
    pub commit: Option<Commit>,
    /// Shown this once.
    pub token: Option<Token>,
}

/// A secret that the control plane made.
pub struct Token {
    /// Its key in JSON.
    pub field: &'static str,
    pub value: String,
    /// What to do with it.
    pub advice: &'static str,
}

impl Token {
    /// A dry run makes none.
    pub fn new(field: &'static str, value: String, advice: &'static str) -> Option<Self> {
        (!value.is_empty()).then_some(Self { field, value, advice })
    }
}

pub async fn run<N: Noun>(session: &Session, verb: Verb<N::Fields, N::Filter>) -> Result<(), CliError> {
    match verb {
        Verb::List(args) => list::<N>(session, args).await,
        Verb::Get(args) => get::<N>(session, args).await,
        Verb::Create(args) => create::<N>(session, args).await,
        Verb::Update(args) => update::<N>(session, args).await,
        Verb::Delete(args) => delete::<N>(session, args).await,
    }
}

async fn list<N: Noun>(session: &Session, args: ListArgs<N::Filter>) -> Result<(), CliError> {
    let service = session.connect().await?;
    let (mut items, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = N::list(service.clone(), &args.filter, page_token).await?;
        items.extend(page.items);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            N::sort(&mut items);
            return output::print_list(&items, args.read.output);
        }
    }
}

async fn get<N: Noun>(session: &Session, args: GetArgs) -> Result<(), CliError> {
    let wanted = N::named(&args.name)?;
    match N::get(session.connect().await?, wanted).await? {
        Some(found) => output::print_one(&found, args.read.output),
        None => Err(CliError::NotFound(format!("there is no {} {}", N::KIND, args.name))),
    }
}

async fn create<N: Noun>(session: &Session, args: CreateArgs<N::Fields>) -> Result<(), CliError> {
    let mut resource = N::named(&args.name)?;
    resource.fill(args.fields, &mut Mask::default())?;
    resource.check_new()?;
    let service = session.connect().await?;
    let edited = N::create(service.clone(), resource, args.edit.commit.dry_run).await?;
    finish(service, edited, &format!("{} {} created", N::KIND, args.name), &args.edit).await
}

async fn update<N: Noun>(session: &Session, args: UpdateArgs<N::Fields>) -> Result<(), CliError> {
    let (mut resource, mut mask) = (N::named(&args.name)?, Mask::default());
    resource.fill(args.fields, &mut mask)?;
    mask.unset(args.unset)?;
    resource.set_etag(args.etag.etag.unwrap_or_default());
    let (mask, allow_missing) = (mask.into_update()?, args.allow_missing);
    let service = session.connect().await?;
    let update = Update { resource, mask, allow_missing, validate_only: args.edit.commit.dry_run };
    let edited = N::update(service.clone(), update).await?;
    finish(service, edited, &format!("{} {} updated", N::KIND, args.name), &args.edit).await
}

async fn delete<N: Noun>(session: &Session, args: DeleteArgs) -> Result<(), CliError> {
    let mut resource = N::named(&args.name)?;
    resource.set_etag(args.etag.etag.unwrap_or_default());
    if !args.commit.dry_run {
        let question = format!("Delete {} {} on {}?", N::KIND, args.name, session.server()?);
        confirm::ask(&question, args.yes)?;
    }
    let service = session.connect().await?;
    let (allow_missing, validate_only) = (args.allow_missing, args.commit.dry_run);
    let commit = N::delete(service.clone(), Delete { resource, allow_missing, validate_only }).await?;
    wait::finish(service, commit, &format!("{} {} deleted", N::KIND, args.name), &args.commit).await
}

/// Prints the result and then waits, so that a token is not lost when the waiting fails.
pub async fn finish<T: Serialize + Row>(
    service: Service,
    edited: Edited<T>,
    what: &str,
    args: &EditArgs,
) -> Result<(), CliError> {
    if let Some(token) = &edited.token {
        eprintln!("{} It is shown this once.", token.advice);
    }
    match (args.output, edited.resource, edited.token) {
        (None, _, Some(token)) => output::print(&token.value)?,
        (Some(format), Some(resource), Some(token)) => output::print_document(&with_token(&resource, token)?, format)?,
        (Some(format), Some(resource), None) => output::print_document(&resource, format)?,
        _ => {}
    }
    wait::finish(service, edited.commit, what, &args.commit).await
}

/// One object: the resource under its kind, and the token beside it.
fn with_token<T: Row>(resource: &T, token: Token) -> Result<Value, CliError> {
    let value = serde_json::to_value(resource).map_err(|error| CliError::Encoding(error.to_string()))?;
    let kind = T::PLURAL.trim_end_matches('s').to_owned();
    Ok(Value::Object(Map::from_iter([(kind, value), (token.field.to_owned(), Value::String(token.value))])))
}
