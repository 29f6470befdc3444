//! One incident: its document under a bar that shows how far its life has come.

use super::{Asked, Page, reports};
use crate::domain::incident::life::State;
use crate::report::format;
use crate::service::evidence;
use crate::service::incidents::docs;
use crate::service::incidents::view::{self, IncidentView, STRAIGHT_LIFE};
use crate::service::refs::Refs;
use crate::store::error::StoreError;
use crate::web::view::{Extras, LifeStep, Reached, Section, Upload};

/// The page.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let (refs, incident) = asked.book.read(|conn| {
        let at = asked.at(conn)?;
        Ok((Refs::load(conn)?, view::incident(conn, asked.part("code"), &at)?))
    })?;
    let mut doc = docs::document(&refs, &incident, asked.moment()?)?;
    doc.basis = asked.basis()?;
    let subject = format!("incident/{}", asked.part("code"));
    let files = asked.book.read(|conn| evidence::of(conn, &subject))?;
    if !files.is_empty() {
        let rows = files.iter().map(|(file, attached)| (file, attached.note.as_str()));
        doc.tables.push(evidence::table("evidence", "Evidence", rows, ""));
    }
    let extras = Extras {
        crumbs: vec![("Incidents".to_owned(), Section::Incidents.path())],
        life: life(&incident),
        upload: Upload::at(asked.user.as_ref(), &subject, asked.path),
        ..Extras::default()
    };
    Ok(Page { context: reports::context(asked, Section::Incidents), doc, extras })
}

/// The bar: the steps that were taken, then those of the straight way that lie ahead.
fn life(incident: &IncidentView) -> Vec<LifeStep> {
    let mut steps = vec![LifeStep {
        name: "Occurred".to_owned(),
        reached: Reached::Done,
        at: Some(incident.summary.occurred_at),
        after: String::new(),
    }];
    let mut before = incident.summary.occurred_at;
    for step in &incident.steps {
        let name = State::from_slug(&step.state).map_or(step.state.as_str(), |state| state.title());
        let after = format!("after {}", format::span(step.at.duration_since(before)));
        steps.push(LifeStep { name: name.to_owned(), reached: Reached::Done, at: Some(step.at), after });
        before = step.at;
    }
    if let Some(last) = steps.last_mut() {
        last.reached = Reached::Now;
    }
    let now = incident.summary.life.state;
    let reached = STRAIGHT_LIFE.iter().position(|state| *state == now);
    if let Some(at) = reached {
        let ahead = STRAIGHT_LIFE.iter().skip(at.saturating_add(1));
        steps.extend(ahead.map(|state| LifeStep {
            name: state.title().to_owned(),
            reached: Reached::Ahead,
            at: None,
            after: String::new(),
        }));
    }
    steps
}
