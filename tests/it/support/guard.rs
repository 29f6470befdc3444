//! Programs that a test starts end with the test, however the test ends: a guarding shell holds the other end of a pipe, and
//! when the pipe closes (the test finished, panicked, or was killed) it runs its cleaning part. Destructors alone would not do:
//! they do not run for statics, nor after `kill -9`.

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A guarded program. Dropping it starts the cleaning and waits for it.
pub struct Guard {
    shell: Child,
    pipe: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Guard {
    /// Runs the `start` part with `args` as `$1`, `$2`, …; waits until this process ends or drops the guard; runs `clean`.
    /// The start part must leave standard input alone.
    pub fn spawn(start: &str, clean: &str, args: &[&str]) -> std::io::Result<Self> {
        // A test killed during the start part reads no more; writing to it must not end the guard before it has cleaned.
        let script = format!("trap : PIPE\n{start}\ncat >/dev/null\n{clean}\n");
        let mut shell = Command::new("sh")
            .args(["-c", &script, "guard"])
            .args(args)
            // Ctrl-C on the terminal reaches the tests, not the guard that cleans up after them.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = shell.stdin.take();
        let lines = BufReader::new(shell.stdout.take().expect("piped")).lines();
        Ok(Self { shell, pipe, lines })
    }

    /// The next line the start part prints, or `None` when it ended.
    pub fn line(&mut self) -> Option<String> {
        self.lines.next()?.ok()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.shell.wait();
    }
}

#[test]
fn cleans_up_when_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let mark = dir.path().join("mark");
    let mut guard = Guard::spawn("touch \"$1\"; echo ready", "rm \"$1\"", &[mark.to_str().unwrap()]).unwrap();
    assert_eq!(guard.line().as_deref(), Some("ready"));
    assert!(mark.exists());
    drop(guard);
    assert!(!mark.exists());
}
