//! Reading the tree: files with their text, and Rust code as tokens, so that a rule never trips over a comment or a string.

use std::fmt;
use std::fs;
use std::path::Path;

/// A text file of the tree.
pub struct File {
    /// Path from the root of the tree, with `/`.
    pub path: String,
    /// Content as it is.
    pub text: String,
}

impl File {
    pub fn is_rust_under(&self, folder: &str) -> bool {
        self.path.starts_with(folder) && self.path.ends_with(".rs")
    }

    /// Whether the file is `module` itself or lies in its folder: `src/web` covers `src/web.rs` and `src/web/…`.
    pub fn is_in(&self, module: &str) -> bool {
        self.path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest == ".rs" || rest.starts_with('/'))
    }
}

/// The tree, or a few snippets that stand for one.
pub struct Tree {
    pub files: Vec<File>,
}

impl Tree {
    /// Everything that people write here; build output and version control are not walked.
    pub fn from_disk() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        walk(root, "", &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        assert!(files.iter().any(|f| f.path == "src/lib.rs"), "the tree was not found at {}", root.display());
        Self { files }
    }

    pub fn of(snippets: &[(&str, &str)]) -> Self {
        let files = snippets.iter().map(|(path, text)| File { path: (*path).to_owned(), text: (*text).to_owned() }).collect();
        Self { files }
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|f| f.path == path)
    }

    pub fn under<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |f| f.path.starts_with(folder))
    }

    /// Whether a file or a folder of this name is in the tree.
    pub fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty() || self.files.iter().any(|f| f.path == path || f.path.starts_with(&folder))
    }
}

fn walk(root: &Path, folder: &str, into: &mut Vec<File>) {
    let entries = fs::read_dir(root.join(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
    for entry in entries {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().expect("file names are UTF-8");
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if ["target", ".git", "Cargo.lock"].contains(&name.as_str()) || name.starts_with("safu-demo") {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            walk(root, &path, into);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            into.push(File { path, text });
        }
    }
}

/// A breach of a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub what: String,
}

impl Finding {
    pub fn new(file: &File, line: usize, what: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Word,
    Number,
    /// A string literal; its text is the content between the quotes, escapes as written.
    Text,
    Punct,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub line: usize,
    pub kind: Kind,
    pub text: String,
}

impl Token {
    pub fn is(&self, text: &str) -> bool {
        self.kind != Kind::Text && self.text == text
    }
}

/// Whether the tokens at `at` read exactly `words`.
pub fn reads(tokens: &[Token], at: usize, words: &[&str]) -> bool {
    words.iter().enumerate().all(|(i, word)| tokens.get(at + i).is_some_and(|t| t.is(word)))
}

/// Rust source as tokens, without comments. `::` is one token; character literals are dropped.
pub fn tokens(source: &str) -> Vec<Token> {
    Scanner { chars: source.chars().collect(), at: 0, line: 1, out: Vec::new() }.run()
}

/// The tokens that are built into the product: without `#[cfg(test)] mod … { … }`.
pub fn shipped_tokens(file: &File) -> Vec<Token> {
    if file.path.ends_with("/tests.rs") || file.path.contains("/tests/") {
        return Vec::new();
    }
    let all = tokens(&file.text);
    let mut kept = Vec::with_capacity(all.len());
    let mut at = 0;
    while at < all.len() {
        if reads(&all, at, &["#", "[", "cfg", "(", "test", ")", "]", "mod"]) {
            at = block_end(&all, at);
        } else {
            kept.push(all[at].clone());
            at += 1;
        }
    }
    kept
}

/// The index after the block that opens next, or after the next `;` if that comes first.
fn block_end(tokens: &[Token], from: usize) -> usize {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(from) {
        if token.is("{") {
            depth += 1;
        } else if token.is("}") {
            depth -= 1;
            if depth == 0 {
                return i + 1;
            }
        } else if token.is(";") && depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    line: usize,
    out: Vec<Token>,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn next(&mut self) -> char {
        let c = self.peek(0);
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        c
    }

    fn push(&mut self, line: usize, kind: Kind, text: impl Into<String>) {
        self.out.push(Token { line, kind, text: text.into() });
    }

    fn run(mut self) -> Vec<Token> {
        while self.at < self.chars.len() {
            let line = self.line;
            match self.peek(0) {
                '/' if self.peek(1) == '/' => {
                    while self.at < self.chars.len() && self.peek(0) != '\n' {
                        self.next();
                    }
                }
                '/' if self.peek(1) == '*' => self.block_comment(),
                '"' => self.string(line),
                'r' | 'b' | 'c' if self.prefixed_string(line) => {}
                '\'' => self.quote(),
                c if c.is_ascii_digit() => self.number(line),
                c if c == '_' || c.is_alphabetic() => {
                    let mut word = String::new();
                    while self.peek(0) == '_' || self.peek(0).is_alphanumeric() {
                        word.push(self.next());
                    }
                    self.push(line, Kind::Word, word);
                }
                ':' if self.peek(1) == ':' => {
                    self.next();
                    self.next();
                    self.push(line, Kind::Punct, "::");
                }
                _ => {
                    let c = self.next();
                    if !c.is_whitespace() {
                        self.push(line, Kind::Punct, c.to_string());
                    }
                }
            }
        }
        self.out
    }

    fn block_comment(&mut self) {
        let mut depth = 0usize;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => {
                    depth += 1;
                    self.next();
                }
                ('*', '/') => {
                    depth -= 1;
                    self.next();
                }
                _ => {}
            }
            self.next();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self, line: usize) {
        self.next();
        let mut text = String::new();
        while self.at < self.chars.len() {
            match self.next() {
                '"' => break,
                '\\' => {
                    text.push('\\');
                    text.push(self.next());
                }
                c => text.push(c),
            }
        }
        self.push(line, Kind::Text, text);
    }

    /// `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `c"…"`; false where the letter only starts a word.
    fn prefixed_string(&mut self, line: usize) -> bool {
        let letters = (0..2).take_while(|i| matches!(self.peek(*i), 'r' | 'b' | 'c')).count();
        let raw = (0..letters).any(|i| self.peek(i) == 'r');
        let hashes = if raw { (letters..).take_while(|i| self.peek(*i) == '#').count() } else { 0 };
        if self.peek(letters + hashes) != '"' {
            return false;
        }
        for _ in 0..letters + hashes {
            self.next();
        }
        if !raw {
            self.string(line);
            return true;
        }
        self.next();
        let mut text = String::new();
        while self.at < self.chars.len() {
            let c = self.next();
            if c == '"' && (0..hashes).all(|i| self.peek(i) == '#') {
                self.at += hashes;
                break;
            }
            text.push(c);
        }
        self.push(line, Kind::Text, text);
        true
    }

    /// A character literal is dropped; a lifetime leaves its name.
    fn quote(&mut self) {
        self.next();
        if self.peek(0) == '\\' {
            self.next();
            self.next();
            while self.at < self.chars.len() && self.next() != '\'' {}
        } else if self.peek(1) == '\'' {
            self.next();
            self.next();
        }
    }

    fn number(&mut self, line: usize) {
        let after_dot = self.out.last().is_some_and(|t| t.is("."));
        let mut text = String::new();
        let is_part = |c: char| c == '_' || c.is_ascii_alphanumeric();
        while is_part(self.peek(0)) {
            text.push(self.next());
        }
        // `pair.0.1` are two field accesses, not the number 0.1.
        if !after_dot && self.peek(0) == '.' && self.peek(1).is_ascii_digit() {
            text.push(self.next());
            while is_part(self.peek(0)) {
                text.push(self.next());
            }
        }
        self.push(line, Kind::Number, text);
    }
}
