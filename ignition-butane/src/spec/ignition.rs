//! The section `ignition`, and the kernel's arguments.

use super::names::{check_keyed, check_once};
use super::node::Node;
use super::{resource, url};

/// Checks `ignition` but for its version.
pub(super) fn check(ignition: &Node<'_>) {
    if let Some(config) = ignition.child("config") {
        check_references(&config.items("merge"));
        if let Some(replace) = config.child("replace") {
            resource::check(&replace);
        }
    }
    if let Some(tls) = ignition.child("security").and_then(|security| security.child("tls")) {
        check_references(&tls.items("certificateAuthorities"));
    }
    if let Some(timeouts) = ignition.child("timeouts") {
        for key in ["httpResponseHeaders", "httpTotal"] {
            if timeouts.whole(key).is_some_and(|seconds| seconds < 0) {
                timeouts.error_at(key, "seconds cannot be negative; 0 means no limit");
            }
        }
    }
    if let Some(proxy) = ignition.child("proxy") {
        check_proxy(&proxy);
    }
}

fn check_references(references: &[Node<'_>]) {
    check_keyed(references, "source");
    references.iter().for_each(resource::check_required);
}

fn check_proxy(proxy: &Node<'_>) {
    for key in ["httpProxy", "httpsProxy"] {
        let Some(text) = proxy.text(key) else { continue };
        match url::parse(text) {
            Err(message) => proxy.error_at(key, message),
            Ok(url) if !["http", "https"].contains(&url.scheme.as_str()) => {
                proxy.error_at(key, "a proxy is given by a URL of http: or https:");
            }
            Ok(url) if url.has_no_host() => proxy.error_at(key, "the URL names no host"),
            Ok(url) if url.scheme == "http" && key == "httpsProxy" => {
                let message =
                    "the way to this proxy is not encrypted: others can see which hosts are asked";
                proxy.warn_at(key, message);
            }
            Ok(_) => {}
        }
    }
    check_once(&[proxy.items("noProxy")]);
}

/// Checks `kernelArguments`: each may be named once, in one of the lists.
pub(super) fn check_kernel_arguments(arguments: &Node<'_>) {
    check_once(&[arguments.items("shouldExist"), arguments.items("shouldNotExist")]);
    for list in ["shouldExist", "shouldNotExist"] {
        for argument in arguments.items(list) {
            let text = argument.value.as_str().unwrap_or("x");
            if text.trim().is_empty() || text.contains(['\n', '\r', '\0']) {
                argument.error("a kernel argument is not empty and stands in one line");
            }
        }
    }
}
