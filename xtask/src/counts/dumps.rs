//! What callgrind writes down (its manual, "Callgrind Format Specification"), as far as counting needs it.

/// Functions of this crate run on the threads that hash passwords, and nowhere else.
const HASH: &str = "argon2_rust::";

/// The instructions in what was written down of one thread. Those of a thread that hashes are as many for every release, and so many that
/// nothing else would be seen beside them: they count as none.
pub fn instructions(text: &str) -> Result<u64, String> {
    let count = text.lines().find_map(|line| line.strip_prefix("summary: ")).ok_or("callgrind's file has no sum")?;
    let count = count.trim().parse().map_err(|_| format!("callgrind's file has no sum of one kind of event: {count:?}"))?;
    Ok(if text.contains(HASH) { 0 } else { count })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: &str =
        "# callgrind format\npart: 3\nthread: 2\n\nevents: Ir\nsummary: 1200\n\n\nfn=(2) malloc\n+1 4\n\ntotals: 1210\n";

    #[test]
    fn the_sum_of_a_thread_is_read() {
        assert_eq!(instructions(WEB), Ok(1200));
    }

    #[test]
    fn a_thread_that_hashes_counts_as_none() {
        assert_eq!(instructions(&WEB.replace("malloc", "argon2_rust::fill")), Ok(0));
    }

    #[test]
    fn a_file_without_a_sum_is_refused() {
        assert!(instructions("# callgrind format\n").is_err());
        assert!(instructions("summary: 1 2\n").is_err());
    }
}
