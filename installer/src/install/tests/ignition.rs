//! An image that is configured by Ignition.

use api::node::IgnitionPlace;

use super::*;
use crate::testing::systems::{assert_clean, debugfs, ext4};

fn ordered(server: &HttpServer, image: &[u8]) -> InstallOrder {
    let config = r#"{"ignition":{"version":"3.0.0"}}"#.to_owned();
    let first_boot = FirstBoot::Ignition { config, place: IgnitionPlace::Boot };
    InstallOrder { first_boot, ..order(server, image, ImageFormat::Raw) }
}

#[test]
fn an_image_with_a_boot_partition_gets_the_config_and_keeps_all_else() {
    let (boot, rest) = (ext4("boot", 8, &[]), vec![9; MIB]);
    let image = gpt_tests::image_of(&[("boot", &boot), ("root", &rest)]);
    let (lab, server) = (Lab::new(DISK), HttpServer::start(image.clone(), []));
    lab.install(&ordered(&server, &image)).unwrap();
    let disk = lab.disk();
    assert!(disk[..MIB] == image[..MIB], "the table was changed");
    assert!(disk[9 * MIB..image.len()] == image[9 * MIB..]);
    let boot = &disk[MIB..9 * MIB];
    assert_clean(boot, "e2fsck", &["-f", "-n"]);
    let config = debugfs(boot, "cat /ignition/config.ign");
    assert_eq!(config, r#"{"ignition":{"version":"3.0.0"}}"#);
}

#[test]
fn a_config_that_cannot_be_put_there_leaves_the_first_mib_blank() {
    let image = image();
    let (lab, server) = (Lab::new(DISK), HttpServer::start(image.clone(), []));
    let stop = lab.install(&ordered(&server, &image)).unwrap_err();
    let (stage, reason, retryable) = reason(&stop);
    assert_eq!((stage, retryable), (Stage::Configure, false));
    assert!(reason.contains("labelled `boot`"), "{reason}");
    assert!(lab.first_mib_is_blank());
    let image = vec![5; 4 * MIB];
    let (lab, server) = (Lab::new(DISK), HttpServer::start(image.clone(), []));
    let message = lab.install(&ordered(&server, &image)).unwrap_err().to_string();
    assert!(message.contains("no usable GPT"), "{message}");
    assert!(lab.first_mib_is_blank());
}
