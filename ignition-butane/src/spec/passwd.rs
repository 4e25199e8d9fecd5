//! Users and groups.

use super::names::{check_keyed, check_once};
use super::node::Node;

/// The last number that useradd and groupadd take; the one after it means "no change".
const ID_MAX: i64 = 4_294_967_294;

/// Checks `passwd`.
pub(super) fn check(passwd: &Node<'_>) {
    let groups = passwd.items("groups");
    check_keyed(&groups, "name");
    for group in &groups {
        check_name(group);
        check_id(group, "gid");
        check_line(group, &["passwordHash"]);
    }
    let users = passwd.items("users");
    check_keyed(&users, "name");
    for user in &users {
        check_name(user);
        check_id(user, "uid");
        check_line(user, &["gecos", "passwordHash", "primaryGroup"]);
        for key in ["homeDir", "shell"] {
            check_program_path(user, key);
        }
        check_once(&[user.items("groups")]);
        let keys = user.items("sshAuthorizedKeys");
        check_once(std::slice::from_ref(&keys));
        keys.iter().for_each(check_key);
    }
}

/// What would break the line of /etc/passwd, or the path of the home directory.
fn check_name(node: &Node<'_>) {
    let Some(name) = node.text("name") else { return };
    if name.is_empty() {
        node.error_at("name", "the name is empty");
    } else if name.starts_with('-')
        || name.contains([':', '/', ',', '\0'])
        || name.contains(char::is_whitespace)
    {
        let message =
            format!("{name:?} is no name: no colon, slash, comma or space, and no dash in front");
        node.error_at("name", message);
    }
}

fn check_id(node: &Node<'_>, key: &str) {
    if node.whole(key).is_some_and(|id| !(0..=ID_MAX).contains(&id)) {
        node.error_at(key, format!("a number from 0 to {ID_MAX} is wanted"));
    }
}

fn check_line(node: &Node<'_>, keys: &[&str]) {
    for key in keys {
        if node.text(key).is_some_and(|text| text.contains([':', '\n', '\0'])) {
            node.error_at(
                key,
                "this goes into a line of /etc/passwd or its like: no colon, no line break",
            );
        }
    }
}

fn check_program_path(user: &Node<'_>, key: &str) {
    let Some(path) = user.filled(key) else { return };
    if !path.starts_with('/') || path.contains([':', '\n', '\0']) {
        user.error_at(key, "an absolute path is wanted, without a colon: useradd refuses others");
    }
}

fn check_key(key: &Node<'_>) {
    if key.value.as_str().is_some_and(|text| text.contains('\0')) {
        key.error("a key cannot hold a NUL character");
    }
}
