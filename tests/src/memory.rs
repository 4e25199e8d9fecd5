//! Memory of other processes, from `/proc/PID/status` (proc(5)).

use std::fs;

/// Resident memory of a process. All zero when it is gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// VmRSS in KiB.
    pub now_kib: u64,
    /// VmHWM, the largest so far, in KiB.
    pub peak_kib: u64,
}

/// Memory of the process `pid`.
pub fn of(pid: u32) -> Memory {
    parse(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default())
}

fn parse(status: &str) -> Memory {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or_default()
    };
    Memory { now_kib: field("VmRSS:"), peak_kib: field("VmHWM:") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_numbers_are_read_from_the_kernels_text() {
        let memory = parse("Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t     999 kB\n");
        assert_eq!(memory, Memory { now_kib: 999, peak_kib: 1234 });
    }
}
