//! Keys of packages, services and managers of configurations.

use super::Key::{self, Need, New, Old, Opt};
use super::Type::{
    Any, Bool, Each, Either, Full, Int, Like, List, List1, Map, Null, Num, Open, Set, Text, Words,
};

pub(super) const APT: &[Key] = &[
    Opt("preserve_sources_list generate_mirrorlists", Bool),
    Opt("disable_suites", Set(&Text)),
    Opt("primary security", List1(&Map(MIRROR))),
    Opt("add_apt_repo_match sources_list conf proxy http_proxy https_proxy ftp_proxy", Text),
    Opt("debconf_selections", Full(&Each(&Text))),
    Opt("sources", Each(&Full(&Map(SOURCE)))),
];

const MIRROR: &[Key] = &[
    Need("arches", List1(&Text)),
    Opt("uri keyid key keyserver", Text),
    Opt("search", List1(&Text)),
    Opt("search_dns", Bool),
];

const SOURCE: &[Key] = &[Opt("source keyid key keyserver filename", Text), Opt("append", Bool)];

pub(super) const APK: &[Key] = &[
    Opt("preserve_repositories", Bool),
    Opt("alpine_repo", Either(&[Map(ALPINE), Null])),
    Opt("local_repo_base_url", Text),
];

const ALPINE: &[Key] =
    &[Need("version", Text), Opt("base_url", Text), Opt("community_enabled testing_enabled", Bool)];

pub(super) const CA_CERTS: &[Key] = &[
    Old("remove-defaults", Bool, "write remove_defaults"),
    Opt("remove_defaults", Bool),
    Opt("trusted", List1(&Text)),
];

pub(super) const NTP: &[Key] = &[
    Opt("pools servers", Set(&Text)),
    New("peers allow", Set(&Text), "23.3"),
    Opt("ntp_client", Text),
    Opt("enabled", Bool),
    Opt(
        "config",
        Full(&Map(&[
            Opt("confpath check_exe service_name template", Text),
            Opt("packages", Set(&Text)),
        ])),
    ),
];

pub(super) const WIREGUARD: &[Key] = &[
    Need("interfaces", List1(&Map(&[Opt("name config_path content", Text)]))),
    Opt("readinessprobe", Set(&Text)),
];

pub(super) const RSYSLOG: &[Key] = &[
    Opt("config_dir config_filename", Text),
    Opt("configs", List(&Either(&[Text, Map(RSYSLOG_CONFIG)]))),
    Opt("remotes", Each(&Any)),
    Opt("service_reload_command", Either(&[Words("auto"), List(&Text)])),
    New("check_exe", Text, "23.2"),
    New("install_rsyslog", Bool, "23.2"),
    New("packages", Set(&Text), "23.2"),
];

const RSYSLOG_CONFIG: &[Key] = &[Need("content", Text), Opt("filename", Text)];

pub(super) const LANDSCAPE: &[Key] = &[Need(
    "client",
    Open(&[
        Opt("url ping_url data_path computer_title account_name registration_key", Text),
        Opt("http_proxy https_proxy", Text),
        Opt("log_level", Words("debug info warning error critical")),
        Opt("tags", Like("words with commas between", is_tags)),
    ]),
)];

fn is_tags(text: &str) -> bool {
    let good = |tag: &str| {
        !tag.is_empty() && tag.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    text.split(',').all(good)
}

pub(super) const LXD: &[Key] =
    &[Opt("init", Map(LXD_INIT)), Opt("bridge", Map(LXD_BRIDGE)), Opt("preseed", Text)];

const LXD_INIT: &[Key] = &[
    Opt("network_address storage_create_device storage_pool trust_password", Text),
    Opt("network_port storage_create_loop", Int),
    Opt("storage_backend", Words("zfs dir lvm btrfs")),
];

const LXD_BRIDGE: &[Key] = &[
    Need("mode", Words("none existing new")),
    Opt("name ipv4_address ipv4_dhcp_first ipv4_dhcp_last ipv6_address domain", Text),
    Opt("mtu ipv4_netmask ipv4_dhcp_leases ipv6_netmask", Int),
    Opt("ipv4_nat ipv6_nat", Bool),
];

pub(super) const ANSIBLE: &[Key] = &[
    Opt("install_method", Words("distro pip")),
    Opt("run_user ansible_config package_name", Text),
    Opt("galaxy", Map(&[Need("actions", List(&List(&Text)))])),
    Opt("pull", Either(&[Map(PULL), super::Type::From("25.1", &List(&Map(PULL)))])),
    Opt(
        "setup_controller",
        Map(&[
            Opt("repositories", List(&Map(&[Need("path source", Text)]))),
            Opt("run_ansible", List(&Open(RUN_ANSIBLE))),
        ]),
    ),
];

const PULL: &[Key] = &[
    Need("url playbook_name", Text),
    Opt("accept_host_key clean full diff", Bool),
    Opt("ssh_common_args scp_extra_args sftp_extra_args private_key checkout module_path", Text),
    Opt("timeout connection vault_id vault_password_file module_name sleep tags skip_tags", Text),
];

const RUN_ANSIBLE: &[Key] = &[
    Opt("playbook_name playbook_dir become_password_file connection_password_file", Text),
    Opt("vault_id vault_password_file module_path args extra_vars inventory", Text),
    Opt("scp_extra_args sftp_extra_args private_key connection module_name sleep", Text),
    Opt("tags skip_tags", Text),
    Opt("list_hosts syntax_check check diff", Bool),
    Opt("timeout background poll forks", Num),
];

pub(super) const CHEF: &[Key] = &[
    Opt("directories", Set(&Text)),
    Opt("validation_cert validation_key firstboot_path client_key encrypted_data_bag_secret", Text),
    Opt("environment file_backup_path file_cache_path json_attribs log_level log_location", Text),
    Opt("node_name omnibus_url omnibus_version pid_file server_url ssl_verify_mode", Text),
    Opt("validation_name chef_license", Text),
    Opt("exec show_time force_install", Bool),
    Opt("omnibus_url_retries", Int),
    Opt("initial_attributes", Each(&Any)),
    Opt("install_type", Words("packages gems omnibus")),
    Opt("run_list", List(&Text)),
];

pub(super) const MCOLLECTIVE: &[Key] =
    &[Opt("conf", Open(&[Opt("public-cert private-cert", Text)]))];

pub(super) const PUPPET: &[Key] = &[
    Opt("install cleanup exec start_service", Bool),
    Opt("version collection aio_install_url conf_file ssl_dir csr_attributes_path", Text),
    Opt("package_name", Text),
    Opt("install_type", Words("packages aio")),
    Opt("exec_args", List(&Text)),
    Opt("conf", Map(&[Opt("main server agent user", Each(&Any)), Opt("ca_cert", Text)])),
    Opt("csr_attributes", Map(&[Opt("custom_attributes extension_requests", Each(&Any))])),
];

pub(super) const SALT: &[Key] = &[
    Opt("pkg_name service_name config_dir public_key private_key pki_dir", Text),
    Opt("conf grains", Each(&Any)),
];

pub(super) const RHSM: &[Key] = &[
    Opt("username password activation-key service-level rhsm-baseurl server-hostname", Text),
    Opt("org", Either(&[Int, super::Type::From("24.2", &Text)])),
    Opt("auto-attach", Bool),
    Opt("add-pool enable-repo disable-repo", List(&Text)),
    New("release_version", Text, "24.2"),
];

pub(super) const UBUNTU_PRO: &[Key] = &[
    Opt("enable enable_beta", List(&Text)),
    Opt("token", Text),
    Opt("features", Map(&[Opt("disable_auto_attach", Bool)])),
    Opt("config", Open(&[Opt(PROXIES, Either(&[Text, Null]))])),
];

const PROXIES: &str = "http_proxy https_proxy global_apt_http_proxy global_apt_https_proxy \
                       ua_apt_http_proxy ua_apt_https_proxy";
