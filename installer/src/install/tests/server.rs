//! A server that breaks, comes back, changes its mind or stays away.

use std::sync::Mutex;

use super::*;

#[test]
fn a_broken_connection_is_resumed_where_it_broke() {
    let (lab, image) = (Lab::new(DISK), image());
    let bytes = packed(&image);
    let cut = bytes.len() / 3;
    let server = HttpServer::start(bytes.clone(), [Act::Cut(cut), Act::Cut(cut)]);
    lab.install(&order(&server, &bytes, ImageFormat::RawZstd)).unwrap();
    assert!(lab.disk()[..image.len()] == image[..]);
    let asked: Vec<_> = server.requests().into_iter().map(|r| (r.range, r.if_range)).collect();
    let tag = Some("\"one\"".to_owned());
    assert_eq!(
        asked,
        [
            (None, None),
            (Some(format!("bytes={cut}-")), tag.clone()),
            (Some(format!("bytes={}-", 2 * cut)), tag),
        ]
    );
}

#[test]
fn a_server_that_is_killed_and_restarted_in_the_middle_is_waited_for() {
    let (lab, image) = (Lab::new(DISK), image());
    let server = HttpServer::start(image.clone(), [Act::Cut(5 * MIB)]);
    let order = order(&server, &image, ImageFormat::Raw);
    let server = Mutex::new((server, 0));
    // The pause after the broken connection kills it; it is back at the fourth.
    let pause = |_| {
        let mut state = server.lock().unwrap();
        state.1 += 1;
        match state.1 {
            1 => state.0.kill(),
            4 => state.0.restart(),
            _ => {}
        }
    };
    lab.install_pausing(&order, &pause).unwrap();
    assert!(lab.disk()[..image.len()] == image[..]);
    assert_eq!(server.lock().unwrap().1, 4);
}

#[test]
fn a_server_without_ranges_sends_all_again_and_the_disk_is_right() {
    let (lab, image) = (Lab::new(DISK), image());
    let server = HttpServer::start(image.clone(), [Act::Cut(3 * MIB + 5), Act::IgnoreRange]);
    lab.install(&order(&server, &image, ImageFormat::Raw)).unwrap();
    assert!(lab.disk()[..image.len()] == image[..]);
}

#[test]
fn an_image_that_changes_in_the_middle_fails_and_may_be_tried_again() {
    let (lab, image) = (Lab::new(DISK), image());
    let server = HttpServer::start(image.clone(), [Act::Cut(3 * MIB), Act::OtherSize]);
    let stop = lab.install(&order(&server, &image, ImageFormat::Raw)).unwrap_err();
    let (stage, reason, retryable) = reason(&stop);
    assert_eq!((stage, retryable), (Stage::Write, true));
    assert!(reason.contains("changed"), "{reason}");
    assert!(lab.first_mib_is_blank());
}

#[test]
fn a_server_that_comes_back_with_new_tags_for_the_same_bytes_is_taken_up() {
    let (lab, image) = (Lab::new(DISK), image());
    let acts = [Act::Cut(3 * MIB), Act::OtherTag];
    let server = HttpServer::start(image.clone(), acts);
    lab.install(&order(&server, &image, ImageFormat::Raw)).unwrap();
    assert!(lab.disk()[..image.len()] == image[..]);
}

#[test]
fn a_server_that_never_comes_back_ends_the_try_after_minutes_of_patience() {
    let (lab, image) = (Lab::new(DISK), image());
    let mut server = HttpServer::start(image.clone(), []);
    server.kill();
    let waited = Mutex::new(std::time::Duration::ZERO);
    let pause = |wait| *waited.lock().unwrap() += wait;
    let order = order(&server, &image, ImageFormat::Raw);
    let (stage, reason, retryable) = reason(&lab.install_pausing(&order, &pause).unwrap_err());
    assert_eq!((stage, retryable), (Stage::Write, true));
    assert!(reason.contains("0 bytes had come"), "{reason}");
    assert!(*waited.lock().unwrap() >= crate::fetch::PATIENCE);
}

#[test]
fn busy_answers_are_repeated_and_a_missing_image_is_final() {
    let (lab, image) = (Lab::new(DISK), image());
    let busy = |status| Act::Status(status, String::new());
    let acts = [busy(503), busy(429), busy(500)];
    let server = HttpServer::start(image.clone(), acts);
    lab.install(&order(&server, &image, ImageFormat::Raw)).unwrap();
    let server = HttpServer::start(image.clone(), [busy(404)]);
    let stop = lab.install(&order(&server, &image, ImageFormat::Raw)).unwrap_err();
    let (stage, reason, retryable) = reason(&stop);
    assert_eq!((stage, retryable), (Stage::Write, false));
    assert!(reason.contains("404"), "{reason}");
    assert!(lab.first_mib_is_blank());
}

#[test]
fn a_boot_that_has_been_overtaken_stops_writing_and_reports_nothing() {
    let (lab, image) = (Lab::new(DISK), image());
    let server = HttpServer::start(image.clone(), []);
    lab.progress.refuse("a newer boot has taken over".into());
    let stop = lab.install(&order(&server, &image, ImageFormat::Raw)).unwrap_err();
    assert_eq!(stop.report(), None);
    assert!(stop.to_string().contains("newer boot"), "{stop}");
}

#[test]
fn a_boot_that_is_overtaken_while_it_waits_for_the_server_does_not_wait_on() {
    let (lab, image) = (Lab::new(DISK), image());
    let mut server = HttpServer::start(image.clone(), []);
    server.kill();
    let pauses = Mutex::new(0);
    let pause = |_| {
        *pauses.lock().unwrap() += 1;
        lab.progress.refuse("a newer boot has taken over".into());
    };
    let order = order(&server, &image, ImageFormat::Raw);
    let stop = lab.install_pausing(&order, &pause).unwrap_err();
    assert_eq!((stop.report(), *pauses.lock().unwrap()), (None, 1));
}
