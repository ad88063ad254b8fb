//! The adapter of PostHog's SDK test harness: a small HTTP service around libposthog.
//!
//! It calls the library over the C ABI, as a C program would, and keeps one client for each test
//! that the harness runs at once. `README.md` says how to run it.

mod calls;
mod mode;
mod prototypes;
mod sdk;
mod sessions;

use mode::Mode;
use serde_json::json;
use sessions::Sessions;
use std::sync::Arc;
use std::thread;
use tiny_http::{Header, Request, Response, Server};

/// The harness opens up to ten connections at once; a flush holds its thread.
const THREADS: usize = 16;

fn main() {
    let mode = Mode::from_env().unwrap_or_else(|reason| fail(&reason));
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let host = std::env::var("HOST").unwrap_or_else(|_| "0.0.0.0".to_owned());
    let server = Server::http(format!("{host}:{port}")).unwrap_or_else(|e| fail(&e.to_string()));
    println!("listening on http://{}", server.server_addr());
    let (server, sessions) = (Arc::new(server), Arc::new(Sessions::new(mode)));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (server, sessions) = (Arc::clone(&server), Arc::clone(&sessions));
            thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    serve(&sessions, request);
                }
            })
        })
        .collect();
    for thread in threads {
        let _ = thread.join();
    }
}

fn fail(reason: &str) -> ! {
    eprintln!("posthog-compliance: {reason}");
    std::process::exit(1);
}

fn serve(sessions: &Sessions, mut request: Request) {
    let mut body = String::new();
    let read = request.as_reader().read_to_string(&mut body);
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    let test = query.split('&').find_map(|pair| pair.strip_prefix("test_id=")).unwrap_or("");
    let result = match read {
        Ok(_) => calls::answer(sessions, request.method().as_str(), path, test, &body),
        Err(error) => Err(error.to_string().into()),
    };
    let (status, json) = match result {
        Ok(json) => (200, json),
        Err(refused) => (refused.status, json!({"success": false, "error": refused.reason})),
    };
    let json_type = Header::from_bytes("Content-Type", "application/json");
    let mut response = Response::from_string(json.to_string()).with_status_code(status);
    if let Ok(header) = json_type {
        response.add_header(header);
    }
    // A harness that has hung up will not miss the answer.
    let _ = request.respond(response);
}
