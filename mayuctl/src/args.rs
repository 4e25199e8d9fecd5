//! What was typed. Meaning is given to it in `command`.

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const AFTER_HELP: &str = "\
A node's NAME is its host name, its id, a unique prefix of the id, its serial, or a MAC.
MAYUCTL_SERVER says where the server is when --server does not.
Exit codes: 0 done, 1 failed, 2 not found, 3 refused or not allowed, 4 server not reachable,
5 something would change (plan --exit-code), 64 wrong usage.";

/// Steers a provisioner: shows what its machines do and why, and asks for the next step.
#[derive(Debug, Parser)]
#[command(name = "mayuctl", version, after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Where the provisioner listens [default: unix:/run/provisioner.sock]
    #[arg(long, global = true, value_name = "unix:PATH")]
    pub(crate) server: Option<String>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show things of one kind
    #[command(subcommand)]
    Get(GetKind),
    /// Show the nodes, as `get nodes` does
    List(GetNodes),
    /// Show all there is to know about one thing
    #[command(subcommand)]
    Describe(DescribeKind),
    /// Show all there is to know about a node, as `describe node` does
    Status {
        /// Which node
        name: String,
    },
    /// Set tags of a node (k=v) and remove them (k-)
    Tag {
        /// Which node
        name: String,
        /// What to set and what to remove
        #[arg(required = true, value_name = "k=v|k-")]
        changes: Vec<String>,
    },
    /// Let unknown nodes be installed
    Approve(Step),
    /// Keep nodes from being installed until they are released
    Hold {
        #[command(flatten)]
        step: Step,
        /// Why, for whoever finds the node held
        #[arg(long, default_value = "held by an operator")]
        reason: String,
    },
    /// End a hold
    Release(Step),
    /// Have nodes installed once more at their next net boot
    Reinstall(Step),
    /// Take nodes out of service: addresses are freed, they boot only from their disks
    Retire(Step),
    /// Say which group and profile a machine gets, and why
    Explain {
        /// A node that is known
        #[arg(required_unless_present_any = ["mac", "labels"], conflicts_with_all = ["mac", "labels"])]
        name: Option<String>,
        /// A machine with this MAC, seen before or not
        #[arg(long)]
        mac: Option<String>,
        /// A machine with these labels
        #[arg(long = "label", value_name = "k=v", num_args = 1..)]
        labels: Vec<String>,
        /// Show every group, not the nearest ones only
        #[arg(long)]
        all: bool,
        /// For people or for programs
        #[arg(short, long, value_enum, default_value_t)]
        output: TextOrJson,
    },
    /// Print a document as a node would get it: ipxe, grub, ignition, cloud, metadata, generic/NAME
    Render {
        /// Which node
        name: String,
        /// Which document
        what: String,
        /// From this revision of the catalog's repository
        #[arg(long, value_name = "REV")]
        at: Option<String>,
    },
    /// Show what a change of the catalog would change for every node
    Plan(Plan),
    /// Show what became of a node, from the history repository
    History {
        /// Which node
        name: String,
        /// For people or for programs
        #[arg(short, long, value_enum, default_value_t)]
        output: TextOrJson,
    },
    /// Show the timeline of a node's boots
    Boots {
        /// Which node
        name: String,
        /// For people or for programs
        #[arg(short, long, value_enum, default_value_t)]
        output: TextOrJson,
    },
    /// Wait until nodes are in a state
    Wait {
        /// The nodes; they need not be known yet. Without any: every node there is
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// What they shall be: unknown, configured, installing, installed, running, failed, retired
        #[arg(long = "for", value_name = "state=STATE")]
        goal: String,
        /// The nodes with these labels, at least one
        #[arg(short = 'l', long = "selector", value_name = "k=v,…", conflicts_with = "names")]
        selector: Option<String>,
        /// How long at most: 90s, 10m, 1h
        #[arg(long, default_value = "10m")]
        timeout: String,
    },
    /// See to the catalog of groups, profiles and templates
    #[command(subcommand)]
    Catalog(CatalogVerb),
    /// Show the versions of client and server
    Version {
        /// Do not ask the server
        #[arg(long)]
        client: bool,
    },
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: CompletionShell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum GetKind {
    /// The machines
    #[command(alias = "node")]
    Nodes(GetNodes),
    /// What selects machines, in the order in which they are asked
    #[command(alias = "group")]
    Groups(GetPart),
    /// What machines boot
    #[command(alias = "profile")]
    Profiles(GetPart),
}

#[derive(Debug, Subcommand)]
pub(crate) enum DescribeKind {
    /// A machine
    #[command(alias = "nodes")]
    Node {
        /// Which node
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CatalogVerb {
    /// Show which version is served, and the faults of one that could not be
    Status,
    /// Look at its source now; exit 1 when the newest version is not taken
    Reload {
        /// Take it although it moves many nodes: what waits, as `catalog status` and `plan` show it
        #[arg(long)]
        ack: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct GetNodes {
    /// Only this node
    pub(crate) name: Option<String>,
    /// Only nodes with these labels
    #[arg(short = 'l', long = "selector", value_name = "k=v,…", conflicts_with = "name")]
    pub(crate) selector: Option<String>,
    /// For people (table, wide) or for programs
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
    /// Go on showing each change
    #[arg(short, long)]
    pub(crate) watch: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct GetPart {
    /// Only this one
    pub(crate) name: Option<String>,
    /// For people (table, wide) or for programs
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Plan {
    /// Revisions A..B of the catalog's repository. Without A: what serves; without B: the newest
    #[arg(value_name = "A..B")]
    pub(crate) range: Option<String>,
    /// For people or for programs
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: TableOrJson,
    /// Show a unified diff of every document that changes
    #[arg(long)]
    pub(crate) diff: bool,
    /// Exit with 5 when something would change, with 3 when it would wait for an acknowledgement
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Step {
    /// Which nodes
    #[arg(value_name = "NAME", required_unless_present = "selector")]
    pub(crate) names: Vec<String>,
    /// All nodes with these labels: shows them and asks
    #[arg(short = 'l', long = "selector", value_name = "k=v,…", conflicts_with = "names")]
    pub(crate) selector: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    #[default]
    Table,
    Wide,
    Json,
    Yaml,
    Name,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextOrJson {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableOrJson {
    #[default]
    Table,
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CompletionShell {
    Bash,
    Fish,
    Zsh,
}

impl From<CompletionShell> for Shell {
    fn from(shell: CompletionShell) -> Self {
        match shell {
            CompletionShell::Bash => Self::Bash,
            CompletionShell::Fish => Self::Fish,
            CompletionShell::Zsh => Self::Zsh,
        }
    }
}
