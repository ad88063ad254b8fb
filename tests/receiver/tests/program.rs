//! The program and its control API, as tests in other languages use them.

mod client;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::{env, fs, thread, time::Duration};

use client::{Client, batch};
use serde_json::json;

/// The program, and a client of its control API. It is killed if a test fails halfway.
struct Program {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    control: Client,
}

impl Program {
    fn start(arguments: &[&str]) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_posthog-receiver"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let addr = line.trim_end().strip_prefix("listening on http://").unwrap().parse().unwrap();
        Program { child, stdout, control: Client::connect(addr) }
    }

    fn client(&self) -> Client {
        Client::connect(self.control.0.peer_addr().unwrap())
    }

    /// What it printed after its first line, up to its end.
    fn output(&mut self) -> String {
        let mut output = String::new();
        self.stdout.read_to_string(&mut output).unwrap();
        assert!(self.child.wait().unwrap().success());
        output
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_control_api_scripts_and_tells() {
    let mut program = Program::start(&["--quiet"]);
    let script =
        r#"[{"path": "/batch/", "times": 1, "status": 429, "headers": {"Retry-After": "2"}}]"#;
    assert_eq!(program.control.post("/__script", script).json(), json!({"ok": true}));
    let mut client = program.client();
    assert_eq!(client.post("/batch/", &batch([1])).header("retry-after"), Some("2"));
    assert_eq!(client.post("/batch/", &batch([1, 2])).status, 200);

    let requests = program.control.get("/__requests").json();
    assert_eq!(requests[0]["status"], 429);
    assert_eq!(requests[1]["headers"]["host"], "h");
    assert_eq!(requests[1]["json"]["batch"][1]["properties"]["n"], 2);
    let events = program.control.get("/__events").json();
    assert_eq!(events.as_array().unwrap().len(), 2);
    assert_eq!(events[1]["properties"]["n"], 2);
    let counts = program.control.get("/__counts").json();
    let expected = json!({
        "connections": 1, "resumed": 0, "requests": 2, "malformed": 0, "refused": 0,
        "bytes": batch([1]).len() + batch([1, 2]).len(),
        "attempted": 3, "accepted": 2, "duplicates": 0, "ambiguous": 0,
    });
    assert_eq!(counts, expected);
    assert!(program.control.get("/__table").body.contains("numbered"));
    program.control.post("/__clear", "");
    assert_eq!(program.control.get("/__counts").json()["requests"], 0);
    assert_eq!(program.control.get("/__nothing").status, 404);
}

#[test]
fn mistakes_in_scripts_are_named() {
    let mut program = Program::start(&[]);
    let answer = program.control.post("/__script", r#"[{"staus": 500}]"#);
    assert_eq!(
        (answer.status, answer.json()["error"].as_str().unwrap().contains("staus")),
        (400, true)
    );
    let wrong = Command::new(env!("CARGO_BIN_EXE_posthog-receiver"))
        .args(["--script", "{}"])
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("usage:"));
}

#[test]
fn a_wait_answers_when_the_events_are_there() {
    let mut program = Program::start(&["--record", "uuids"]);
    assert_eq!(program.control.get("/__wait?events=1&timeout_ms=30").status, 408);
    let mut client = program.client();
    let sender = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        client.post("/batch/", &batch([4]))
    });
    let answer = program.control.get("/__wait?events=1&requests=1");
    assert_eq!((answer.status, &answer.json()["accepted"]), (200, &json!(1)));
    sender.join().unwrap();
    let event = &program.control.get("/__events").json()[0];
    assert_eq!((&event["event"], &event["properties"]), (&json!("numbered"), &json!({"n": 4})));
}

#[test]
fn ambiguous_events_and_flags_are_reached() {
    let mut program = Program::start(&["--script", r#"[{"path": "/batch/", "reset": "body"}]"#]);
    let mut client = program.client();
    client.send(client::post("/batch/", &batch([9])));
    assert!(client.rest().1.is_err());
    assert_eq!(program.control.get("/__ambiguous").json()[0]["properties"]["n"], 9);
    program.control.post("/__flags", r#"{"dark": "half"}"#);
    let ask = r#"{"api_key": "k", "distinct_id": "u"}"#;
    let flags = program.client().post("/flags/?v=2", ask).json();
    assert_eq!(flags["flags"]["dark"]["variant"], "half");
}

#[test]
fn the_table_is_printed_while_events_come_and_to_its_end() {
    let mut program = Program::start(&["--table", "--quiet"]);
    let mut client = program.client();
    client.post("/batch/", &batch([1]));
    let mut line = String::new();
    while !line.contains("numbered") {
        line.clear();
        assert_ne!(program.stdout.read_line(&mut line).unwrap(), 0);
    }
    client.post("/batch/", &batch([2]));
    assert_eq!(program.control.post("/__stop", "").status, 200);
    let output = program.output();
    assert!(output.contains("n = 2"), "{output}");
    assert!(!output.contains('\x1b'));
}

#[test]
fn it_ends_with_its_stdin() {
    let mut program = Program::start(&[]);
    drop(program.child.stdin.take());
    assert_eq!(program.output(), "");
}

#[test]
fn the_port_file_holds_the_port() {
    let path = env::temp_dir().join(format!("posthog-receiver-{}", std::process::id()));
    let program = Program::start(&["--port-file", path.to_str().unwrap()]);
    let port = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(port.trim_end(), program.control.0.peer_addr().unwrap().port().to_string());
}
