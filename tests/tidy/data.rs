//! Rules about what is not Rust: migrations, templates, documents, and texts anywhere.

use crate::source::{File, Finding, Kind, Tree, reads, tokens};

const SQLITE: &str = "migrations/sqlite/";
const POSTGRES: &str = "migrations/postgres/";
const SQLITE_TRIGGERS: &str = "migrations/sqlite-triggers/";
const POSTGRES_TRIGGERS: &str = "migrations/postgres-triggers/";

pub fn migrations_are_paired(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (here, there) in
        [(SQLITE, POSTGRES), (POSTGRES, SQLITE), (SQLITE_TRIGGERS, POSTGRES_TRIGGERS), (POSTGRES_TRIGGERS, SQLITE_TRIGGERS)]
    {
        for file in tree.under(here) {
            let twin = file.path.replacen(here, there, 1);
            if tree.file(&twin).is_none() {
                found.push(Finding::new(file, 1, format!("{twin} is missing: every migration exists for both engines")));
            }
        }
    }
    found
}

/// Words that some PostgreSQL-compatible engine, or an exact ledger, cannot live with.
const UNPORTABLE: &[(&str, &str)] = &[
    ("SERIAL", "ids are made by the application"),
    ("BIGSERIAL", "ids are made by the application"),
    ("SMALLSERIAL", "ids are made by the application"),
    ("SEQUENCE", "ids are made by the application"),
    ("NEXTVAL", "ids are made by the application"),
    ("IDENTITY", "ids are made by the application"),
    ("AUTOINCREMENT", "ids are made by the application"),
    ("LISTEN", "not on distributed engines"),
    ("NOTIFY", "not on distributed engines"),
    ("PG_NOTIFY", "not on distributed engines"),
    ("DEFERRABLE", "constraints are immediate"),
    ("DEFERRED", "constraints are immediate"),
    ("SAVEPOINT", "no nested transactions"),
    ("REAL", "amounts are exact"),
    ("FLOAT", "amounts are exact"),
    ("DOUBLE", "amounts are exact"),
    ("MONEY", "amounts are exact"),
];

pub fn migrations_are_portable(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.under("migrations/").filter(|f| f.path.ends_with(".sql")) {
        let words = sql_words(&file.text);
        for (line, word) in &words {
            if let Some((_, why)) = UNPORTABLE.iter().find(|(bad, _)| bad == word) {
                found.push(Finding::new(file, *line, format!("{word}: {why}")));
            }
            if word.contains("ADVISORY") {
                found.push(Finding::new(file, *line, format!("{word}: no advisory locks on distributed engines")));
            }
            if word == "TRIGGER" && file.path.starts_with(POSTGRES) {
                found.push(Finding::new(file, *line, "TRIGGER: belongs into the optional set migrations/postgres-triggers"));
            }
        }
        if file.path.starts_with(SQLITE) {
            found.extend(tables_that_are_not_strict(file, &words));
        }
    }
    found
}

fn tables_that_are_not_strict(file: &File, words: &[(usize, String)]) -> Vec<Finding> {
    let mut found = Vec::new();
    for statement in words.split(|(_, word)| word == ";") {
        let head: Vec<&str> = statement.iter().take(3).map(|(_, w)| w.as_str()).collect();
        let creates = matches!(head.as_slice(), ["CREATE", "TABLE", ..] | ["CREATE", "TEMP" | "TEMPORARY", "TABLE"]);
        let tail = statement.iter().rev().take_while(|(_, w)| w != ")");
        if creates && !tail.into_iter().any(|(_, w)| w == "STRICT") {
            found.push(Finding::new(file, statement[0].0, "CREATE TABLE without STRICT: SQLite would coerce amounts to floats"));
        }
    }
    found
}

/// Upper-case words, parentheses and semicolons of SQL text; comments and quoted texts are skipped.
fn sql_words(sql: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    let (mut quoted, mut in_block) = (false, false);
    for (index, raw) in sql.lines().enumerate() {
        let mut word = String::new();
        let mut chars = raw.chars().peekable();
        while let Some(c) = chars.next() {
            if in_block {
                in_block = !(c == '*' && chars.next_if_eq(&'/').is_some());
                continue;
            }
            if c == '\'' {
                quoted = !quoted;
                continue;
            }
            if quoted {
                continue;
            }
            if c == '_' || c.is_alphanumeric() {
                word.push(c.to_ascii_uppercase());
                continue;
            }
            if !word.is_empty() {
                words.push((index + 1, std::mem::take(&mut word)));
            }
            match c {
                '-' if chars.peek() == Some(&'-') => break,
                '/' if chars.next_if_eq(&'*').is_some() => in_block = true,
                ';' | '(' | ')' => words.push((index + 1, c.to_string())),
                _ => {}
            }
        }
        if !word.is_empty() {
            words.push((index + 1, word));
        }
    }
    words
}

pub fn templates_have_their_struct(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut used: Vec<String> = Vec::new();
    for file in tree.files.iter().filter(|f| f.is_rust_under("src/")) {
        for (line, name) in template_paths(file) {
            if tree.file(&format!("templates/{name}")).is_none() {
                found.push(Finding::new(file, line, format!("there is no templates/{name}")));
            }
            used.push(name);
        }
    }
    for file in tree.under("templates/") {
        used.extend(included_templates(&file.text));
    }
    for file in tree.under("templates/").filter(|f| f.path.ends_with(".html")) {
        let name = file.path.trim_start_matches("templates/");
        if !used.iter().any(|u| u == name) {
            found.push(Finding::new(file, 1, "no struct and no other template uses this template"));
        }
    }
    found
}

/// The `path = "…"` of every `#[template(…)]` in a file.
fn template_paths(file: &File) -> Vec<(usize, String)> {
    let tokens = tokens(&file.text);
    let mut paths = Vec::new();
    for at in (0..tokens.len()).filter(|at| reads(&tokens, *at, &["#", "[", "template", "("])) {
        let attribute = tokens[at..].iter().take_while(|t| !t.is("]")).collect::<Vec<_>>();
        let value = attribute.windows(3).find(|w| w[0].is("path") && w[1].is("=") && w[2].kind == Kind::Text);
        paths.extend(value.map(|w| (w[2].line, w[2].text.clone())));
    }
    paths
}

/// Templates named by `extends`, `include` or `import` in a template.
fn included_templates(template: &str) -> Vec<String> {
    let tags = template.split("{%").skip(1).filter_map(|rest| rest.split("%}").next());
    tags.filter_map(|tag| {
        let tag = tag.trim_start_matches(['-', '~', '+']).trim_start();
        let verb = tag.split_whitespace().next()?;
        ["extends", "include", "import"].contains(&verb).then(|| tag.split('"').nth(1).map(str::to_owned))?
    })
    .collect()
}

/// Marks of work left undone; spelled in halves so that this file does not find itself.
const UNDONE: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("HA", "CK"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
];

pub fn nothing_is_left_undone(tree: &Tree) -> Vec<Finding> {
    texts(tree, |line| {
        let mark = UNDONE.iter().find(|mark| contains_word(line, mark))?;
        Some(format!("`{mark}`: finish it or leave it out"))
    })
}

/// Folders of somebody's machine.
const MACHINE_PATHS: &[&str] =
    &[concat!("/t", "mp/"), concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

pub fn no_machine_paths(tree: &Tree) -> Vec<Finding> {
    texts(tree, |line| {
        let path = MACHINE_PATHS.iter().find(|path| {
            line.match_indices(**path).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "-_.}".contains(c)))
        })?;
        Some(format!("`{path}` is a path of one machine; use a temporary directory or a relative path"))
    })
}

fn texts(tree: &Tree, wrong: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in &tree.files {
        let lines = file.text.lines().enumerate();
        found.extend(lines.filter_map(|(i, line)| Some(Finding::new(file, i + 1, wrong(line)?))));
    }
    found
}

fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let open = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        open(before) && (word.ends_with('(') || open(after))
    })
}

pub fn links_lead_somewhere(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|f| f.path.ends_with(".md")) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut fenced = false;
        for (index, line) in file.text.lines().enumerate() {
            fenced ^= line.trim_start().starts_with("```");
            if fenced {
                continue;
            }
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let path = target.split('#').next().unwrap_or_default();
                let elsewhere = path.contains("://") || path.starts_with("mailto:");
                if !elsewhere && !tree.has(&resolve(folder, path, &file.path)) {
                    found.push(Finding::new(file, index + 1, format!("the link `{target}` leads nowhere")));
                }
            }
        }
    }
    found
}

/// A link's target as a path from the root of the tree; a bare anchor is the file itself.
fn resolve(folder: &str, link: &str, own: &str) -> String {
    if link.is_empty() {
        return own.to_owned();
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}
