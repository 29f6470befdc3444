//! The configuration file: settings by name, as TOML. Which settings there are and what they may be is known to the command line, which
//! takes each from the file where neither a flag nor the environment gives it.

use std::path::{Path, PathBuf};
use toml::Value;

/// Largest file that is read.
const LARGEST: u64 = 1 << 20;

/// A setting as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The table it stands in; empty at the top.
    pub section: String,
    /// Its name.
    pub key: String,
    /// Its value, as it would be typed on the command line.
    pub value: String,
}

impl Entry {
    /// The name with its table, as `serve.listen`.
    pub fn name(&self) -> String {
        if self.section.is_empty() { self.key.clone() } else { format!("{}.{}", self.section, self.key) }
    }
}

/// A configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// What it sets, in the order of names.
    pub entries: Vec<Entry>,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong, with the place. The values of lines that cannot be read are not repeated, because they may be secrets.
    pub fn read(path: &Path) -> Result<Self, Vec<String>> {
        let unread = |why: String| vec![format!("{}: {why}", path.display())];
        let size = std::fs::metadata(path).map_err(|error| unread(error.to_string()))?.len();
        if size > LARGEST {
            return Err(unread(format!("has {size} bytes; a configuration has at most {LARGEST}")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| unread(error.to_string()))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Vec<String>> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            vec![format!("{}, line {line}: {}; write `name = \"value\"`", path.display(), error.message())]
        })?;
        let (mut entries, mut wrong) = (Vec::new(), Vec::new());
        for (name, value) in table {
            match value {
                Value::Table(section) => section.into_iter().for_each(|(key, value)| match text_of(&value) {
                    Some(value) => entries.push(Entry { section: name.clone(), key, value }),
                    None => wrong.push(format!("{}: {name}.{key} {NOT_A_VALUE}", path.display())),
                }),
                value => match text_of(&value) {
                    Some(value) => entries.push(Entry { section: String::new(), key: name, value }),
                    None => wrong.push(format!("{}: {name} {NOT_A_VALUE}", path.display())),
                },
            }
        }
        if wrong.is_empty() { Ok(Self { path: path.to_owned(), entries }) } else { Err(wrong) }
    }

    /// The setting of this name in this table.
    pub fn find(&self, section: &str, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.section == section && entry.key == key)
    }
}

const NOT_A_VALUE: &str = "is not a value; write a text in quotes, a whole number, true or false";

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<(String, String)>, Vec<String>> {
        let file = File::parse(Path::new("safu.toml"), text)?;
        Ok(file.entries.iter().map(|entry| (entry.name(), entry.value.clone())).collect())
    }

    #[test]
    fn texts_numbers_and_flags_are_values() {
        let entries = parse("database = \"sqlite://a.db\"\n[serve]\npatience = 5\nread_only = true\n").unwrap();
        let wanted = [("database", "sqlite://a.db"), ("serve.patience", "5"), ("serve.read_only", "true")];
        assert_eq!(entries, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_is_wrong_is_named_and_no_value_is_repeated() {
        let wrong = parse("database = 'postgres://u:hunter2@h/d'\n[serve]\nlisten = [1]\nx = 1.5\n").unwrap_err();
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].contains("serve.listen") && wrong[1].contains("serve.x"), "{wrong:?}");
        let unread = parse("a = 1\ndatabase = postgres://u:hunter2@h/d\n").unwrap_err();
        assert!(unread[0].contains("line 2") && !unread[0].contains("hunter2"), "{unread:?}");
    }
}
