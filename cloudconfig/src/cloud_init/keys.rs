//! The keys at the top, and those of people, files and programs to run.

use super::Key;
use super::Key::{AnyOf, Need, New, Old, Opt};
use super::Type::{
    self, Any, Bool, Each, Either, From, Full, Int, Like, List, List1, Map, Mode, Null, Num, Open,
    Sized, Text, Words,
};
use super::daemons::{
    ANSIBLE, APK, APT, CA_CERTS, CHEF, LANDSCAPE, LXD, MCOLLECTIVE, NTP, PUPPET, RHSM, RSYSLOG,
    SALT, UBUNTU_PRO, WIREGUARD,
};
use super::system::{
    DISK, FILESYSTEM, GROWPART, GRUB, KEYBOARD, POST, POWER, RANDOM_SEED, RESOLV, SWAP, UPDATES,
    YUM_REPO, is_url,
};

/// A whole cloud-config.
pub(crate) const TOP_TYPE: Type = Map(TOP);

const COMMAND: Type = Either(&[List(&Text), Text]);
const URL: Type = Like("a URL such as http://HOST/PATH", is_url);
const TEXTS: Type = List(&Text);

const TOP: &[Key] = &[
    // People.
    Opt("users", Either(&[Text, List1(&Either(&[Text, TEXTS, Map(USER)])), Each(&Any)])),
    Opt("user", Either(&[Text, Map(USER)])),
    Opt("groups", Either(&[Text, Each(&GROUP), List1(&Either(&[Text, Each(&GROUP)]))])),
    Opt("password", Text),
    Opt("chpasswd", Map(CHPASSWD)),
    Opt("ssh_pwauth", Either(&[Bool, Text])),
    Opt("ssh_authorized_keys", List1(&Text)),
    Opt("ssh_keys", Map(SSH_KEYS)),
    Opt("ssh_genkeytypes", List1(&Words("dsa ecdsa ed25519 rsa"))),
    Opt("ssh_import_id", TEXTS),
    Opt("ssh_publish_hostkeys", Map(&[Opt("enabled", Bool), Opt("blacklist", TEXTS)])),
    Opt("ssh_key_console_blacklist ssh_fp_console_blacklist", Type::Set(&Text)),
    Opt("ssh", Map(&[Need("emit_keys_to_console", Bool)])),
    Opt(
        "ssh_deletekeys ssh_quiet_keygen disable_root allow_public_ssh_keys no_ssh_fingerprints",
        Bool,
    ),
    Opt("disable_root_opts authkey_hash", Text),
    // Names.
    Opt("hostname fqdn timezone locale_configfile", Text),
    Opt("locale", Either(&[Text, From("23.4", &Bool)])),
    Opt("preserve_hostname prefer_fqdn_over_hostname", Bool),
    New("create_hostname_file", Bool, "23.2"),
    Opt("manage_etc_hosts", Either(&[Bool, Words("localhost template")])),
    // Files and programs.
    Opt("write_files", List1(&Map(FILE))),
    Opt("runcmd", List1(&Either(&[COMMAND, Null]))),
    Opt("bootcmd", List1(&COMMAND)),
    Opt("final_message", Text),
    Opt("phone_home", Map(PHONE_HOME)),
    Opt("power_state", Map(POWER)),
    // Packages.
    Opt("packages", List1(&Either(&[Sized(&Text, 2, 2), Text, From("23.4", &Each(&Any))]))),
    Opt("package_update package_upgrade package_reboot_if_required", Bool),
    Old("apt_update", Bool, "write package_update"),
    Old("apt_upgrade", Bool, "write package_upgrade"),
    Old("apt_reboot_if_required", Bool, "write package_reboot_if_required"),
    Opt("apt", Full(&Map(APT))),
    Opt("apt_pipelining", Either(&[Int, Bool, Words("none unchanged os")])),
    Opt("apk_repos", Full(&Map(APK))),
    Opt("yum_repos", Full(&Each(&Open(YUM_REPO)))),
    Opt("yum_repo_dir", Text),
    Opt(
        "zypper",
        Full(&Open(&[Opt("repos", List1(&Open(ZYPPER_REPO))), Opt("config", Each(&Any))])),
    ),
    Opt("snap", Full(&Map(SNAP))),
    // Disks.
    Opt("disk_setup", Each(&Map(DISK))),
    Opt("fs_setup", List(&Map(FILESYSTEM))),
    Opt("device_aliases", Each(&Text)),
    Opt("mounts", List1(&Sized(&Text, 1, 6))),
    Opt("mount_default_fields", Sized(&Either(&[Text, Null]), 6, 6)),
    Opt("swap", Map(SWAP)),
    Opt("growpart", Map(GROWPART)),
    Opt("resize_rootfs", Either(&[Bool, Words("noblock")])),
    Opt("grub_dpkg", Map(GRUB)),
    Old("grub-dpkg", Each(&Any), "write grub_dpkg"),
    // Network and time.
    Opt("ntp", Either(&[Null, Map(NTP)])),
    Opt("manage_resolv_conf disable_ec2_metadata", Bool),
    Opt("resolv_conf", Map(RESOLV)),
    Opt("updates", Map(UPDATES)),
    Opt("wireguard", Either(&[Null, Map(WIREGUARD)])),
    Opt("network", Each(&Any)),
    // The rest of the system.
    Opt("keyboard", Map(KEYBOARD)),
    Opt("random_seed", Map(RANDOM_SEED)),
    Opt("ca_certs", Full(&Map(CA_CERTS))),
    Old("ca-certs", Full(&Map(CA_CERTS)), "write ca_certs"),
    Opt("rsyslog", Map(RSYSLOG)),
    Opt("byobu_by_default", Words(BYOBU)),
    Opt("drivers", Map(&[Opt("nvidia", Map(NVIDIA))])),
    Opt("fan", Map(&[Need("config", Text), Opt("config_path", Text)])),
    Opt("landscape", Map(LANDSCAPE)),
    Opt("lxd", Full(&Map(LXD))),
    New("rpi", Each(&Any), "25.2"),
    // Managers of configurations.
    Opt("ansible", Map(ANSIBLE)),
    Opt("chef", Full(&Map(CHEF))),
    Opt("mcollective", Map(MCOLLECTIVE)),
    Opt("puppet", Map(PUPPET)),
    Opt("salt_minion", Map(SALT)),
    Opt("spacewalk", Map(&[Opt("server proxy activation_key", Text)])),
    Opt("rh_subscription", Map(RHSM)),
    Opt("ubuntu_advantage", Map(UBUNTU_PRO)),
    New("ubuntu_pro", Map(UBUNTU_PRO), "24.1"),
    Opt("autoinstall", Open(&[Need("version", Int)])),
    // cloud-init itself.
    Opt("cloud_init_modules cloud_config_modules cloud_final_modules", List(&Any)),
    Opt("reporting", Each(&Either(REPORTS))),
    Opt("vendor_data", Map(VENDOR_DATA)),
    Opt("migrate allow_userdata", Bool),
    Opt("datasource_list", List(&Any)),
    Opt("datasource system_info output merge_how merge_type def_log_file launch-index", Any),
    Opt("log_cfgs vendor_data2 syslog_fix_perms", Any),
];

const GROUP: Type = Either(&[Text, List1(&Text)]);

const USER: &[Key] = &[
    AnyOf("name snapuser"),
    Opt("name snapuser gecos homedir inactive passwd hashed_passwd plain_text_passwd", Text),
    Opt("primary_group selinux_user shell", Text),
    Opt("expiredate", Like("a date such as '2032-09-01'", is_date)),
    Opt("groups", Either(&[Text, List1(&Text), Each(&Null)])),
    Old("lock-passwd", Bool, "write lock_passwd"),
    Opt("lock_passwd no_create_home no_log_init no_user_group create_groups system", Bool),
    Opt("ssh_redirect_user", Bool),
    Opt("ssh_authorized_keys ssh_import_id", List1(&Text)),
    Opt("sudo", Either(&[Text, Null, Bool, From("24.1", &TEXTS)])),
    Opt("uid", Either(&[Int, Text])),
    New("doas", TEXTS, "23.3"),
];

const CHPASSWD: &[Key] = &[
    Opt("expire", Bool),
    Opt("users", List(&Either(&[Map(PASSWORD), Map(RANDOM)]))),
    Old("list", Either(&[Text, List1(&Like("NAME:PASSWORD", is_pair))]), "write users"),
];

const PASSWORD: &[Key] = &[Need("name password", Text), Opt("type", Words("hash text"))];
const RANDOM: &[Key] = &[Need("name", Text), Need("type", Words("RANDOM"))];

const SSH_KEYS: &[Key] = &[
    Opt("dsa_public dsa_private dsa_certificate ecdsa_public ecdsa_private", Text),
    Opt("ecdsa_certificate ed25519_public ed25519_private ed25519_certificate", Text),
    Opt("rsa_public rsa_private rsa_certificate", Text),
];

const ENCODINGS: &str = "gz gzip gz+base64 gzip+base64 gz+b64 gzip+b64 b64 base64 text/plain";

const FILE: &[Key] = &[
    Need("path", Text),
    Opt("content owner", Text),
    Opt("permissions", Mode),
    Opt("encoding", Words(ENCODINGS)),
    Opt("append defer", Bool),
    New("source", Map(&[Need("uri", URL), Opt("headers", Each(&Any))]), "24.3"),
];

const PHONE_HOME: &[Key] = &[
    Need("url", URL),
    Opt("post", Either(&[Words("all"), List(&Words(POST))])),
    Opt("tries", Int),
];

const SNAP: &[Key] = &[
    Opt("assertions", Either(&[Full(&Each(&Text)), List1(&Text)])),
    Opt("commands", Either(&[Full(&Each(&COMMAND)), List1(&COMMAND)])),
];

const ZYPPER_REPO: &[Key] = &[Need("id", Text), Need("baseurl", URL)];
const NVIDIA: &[Key] = &[Need("license-accepted", Bool), Opt("version", Text)];
const BYOBU: &str =
    "enable-system enable-user disable-system disable-user enable disable user system";

const VENDOR_DATA: &[Key] = &[
    Opt("enabled", Either(&[Bool, Text])),
    Opt("prefix", Either(&[List(&Either(&[Text, Int])), Text])),
];

const REPORTS: &[Type] = &[
    Map(&[Need("type", Words("log")), Opt("level", Words("DEBUG INFO WARN ERROR FATAL"))]),
    Map(&[Need("type", Words("print"))]),
    Map(&[
        Need("type", Words("webhook")),
        Need("endpoint", URL),
        Opt("consumer_key token_key token_secret consumer_secret", Text),
        Opt("timeout", Num),
        Opt("retries", Int),
    ]),
    Map(&[Need("type", Words("hyperv")), Opt("kvp_file_path", Text), Opt("event_types", TEXTS)]),
];

fn is_pair(text: &str) -> bool {
    text.split_once(':').is_some_and(|(name, password)| !name.is_empty() && !password.is_empty())
}

fn is_date(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').map(str::parse::<u16>).collect();
    let [Ok(_), Ok(month), Ok(day)] = *parts.as_slice() else { return false };
    text.len() == 10 && (1..=12).contains(&month) && (1..=31).contains(&day)
}
