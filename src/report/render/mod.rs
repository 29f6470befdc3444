//! A [`Doc`] as a file or as terminal text. Files keep every amount exact; the terminal shortens like the pages do.

pub mod csv;
pub mod display;
pub mod json;
pub mod text;
pub mod xlsx;

use super::doc::Doc;

/// A format of a report, apart from HTML, which the pages render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text for a terminal.
    Table,
    /// The main table as CSV.
    Csv,
    /// Everything but the charts as JSON.
    Json,
    /// Every table as a sheet.
    Xlsx,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Table, Self::Csv, Self::Json, Self::Xlsx];

    /// The word in URLs and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Xlsx => "xlsx",
        }
    }

    /// The format of this name, or `None`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Table => "text/plain; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// The file name of this report, for example `trial-balance-2019-06-30.xlsx`.
    pub fn file_name(self, doc: &Doc) -> String {
        let extension = if self == Self::Table { "txt" } else { self.name() };
        let day = doc.basis.as_of.map(|day| format!("-{day}")).unwrap_or_default();
        format!("{}{day}.{extension}", doc.name)
    }
}

/// How text for a terminal looks; files ignore it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// Colour state words. Without it the text has no escape sequences.
    pub colour: bool,
}

/// Why a report could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// JSON.
    #[error("could not write the report as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// XLSX; a sheet has at most 1,048,576 rows.
    #[error("could not write the report as XLSX: {0}; CSV has no limit of rows")]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
}

/// Renders a report.
pub fn render(doc: &Doc, format: Format, look: Look) -> Result<Vec<u8>, RenderError> {
    match format {
        Format::Table => Ok(text::render(doc, look).into_bytes()),
        Format::Csv => Ok(csv::render(doc)),
        Format::Json => json::render(doc),
        Format::Xlsx => xlsx::render(doc),
    }
}

#[cfg(test)]
mod tests;
