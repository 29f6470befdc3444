//! The table of the API: each operation once, with its address, who may call it, how it is described and what answers it.
//! Routes, access checks, the OpenAPI document and the docs page are all made from it, so that they cannot drift apart.

use super::json::read_json;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::keys::KeyScope;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// Where the API begins.
pub const BASE: &str = "/api/v1";

/// The methods of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Commands.
    Post,
}

impl Method {
    /// As in HTTP.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Which keys may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only keys that feed.
    Feed,
    /// Only keys for the finance team's commands.
    Operate,
    /// Every key.
    AnyKey,
}

impl Access {
    /// True for a key of this scope.
    pub fn allows(self, scope: KeyScope) -> bool {
        match self {
            Self::AnyKey => true,
            Self::Feed => scope == KeyScope::Feed,
            Self::Operate => scope == KeyScope::Operate,
        }
    }

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Operate => "operate",
            Self::AnyKey => "feed or operate",
        }
    }

    /// A scope that is let through.
    pub const fn example(self) -> KeyScope {
        match self {
            Self::Operate => KeyScope::Operate,
            Self::Feed | Self::AnyKey => KeyScope::Feed,
        }
    }
}

/// A parameter in the path or the query.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Name.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
    /// An example.
    pub example: &'static str,
    /// True for a part of the path.
    pub in_path: bool,
}

impl Param {
    /// A part of the path.
    pub const fn path(name: &'static str, about: &'static str, example: &'static str) -> Self {
        Self { name, about, example, in_path: true }
    }
    /// An optional parameter of the query.
    pub const fn query(name: &'static str, about: &'static str, example: &'static str) -> Self {
        Self { name, about, example, in_path: false }
    }
}

/// Goes on where a page of a list ended.
pub const CURSOR: Param = Param::query("cursor", "`next` of the page before; without it the list starts anew.", "5120");
/// Length of a page.
pub const LIMIT: Param = Param::query("limit", "Entries a page, 1 to 1000.", "100");

/// A schema with those it refers to, itself first.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// The shape of a body.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// What the type that reads it says of itself.
    Typed {
        /// Its schemas.
        schemas: fn() -> Schemas,
        /// Reads a body as the handler does.
        read: fn(&[u8]) -> Result<(), Rejection>,
    },
    /// As the example, with the meaning of each field.
    Example(&'static [(&'static str, &'static str)]),
    /// Text of its own format.
    Text,
    /// Parts of a form: name, media type, meaning.
    Parts(&'static [(&'static str, &'static str, &'static str)]),
}

/// A body that an operation takes.
#[derive(Debug, Clone, Copy)]
pub struct Media {
    /// Media type.
    pub media: &'static str,
    /// An example.
    pub example: &'static str,
    /// The shape.
    pub shape: Shape,
}

impl Media {
    /// JSON that this type reads.
    pub const fn json<T: ToSchema + DeserializeOwned>(example: &'static str) -> Self {
        let shape = Shape::Typed { schemas: schemas_of::<T>, read: |body| read_json::<T>(body).map(|_| ()) };
        Self { media: "application/json", example, shape }
    }

    /// The schemas of a typed body.
    pub fn schemas(&self) -> Schemas {
        match self.shape {
            Shape::Typed { schemas, .. } => schemas(),
            _ => Schemas::new(),
        }
    }

    /// Fields and their meaning, for the page.
    pub fn fields(&self) -> Vec<(String, String)> {
        let own = |(name, about): &(&str, &str)| ((*name).to_owned(), (*about).to_owned());
        match self.shape {
            Shape::Example(fields) => fields.iter().map(own).collect(),
            Shape::Parts(parts) => {
                parts.iter().map(|(name, media, about)| ((*name).to_owned(), format!("{media}. {about}"))).collect()
            }
            Shape::Typed { schemas, .. } => schemas().first().map(|(_, schema)| described(schema)).unwrap_or_default(),
            Shape::Text => Vec::new(),
        }
    }
}

fn schemas_of<T: ToSchema>() -> Schemas {
    let mut all = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut all);
    all
}

/// The properties of an object with what is said of them.
fn described(schema: &RefOr<Schema>) -> Vec<(String, String)> {
    let RefOr::T(Schema::Object(object)) = schema else { return Vec::new() };
    let about = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Object(property)) => property.description.clone(),
        RefOr::T(Schema::Array(property)) => property.description.clone(),
        RefOr::T(Schema::OneOf(property)) => property.description.clone(),
        RefOr::Ref(reference) => Some(reference.description.clone()).filter(|text| !text.is_empty()),
        RefOr::T(_) => None,
    };
    object.properties.iter().map(|(name, property)| (name.clone(), about(property).unwrap_or_default())).collect()
}

/// What an operation answers when it succeeds.
#[derive(Debug, Clone, Copy)]
pub struct Success {
    /// Status.
    pub status: u16,
    /// What it says.
    pub about: &'static str,
    /// Media type.
    pub media: &'static str,
    /// An example; of JSON also the shape.
    pub example: &'static str,
}

impl Success {
    /// JSON with status 200.
    pub const fn json(about: &'static str, example: &'static str) -> Self {
        Self { status: 200, about, media: "application/json", example }
    }
    /// Kept until others have approved it: what any command of weight is answered in a book under four eyes.
    pub const PROPOSED: Self = Self {
        status: 202,
        about: "The book is under four eyes: the command is kept as a proposal until others have approved it",
        media: "application/json",
        example: r#"{"proposal":12,"state":"submitted","hash":"9f2c","needs":2,"expires_at":"2019-07-04T12:00:00Z","would":{}}"#,
    };
    /// JSON with status 201.
    pub const fn created(about: &'static str, example: &'static str) -> Self {
        Self { status: 201, about, media: "application/json", example }
    }
}

/// One operation of the API.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// Method.
    pub method: Method,
    /// Path below [`BASE`], parameters in braces; `{name:.+}` may hold slashes.
    pub path: &'static str,
    /// Name for generated clients.
    pub id: &'static str,
    /// Heading it stands under.
    pub tag: &'static str,
    /// Who may call it.
    pub access: Access,
    /// One line.
    pub summary: &'static str,
    /// More, in Markdown.
    pub about: &'static str,
    /// Parameters; those that every write takes are added by themselves.
    pub params: &'static [Param],
    /// What it takes: nothing, or one of these.
    pub body: &'static [Media],
    /// What it answers.
    pub success: Success,
    /// Refusals of its own, besides those that every operation may give.
    pub refusals: &'static [OutcomeCode],
    /// What answers it.
    pub route: fn(actix_web::Route) -> actix_web::Route,
}

impl Operation {
    /// A command under a heading, for keys that operate; what differs from that is said beside it.
    pub(super) const fn command(tag: &'static str, path: &'static str, words: [&'static str; 3]) -> Self {
        let [id, summary, about] = words;
        Self {
            method: Method::Post,
            path,
            id,
            tag,
            access: Access::Operate,
            summary,
            about,
            params: &[],
            body: &[],
            success: Success::PROPOSED,
            refusals: &[],
            route: |route| route,
        }
    }

    /// A reading of a document under a heading, for keys that operate.
    pub(super) const fn reading(tag: &'static str, path: &'static str, words: [&'static str; 3]) -> Self {
        Self { method: Method::Get, ..Self::command(tag, path, words) }
    }

    /// The whole path as callers see it, parameters in braces.
    pub fn full_path(&self) -> String {
        // What a parameter may hold is the router's business.
        format!("{BASE}{}", self.path.replace(":.+}", "}"))
    }

    /// The whole path as the router reads it.
    pub(super) fn pattern(&self) -> String {
        format!("{BASE}{}", self.path)
    }

    /// Every code this operation may refuse with, in the order of precedence.
    pub fn all_refusals(&self) -> Vec<OutcomeCode> {
        let common: &[OutcomeCode] = &[
            OutcomeCode::Unauthenticated,
            OutcomeCode::Forbidden,
            OutcomeCode::UnknownField,
            OutcomeCode::RateLimited,
            OutcomeCode::Unavailable,
            OutcomeCode::Internal,
        ];
        let of_writes: &[OutcomeCode] = match self.method {
            Method::Get => &[],
            Method::Post => &[
                OutcomeCode::BodyTooLarge,
                OutcomeCode::Malformed,
                OutcomeCode::InvalidField,
                OutcomeCode::UnsupportedMediaType,
                OutcomeCode::IdempotencyKeyMissing,
                OutcomeCode::IdempotencyKeyInvalid,
                OutcomeCode::IdempotencyConflict,
                OutcomeCode::InFlight,
            ],
        };
        let mut all: Vec<OutcomeCode> = [common, of_writes, self.refusals].concat();
        all.sort();
        all.dedup();
        all
    }
}
