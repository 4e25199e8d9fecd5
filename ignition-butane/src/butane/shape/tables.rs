//! The tables, from Butane's specifications (docs/config-fcos-v1_x.md, config-flatcar-v1_x.md).

use super::storage::STORAGE;
use super::{ALWAYS, Field, Kind, Shape};

use Kind::{Bool, Int, Map, Maps, Texts};

const TEXT: Kind = Kind::Text("");

/// The whole config.
pub(in super::super) static CONFIG: Shape = Shape::new(
    "Config",
    &[
        Field::added("variant", TEXT, 1),
        Field::added("version", TEXT, 1),
        Field::same("ignition", Map(&IGNITION), 1).required(ALWAYS),
        Field::new("kernel_arguments", "kernelArguments", Map(&KERNEL_ARGUMENTS), 4),
        Field::same("passwd", Map(&PASSWD), 1),
        Field::same("storage", Map(&STORAGE), 1),
        Field::same("systemd", Map(&SYSTEMD), 1),
        Field::added("boot_device", Map(&BOOT_DEVICE), 1).of_fcos(3),
        Field::added("grub", Map(&GRUB), 1).of_fcos(5),
    ],
)
.of_variant();

static IGNITION: Shape = Shape::new(
    "Ignition",
    &[
        Field::same("config", Map(&IGNITION_CONFIG), 1),
        Field::same("proxy", Map(&PROXY), 2),
        Field::same("security", Map(&SECURITY), 1),
        Field::same("timeouts", Map(&TIMEOUTS), 1),
        // Not a key in Butane: the translation sets it.
        Field::same("version", TEXT, ALWAYS).required(ALWAYS),
    ],
);

static IGNITION_CONFIG: Shape = Shape::new(
    "IgnitionConfig",
    &[
        Field::same("merge", Maps(&CONFIG_REFERENCE), 1),
        Field::same("replace", Map(&CONFIG_REFERENCE), 1),
    ],
);

static PROXY: Shape = Shape::new(
    "Proxy",
    &[
        Field::new("http_proxy", "httpProxy", TEXT, 2),
        Field::new("https_proxy", "httpsProxy", TEXT, 2),
        Field::new("no_proxy", "noProxy", Texts(""), 2),
    ],
);

static SECURITY: Shape = Shape::new("Security", &[Field::same("tls", Map(&TLS), 1)]);

static TLS: Shape = Shape::new(
    "TLS",
    &[Field::new("certificate_authorities", "certificateAuthorities", Maps(&CA_REFERENCE), 1)],
);

static TIMEOUTS: Shape = Shape::new(
    "Timeouts",
    &[
        Field::new("http_response_headers", "httpResponseHeaders", Int, 1),
        Field::new("http_total", "httpTotal", Int, 1),
    ],
);

/// What a file holds.
pub(super) static RESOURCE: Shape =
    Shape::new("Resource", &FILE_FIELDS).keyed("source").first_named("FileContents");

/// A config elsewhere. In the first version it was a smaller type.
static CONFIG_REFERENCE: Shape =
    Shape::new("Resource", &REFERENCE_FIELDS).keyed("source").first_named("ConfigReference");

/// A certificate authority. In the first version it was a smaller type.
static CA_REFERENCE: Shape =
    Shape::new("Resource", &REFERENCE_FIELDS).keyed("source").first_named("CaReference");

static FILE_FIELDS: [Field; 6] = resource_fields(1);
static REFERENCE_FIELDS: [Field; 6] = resource_fields(2);

/// `full`: the first version that has more than a source and its verification.
const fn resource_fields(full: u8) -> [Field; 6] {
    [
        Field::same("compression", TEXT, full),
        Field::new("http_headers", "httpHeaders", Maps(&HTTP_HEADER), 2),
        Field::added("inline", TEXT, full),
        Field::added("local", TEXT, 2),
        Field::same("source", TEXT, 1),
        Field::same("verification", Map(&VERIFICATION), 1),
    ]
}

static HTTP_HEADER: Shape = Shape::new(
    "HTTPHeader",
    &[Field::same("name", TEXT, 2).required(ALWAYS), Field::same("value", TEXT, 2)],
)
.keyed("name");

static VERIFICATION: Shape = Shape::new("Verification", &[Field::same("hash", TEXT, 1)]);

static KERNEL_ARGUMENTS: Shape = Shape::new(
    "KernelArguments",
    &[
        Field::new("should_exist", "shouldExist", Texts("KernelArgument"), 4).in_family("argument"),
        Field::new("should_not_exist", "shouldNotExist", Texts("KernelArgument"), 4)
            .in_family("argument"),
    ],
);

static PASSWD: Shape = Shape::new(
    "Passwd",
    &[Field::same("groups", Maps(&PASSWD_GROUP), 1), Field::same("users", Maps(&PASSWD_USER), 1)],
);

static PASSWD_GROUP: Shape = Shape::new(
    "PasswdGroup",
    &[
        Field::same("gid", Int, 1),
        Field::same("name", TEXT, 1).required(ALWAYS),
        Field::new("password_hash", "passwordHash", TEXT, 1),
        Field::new("should_exist", "shouldExist", Bool, 3),
        Field::same("system", Bool, 1),
    ],
)
.keyed("name");

static PASSWD_USER: Shape = Shape::new(
    "PasswdUser",
    &[
        Field::same("gecos", TEXT, 1),
        Field::same("groups", Texts("Group"), 1),
        Field::new("home_dir", "homeDir", TEXT, 1),
        Field::same("name", TEXT, 1).required(ALWAYS),
        Field::new("no_create_home", "noCreateHome", Bool, 1),
        Field::new("no_log_init", "noLogInit", Bool, 1),
        Field::new("no_user_group", "noUserGroup", Bool, 1),
        Field::new("password_hash", "passwordHash", TEXT, 1),
        Field::new("primary_group", "primaryGroup", TEXT, 1),
        Field::new("ssh_authorized_keys", "sshAuthorizedKeys", Texts("SSHAuthorizedKey"), 1),
        Field::added("ssh_authorized_keys_local", Texts(""), 5),
        Field::same("shell", TEXT, 1),
        Field::new("should_exist", "shouldExist", Bool, 3),
        Field::same("system", Bool, 1),
        Field::same("uid", Int, 1),
    ],
)
.keyed("name");

static SYSTEMD: Shape = Shape::new("Systemd", &[Field::same("units", Maps(&UNIT), 1)]);

/// A unit.
static UNIT: Shape = Shape::new(
    "Unit",
    &[
        Field::same("contents", TEXT, 1),
        Field::added("contents_local", TEXT, 5),
        Field::same("dropins", Maps(&DROPIN), 1),
        Field::same("enabled", Bool, 1),
        Field::same("mask", Bool, 1),
        Field::same("name", TEXT, 1).required(ALWAYS),
    ],
)
.keyed("name");

static DROPIN: Shape = Shape::new(
    "Dropin",
    &[
        Field::same("contents", TEXT, 1),
        Field::added("contents_local", TEXT, 5),
        Field::same("name", TEXT, 1).required(ALWAYS),
    ],
)
.keyed("name");

/// Keys that are held elsewhere.
pub(super) static CLEVIS: Shape = Shape::new(
    "Clevis",
    &[
        Field::same("custom", Map(&CLEVIS_CUSTOM), 3),
        Field::same("tang", Maps(&TANG), 3),
        Field::same("threshold", Int, 3),
        Field::same("tpm2", Bool, 3),
    ],
);

static CLEVIS_CUSTOM: Shape = Shape::new(
    "ClevisCustom",
    &[
        Field::same("config", TEXT, 3).required(3),
        Field::new("needs_network", "needsNetwork", Bool, 3),
        Field::same("pin", TEXT, 3).required(3),
    ],
);

static TANG: Shape = Shape::new(
    "Tang",
    &[
        Field::same("advertisement", TEXT, 5),
        Field::same("thumbprint", TEXT, 3),
        Field::same("url", TEXT, 3).plain(),
    ],
)
.keyed("url");

/// Keys that a crypto card holds.
pub(super) static CEX: Shape = Shape::new("Cex", &[Field::same("enabled", Bool, 6)]);

/// The disk that the system boots from.
static BOOT_DEVICE: Shape = Shape::new(
    "BootDevice",
    &[
        Field::added("layout", TEXT, 1),
        Field::added("luks", Map(&BOOT_DEVICE_LUKS), 1),
        Field::added("mirror", Map(&BOOT_DEVICE_MIRROR), 1),
    ],
)
.of_variant();

/// How it is encrypted; but for two of them, the fields of Ignition's `clevis`.
pub(in super::super) static BOOT_DEVICE_LUKS: Shape = Shape::new(
    "BootDeviceLuks",
    &[
        Field::same("cex", Map(&CEX), 6),
        Field::added("device", TEXT, 6),
        Field::same("discard", Bool, 5),
        Field::same("tang", Maps(&TANG), 1),
        Field::same("threshold", Int, 1),
        Field::same("tpm2", Bool, 1),
    ],
)
.of_variant();

static BOOT_DEVICE_MIRROR: Shape =
    Shape::new("BootDeviceMirror", &[Field::added("devices", Texts(""), 1)]).of_variant();

static GRUB: Shape = Shape::new("Grub", &[Field::added("users", Maps(&GRUB_USER), 1)]).of_variant();

static GRUB_USER: Shape = Shape::new(
    "GrubUser",
    &[Field::added("name", TEXT, 1), Field::added("password_hash", TEXT, 1)],
)
.of_variant();
