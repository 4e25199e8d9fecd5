use std::path::Path;
use std::sync::mpsc::{Sender, channel};

use super::super::tests::{git, repository, transition};
use super::*;

fn started(path: &Path) -> (Sender<Transition>, HistoryWorker, Receiver<u64>) {
    let history = History::open(path).unwrap();
    let (done, numbers) = channel();
    let (sender, receiver) = channel();
    let on_done = move |number| done.send(number).unwrap();
    (sender, spawn(history, receiver, on_done).unwrap(), numbers)
}

fn count(path: &Path) -> String {
    git(path, &["rev-list", "--count", "main"]).trim().to_owned()
}

#[test]
fn what_was_sent_is_in_git_when_the_worker_has_ended() {
    let (_directory, path) = repository();
    let (sender, worker, numbers) = started(&path);
    let status = Arc::clone(&worker.status);
    for n in 1..=1500 {
        sender.send(transition(n, 1)).unwrap();
    }
    drop(sender);
    worker.thread.join().unwrap();
    assert_eq!(count(&path), "1500");
    let done: Vec<u64> = numbers.iter().collect();
    assert_eq!(done.last(), Some(&1500));
    assert!(done.is_sorted());
    let all_written = Report { written: 1500, ..Report::default() };
    assert_eq!(status.report(), all_written);
}

#[test]
fn a_failure_is_shown_and_overcome_in_order() {
    let (_directory, path) = repository();
    let (sender, worker, numbers) = started(&path);
    let status = Arc::clone(&worker.status);
    sender.send(transition(1, 1)).unwrap();
    assert_eq!(numbers.recv().unwrap(), 1);
    let lock = path.join("refs/heads/main.lock");
    std::fs::write(&lock, "").unwrap();
    sender.send(transition(2, 1)).unwrap();
    sender.send(transition(3, 2)).unwrap();
    let error = loop {
        if let Some(error) = status.report().error {
            break error;
        }
        std::thread::yield_now();
    };
    assert!(error.contains("main.lock is there"), "{error}");
    while status.report().pending < 2 {
        std::thread::yield_now();
    }
    std::fs::remove_file(&lock).unwrap();
    drop(sender);
    worker.thread.join().unwrap();
    assert_eq!(numbers.iter().last(), Some(3));
    assert_eq!(count(&path), "3");
    assert_eq!(status.report().error, None);
}

#[test]
fn an_end_is_not_held_up_by_a_history_that_cannot_be_written() {
    let (_directory, path) = repository();
    let (sender, worker, numbers) = started(&path);
    let status = Arc::clone(&worker.status);
    std::fs::create_dir_all(path.join("refs/heads")).unwrap();
    std::fs::write(path.join("refs/heads/main.lock"), "").unwrap();
    sender.send(transition(1, 1)).unwrap();
    drop(sender);
    worker.thread.join().unwrap();
    assert_eq!(numbers.iter().count(), 0, "the outbox keeps it");
    assert_eq!(status.report().pending, 1);
}
