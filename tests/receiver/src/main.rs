//! The receiver as a program, for the demo and for tests in other languages.

use std::io::{IsTerminal, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, io, thread};

use posthog_receiver::{Authority, Options, Outcome, Receiver, Record, Script, Style, Table};

const USAGE: &str = "\
usage: posthog-receiver [options]
  --port N             listen on that port of 127.0.0.1 (default: any free one)
  --port-file PATH     write the port there once it listens
  --script JSON        answer by these rules
  --record KIND        keep full (default), uuids or count
  --tls CA_FILE        speak TLS, signed by an authority whose certificate goes to that file
  --sink               answer everything with success, look at nothing
  --table              print what arrives as a table
  --quiet              print nothing at the end
";
/// How often the table looks whether the receiver has stopped.
const TICK: Duration = Duration::from_millis(50);

#[derive(Default)]
struct Arguments {
    options: Options,
    port_file: Option<String>,
    script: Script,
    table: bool,
    quiet: bool,
}

fn main() -> ExitCode {
    let arguments = match parse(env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(reason) => {
            eprint!("posthog-receiver: {reason}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("posthog-receiver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--port" => {
                let port = value()?.parse().map_err(|_| "--port needs a port number")?;
                arguments.options.addr.set_port(port);
            }
            "--port-file" => arguments.port_file = Some(value()?),
            "--script" => arguments.script = Script::from_json(&value()?)?,
            "--record" => {
                arguments.options.record = match value()?.as_str() {
                    "full" => Record::Full,
                    "uuids" => Record::Uuids,
                    "count" => Record::Count,
                    other => return Err(format!("--record {other} is not known")),
                }
            }
            "--tls" => {
                let authority = Authority::new();
                fs::write(value()?, authority.pem()).map_err(|error| format!("--tls: {error}"))?;
                let identity = authority.identity(&["127.0.0.1", "localhost"]);
                arguments.options.identity = Some(identity);
            }
            "--sink" => arguments.options.sink = true,
            "--table" => arguments.table = true,
            "--quiet" => arguments.quiet = true,
            other => return Err(format!("{other} is not known")),
        }
    }
    if arguments.table && (arguments.options.sink || arguments.options.record != Record::Full) {
        return Err("--table needs the full record".into());
    }
    Ok(arguments)
}

fn run(arguments: Arguments) -> io::Result<()> {
    let receiver = Arc::new(Receiver::with(arguments.options)?);
    receiver.set_script(arguments.script);
    if let Some(path) = arguments.port_file {
        // Renamed into place: whoever finds the file finds the whole number in it.
        let half = format!("{path}.part");
        fs::write(&half, format!("{}\n", receiver.addr().port()))?;
        fs::rename(half, path)?;
    }
    println!("listening on {}", receiver.url());
    io::stdout().flush()?;
    stop_with_stdin(&receiver);
    if arguments.table {
        print_table(&receiver)?;
    } else {
        receiver.wait();
    }
    if !arguments.quiet {
        let counts = receiver.counts();
        eprintln!(
            "{} requests on {} connections, {} events accepted ({} of them duplicates)",
            counts.requests, counts.connections, counts.accepted, counts.duplicates
        );
    }
    Ok(())
}

fn stop_with_stdin(receiver: &Arc<Receiver>) {
    if !stdin_can_close() {
        return;
    }
    let receiver = receiver.clone();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink());
        receiver.stop();
    });
}

/// A shell gives `/dev/null` to what it starts in the background. Its end comes at once and means
/// nothing; the end of a pipe or a terminal means that whoever started the receiver is gone.
#[cfg(unix)]
fn stdin_can_close() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;
    let stdin = io::stdin();
    let kind = stdin.as_fd().try_clone_to_owned().map(fs::File::from).and_then(|it| it.metadata());
    stdin.is_terminal()
        || kind.is_ok_and(|it| it.file_type().is_fifo() || it.file_type().is_socket())
}

#[cfg(not(unix))]
fn stdin_can_close() -> bool {
    true
}

/// Prints requests in their order, each when it is answered, until the receiver stops.
fn print_table(receiver: &Receiver) -> io::Result<()> {
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let mut stdout = io::stdout();
    let mut table = Table::new(Style { color: stdout.is_terminal() && !no_color });
    let mut printed = 0;
    loop {
        let stopped = receiver.is_stopped();
        for request in receiver.requests_from(printed) {
            if request.outcome == Outcome::Pending && !stopped {
                break;
            }
            stdout.write_all(table.rows(&request).as_bytes())?;
            printed += 1;
        }
        stdout.flush()?;
        if stopped {
            return Ok(());
        }
        receiver.wait_for_requests(printed as u64 + 1, TICK);
    }
}
