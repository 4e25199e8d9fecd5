//! What was served last, and to whom: two renderings of one script differ by their token, so its signature
//! is made of the very bytes that were sent.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use crate::domain::node::Millis;

/// Answers kept.
const KEPT: usize = 8192;
/// Bytes of answers kept.
const KEPT_BYTES: usize = 64 << 20;
/// How long an answer is kept.
const KEPT_MS: u64 = 600_000;
/// How long bytes that were signed before they were sent wait for their question.
const PROMISED_MS: u64 = 60_000;
/// Locks for questions; two that share one wait for each other, and nothing worse.
const TURNS: usize = 64;
/// Signatures of files kept.
const KEPT_SIGNATURES: usize = 1024;

/// One question of one client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The path, without a signature's suffix.
    pub path: String,
    /// The query as it was sent.
    pub query: String,
    /// Who asked.
    pub client: IpAddr,
}

/// A file as it was when it was signed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileAsSigned {
    /// Its real path.
    pub path: PathBuf,
    /// Its bytes.
    pub size: u64,
    /// When it was changed.
    pub changed: Option<SystemTime>,
    /// Media type of the signature.
    pub form: &'static str,
}

/// Answers and signatures that are kept. `P` is an answer.
#[derive(Debug)]
pub struct Rendered<P = crate::server::http::Page> {
    answers: Mutex<Answers<P>>,
    signatures: Mutex<(HashMap<FileAsSigned, Bytes>, VecDeque<FileAsSigned>)>,
    /// Held while a file is signed: the next one that asks for it finds the signature.
    pub signing: tokio::sync::Mutex<()>,
    turns: Vec<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Answers<P> {
    by_question: HashMap<Question, Kept<P>>,
    /// Oldest first; numbers that an answer has no more are left over.
    order: VecDeque<(u64, Question)>,
    bytes: usize,
    next: u64,
}

#[derive(Debug)]
struct Kept<P> {
    page: P,
    size: usize,
    number: u64,
    at: Millis,
    promised: bool,
}

impl<P> Default for Rendered<P> {
    fn default() -> Self {
        let answers =
            Answers { by_question: HashMap::new(), order: VecDeque::new(), bytes: 0, next: 0 };
        Self {
            answers: Mutex::new(answers),
            signatures: Mutex::default(),
            signing: tokio::sync::Mutex::default(),
            turns: std::iter::repeat_with(tokio::sync::Mutex::default).take(TURNS).collect(),
        }
    }
}

impl<P: Clone> Rendered<P> {
    /// Keeps an answer of `size` bytes, with its question. `promised`: it was not sent yet, but its signature will be.
    pub fn keep(&self, question: Question, page: P, size: usize, promised: bool, now: Millis) {
        // The question is kept twice.
        let size = size + 2 * (question.path.len() + question.query.len());
        if size <= KEPT_BYTES {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.keep(question, page, size, promised, now);
        }
    }

    /// Held while a question is answered or its answer signed, so that both are of the same bytes.
    pub fn turn(&self, question: &Question) -> &tokio::sync::Mutex<()> {
        let mut hasher = DefaultHasher::new();
        question.hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % TURNS as u64).unwrap_or(0);
        // There are as many as the number is divided by; were there none, nobody would wait.
        self.turns.get(place).unwrap_or(&self.signing)
    }

    /// The last answer was none that is signed.
    pub fn forget(&self, question: &Question) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = answers.by_question.remove(question) {
            answers.bytes -= kept.size;
        }
    }

    /// What was sent last as the answer to a question, or will be.
    pub fn last(&self, question: &Question, now: Millis) -> Option<P> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = answers.by_question.get(question)?;
        let limit = if kept.promised { PROMISED_MS } else { KEPT_MS };
        (now.since(kept.at) <= limit).then(|| kept.page.clone())
    }

    /// The answer whose signature was sent before it, once.
    pub fn promised(&self, question: &Question, now: Millis) -> Option<P> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = answers.by_question.get_mut(question)?;
        let due = kept.promised && now.since(kept.at) <= PROMISED_MS;
        kept.promised = false;
        due.then(|| kept.page.clone())
    }

    /// The signature of a file that did not change since.
    pub fn signature(&self, file: &FileAsSigned) -> Option<Bytes> {
        let signatures = self.signatures.lock().unwrap_or_else(PoisonError::into_inner);
        signatures.0.get(file).cloned()
    }

    /// Keeps the signature of a file.
    pub fn keep_signature(&self, file: FileAsSigned, signature: Bytes) {
        let mut signatures = self.signatures.lock().unwrap_or_else(PoisonError::into_inner);
        let (map, order) = &mut *signatures;
        if map.insert(file.clone(), signature).is_none() {
            order.push_back(file);
        }
        while map.len() > KEPT_SIGNATURES
            && let Some(oldest) = order.pop_front()
        {
            map.remove(&oldest);
        }
    }
}

impl<P> Answers<P> {
    fn keep(&mut self, question: Question, page: P, size: usize, promised: bool, now: Millis) {
        let number = self.next;
        self.next += 1;
        let kept = Kept { page, size, number, at: now, promised };
        self.bytes += size;
        self.order.push_back((number, question.clone()));
        if let Some(before) = self.by_question.insert(question, kept) {
            self.bytes -= before.size;
        }
        while let Some((number, question)) = self.order.front() {
            let current = self.by_question.get(question).filter(|kept| kept.number == *number);
            let goes = current.is_none_or(|kept| {
                now.since(kept.at) > KEPT_MS
                    || self.by_question.len() > KEPT
                    || self.bytes > KEPT_BYTES
            });
            if !goes {
                break;
            }
            if let Some(size) = current.map(|kept| kept.size) {
                self.bytes -= size;
                self.by_question.remove(question);
            }
            self.order.pop_front();
        }
        if self.order.len() > 2 * KEPT {
            let by_question = &self.by_question;
            self.order.retain(|(number, question)| {
                by_question.get(question).is_some_and(|kept| kept.number == *number)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(number: usize) -> Question {
        let client = IpAddr::from([127, 0, 0, 1]);
        Question { path: "/ipxe".to_owned(), query: number.to_string(), client }
    }

    #[test]
    fn a_signature_is_of_what_was_sent_last() {
        let rendered = Rendered::<&str>::default();
        assert_eq!(rendered.last(&question(1), Millis(0)), None);
        rendered.keep(question(1), "one", 3, false, Millis(0));
        rendered.keep(question(1), "two", 3, false, Millis(1));
        assert_eq!(rendered.last(&question(1), Millis(2)), Some("two"));
        assert_eq!(rendered.promised(&question(1), Millis(2)), None, "the next one is made anew");
        assert_eq!(rendered.last(&question(1), Millis(KEPT_MS + 2)), None);
    }

    #[test]
    fn bytes_that_were_signed_first_are_sent_once_and_within_a_minute() {
        let rendered = Rendered::<&str>::default();
        rendered.keep(question(1), "one", 3, true, Millis(0));
        assert_eq!(rendered.last(&question(1), Millis(5)), Some("one"), "a second signature fits");
        assert_eq!(rendered.promised(&question(1), Millis(5)), Some("one"));
        assert_eq!(rendered.promised(&question(1), Millis(5)), None);
        assert_eq!(rendered.last(&question(1), Millis(5)), Some("one"), "it was sent");
        rendered.keep(question(2), "two", 3, true, Millis(0));
        assert_eq!(rendered.promised(&question(2), Millis(PROMISED_MS + 1)), None);
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_in_bytes() {
        let rendered = Rendered::<usize>::default();
        for number in 0..3 * KEPT {
            rendered.keep(question(number), number, 10, false, Millis(0));
            rendered.keep(question(0), number, 10, false, Millis(0));
        }
        let answers = rendered.answers.lock().unwrap();
        assert_eq!(answers.by_question.len(), KEPT);
        let questions: usize =
            answers.by_question.keys().map(|q| 2 * (q.path.len() + q.query.len())).sum();
        assert_eq!(answers.bytes, 10 * KEPT + questions);
        assert!(answers.order.len() <= 2 * KEPT + 1);
        drop(answers);
        rendered.keep(question(7), 7, KEPT_BYTES - 12, false, Millis(0));
        assert_eq!(rendered.answers.lock().unwrap().by_question.len(), 1);
        assert_eq!(rendered.last(&question(7), Millis(0)), Some(7));
        rendered.keep(question(8), 8, 1, false, Millis(KEPT_MS + 1));
        let answers = rendered.answers.lock().unwrap();
        assert_eq!((answers.by_question.len(), answers.bytes), (1, 13), "old ones are dropped");
    }
}
