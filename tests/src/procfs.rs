//! Processor time and memory of a process, by its id, from Linux's `/proc` (proc(5)).

use std::time::Duration;
use std::{fs, io};

/// Ticks a second of `/proc/PID/stat`: USER_HZ, 100 wherever Linux runs today.
const TICKS: u64 = 100;

/// Time on a processor, user and system, of all threads of `pid`.
///
/// Where the kernel keeps it, from `task/*/schedstat`, in nanoseconds; threads that have ended are missing from the
/// sum, which does not matter to a runtime whose workers stay. Elsewhere from `stat`, in hundredths of a second.
///
/// # Errors
/// If there is no such process, or not on Linux.
pub fn cpu_time_of(pid: u32) -> io::Result<Duration> {
    match scheduled_time(pid)? {
        Duration::ZERO => ticked_time(pid),
        time => Ok(time),
    }
}

fn scheduled_time(pid: u32) -> io::Result<Duration> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end between the listing and the reading.
        let Ok(line) = fs::read_to_string(thread?.path().join("schedstat")) else {
            continue;
        };
        sum += line.split(' ').next().and_then(|time| time.parse().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(sum))
}

fn ticked_time(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field, the name in parentheses, may contain anything; utime and stime are fields 14 and 15.
    let (_, after_name) = stat.rsplit_once(')').ok_or_else(|| unreadable("stat"))?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut next = || fields.next().and_then(|field| field.parse::<u64>().ok());
    match (next(), next()) {
        (Some(user), Some(system)) => Ok(Duration::from_millis((user + system) * 1000 / TICKS)),
        _ => Err(unreadable("stat")),
    }
}

/// Bytes of `pid` that are in memory now, shared ones included (VmRSS).
///
/// # Errors
/// If there is no such process, or not on Linux.
pub fn resident_memory_of(pid: u32) -> io::Result<u64> {
    kilobytes(pid, "status", "VmRSS:")
}

/// The part of [`resident_memory_of`] that is no file's, so without the program's own code (RssAnon).
///
/// # Errors
/// If there is no such process, or not on Linux.
pub fn anonymous_memory_of(pid: u32) -> io::Result<u64> {
    kilobytes(pid, "status", "RssAnon:")
}

/// As [`resident_memory_of`], each shared page divided among those who share it (Pss).
///
/// # Errors
/// If there is no such process, it belongs to someone else, or not on Linux.
pub fn proportional_memory_of(pid: u32) -> io::Result<u64> {
    kilobytes(pid, "smaps_rollup", "Pss:")
}

/// The value of a `Name:   123 kB` line, in bytes.
fn kilobytes(pid: u32, file: &'static str, name: &str) -> io::Result<u64> {
    fs::read_to_string(format!("/proc/{pid}/{file}"))?
        .lines()
        .find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse::<u64>().ok())
        .map(|kilobytes| kilobytes * 1024)
        .ok_or_else(|| unreadable(file))
}

fn unreadable(file: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{file} has an unknown form"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_time_grows_with_work() {
        let pid = std::process::id();
        let before = cpu_time_of(pid).expect("this process exists");
        let aim = before + Duration::from_millis(20);
        let mut work = 0_u64;
        while cpu_time_of(pid).expect("this process exists") < aim {
            work = std::hint::black_box(work.wrapping_mul(31).wrapping_add(7));
        }
        assert!(ticked_time(pid).is_ok());
    }

    #[test]
    fn own_memory_is_plausible() {
        let pid = std::process::id();
        let resident = resident_memory_of(pid).expect("this process exists");
        assert!((100_000..10_000_000_000).contains(&resident));
        assert!(anonymous_memory_of(pid).expect("it does") <= resident);
        assert!(proportional_memory_of(pid).expect("it does") > 0);
    }

    #[test]
    fn no_such_process_is_an_error() {
        assert!(cpu_time_of(u32::MAX).is_err());
        assert!(resident_memory_of(u32::MAX).is_err());
    }
}
