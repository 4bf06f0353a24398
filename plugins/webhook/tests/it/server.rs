//! A server that gives one answer to every request and keeps the requests.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Server {
    /// Answers `status` (a number, a phrase, and further header lines if need be).
    pub(crate) async fn answering(status: &str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let seen = Arc::default();
        let server = Server {
            url: format!("http://{}/events?key=1", listener.local_addr().unwrap()),
            seen: Arc::clone(&seen),
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 3\r\n\r\nada");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), Arc::clone(&seen)));
            }
        });
        server
    }

    /// Heads (lower-cased) and bodies of the requests so far.
    pub(crate) fn seen(&self) -> Vec<(String, String)> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, answer: String, seen: Arc<Mutex<Vec<(String, String)>>>) {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        while let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if rest.len() < length {
                break;
            }
            let (body, rest) = rest.split_at(length);
            seen.lock().unwrap().push((head, body.to_owned()));
            text = rest.to_owned();
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => text.push_str(std::str::from_utf8(&buffer[..count]).unwrap()),
        }
    }
}
