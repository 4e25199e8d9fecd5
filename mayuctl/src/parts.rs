//! `get groups` and `get profiles`: the parts of the catalog that serves.

use api::v1::{Group, ListGroupsRequest, ListProfilesRequest, Profile};
use serde::Serialize;

use crate::Surroundings;
use crate::args::Output;
use crate::failure::Failure;
use crate::server::Client;
use crate::view::object::{json, yaml};
use crate::view::table::{Cell, Table};
use crate::view::text::{clean, or_dash};

/// Groups in the order in which they are asked.
pub(crate) async fn groups(
    client: &Client,
    name: Option<String>,
    output: Output,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let answer = client.catalog().groups(ListGroupsRequest {}).await;
    let groups = answer.map_err(Failure::answered("list the groups"))?.into_inner().groups;
    let header = ["NAME", "PROFILE", "NODES", "PRIORITY", "SELECTOR", "FILE"];
    show(groups, name, output, (&header, 5), s)
}

/// Profiles by name.
pub(crate) async fn profiles(
    client: &Client,
    name: Option<String>,
    output: Output,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let answer = client.catalog().profiles(ListProfilesRequest {}).await;
    let profiles = answer.map_err(Failure::answered("list the profiles"))?.into_inner().profiles;
    let header = ["NAME", "PURPOSE", "BOOTS", "GROUPS", "DISK", "DOCUMENTS", "FILE"];
    show(profiles, name, output, (&header, 4), s)
}

/// Something of the catalog that has a name and a row.
trait Part: Serialize {
    /// What it is called when it is not there.
    const WHAT: &'static str;

    fn name(&self) -> &str;

    /// All cells; a plain table has the first of them.
    fn row(&self) -> Vec<Cell>;
}

impl Part for Group {
    const WHAT: &'static str = "group";

    fn name(&self) -> &str {
        &self.name
    }

    fn row(&self) -> Vec<Cell> {
        let nodes = match self.quantity {
            0 => self.nodes.to_string(),
            quantity => format!("{}/{quantity}", self.nodes),
        };
        vec![
            or_dash(&self.name).into(),
            or_dash(&self.profile).into(),
            nodes.into(),
            self.priority.to_string().into(),
            listed(&self.selectors).into(),
            or_dash(&self.file).into(),
        ]
    }
}

impl Part for Profile {
    const WHAT: &'static str = "profile";

    fn name(&self) -> &str {
        &self.name
    }

    fn row(&self) -> Vec<Cell> {
        vec![
            or_dash(&self.name).into(),
            or_dash(&self.purpose).into(),
            or_dash(&self.boots).into(),
            listed(&self.groups).into(),
            or_dash(&self.disk).into(),
            listed(&self.documents).into(),
            or_dash(&self.file).into(),
        ]
    }
}

fn listed(words: &[String]) -> String {
    or_dash(&words.join(",")).into_owned()
}

fn show<P: Part>(
    mut parts: Vec<P>,
    name: Option<String>,
    output: Output,
    (header, narrow): (&[&'static str], usize),
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    if let Some(name) = name {
        parts.retain(|part| part.name() == name);
        if parts.is_empty() {
            return Err(Failure::NoSuch { what: P::WHAT, name });
        }
    }
    match output {
        Output::Table | Output::Wide if parts.is_empty() => writeln!(s.err, "no {}s", P::WHAT)?,
        Output::Table | Output::Wide => {
            let columns = if output == Output::Wide { header.len() } else { narrow };
            let header: Vec<_> = header.iter().copied().take(columns).collect();
            let cells = |part: &P| part.row().into_iter().take(columns).collect();
            let rows: Vec<Vec<Cell>> = parts.iter().map(cells).collect();
            Table::new(&header, false).write(s.out, &rows)?;
        }
        Output::Json => s.out.write_all(json(&parts)?.as_bytes())?,
        Output::Yaml => s.out.write_all(yaml(&parts)?.as_bytes())?,
        Output::Name => {
            for part in &parts {
                writeln!(s.out, "{}", clean(part.name()))?;
            }
        }
    }
    Ok(())
}
