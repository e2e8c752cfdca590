//! A server on loopback that answers as it is told, and remembers the heads of what it was asked.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// It lives as long as the process.
pub struct Server {
    pub url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn answering(answer: impl Fn(&str) -> (u16, &'static str) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = heads.clone();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let head = head(&stream);
                let (status, body) = answer(&head);
                seen.lock().expect("no one panics").push(head);
                let length = body.len();
                let close = "connection: close\r\n\r\n";
                // A client that has gone away is its own affair.
                let _ = write!(stream, "HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\n{close}{body}");
            }
        });
        Self { url, heads }
    }

    /// So far, in order.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no one panics").clone()
    }
}

fn head(stream: &TcpStream) -> String {
    let mut head = String::new();
    let mut lines = BufReader::new(stream);
    while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head).is_ok_and(|read| read > 0) {}
    head
}
