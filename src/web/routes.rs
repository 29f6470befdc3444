//! The table of addresses. Everything the server answers stands in it once, with who may come there; the app is built from it and
//! from nothing else, and tests/it/roles.rs compares each line with what was reviewed.

use super::operation::{Access, Method};
use super::problem::Failed;
use super::{api, auth, entries, evidence, files, health, identity, openapi, pages, problem, session};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, Resource, web};

/// Who may come to an address.
#[derive(Debug, Clone, Copy)]
pub enum Reach {
    /// Everybody: it shows nothing of the book.
    Public,
    /// Programs with such a key.
    Key(Access),
    /// Whoever is logged in, with or without a role: the own login.
    Own,
    /// Holders of any role, and everybody until the first person can log in.
    Readers,
    /// Holders of one of these roles.
    Roles(&'static [Role]),
}

/// Everybody who may give or decide on anything: all but auditors, who read.
pub(super) const ACTING: &[Role] = &[Role::Administrator, Role::Preparer, Role::Approver, Role::Treasurer, Role::IncidentOfficer];

/// A line of the table.
pub struct Route {
    /// Method; a GET of pages answers HEAD too.
    pub method: Method,
    /// Path as the router reads it.
    pub path: String,
    /// Who may come.
    pub reach: Reach,
    answer: Box<dyn Fn(actix_web::Route) -> actix_web::Route>,
}

impl Route {
    /// A page or a file.
    pub(super) fn get(
        path: impl Into<String>,
        reach: Reach,
        answer: impl Fn(actix_web::Route) -> actix_web::Route + 'static,
    ) -> Self {
        Self { method: Method::Get, path: path.into(), reach, answer: Box::new(answer) }
    }

    /// What answers a form.
    pub(super) fn post(
        path: impl Into<String>,
        reach: Reach,
        answer: impl Fn(actix_web::Route) -> actix_web::Route + 'static,
    ) -> Self {
        Self { method: Method::Post, ..Self::get(path, reach, answer) }
    }

    fn guarded(&self, route: actix_web::Route) -> actix_web::Route {
        let route = (self.answer)(route);
        match self.reach {
            Reach::Key(access) => route.wrap(from_fn(move |request, next| auth::guard(request, next, access))),
            reach => route.wrap(from_fn(move |request, next| session::admit(request, next, reach))),
        }
    }

    fn add_to(&self, resource: Resource) -> Resource {
        match (self.method, self.reach) {
            (Method::Post, _) => resource.route(self.guarded(web::post())),
            (Method::Get, Reach::Key(_)) => resource.route(self.guarded(web::get())),
            (Method::Get, _) => resource.route(self.guarded(web::get())).route(self.guarded(web::head())),
        }
    }
}

/// Every line. Addresses are tried in this order: those that jobs use by the thousand come first.
pub fn all() -> Vec<Route> {
    let operation = |op: super::operation::Operation| Route {
        method: op.method,
        path: op.pattern(),
        reach: Reach::Key(op.access),
        answer: Box::new(op.route),
    };
    let mut all: Vec<Route> = api::operations().into_iter().map(operation).collect();
    all.extend(health::routes());
    all.extend(files::routes());
    all.extend(problem::routes());
    all.extend(openapi::routes());
    all.extend(entries::routes());
    all.extend(evidence::routes());
    // Before the pages, because /people/new is a form and /people/{person} would take it.
    all.extend(identity::routes());
    all.extend(pages::routes());
    all
}

/// Builds the app.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    let mut by_path: Vec<(String, Vec<Route>)> = Vec::new();
    for route in all() {
        match by_path.iter_mut().find(|(path, _)| *path == route.path) {
            Some((_, routes)) => routes.push(route),
            None => by_path.push((route.path.clone(), vec![route])),
        }
    }
    for (path, routes) in by_path {
        let allowed = routes.iter().map(|route| route.method.name()).collect::<Vec<_>>().join(", ");
        let resource = routes.iter().fold(web::resource(path), |resource, route| route.add_to(resource));
        cfg.service(resource.default_service(web::to(move || wrong_method(allowed.clone()))));
    }
    cfg.default_service(web::to(nothing_here));
}

/// 405 with the methods that there are.
async fn wrong_method(allowed: String) -> HttpResponse {
    let rejection = Rejection::new(OutcomeCode::MethodNotAllowed, "", "", format!("this address takes {allowed}"));
    let mut response = HttpResponse::from_error(Failed::from(rejection));
    if let Ok(value) = header::HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

async fn nothing_here(request: HttpRequest) -> Result<HttpResponse, Failed> {
    let detail = if request.path().starts_with("/api") {
        "there is nothing at this address; /api/docs lists what there is"
    } else {
        "there is nothing at this address; follow a link of the page it came from, or start at /"
    };
    Err(Rejection::new(OutcomeCode::NotFound, "", request.path(), detail).into())
}
