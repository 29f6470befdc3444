//! The description of the API for programs (OpenAPI 3.1) and for people, both made from the table of operations.

use super::api;
use super::operation::{Access, BASE, Media, Method, Operation, Param, Shape, Success};
use super::problem::{self, Failed, PROBLEM_JSON, html, plain_context};
use super::routes::{Reach, Route};
use super::session::user_of;
use super::view::{Layout, spans};
use crate::domain::outcome::OutcomeCode;
use crate::report::doc::Basis;
use crate::web::app::AppState;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder,
    Ref, RefOr, Required, Response, ResponseBuilder, Schema,
};

/// The name of the scheme by which keys are presented.
const KEY_SCHEME: &str = "serviceKey";
/// The schema of every refusal.
const PROBLEM_SCHEMA: &str = "Problem";

/// The parameter of every command.
const DRY_RUN: Param = Param::query("dry_run", "`true` decides and answers as always, but records nothing.", "true");

/// The description.
pub fn document() -> OpenApi {
    let mut components = ComponentsBuilder::new()
        .schema(PROBLEM_SCHEMA, problem_schema())
        .security_scheme(KEY_SCHEME, SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()));
    let mut items: BTreeMap<String, PathItem> = BTreeMap::new();
    for operation in api::operations() {
        for media in operation.body {
            components = components.schemas_from_iter(media.schemas());
        }
        let item = PathItem::new(http_method(operation.method), describe(&operation));
        match items.get_mut(&operation.full_path()) {
            Some(known) => known.merge_operations(item),
            None => {
                items.insert(operation.full_path(), item);
            }
        }
    }
    let paths = items.into_iter().fold(PathsBuilder::new(), |paths, (path, item)| paths.path(path, item));
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("safu-ledger")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(env!("CARGO_PKG_DESCRIPTION")))
        .license(Some(license));
    let tags = api::TAGS.iter().map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build());
    OpenApiBuilder::new()
        .info(info.build())
        .paths(paths.build())
        .components(Some(components.build()))
        .security(Some([SecurityRequirement::new(KEY_SCHEME, Vec::<String>::new())]))
        .tags(Some(tags))
        .build()
}

/// The description as text, ending with a newline.
///
/// # Errors
/// Only if it cannot be written as JSON, which a test excludes.
pub fn document_text() -> Result<String, serde_json::Error> {
    let mut text = document().to_pretty_json()?;
    text.push('\n');
    Ok(text)
}

const fn http_method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
    }
}

fn describe(operation: &Operation) -> utoipa::openapi::path::Operation {
    let about = format!("{}\n\nScope of the key: {}.", operation.about, operation.access.name());
    let mut builder = OperationBuilder::new()
        .operation_id(Some(operation.id))
        .tag(operation.tag)
        .summary(Some(operation.summary))
        .description(Some(about))
        .response(operation.success.status.to_string(), success(&operation.success));
    for param in all_params(operation) {
        builder = builder.parameter(parameter(&param));
    }
    if operation.method == Method::Post {
        builder = builder.parameter(idempotency_key());
    }
    if !operation.body.is_empty() {
        builder = builder.request_body(Some(request_body(operation.body)));
    }
    // Any command with weight may become a proposal first.
    if operation.method == Method::Post && operation.access == Access::Operate {
        builder = builder.response(Success::PROPOSED.status.to_string(), success(&Success::PROPOSED));
    }
    for (status, codes) in refusals_by_status(operation) {
        builder = builder.response(status.to_string(), refusal(&codes));
    }
    builder.build()
}

/// The parameters of the operation and those of every command.
fn all_params(operation: &Operation) -> Vec<Param> {
    let mut params = operation.params.to_vec();
    if operation.method == Method::Post {
        params.push(DRY_RUN);
    }
    params
}

fn parameter(param: &Param) -> Parameter {
    let place = if param.in_path { ParameterIn::Path } else { ParameterIn::Query };
    ParameterBuilder::new()
        .name(param.name)
        .parameter_in(place)
        .required(if param.in_path { Required::True } else { Required::False })
        .description(Some(param.about))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .example(Some(Value::from(param.example)))
        .build()
}

fn idempotency_key() -> Parameter {
    let about = "1 to 128 visible ASCII characters, for example a UUID. The same key with the same content gives the first answer \
                 again, byte for byte, with `Idempotent-Replayed: true`; keys never expire.";
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(128))))
        .example(Some(json!("0196a1f0-6d3c-7b0e-8f57-0d2f6f1c9b52")))
        .build()
}

fn request_body(body: &[Media]) -> RequestBody {
    let mut builder = RequestBodyBuilder::new().required(Some(Required::True));
    for media in body {
        let content =
            ContentBuilder::new().schema(Some(body_schema(media))).example(Some(example_of(media.media, media.example)));
        builder = builder.content(media.media, content.build());
    }
    builder.build()
}

fn body_schema(media: &Media) -> RefOr<Schema> {
    match media.shape {
        Shape::Typed { schemas, .. } => match schemas().first() {
            Some((name, _)) => Ref::from_schema_name(name).into(),
            None => text_schema(""),
        },
        Shape::Example(fields) => schema_of(&example_of(media.media, media.example), fields),
        Shape::Text => text_schema(""),
        Shape::Parts(parts) => {
            let form = parts.iter().fold(ObjectBuilder::new().schema_type(Type::Object), |form, (name, media, about)| {
                form.property(*name, text_schema(&format!("{media}. {about}")))
            });
            RefOr::T(Schema::Object(form.build()))
        }
    }
}

fn text_schema(about: &str) -> RefOr<Schema> {
    let about = Some(about).filter(|text| !text.is_empty());
    RefOr::T(Schema::Object(ObjectBuilder::new().schema_type(Type::String).description(about).build()))
}

fn success(success: &Success) -> Response {
    let value = example_of(success.media, success.example);
    let schema = schema_of(&value, &[]);
    let content = ContentBuilder::new().schema(Some(schema)).example(Some(value)).build();
    ResponseBuilder::new().description(success.about).content(success.media, content).build()
}

/// An example as JSON where its media type is JSON, else as text.
fn example_of(media: &str, example: &str) -> Value {
    let parsed = (media == "application/json").then(|| serde_json::from_str(example).ok()).flatten();
    parsed.unwrap_or_else(|| Value::from(example))
}

/// The shape that an example has, with the meaning of its fields.
fn schema_of(value: &Value, fields: &[(&str, &str)]) -> RefOr<Schema> {
    let simple = |kind: Type| Schema::Object(ObjectBuilder::new().schema_type(kind).build());
    RefOr::T(match value {
        Value::Null => Schema::Object(ObjectBuilder::new().build()),
        Value::Bool(_) => simple(Type::Boolean),
        Value::Number(_) => simple(Type::Integer),
        Value::String(_) => simple(Type::String),
        Value::Array(items) => {
            let item = schema_of(items.first().unwrap_or(&Value::Null), fields);
            Schema::Array(ArrayBuilder::new().items(item).build())
        }
        Value::Object(members) => {
            let object = members.iter().fold(ObjectBuilder::new().schema_type(Type::Object), |object, (name, member)| {
                let about = fields.iter().find(|(field, _)| field == name).map(|(_, about)| *about);
                object.property(name, told(schema_of(member, &[]), about))
            });
            Schema::Object(object.build())
        }
    })
}

/// The schema with a description.
fn told(schema: RefOr<Schema>, about: Option<&str>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.description = about.map(str::to_owned);
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.description = about.map(str::to_owned);
            RefOr::T(Schema::Array(array))
        }
        other => other,
    }
}

fn refusals_by_status(operation: &Operation) -> BTreeMap<u16, Vec<OutcomeCode>> {
    let mut by_status: BTreeMap<u16, Vec<OutcomeCode>> = BTreeMap::new();
    for code in operation.all_refusals() {
        by_status.entry(code.status()).or_default().push(code);
    }
    by_status
}

fn refusal(codes: &[OutcomeCode]) -> Response {
    let lines: Vec<String> = codes.iter().map(|code| format!("`{}`: {}", code.slug(), code.title())).collect();
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(PROBLEM_SCHEMA))).build();
    ResponseBuilder::new().description(lines.join("\n\n")).content(PROBLEM_JSON, content).build()
}

fn problem_schema() -> Schema {
    let text = |about: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(about)).build();
    let number = |about: &str| ObjectBuilder::new().schema_type(Type::Integer).description(Some(about)).build();
    let error = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("pointer", text("Where: a JSON pointer, or row and column."))
        .property("detail", text("What is wrong and how to mend it."))
        .property("value", text("What was found."))
        .required("pointer")
        .required("detail");
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("A refusal (RFC 9457). Nothing of the request was recorded."))
        .property("type", text("The page of the code."))
        .property("title", text("What the code means."))
        .property("status", number("HTTP status."))
        .property("code", text("Stable name of the outcome."))
        .property("number", number("Stable number of the outcome; the order in which checks run."))
        .property("detail", text("The first of the errors."))
        .property("errors", ArrayBuilder::new().items(error).build())
        .property("request_id", text("Id of the request, also in `X-Request-Id`; not in a kept refusal that is given again."));
    let required = ["type", "title", "status", "code", "number", "detail", "errors"];
    Schema::Object(required.into_iter().fold(object, ObjectBuilder::required).build())
}

#[derive(Template)]
#[template(path = "api.html")]
struct DocsPage {
    layout: Layout,
    groups: Vec<(&'static str, &'static str, Vec<Shown>)>,
}

/// An operation as the page shows it.
struct Shown {
    operation: Operation,
    path: String,
    params: Vec<Param>,
    refusals: Vec<OutcomeCode>,
}

impl Shown {
    fn new(operation: Operation) -> Self {
        let (path, params, refusals) = (operation.full_path(), all_params(&operation), operation.all_refusals());
        Self { operation, path, params, refusals }
    }

    /// What the operation does, with what is code in it.
    fn about(&self) -> Vec<(String, bool)> {
        spans(self.operation.about)
    }

    /// What a parameter means, with what is code in it.
    fn meaning(param: &Param) -> Vec<(String, bool)> {
        spans(param.about)
    }

    /// An example as people read it: JSON over several lines, everything else, with one object a line too, as it is sent.
    fn example(media: &str, text: &str) -> String {
        if media == "application/json" { over_lines(text) } else { text.to_owned() }
    }

    const fn is_write(&self) -> bool {
        matches!(self.operation.method, Method::Post)
    }
}

/// The description for programs and for people.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(format!("{BASE}/openapi.json"), Reach::Public, |route| route.to(for_programs)),
        Route::get("/api/docs", Reach::Readers, |route| route.to(for_people)),
    ]
}

async fn for_programs() -> Result<HttpResponse, Failed> {
    let text = document_text().map_err(|error| problem::internal(&error))?;
    Ok(HttpResponse::Ok().content_type("application/json").body(text))
}

async fn for_people(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, Failed> {
    let layout = Layout::new(&plain_context(&state, "/api/docs", user_of(&request)), "API", &Basis::default());
    let all = api::operations();
    let of = |tag: &str| all.iter().filter(|op| op.tag == tag).copied().map(Shown::new).collect();
    let groups = api::TAGS.iter().map(|(tag, about)| (*tag, *about, of(tag))).collect();
    html(DocsPage { layout, groups }.render())
}

/// JSON with a line for every member, its members in the order written.
fn over_lines(json: &str) -> String {
    let (mut out, mut depth, mut quoted, mut escaped) = (String::new(), 0_usize, false, false);
    let mut rest = json.trim().chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    while let Some(c) = rest.next() {
        match c {
            _ if quoted => {
                out.push(c);
                quoted = escaped || c != '"';
                escaped = !escaped && c == '\\';
            }
            '{' | '[' => {
                out.push(c);
                while rest.next_if(|next| next.is_whitespace()).is_some() {}
                if let Some(end) = rest.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth = depth.saturating_add(1);
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            '"' => {
                quoted = true;
                out.push(c);
            }
            c if c.is_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_keep_their_words_and_their_order_over_lines() {
        let json = r#"{"b": [1,{}, []],"a":"x: \"{,\\","c":null}"#;
        let shown = over_lines(json);
        assert_eq!(shown, "{\n  \"b\": [\n    1,\n    {},\n    []\n  ],\n  \"a\": \"x: \\\"{,\\\\\",\n  \"c\": null\n}");
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&shown), value(json));
    }
}
