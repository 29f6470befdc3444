//! Evidence: files that show why something was booked. Which kinds are taken, how large they may be, and how their content is told
//! apart; a file is what its first bytes say, not what its name says.

use super::words::words;

/// The largest file. A scan of many pages stays below; the whole file is held in memory while it is hashed and stored.
pub const MAX_FILE_BYTES: usize = 10 << 20;
/// The longest file name that is kept.
pub const MAX_FILE_NAME: usize = 200;

words! {
    /// The kinds of file that are taken. The word is the ending of the name under which a file is given out.
    FileKind / title {
        Pdf = "pdf", "PDF";
        Png = "png", "PNG picture";
        Jpeg = "jpg", "JPEG picture";
        Csv = "csv", "CSV table";
        Text = "txt", "text";
        Json = "json", "JSON";
        Xlsx = "xlsx", "Excel workbook";
        Docx = "docx", "Word document";
        Mail = "eml", "e-mail";
    }
}

/// Why a file is not taken; the texts say how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// No bytes.
    #[error("is empty")]
    Empty,
    /// Over [`MAX_FILE_BYTES`].
    #[error("has {0} bytes; at most {MAX_FILE_BYTES} are taken, so split it or make the scan smaller")]
    TooLarge(usize),
    /// The name is empty, too long or has control characters.
    #[error("has a name that cannot be kept; use 1 to {MAX_FILE_NAME} characters without control characters")]
    Name,
    /// The name's ending is on no list.
    #[error("is of a kind that is not taken; taken are {0}, told by the ending of the name")]
    Kind(String),
    /// The bytes are not what the name says.
    #[error("does not hold {0}, which its name says; give the file the ending that fits its content")]
    Content(&'static str),
}

impl FileKind {
    /// The media type under which it is given out.
    pub const fn media(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Mail => "message/rfc822",
        }
    }

    /// The kind that the ending of a name says.
    fn of_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "jpeg" => Some(Self::Jpeg),
            known => Self::from_slug(known),
        }
    }

    /// True where the bytes can be what this kind says.
    fn holds(self, bytes: &[u8]) -> bool {
        match self {
            Self::Pdf => bytes.starts_with(b"%PDF-"),
            Self::Png => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
            Self::Jpeg => bytes.starts_with(b"\xff\xd8\xff"),
            Self::Xlsx => is_office(bytes, b"xl/"),
            Self::Docx => is_office(bytes, b"word/"),
            Self::Csv | Self::Text => is_text(bytes),
            Self::Json => serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok(),
            Self::Mail => is_mail(bytes),
        }
    }
}

/// What a file is, if it is taken.
///
/// # Errors
/// What is wrong with it.
pub fn kind_of(name: &str, bytes: &[u8]) -> Result<FileKind, FileError> {
    let named = !name.trim().is_empty() && name.chars().count() <= MAX_FILE_NAME && !name.chars().any(char::is_control);
    if !named {
        return Err(FileError::Name);
    }
    if bytes.is_empty() {
        return Err(FileError::Empty);
    }
    if bytes.len() > MAX_FILE_BYTES {
        return Err(FileError::TooLarge(bytes.len()));
    }
    let all = || FileKind::ALL.iter().map(|kind| kind.slug()).collect::<Vec<_>>().join(", ");
    let kind = FileKind::of_name(name).ok_or_else(|| FileError::Kind(all()))?;
    if kind.holds(bytes) { Ok(kind) } else { Err(FileError::Content(kind.title())) }
}

/// Text as people read it: UTF-8 without control characters but those that part lines and columns.
fn is_text(bytes: &[u8]) -> bool {
    let part = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{c}');
    std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(|c| c.is_control() && !part(c)))
}

/// A ZIP archive that has the list of contents of office documents and a folder of the wanted kind. Names stand plainly in it.
fn is_office(bytes: &[u8], folder: &[u8]) -> bool {
    let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    bytes.starts_with(b"PK\x03\x04") && has(b"[Content_Types].xml") && has(folder)
}

/// Headers first: a name, a colon, a text; and no byte that no mail has.
fn is_mail(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    let is_name = !name.is_empty() && name.len() < line.len() && name.iter().all(|byte| byte.is_ascii_graphic());
    is_name && !bytes.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_content_says() {
        assert_eq!(kind_of("Invoice 7.PDF", b"%PDF-1.7 ..."), Ok(FileKind::Pdf));
        assert_eq!(kind_of("a.jpeg", b"\xff\xd8\xff\xe0"), Ok(FileKind::Jpeg));
        assert_eq!(kind_of("a.csv", "día,1\r\n".as_bytes()), Ok(FileKind::Csv));
        assert_eq!(kind_of("a.eml", b"From: a@b\n\nhello"), Ok(FileKind::Mail));
        assert_eq!(kind_of("a.xlsx", b"PK\x03\x04 [Content_Types].xml xl/workbook.xml"), Ok(FileKind::Xlsx));
        for (name, bytes) in [
            ("a.pdf", &b"<html>"[..]),
            ("a.png", b"GIF89a"),
            ("a.csv", b"a\0b"),
            ("a.txt", b"\xff\xfe"),
            ("a.xlsx", b"PK\x03\x04 word/document.xml [Content_Types].xml"),
            ("a.json", b"{"),
            ("a.eml", b"no header\n"),
        ] {
            assert!(matches!(kind_of(name, bytes), Err(FileError::Content(_))), "{name}");
        }
    }

    #[test]
    fn what_is_on_no_list_is_not_taken() {
        for name in ["a.html", "a.svg", "a.exe", "a", "a.pdf.js", ".pdf/"] {
            assert!(matches!(kind_of(name, b"%PDF-"), Err(FileError::Kind(_))), "{name}");
        }
        for name in ["", " ", "a\0.pdf", "a\r\n.pdf", &"x".repeat(201)] {
            assert_eq!(kind_of(name, b"%PDF-"), Err(FileError::Name));
        }
        assert_eq!(kind_of("a.pdf", b""), Err(FileError::Empty));
        assert!(matches!(kind_of("a.pdf", &vec![b'x'; MAX_FILE_BYTES + 1]), Err(FileError::TooLarge(_))));
    }
}
