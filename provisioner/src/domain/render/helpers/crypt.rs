//! Hashed passwords: `{{sha512crypt "secret" "salt"}}`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha512};

use super::{bare, text};

/// Hashes kept: one takes milliseconds, and a rack asks for the same ones.
const KEPT: usize = 1024;
static MADE: Mutex<Option<HashMap<(String, String), String>>> = Mutex::new(None);

/// `sha512crypt PASSWORD [SALT]`: as in /etc/shadow (crypt(5)). Without a salt one is made of the password
/// itself, since templates draw no randomness: equal passwords then have equal hashes.
pub(super) fn sha512crypt(args: &[Option<&Value>]) -> Result<Value, String> {
    let password = bare(args)?;
    if password.is_empty() {
        return Err("the password is empty".to_owned());
    }
    let salt = match args.get(1) {
        Some(_) => text(args, 1)?,
        None => own_salt(&password),
    };
    let ok = |c: char| c.is_ascii_alphanumeric() || "./".contains(c);
    if salt.is_empty() || salt.len() > 16 || !salt.chars().all(ok) {
        return Err("a salt is 1 to 16 letters, digits, `.` and `/`".to_owned());
    }
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let made = made.get_or_insert_default();
    if let Some(hash) = made.get(&(password.clone(), salt.clone())) {
        return Ok(hash.clone().into());
    }
    let hash = hashed(&password, &salt)?;
    if made.len() >= KEPT {
        made.clear();
    }
    made.insert((password, salt), hash.clone());
    Ok(hash.into())
}

fn own_salt(password: &str) -> String {
    let digest = Sha512::digest(format!("salt:{password}"));
    STANDARD_NO_PAD.encode(digest).replace('+', ".").chars().take(16).collect()
}

fn hashed(password: &str, salt: &str) -> Result<String, String> {
    let rounds = sha_crypt::Params::new(5000).map_err(|error| error.to_string())?;
    let digest = sha_crypt::sha512_crypt(password.as_bytes(), salt.as_bytes(), rounds);
    Ok(format!("$6${salt}${}", crypt_base64(&transposed(&digest))))
}

/// The order in which the specification writes the digest's bytes (step 22).
fn transposed(digest: &[u8; 64]) -> Vec<u8> {
    let mut order = Vec::with_capacity(64);
    let (mut a, mut b, mut c) = (0, 21, 42);
    for _ in 0..21 {
        order.extend([c, b, a]);
        (a, b, c) = (b + 1, c + 1, a + 1);
    }
    order.push(63);
    order.into_iter().filter_map(|at: usize| digest.get(at).copied()).collect()
}

/// crypt(3)'s base 64: three bytes as a little-endian number, its lowest six bits first.
fn crypt_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        for digit in 0..=chunk.len() {
            let digit = DIGITS.get(number >> (6 * digit) & 63).copied().unwrap_or(b'.');
            out.push(char::from(digit));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hashes_are_those_of_the_specification() {
        // Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", test vectors.
        let args = [json!("Hello world!"), json!("saltstring")];
        let hash = sha512crypt(&[Some(&args[0]), Some(&args[1])]).unwrap();
        assert_eq!(
            hash,
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
        );
        assert_eq!(sha512crypt(&[Some(&args[0]), Some(&args[1])]), Ok(hash), "from memory too");
    }

    #[test]
    fn without_a_salt_the_hash_is_the_same_each_time() {
        let password = json!("secret");
        let first = sha512crypt(&[Some(&password)]).unwrap();
        assert_eq!(sha512crypt(&[Some(&password)]).unwrap(), first);
        assert!(first.as_str().unwrap().starts_with("$6$"));
        let (bad, empty) = (json!("a$b"), json!(""));
        assert!(sha512crypt(&[Some(&password), Some(&bad)]).is_err());
        assert!(sha512crypt(&[Some(&empty)]).is_err());
    }
}
