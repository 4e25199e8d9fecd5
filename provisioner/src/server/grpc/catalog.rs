//! `provisioner.v1.Catalog`.

use std::sync::Arc;

use api::v1;
use tonic::{Request, Response, Status};

use super::{listing, plan};
use crate::domain::node::Millis;
use crate::server::app::App;
use crate::server::catalog::Look;

#[derive(Debug)]
pub(super) struct Catalog {
    pub(super) app: Arc<App>,
}

impl Catalog {
    fn standing(&self) -> v1::CatalogStatus {
        let standing = self.app.catalog.standing();
        let catalog = &standing.catalog;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let millis = |at: Millis| i64::try_from(at.0).unwrap_or(i64::MAX);
        let (waiting, waiting_reason) = standing.waiting.unwrap_or_default();
        v1::CatalogStatus {
            id: catalog.id().to_string(),
            path: standing.path,
            groups: count(catalog.groups().len()),
            profiles: count(catalog.profiles().count()),
            faults: standing.faults,
            r#ref: standing.reference,
            remote: standing.remote,
            commit: standing.commit,
            signed_by: standing.signed_by,
            waiting,
            waiting_reason,
            warnings: standing.warnings,
            since_ms: millis(standing.since),
            looked_ms: millis(standing.looked),
            look_failed: standing.look_failed.unwrap_or_default(),
        }
    }
}

#[tonic::async_trait]
impl v1::catalog_server::Catalog for Catalog {
    async fn status(
        &self,
        _: Request<v1::CatalogStatusRequest>,
    ) -> Result<Response<v1::CatalogStatus>, Status> {
        Ok(Response::new(self.standing()))
    }

    async fn reload(
        &self,
        request: Request<v1::CatalogReloadRequest>,
    ) -> Result<Response<v1::CatalogStatus>, Status> {
        // Nobody can want what they have not seen: without an id it is only looked at.
        let v1::CatalogReloadRequest { ack, id } = request.into_inner();
        let how = if ack && !id.is_empty() { Look::Acknowledge(id) } else { Look::Again };
        self.app.catalog.reload(how).await;
        Ok(Response::new(self.standing()))
    }

    async fn explain(
        &self,
        request: Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::Explanation>, Status> {
        let request = request.into_inner();
        tokio::task::block_in_place(|| listing::explain(&self.app, request)).map(Response::new)
    }

    async fn groups(
        &self,
        _: Request<v1::ListGroupsRequest>,
    ) -> Result<Response<v1::ListGroupsResponse>, Status> {
        Ok(Response::new(listing::groups(&self.app)))
    }

    async fn profiles(
        &self,
        _: Request<v1::ListProfilesRequest>,
    ) -> Result<Response<v1::ListProfilesResponse>, Status> {
        Ok(Response::new(listing::profiles(&self.app)))
    }

    async fn render(
        &self,
        request: Request<v1::RenderRequest>,
    ) -> Result<Response<v1::RenderResponse>, Status> {
        // Loading a revision and rendering are work: packets must not wait for it.
        let request = request.into_inner();
        tokio::task::block_in_place(|| plan::render(&self.app, request)).map(Response::new)
    }

    async fn plan(
        &self,
        request: Request<v1::PlanRequest>,
    ) -> Result<Response<v1::PlanResponse>, Status> {
        let request = request.into_inner();
        tokio::task::block_in_place(|| plan::plan(&self.app, request)).map(Response::new)
    }
}
