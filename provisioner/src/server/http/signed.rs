//! Renderings and their signatures: a signature always fits what was sent, and nothing but a good answer is
//! signed.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use hyper::header::{HeaderMap, RANGE};

use super::reply::{self, Page, Response};
use super::target::{Rendering, Target};
use super::{Asked, assets, boot, documents};
use crate::domain::render::What;
use crate::server::app::App;
use crate::server::clock;
use crate::server::rendered::{FileAsSigned, Question};
use crate::server::sign::{Form, Signer};

/// Bytes of the largest file that is signed here. Larger ones bring their signature.
const LARGEST: u64 = 512 << 20;

/// Something rendered, or its signature. `head`: only its head is wanted, so nothing of it counts as sent.
pub(super) async fn answer(
    app: &App,
    asked: &Asked,
    target: &Target,
    headers: &HeaderMap,
    head: bool,
) -> Response {
    let Some(form) = target.form else {
        let page = page(app, asked, target, head).await;
        let range = match target.rendering {
            Rendering::Document(What::Cloud | What::Generic(_)) => {
                let size = page.bytes().len() as u64;
                let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
                range.and_then(|range| assets::parse_range(range, size))
            }
            _ => return page.respond(),
        };
        return page.respond_part(range);
    };
    let Some(signer) = signer(app) else {
        return reply::not_found();
    };
    let question = question(asked, target);
    let _in_turn = app.rendered.turn(&question).lock().await;
    let now = clock::now();
    let page = if let Some(page) = app.rendered.last(&question, now) {
        page
    } else {
        let page = make(app, asked, target).await;
        if !page.is_ok() {
            return reply::not_found();
        }
        app.rendered.keep(question, page.clone(), page.bytes().len(), true, now);
        page
    };
    signed(form, tokio::task::block_in_place(|| signer.sign(form, page.bytes())))
}

/// The signature of a file of the asset store that brings none.
pub(super) async fn asset(app: &App, path: &Path, form: Form) -> Response {
    let Some(signer) = signer(app) else {
        return reply::not_found();
    };
    let Ok(facts) = tokio::fs::metadata(path).await else {
        return reply::not_found();
    };
    if !facts.is_file() {
        return reply::not_found();
    }
    let (size, changed) = (facts.len(), facts.modified().ok());
    if size > LARGEST {
        tracing::warn!(
            path = %path.display(),
            "{} is larger than {} MiB and not signed here; put its signature beside it",
            path.display(),
            LARGEST >> 20
        );
        return reply::not_found();
    }
    let file = FileAsSigned { path: path.to_owned(), size, changed, form: form.content_type() };
    if let Some(signature) = app.rendered.signature(&file) {
        return signed(form, Ok(Some(signature)));
    }
    let _one_at_a_time = app.rendered.signing.lock().await;
    if let Some(signature) = app.rendered.signature(&file) {
        return signed(form, Ok(Some(signature)));
    }
    let made = tokio::task::block_in_place(|| {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        signer.sign(form, &bytes)
    });
    if let Ok(Some(signature)) = &made {
        app.rendered.keep_signature(file, signature.clone());
    }
    signed(form, made)
}

async fn page(app: &App, asked: &Asked, target: &Target, head: bool) -> Page {
    if app.signer.is_none() {
        return make(app, asked, target).await;
    }
    let question = question(asked, target);
    // The page and its signature may be asked for at once.
    let _in_turn = app.rendered.turn(&question).lock().await;
    let now = clock::now();
    if head {
        return match app.rendered.last(&question, now) {
            Some(page) => page,
            None => make(app, asked, target).await,
        };
    }
    if let Some(page) = app.rendered.promised(&question, now) {
        return page;
    }
    let page = make(app, asked, target).await;
    if page.is_ok() {
        app.rendered.keep(question, page.clone(), page.bytes().len(), false, now);
    } else {
        app.rendered.forget(&question);
    }
    page
}

async fn make(app: &App, asked: &Asked, target: &Target) -> Page {
    match &target.rendering {
        Rendering::Bootstrap => boot::bootstrap(),
        Rendering::Script(loader) => boot::script(app, asked, *loader).await,
        Rendering::Document(what) => documents::document(app, asked, what),
    }
}

fn question(asked: &Asked, target: &Target) -> Question {
    let client = asked.peer.ip();
    let query = match target.rendering {
        // The same for every question.
        Rendering::Bootstrap => String::new(),
        Rendering::Script(_) | Rendering::Document(_) => asked.raw_query.clone(),
    };
    Question { path: target.path.clone(), query, client }
}

/// The signer. That there is none is said once: machines that verify ask at every boot.
fn signer(app: &App) -> Option<&Signer> {
    static SAID: AtomicBool = AtomicBool::new(false);
    if app.signer.is_none() && !SAID.swap(true, Ordering::Relaxed) {
        tracing::warn!("a signature was asked for, but there is no signing key; answered with 404");
    }
    app.signer.as_ref()
}

fn signed(form: Form, made: Result<Option<Bytes>, String>) -> Response {
    match made {
        Ok(Some(signature)) => reply::signature(signature, form),
        Ok(None) => reply::not_found(),
        Err(error) => {
            tracing::error!("a signature could not be made: {error}");
            let text = "the signature could not be made; see the provisioner's log\n";
            reply::text(hyper::StatusCode::INTERNAL_SERVER_ERROR, text)
        }
    }
}
