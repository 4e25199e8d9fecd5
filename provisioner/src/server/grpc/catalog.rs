//! `provisioner.v1.Catalog`.

use std::sync::Arc;

use api::v1;
use tonic::{Request, Response, Status};

use super::{listing, plan};
use crate::server::app::App;

#[derive(Debug)]
pub(super) struct Catalog {
    pub(super) app: Arc<App>,
}

impl Catalog {
    fn standing(&self) -> v1::CatalogStatus {
        let catalog = self.app.catalog.current();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        v1::CatalogStatus {
            id: catalog.id().to_string(),
            path: self.app.catalog.path(),
            groups: count(catalog.groups().len()),
            profiles: count(catalog.profiles().count()),
            faults: self.app.catalog.faults(),
            ..v1::CatalogStatus::default()
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
        _: Request<v1::CatalogReloadRequest>,
    ) -> Result<Response<v1::CatalogStatus>, Status> {
        tokio::task::block_in_place(|| self.app.catalog.reload());
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
