//! Counters, in Prometheus' text format at `/metrics`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

/// Counters by name and label. Counting is one short lock; nothing is held over I/O.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<BTreeMap<(&'static str, String), u64>>);

impl Metrics {
    /// Adds one to a counter. `label` is `key="value"`, or empty.
    pub fn count(&self, name: &'static str, label: &str) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counters.entry((name, label.to_owned())).or_default() += 1;
    }

    /// All counters as text.
    pub fn text(&self) -> String {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        let mut last = "";
        for ((name, label), value) in counters.iter() {
            if *name != last {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "# TYPE {name} counter");
                last = name;
            }
            let _ = if label.is_empty() {
                writeln!(text, "{name} {value}")
            } else {
                writeln!(text, "{name}{{{label}}} {value}")
            };
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_read_as_prometheus_reads_them() {
        let metrics = Metrics::default();
        metrics.count("provisioner_dhcp_replies_total", "kind=\"offer\"");
        metrics.count("provisioner_dhcp_replies_total", "kind=\"ack\"");
        metrics.count("provisioner_dhcp_replies_total", "kind=\"ack\"");
        assert_eq!(
            metrics.text(),
            "# TYPE provisioner_dhcp_replies_total counter\n\
             provisioner_dhcp_replies_total{kind=\"ack\"} 2\n\
             provisioner_dhcp_replies_total{kind=\"offer\"} 1\n"
        );
    }
}
