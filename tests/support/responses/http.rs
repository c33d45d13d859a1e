//! As much of HTTP/1.1 as a client that behaves needs: a head, a body by length or in chunks.

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::request::Request;

/// Reads on through the timeouts of its socket until the server stops, so that a slow client is
/// served and a silent one does not keep a thread for ever.
pub struct Patient<'a> {
    pub stream: &'a TcpStream,
    pub stop: &'a AtomicBool,
}

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(buffer) {
                Err(error) if is_timeout(&error) && !self.stop.load(Ordering::SeqCst) => {}
                result => return result,
            }
        }
    }
}

pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

pub fn read_request(reader: &mut impl BufRead, mut peer: &TcpStream) -> io::Result<Request> {
    let line = read_line(reader)?;
    let mut words = line.split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(malformed("request line"));
    };
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: read_headers(reader)?,
        raw: Vec::new(),
        body: Value::Null,
    };
    if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        peer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    request.raw = read_body(reader, &request)?;
    let plain = match request.header("content-encoding") {
        Some("zstd") => unpacked(&request.raw)?,
        _ => request.raw.clone(),
    };
    request.body = serde_json::from_slice(&plain).unwrap_or_default();
    Ok(request)
}

/// With the login of a plan the client packs what it sends.
fn unpacked(raw: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let decoder = ruzstd::decoding::StreamingDecoder::new(raw);
    decoder.map_err(|_| malformed("zstd"))?.read_to_end(&mut plain)?;
    Ok(plain)
}

fn read_headers(reader: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| malformed("header"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn read_body(reader: &mut impl BufRead, request: &Request) -> io::Result<Vec<u8>> {
    if request
        .header("transfer-encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    {
        return read_chunks(reader);
    }
    let length = request.header("content-length").map_or(Ok(0), str::parse);
    let mut body = vec![0; length.map_err(|_| malformed("content-length"))?];
    reader.read_exact(&mut body)?;
    Ok(body)
}

fn read_chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(reader)?;
        let size = line.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| malformed("chunk size"))?;
        let start = body.len();
        body.resize(start + size, 0);
        reader.read_exact(&mut body[start..])?;
        read_line(reader)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

/// A line without its end.
fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("malformed {what}"))
}
