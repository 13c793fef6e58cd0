//! A small HTTP/1.1 client (RFC 9112) for talking to the usher on this machine: one request
//! per connection or one after another, no TLS, no redirects.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than usher's own, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(3);
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[derive(Debug)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    /// JSON, when there is one and the headers do not say what else it is.
    pub body: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key == name)?;
        Some(value)
    }
}

impl Request {
    pub fn get(path: &str) -> Self {
        Self { method: "GET", path: path.to_owned(), headers: Vec::new(), body: None }
    }

    pub fn send(&self, address: SocketAddr) -> Result<Answer, String> {
        let what = |error: std::io::Error| format!("{} {}: {error}", self.method, self.path);
        let mut stream = connect(address).map_err(what)?;
        stream.write_all(self.wire(address, "close").as_bytes()).map_err(what)?;
        let mut bytes = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes).map_err(what)?;
        parse(&bytes).map_err(|error| format!("{} {}: {error}", self.method, self.path))
    }

    fn wire(&self, address: SocketAddr, connection: &str) -> String {
        let mut lines = vec![
            format!("{} {} HTTP/1.1", self.method, self.path),
            format!("Host: {address}"),
            format!("Connection: {connection}"),
            "User-Agent: usher-xtask".to_owned(),
        ];
        for (name, value) in &self.headers {
            lines.push(format!("{name}: {value}"));
        }
        let body = self.body.as_deref().unwrap_or_default();
        if self.body.is_some() && !self.headers.iter().any(|(name, _)| *name == "Content-Type") {
            lines.push("Content-Type: application/json".to_owned());
        }
        if self.method != "GET" {
            lines.push(format!("Content-Length: {}", body.len()));
        }
        format!("{}\r\n\r\n{body}", lines.join("\r\n"))
    }
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// A connection that is kept for one request after another.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    stream: TcpStream,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Result<Self, String> {
        let stream = connect(address).map_err(|error| format!("{address}: {error}"))?;
        Ok(Self { address, stream })
    }

    pub fn ask(&mut self, request: &Request) -> Result<Answer, String> {
        self.exchange(request).map_err(|error| format!("{} {}: {error}", request.method, request.path))
    }

    fn exchange(&mut self, request: &Request) -> Result<Answer, String> {
        let what = |error: std::io::Error| error.to_string();
        self.stream.write_all(request.wire(self.address, "keep-alive").as_bytes()).map_err(what)?;
        let (mut bytes, mut piece) = (Vec::new(), [0; 16 * 1024]);
        // An answer tells its length, so it can be read once all of it is there.
        loop {
            let count = self.stream.read(&mut piece).map_err(what)?;
            bytes.extend_from_slice(&piece[..count]);
            match parse(&bytes) {
                Ok(answer) => return Ok(answer),
                Err(error) if count == 0 => return Err(error),
                Err(_) => {}
            }
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Answer, String> {
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n").ok_or("the answer has no end of headers")?;
    let head = String::from_utf8_lossy(&bytes[..split]);
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1."))
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.parse().ok())
        .ok_or("the answer has no HTTP status line")?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = &bytes[split + 4..];
    let answer = Answer { status, headers, body: String::new() };
    let body = match (answer.header("transfer-encoding"), answer.header("content-length")) {
        (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => unchunk(rest)?,
        (_, Some(length)) if length.parse() != Ok(rest.len()) => {
            return Err(format!("{length} bytes were announced, {} came", rest.len()));
        }
        _ => rest.to_vec(),
    };
    Ok(Answer { body: String::from_utf8_lossy(&body).into_owned(), ..answer })
}

/// Joins the chunks of a body (RFC 9112, section 7.1).
fn unchunk(mut rest: &[u8]) -> Result<Vec<u8>, String> {
    const BROKEN: &str = "the answer's chunks are broken";
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n").ok_or(BROKEN)?;
        let size = std::str::from_utf8(&rest[..end])
            .ok()
            .and_then(|line| line.split(';').next())
            .and_then(|size| usize::from_str_radix(size.trim(), 16).ok())
            .ok_or(BROKEN)?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Ok(body);
        }
        let (chunk, after) = rest.split_at_checked(size).ok_or(BROKEN)?;
        body.extend_from_slice(chunk);
        rest = after.strip_prefix(b"\r\n").ok_or(BROKEN)?;
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_plain_answer_is_read() {
        let answer = parse(b"HTTP/1.1 412 Precondition Failed\r\nETag: \"3\"\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        assert_eq!(answer.status, 412);
        assert_eq!(answer.header("etag"), Some("\"3\""));
        assert_eq!(answer.body, "{}");
    }

    #[test]
    fn a_chunked_answer_is_joined() {
        let answer = parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n").unwrap();
        assert_eq!(answer.body, "abcde");
    }

    #[test]
    fn broken_answers_are_refused() {
        for bytes in [
            &b""[..],
            b"HTTP/1.1 200 OK\r\n",
            b"SMTP ready\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
        ] {
            assert!(parse(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_request_carries_its_length_and_headers() {
        let request = Request {
            method: "PATCH",
            path: "/v1/me".to_owned(),
            headers: vec![("If-Match", "\"1\"".to_owned())],
            body: Some("{\"bio\":\"é\"}".to_owned()),
        };
        let wire = request.wire(SocketAddr::from(([127, 0, 0, 1], 8000)), "close");
        assert!(wire.starts_with("PATCH /v1/me HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"), "{wire}");
        assert!(wire.contains("\r\nIf-Match: \"1\"\r\n"), "{wire}");
        assert!(wire.contains("\r\nContent-Length: 12\r\n\r\n{\"bio\""), "{wire}");
    }

    #[test]
    fn a_kept_connection_takes_one_answer_after_another() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for answer in
                ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]
            {
                let mut asked = [0; 1024];
                let count = stream.read(&mut asked).unwrap();
                assert!(String::from_utf8_lossy(&asked[..count]).contains("\r\nConnection: keep-alive\r\n"));
                // In two pieces, as it may come over any network.
                stream.write_all(&answer.as_bytes()[..20]).unwrap();
                stream.write_all(&answer.as_bytes()[20..]).unwrap();
            }
        });
        let mut connection = Connection::open(address).unwrap();
        assert_eq!(connection.ask(&Request::get("/")).unwrap().body, "ab");
        assert_eq!(connection.ask(&Request::get("/nothing")).unwrap().status, 404);
        server.join().unwrap();
        assert!(connection.ask(&Request::get("/")).is_err());
    }
}
