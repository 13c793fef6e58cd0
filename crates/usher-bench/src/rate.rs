//! Requests at a fixed rate, open loop: each is due at its time, and its time begins when it is due. Who answers slowly is asked no
//! less. A thread for each connection; the one that is free takes the next request and sleeps until it is due.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_mins(1);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const STACK_BYTES: usize = 128 * 1024;
/// A connection that is unused for so long is made anew: the server closes those on which nothing comes.
const IDLE_MAX: Duration = Duration::from_secs(3);

struct Plan {
    address: SocketAddr,
    began: Instant,
    rate: f64,
    lasts: Duration,
    total: u64,
    requests: Vec<Vec<u8>>,
    next: AtomicU64,
}

/// What became of one request. No status: the connection broke.
struct Answer {
    status: u16,
    says_when: bool,
    /// Since it was due.
    micros: u64,
    /// The second of the run in which it came.
    second: usize,
}

pub fn run(words: &[&str]) -> Result<String, String> {
    let &[address, rate, seconds, connections, file] = words else {
        return Err("rate takes ADDRESS RATE SECONDS CONNECTIONS FILE".to_owned());
    };
    let rate: f64 = rate.parse().map_err(|error| format!("RATE: {error}"))?;
    let seconds: u32 = seconds.parse().map_err(|error| format!("SECONDS: {error}"))?;
    let connections: usize = connections.parse().map_err(|error| format!("CONNECTIONS: {error}"))?;
    let requests = requests(&std::fs::read(file).map_err(|error| format!("{file}: {error}"))?)
        .ok_or_else(|| format!("{file} is not made of requests after their lengths"))?;
    let plan = Plan {
        address: address.parse().map_err(|error| format!("ADDRESS: {error}"))?,
        began: Instant::now() + Duration::from_millis(100),
        rate,
        lasts: Duration::from_secs(seconds.into()),
        total: whole(rate * f64::from(seconds)),
        requests,
        next: AtomicU64::new(0),
    };
    let answers = thread::scope(|scope| {
        let threads: Result<Vec<_>, io::Error> = (0..connections)
            .map(|_| thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, || plan.serve()))
            .collect();
        let threads = threads.map_err(|error| format!("a thread: {error}"))?;
        let joined = threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked".to_owned()));
        joined.collect::<Result<Vec<_>, _>>()
    })?;
    Ok(report(&plan, answers.into_iter().flatten().collect()))
}

fn requests(mut text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut requests = Vec::new();
    while !text.is_empty() {
        let end = text.iter().position(|byte| *byte == b'\n')?;
        let length: usize = std::str::from_utf8(&text[..end]).ok()?.parse().ok()?;
        let request = text.get(end + 1..end + 1 + length)?;
        requests.push(request.to_vec());
        text = &text[end + 1 + length..];
    }
    (!requests.is_empty()).then_some(requests)
}

impl Plan {
    fn serve(&self) -> Vec<Answer> {
        let (mut answers, mut connection, mut used) = (Vec::new(), None, Instant::now());
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let due = self.began + Duration::from_secs_f64(as_float(number) / self.rate);
            if number >= self.total || Instant::now() > self.began + self.lasts {
                return answers;
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if used.elapsed() > IDLE_MAX {
                connection = None;
            }
            let turn = usize::try_from(number).unwrap_or_default() % self.requests.len();
            let (status, says_when) = self.ask(&mut connection, &self.requests[turn]).unwrap_or_else(|_| {
                connection = None;
                (0, false)
            });
            used = Instant::now();
            let micros = u64::try_from(used.saturating_duration_since(due).as_micros()).unwrap_or(u64::MAX);
            let second = usize::try_from(used.saturating_duration_since(self.began).as_secs()).unwrap_or_default();
            answers.push(Answer { status, says_when, micros, second });
        }
    }

    /// The status, and whether the answer says when to come back.
    fn ask(&self, connection: &mut Option<BufReader<TcpStream>>, request: &[u8]) -> io::Result<(u16, bool)> {
        let mut reader = match connection.take() {
            Some(reader) => reader,
            None => self.connect()?,
        };
        reader.get_mut().write_all(request)?;
        let (mut status, mut says_when, mut length, mut closes) = (0, false, 0_u64, false);
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let text = line.trim_end().to_ascii_lowercase();
            if text.is_empty() {
                break;
            } else if let Some(rest) = text.strip_prefix("http/1.1 ") {
                status = rest.get(..3).and_then(|code| code.parse().ok()).unwrap_or_default();
            } else if let Some(value) = text.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
            } else if text.starts_with("transfer-encoding:") {
                // Whoever is measured says how long an answer is.
                return Err(io::ErrorKind::Unsupported.into());
            } else if let Some(value) = text.strip_prefix("connection:") {
                closes = value.trim() == "close";
            } else if text.starts_with("retry-after:") {
                says_when = true;
            }
        }
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        if !closes {
            *connection = Some(reader);
        }
        Ok((status, says_when))
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, CONNECT_WITHIN)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(BufReader::new(stream))
    }
}

fn report(plan: &Plan, answers: Vec<Answer>) -> String {
    let sent = answers.len() as u64;
    let seconds = answers.iter().map(|answer| answer.second + 1).max().unwrap_or_default();
    let mut good = vec![0_u64; seconds];
    let mut without = 0_u64;
    let mut by_status: BTreeMap<u16, Vec<u64>> = BTreeMap::new();
    for answer in answers {
        if (200..300).contains(&answer.status) {
            good[answer.second] += 1;
        } else if !answer.says_when {
            without += 1;
        }
        by_status.entry(answer.status).or_default().push(answer.micros);
    }
    let mut statuses = String::new();
    for (status, mut micros) in by_status {
        micros.sort_unstable();
        let at = |share: usize| micros[(micros.len() * share / 1000).min(micros.len() - 1)];
        let comma = if statuses.is_empty() { "" } else { ", " };
        let (count, p50, p99, p999) = (micros.len(), at(500), at(990), at(999));
        // Writing to a string does not fail.
        let _ = write!(
            statuses,
            "{comma}\"{status}\": {{\"count\": {count}, \"p50_us\": {p50}, \"p99_us\": {p99}, \"p999_us\": {p999}}}"
        );
    }
    let unsent = plan.total.saturating_sub(sent);
    format!(
        "{{\"sent\": {sent}, \"unsent\": {unsent}, \"refused_without_retry_after\": {without}, \"good_by_second\": {good:?}, \
         \"statuses\": {{{statuses}}}}}"
    )
}

#[expect(clippy::cast_precision_loss, reason = "a number of requests is far below 2^52")]
fn as_float(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of requests is small and not negative")]
fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn requests_stand_after_their_lengths() {
        assert_eq!(requests(b"3\nabc2\n\r\n").unwrap(), [b"abc".to_vec(), b"\r\n".to_vec()]);
        for broken in [&b""[..], b"4\nabc", b"x\nabc", b"3"] {
            assert!(requests(broken).is_none());
        }
    }

    #[test]
    fn answers_are_counted_by_status_and_whether_they_say_when_to_come_back() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for answer in ["200 OK\r\n", "503 Busy\r\nRetry-After: 1\r\n", "500 Broken\r\n"] {
                stream.read_exact(&mut [0; 3]).unwrap();
                stream.write_all(format!("HTTP/1.1 {answer}Content-Length: 2\r\n\r\nhi").as_bytes()).unwrap();
            }
        });
        let file = std::env::temp_dir().join(format!("usher-bench-{}", std::process::id()));
        std::fs::write(&file, "3\nabc").unwrap();
        let said = run(&[&address, "3", "1", "1", file.to_str().unwrap()]).unwrap();
        std::fs::remove_file(&file).unwrap();
        assert!(said.starts_with("{\"sent\": 3, \"unsent\": 0, \"refused_without_retry_after\": 1, "), "{said}");
        for status in ["200", "500", "503"] {
            assert!(said.contains(&format!("\"{status}\": {{\"count\": 1, ")), "{said}");
        }
    }
}
