//! `boot_device`: a root that is mirrored, encrypted, or both, in place of the one in the image.

use super::build::Builder;
use super::merge;
use super::node::{Fields, Node, Origin};
use super::path::Path;
use super::shape::BOOT_DEVICE_LUKS;

/// Partition types of the image.
const RESERVED: &str = "8DA63339-0007-60C0-C436-083AC8230908";
const BIOS: &str = "21686148-6449-6E6F-744E-656564454649";
const PREP: &str = "9E1A2D38-C612-4316-AA26-8B49521E5A8B";
const ESP: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";

/// Sizes of the image's partitions, in MiB.
const RESERVED_SIZE: i64 = 1;
const BIOS_SIZE: i64 = 1;
const PREP_SIZE: i64 = 4;
const ESP_SIZE: i64 = 127;
const BOOT_SIZE: i64 = 384;

/// What is asked for.
#[derive(Debug)]
struct Wanted<'c> {
    device: &'c Node,
    layout: &'c str,
    mirror: &'c [Node],
    luks: Option<&'c Node>,
}

impl Builder<'_, '_, '_> {
    /// Adds what makes the boot device; what the config says of the same things counts more.
    pub(super) fn boot_device(&mut self, config: &Node, built: Node) -> Node {
        let Some(wanted) = config.get("boot_device").and_then(Wanted::of) else {
            return built;
        };
        let rendered = self.render(&wanted);
        merge::configs(rendered, built, self.version)
    }

    fn render(&mut self, wanted: &Wanted<'_>) -> Node {
        let top = Origin::whole(wanted.device.origin.path.clone());
        let mut filesystems = Vec::new();
        let mut storage = Fields::new();
        let mut root = "/dev/disk/by-partlabel/root".to_owned();
        if !wanted.mirror.is_empty() {
            let origin = Origin::whole(top.path.to("mirror"));
            storage.insert("disks", Node::new(wanted.disks(), &origin));
            storage.insert("raid", Node::new(wanted.raids(&origin), &origin));
            filesystems.extend(wanted.esps());
            filesystems.push(filesystem("/dev/md/md-boot", "ext4", "boot", &origin));
            "/dev/md/md-root".clone_into(&mut root);
        }
        if let Some(luks) = wanted.luks {
            if let Some(device) = luks.text_at("device") {
                match wanted.layout {
                    "s390x-eckd" => root = format!("{device}2"),
                    "s390x-zfcp" => root = format!("{device}4"),
                    _ => {}
                }
            }
            let node = self.luks(luks, &root);
            let origin = Origin::one(node.origin.path.clone());
            storage.insert("luks", Node::new(vec![node], &origin));
            "/dev/mapper/root".clone_into(&mut root);
        }
        filesystems.push(filesystem(&root, "xfs", "root", &top));
        storage.insert("filesystems", Node::new(filesystems, &top));
        let storage = Node::new(storage, &top);
        Node::new(Fields::from([("storage", storage)]), &Origin::one(Path::default()))
    }

    fn luks(&mut self, luks: &Node, device: &str) -> Node {
        let whole = Origin::whole(luks.origin.path.clone());
        let text = |text: &str| Node::new(text, &whole);
        let mut fields = Fields::from([
            ("device", text(device)),
            ("label", text("luks-root")),
            ("name", text("root")),
            ("wipeVolume", Node::new(true, &whole)),
        ]);
        let mut clevis = self.map(luks, &BOOT_DEVICE_LUKS);
        let taken = clevis.fields_mut();
        let taken = taken.map(|of| [("discard", of.remove("discard")), ("cex", of.remove("cex"))]);
        let taken = taken.into_iter().flatten();
        fields.extend(taken.filter_map(|(key, node)| Some((key, node?))));
        if luks.is_true_at(&["cex", "enabled"]) {
            return Node::new(fields, &whole);
        }
        fields.remove("cex");
        fields.insert("clevis", clevis);
        Node::new(fields, &whole)
    }
}

impl<'c> Wanted<'c> {
    fn of(device: &'c Node) -> Option<Self> {
        let luks = device.get("luks").filter(|luks| {
            luks.is_true_at(&["tpm2"])
                || luks.is_true_at(&["cex", "enabled"])
                || !luks.list_at(&["tang"]).is_empty()
        });
        let mirror = device.list_at(&["mirror", "devices"]);
        let layout = device.text_at("layout").unwrap_or("x86_64");
        let is_any = luks.is_some() || !mirror.is_empty();
        is_any.then_some(Self { device, layout, mirror, luks })
    }

    fn has_efi(&self) -> bool {
        matches!(self.layout, "x86_64" | "aarch64")
    }

    fn disks(&self) -> Vec<Node> {
        self.mirror.iter().zip(1..).map(|(device, number)| self.disk(device, number)).collect()
    }

    fn disk(&self, device: &Node, number: usize) -> Node {
        let origin = Origin::whole(device.origin.path.clone());
        let reserved = ("reserved", RESERVED_SIZE, RESERVED);
        let first = match self.layout {
            "x86_64" => ("bios", BIOS_SIZE, BIOS),
            "ppc64le" => ("prep", PREP_SIZE, PREP),
            _ => reserved,
        };
        let second = if self.has_efi() { ("esp", ESP_SIZE, ESP) } else { reserved };
        let label = |name| Node::new(format!("{name}-{number}"), &origin);
        let mut partitions: Vec<_> = [first, second]
            .map(|(name, size, guid)| {
                Fields::from([
                    ("label", label(name)),
                    ("sizeMiB", Node::new(size, &origin)),
                    ("typeGuid", Node::new(guid, &origin)),
                ])
            })
            .into();
        let size = Node::new(BOOT_SIZE, &origin);
        partitions.push(Fields::from([("label", label("boot")), ("sizeMiB", size)]));
        partitions.push(Fields::from([("label", label("root"))]));
        let partitions: Vec<_> =
            partitions.into_iter().map(|fields| Node::new(fields, &origin)).collect();
        let fields = Fields::from([
            ("device", Node::new(device.text().unwrap_or_default(), &origin)),
            ("partitions", Node::new(partitions, &origin)),
            ("wipeTable", Node::new(true, &origin)),
        ]);
        Node::new(fields, &origin)
    }

    fn esps(&self) -> Vec<Node> {
        let disks = self.mirror.iter().zip(1..).filter(|_| self.has_efi());
        let esp = |(device, number): (&Node, usize)| {
            let path = format!("/dev/disk/by-partlabel/esp-{number}");
            let origin = Origin::whole(device.origin.path.clone());
            filesystem(&path, "vfat", &format!("esp-{number}"), &origin)
        };
        disks.map(esp).collect()
    }

    fn raids(&self, origin: &Origin) -> Vec<Node> {
        let text = |text: &str| Node::new(text, origin);
        let raid = |of: &str| {
            let devices = (1..=self.mirror.len())
                .map(|number| text(&format!("/dev/disk/by-partlabel/{of}-{number}")));
            Fields::from([
                ("devices", Node::new(devices.collect::<Vec<_>>(), origin)),
                ("level", text("raid1")),
                ("name", text(&format!("md-{of}"))),
            ])
        };
        let mut boot = raid("boot");
        // At the end of the partition: GRUB of BIOS need not understand RAID then.
        boot.insert("options", Node::new(vec![text("--metadata=1.0")], origin));
        vec![Node::new(boot, origin), Node::new(raid("root"), origin)]
    }
}

fn filesystem(device: &str, format: &str, label: &str, origin: &Origin) -> Node {
    let text = |text: &str| Node::new(text, origin);
    let fields = Fields::from([
        ("device", text(device)),
        ("format", text(format)),
        ("label", text(label)),
        ("wipeFilesystem", Node::new(true, origin)),
    ]);
    Node::new(fields, origin)
}
