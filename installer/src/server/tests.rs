use std::sync::Mutex;
use std::sync::mpsc::channel;

use api::node::{Failed, Stage};

use super::*;
use crate::testing::{Act, HttpServer};

fn ok(state: &str) -> Act {
    Act::Status(200, format!(r#"{{"state":"{state}"}}"#))
}

fn server(acts: impl IntoIterator<Item = Act>) -> (HttpServer, Server) {
    let http = HttpServer::start(Vec::new(), acts);
    let server = Server::new(&format!("http://{}", http.address), "boot-token", 1);
    (http, server)
}

fn failed() -> Failed {
    Failed { stage: Stage::Write, reason: "the disk \"vda\" is full".into(), retryable: false }
}

#[test]
fn a_call_carries_the_token_and_the_body_and_gives_the_answer() {
    let (http, server) = server([ok("failed")]);
    let ack: Ack = server.call("/v1/node/failed", &failed()).unwrap();
    assert_eq!(ack.state, "failed");
    let request = &http.requests()[0];
    assert_eq!(request.path, "/v1/node/failed");
    assert_eq!(request.authorization.as_deref(), Some("Bearer boot-token"));
    assert_eq!(serde_json::from_str::<Failed>(&request.body).unwrap(), failed());
}

#[test]
fn refusals_are_final_and_carry_the_servers_words() {
    for status in [401, 409, 422, 404] {
        let (_http, server) = server([Act::Status(status, r#"{"error":"a newer boot"}"#.into())]);
        let refused = server.call::<_, Ack>("/v1/node/claim", &failed()).unwrap_err();
        let CallError::Refused { error, status: got, .. } = refused else { panic!("{refused}") };
        assert_eq!((error.as_str(), got), ("a newer boot", status));
    }
}

#[test]
fn trouble_that_passes_is_repeated_until_the_answer_comes() {
    let again = |status| Act::Status(status, String::new());
    let unreadable = Act::Status(200, "<html>".into());
    let (http, server) = server([again(429), again(503), again(500), unreadable, ok("installing")]);
    let waits = Mutex::new(Vec::new());
    let pause = |wait| waits.lock().unwrap().push(wait);
    let log = Log::quiet();
    let ack: Ack = server.insist("/v1/node/claim", &failed(), &pause, &log).unwrap();
    assert_eq!(ack.state, "installing");
    assert_eq!((http.requests().len(), waits.lock().unwrap().len()), (5, 4));
}

#[test]
fn a_dead_server_is_tried_again_and_a_refusal_ends_it() {
    let (mut http, server) = server([Act::Status(409, r#"{"error":"no"}"#.into())]);
    http.kill();
    let http = Mutex::new(http);
    let pause = |_| {
        let mut http = http.lock().unwrap();
        if !http.is_up() {
            http.restart();
        }
    };
    let refused = server.insist::<_, Ack>("/v1/node/claim", &failed(), &pause, &Log::quiet());
    assert!(matches!(refused, Err(CallError::Refused { status: 409, .. })));
}

#[test]
fn the_heartbeat_stops_the_work_when_the_boot_is_overtaken() {
    let (http, server) = server([Act::Status(409, r#"{"error":"a newer boot"}"#.into())]);
    let progress = Progress::default();
    progress.enter(Stage::Write, 10, "");
    progress.done(3);
    let (_stop, stopped) = channel();
    server.heartbeat(&progress, Duration::from_mins(1), &stopped);
    assert!(progress.check().unwrap_err().to_string().contains("a newer boot"));
    let sent: node::Progress = serde_json::from_str(&http.requests()[0].body).unwrap();
    assert_eq!((sent.stage, sent.done_bytes, sent.total_bytes), (Stage::Write, 3, 10));
}

#[test]
fn the_heartbeat_survives_an_unwell_server_and_ends_with_the_work() {
    let (http, server) = server([Act::Status(500, String::new())]);
    let progress = Progress::default();
    let (stop, stopped) = channel();
    drop(stop);
    server.heartbeat(&progress, Duration::from_mins(1), &stopped);
    assert_eq!((http.requests().len(), progress.check()), (1, Ok(())));
}

#[test]
fn log_lines_are_sent_in_batches_until_acknowledged() {
    let (http, server) = server([ok("installing"), Act::Status(503, String::new())]);
    let log = Log::quiet();
    (0..250).for_each(|n| log.line(n.to_string()));
    assert!(!server.ship_once(&log));
    assert_eq!(log.pending().unwrap().first, 200);
    assert_eq!(http.requests().len(), 2);
}
