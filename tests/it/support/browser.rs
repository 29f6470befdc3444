//! A headless Chromium driven through chromedriver. The WebDriver protocol is JSON over HTTP, so the HTTP client of the product
//! is all it takes. Everything blocks: a browser test is a plain `#[test]`.

use super::guard::Guard;
use super::tools::tool;
use base64::Engine as _;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// One browser with a profile of its own; it ends with the test. Only one runs at a time, the others wait.
pub struct Browser {
    /// Address of the session in chromedriver.
    session: String,
    // The order matters: fields are dropped from here downwards.
    _driver: Guard,
    _profile: TempDir,
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
];

impl Browser {
    /// Starts one, with a window of 1280 × 900; `None`, and said so, where chromedriver or Chromium is missing (Debian:
    /// apt install chromium chromium-driver).
    pub fn start() -> Option<Self> {
        let driver = tool("chromedriver")?;
        let chromium = tool("chromium")?;
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Self::launch(&driver, &chromium, turn))
    }

    fn launch(driver: &Path, chromium: &Path, turn: MutexGuard<'static, ()>) -> Self {
        let profile = tempfile::Builder::new().prefix("safu-browser-").tempdir().expect("a temporary folder");
        let folder = profile.path().display().to_string();
        // chromedriver puts Chromium into a process group of its own, so after a killed test it is found by its profile folder.
        let start = r#"TMPDIR=$2 "$1" --port=0 </dev/null & driver=$!"#;
        let clean = r#"kill -9 $driver; wait $driver
for p in /proc/[0-9]*; do if grep -qsF -- "--user-data-dir=$2" "$p/cmdline"; then kill -9 "${p#/proc/}"; fi; done
rm -rf "$2""#;
        let mut guard = Guard::spawn(start, clean, &[&driver.display().to_string(), &folder]).expect("chromedriver starts");
        let port = loop {
            let line = guard.line().expect("chromedriver says its port");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        let mut args: Vec<String> = FLAGS.iter().map(|f| (*f).to_owned()).collect();
        args.push(format!("--user-data-dir={folder}"));
        args.push("--window-size=1280,900".to_owned());
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "binary": chromium, "args": args },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let sessions = format!("http://127.0.0.1:{port}/session");
        let made = call(&sessions, &capabilities);
        let session = format!("{sessions}/{}", made["sessionId"].as_str().expect("a session"));
        Self { session, _driver: guard, _profile: profile, _turn: turn }
    }

    /// Opens an address and waits until it is loaded.
    pub fn goto(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// Runs the body of a JavaScript function and gives what it returns: `eval("return document.title")`.
    pub fn eval(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The text of the first element that the CSS selector finds, as a reader sees it.
    pub fn text(&self, css: &str) -> String {
        let text = self.eval(&format!("return document.querySelector({}).innerText", json!(css)));
        text.as_str().expect("a text").to_owned()
    }

    /// Clicks on the first element that the CSS selector finds, as a hand would: it must be visible and not covered.
    pub fn click(&self, css: &str) {
        self.post(&format!("element/{}/click", self.element(css)), &json!({}));
    }

    /// Clicks on a link or button that leads to another page, and waits until that page is loaded: the click itself returns
    /// while the old page still stands.
    pub fn follow(&self, css: &str) {
        self.eval("window.left = false");
        self.click(css);
        let loaded = "return window.left === undefined && document.readyState === 'complete'";
        let give_up = Instant::now() + PATIENCE;
        while self.eval(loaded) != json!(true) {
            assert!(Instant::now() < give_up, "{css} on {} led to no other page", self.url());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types into the first element that the CSS selector finds.
    pub fn fill(&self, css: &str, text: &str) {
        self.post(&format!("element/{}/value", self.element(css)), &json!({ "text": text }));
    }

    /// Presses and lets go one key: a letter, or one of WebDriver's signs for keys such as Escape.
    pub fn press(&self, key: &str) {
        let steps = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        self.post("actions", &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": steps }] }));
    }

    fn element(&self, css: &str) -> String {
        let found = self.post("element", &json!({ "using": "css selector", "value": css }));
        let id = found.as_object().and_then(|o| o.values().next()).and_then(Value::as_str);
        id.unwrap_or_else(|| panic!("{css}: nothing found")).to_owned()
    }

    /// The address now shown.
    pub fn url(&self) -> String {
        self.eval("return location.href").as_str().expect("an address").to_owned()
    }

    /// Sets the page's width and height in CSS pixels exactly, also below the smallest window: 390 × 844 is a phone.
    pub fn viewport(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Shows pages as on `screen` or `print`, in the `light` or `dark` colour scheme.
    pub fn media(&self, media: &str, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "media": media, "features": features }));
    }

    /// Whether pages may run scripts from the next load on; everything must work without.
    pub fn scripts(&self, on: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": !on }));
    }

    /// Whether the page can be scrolled sideways in the present viewport.
    pub fn scrolls_sideways(&self) -> bool {
        self.eval("return document.documentElement.scrollWidth > document.documentElement.clientWidth") == json!(true)
    }

    /// What the console has said since the last call, as `LEVEL message`.
    pub fn console(&self) -> Vec<String> {
        let entries = self.post("se/log", &json!({ "type": "browser" }));
        let entries = entries.as_array().expect("a list of entries").iter();
        let said = entries.map(|e| format!("{} {}", e["level"].as_str().unwrap_or(""), e["message"].as_str().unwrap_or("")));
        // Chromium remarks on its own, sooner or later, that it did what logging out asks of it.
        // And it guesses that a form which asks for the present password and the new one must be two.
        let own = |line: &str| {
            line.starts_with("INFO ") && line.contains("Clear-Site-Data")
                || line.contains("[DOM] Multiple forms should be contained")
        };
        said.filter(|line| !own(line)).collect()
    }

    /// The addresses of everything the present page has loaded, itself included, in the order of loading.
    pub fn requests(&self) -> Vec<String> {
        let urls = self.eval("return ['navigation', 'resource'].flatMap(t => performance.getEntriesByType(t)).map(e => e.name)");
        urls.as_array().expect("a list").iter().map(|u| u.as_str().expect("an address").to_owned()).collect()
    }

    /// Fails if the console has an entry or if anything was loaded from elsewhere than `origin` (`http://127.0.0.1:8080`).
    pub fn assert_quiet(&self, origin: &str) {
        assert_eq!(self.console(), [] as [String; 0], "the console of {} has entries", self.url());
        let own = format!("{}/", origin.trim_end_matches('/'));
        let foreign: Vec<String> =
            self.requests().into_iter().filter(|u| !u.starts_with(&own) && !u.starts_with("data:")).collect();
        assert_eq!(foreign, [] as [String; 0], "{} loads from elsewhere", self.url());
    }

    /// The whole page, below the fold too, as PNG.
    pub fn picture(&self) -> Vec<u8> {
        let width_and_height = self.eval("return [innerWidth, document.documentElement.scrollHeight]");
        let clip = json!({ "x": 0, "y": 0, "width": width_and_height[0], "height": width_and_height[1], "scale": 1 });
        let how = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let picture = self.devtools("Page.captureScreenshot", how);
        let data = picture["data"].as_str().expect("a picture");
        base64::engine::general_purpose::STANDARD.decode(data).expect("base64")
    }

    /// Keeps a picture of the whole page as `name.png` in the folder that `SAFU_SCREENSHOTS` names; without it, does nothing.
    pub fn screenshot(&self, name: &str) {
        if let Some(folder) = std::env::var_os("SAFU_SCREENSHOTS") {
            std::fs::create_dir_all(&folder).expect("a folder for screenshots");
            std::fs::write(Path::new(&folder).join(format!("{name}.png")), self.picture()).expect("a screenshot");
        }
    }

    /// A command of the DevTools protocol.
    pub fn devtools(&self, command: &str, params: Value) -> Value {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": params }))
    }

    fn post(&self, command: &str, body: &Value) -> Value {
        call(&format!("{}/{command}", self.session), body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = ureq::delete(&self.session).call();
    }
}

/// Posts to chromedriver and gives the `value` of its answer; a refusal fails the test with what chromedriver says.
fn call(url: &str, body: &Value) -> Value {
    let agent = ureq::Agent::new_with_config(ureq::config::Config::builder().http_status_as_error(false).proxy(None).build());
    let mut answer = agent.post(url).send_json(body).unwrap_or_else(|e| panic!("{url}: {e}"));
    let text = answer.body_mut().with_config().limit(MOST_BYTES).read_to_string().expect("an answer");
    let mut json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{url}: {e}: {text}"));
    assert!(answer.status().is_success(), "{body}: {}", json["value"]["message"].as_str().unwrap_or(&text));
    json["value"].take()
}

/// How long a page may take to come: longer than any does on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A picture of a long page takes some megabytes.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::Browser;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Serves one page to whoever asks, until the test process ends; gives its origin.
    fn serve(page: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n", page.len());
                let _ = write!(stream, "{head}Connection: close\r\n\r\n{page}");
            }
        });
        origin
    }

    #[test]
    fn drives_a_page_and_sees_what_it_does() {
        let Some(browser) = Browser::start() else { return };
        let origin = serve(
            "<!doctype html><link rel=icon href='data:,'><title>t</title><style>@media print { p { color: red } }</style>\
             <p style='width:600px'>hello</p><form><input name=q><button>go</button></form>",
        );
        browser.goto(&origin);
        assert_eq!(browser.text("p"), "hello");
        browser.assert_quiet(&origin);
        browser.viewport(390, 844);
        assert_eq!(browser.eval("return innerWidth"), 390);
        assert!(browser.scrolls_sideways());
        browser.viewport(1280, 900);
        assert!(!browser.scrolls_sideways());
        browser.media("print", "dark");
        let seen =
            "return [getComputedStyle(document.querySelector('p')).color, matchMedia('(prefers-color-scheme: dark)').matches]";
        assert_eq!(browser.eval(seen), serde_json::json!(["rgb(255, 0, 0)", true]));
        assert!(browser.picture().starts_with(b"\x89PNG"));
        browser.fill("input", "words");
        browser.follow("button");
        assert!(browser.url().ends_with("?q=words"), "{}", browser.url());
        browser.screenshot("harness");
        browser.scripts(false);
        browser.goto(&serve("<!doctype html><p>still</p><script>document.querySelector('p').textContent = 'moved'</script>"));
        assert_eq!(browser.text("p"), "still");
    }

    #[test]
    #[should_panic(expected = "loads from elsewhere")]
    fn sees_a_request_to_elsewhere() {
        let Some(browser) = Browser::start() else { panic!("left out, so nothing loads from elsewhere") };
        let elsewhere = serve("x");
        let page = format!("<!doctype html><link rel=icon href='data:,'><iframe src='{elsewhere}/tracker'></iframe>");
        let origin = serve(page.leak());
        browser.goto(&origin);
        browser.assert_quiet(&origin);
    }

    #[test]
    #[should_panic(expected = "the console of")]
    fn sees_an_error_on_the_console() {
        let Some(browser) = Browser::start() else { panic!("left out, so the console of nothing was read") };
        let origin = serve("<!doctype html><link rel=icon href='data:,'><script>console.error('broken')</script>");
        browser.goto(&origin);
        browser.assert_quiet(&origin);
    }
}
