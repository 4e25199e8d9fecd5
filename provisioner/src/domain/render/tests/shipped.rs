//! What the shipped examples must never do.

use super::*;

fn guarded(file: &str, text: &str, overwrite: &serde_json::Value) -> bool {
    let metadata = json!({
        "overwrite": overwrite, "disk": "sda", "repo": "http://r", "timezone": "UTC",
        "ssh_authorized_keys": ["ssh-ed25519 AAAA me"], "mirror": "m", "suite": "s", "user": "u",
        "password_hash": "!",
    });
    let text = render(&format!("generic/{file}"), text, metadata).unwrap();
    text.contains("is in use. To overwrite it")
}

#[test]
fn only_the_plain_word_true_takes_the_guard_off_a_disk() {
    let kickstart = include_str!("../../../../../templates/generic/kickstart.ks");
    let preseed = include_str!("../../../../../templates/generic/preseed.cfg");
    for (file, text) in [("kickstart.ks", kickstart), ("preseed.cfg", preseed)] {
        for kept in
            [json!(false), json!("no"), json!("off"), json!("false"), json!("true"), json!(1)]
        {
            assert!(guarded(file, text, &kept), "{file} with overwrite: {kept}");
        }
        assert!(!guarded(file, text, &json!(true)), "{file}");
    }
}
