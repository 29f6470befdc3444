//! Style, script and icon, embedded in the binary. Each is served under a name that holds a hash of its content, so that a
//! browser may keep it for ever and never keeps an old one.

use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// The path under which assets are served.
pub const PREFIX: &str = "/assets/";
/// What to say in `Cache-Control` for an asset.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";
/// The content policy of every page: nothing inline, nothing from elsewhere.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The content policy of a page that is a file of its own: its style is in it, and nothing is fetched.
pub const FILE_CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// One embedded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Path with the hash in it, for example `/assets/style.0f3a9c2b71de.css`.
    pub path: String,
    /// Name in the source, for example `style.css`.
    pub name: &'static str,
    /// Media type.
    pub content_type: &'static str,
    /// Content.
    pub bytes: &'static [u8],
}

impl Asset {
    fn new(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        Self { path: hashed_path(name, bytes), name, content_type, bytes }
    }
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        Asset::new("style.css", "text/css; charset=utf-8", include_bytes!("assets/style.css")),
        Asset::new("app.js", "text/javascript; charset=utf-8", include_bytes!("assets/app.js")),
        Asset::new("favicon.svg", "image/svg+xml", include_bytes!("assets/favicon.svg")),
    ]
});

/// The name with 12 hex digits of the content's hash before the extension.
fn hashed_path(name: &str, bytes: &[u8]) -> String {
    let hash = hex::encode(Sha256::digest(bytes));
    let short = hash.get(..12).unwrap_or(&hash);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
    format!("{PREFIX}{stem}.{short}.{extension}")
}

/// The path to link to for an asset named as in the source; an unknown name gives an empty path.
pub fn href(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.path.as_str())
}

/// The whole style, to be written into a page that is a file of its own.
pub const fn style() -> &'static str {
    include_str!("assets/style.css")
}

/// The asset that a request path names, hash included.
pub fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_content() {
        assert_ne!(hashed_path("style.css", b"a"), hashed_path("style.css", b"b"));
        assert_eq!(hashed_path("style.css", b"a"), "/assets/style.ca978112ca1b.css");
    }

    #[test]
    fn every_asset_is_found_under_its_hashed_name_only() {
        for name in ["style.css", "app.js", "favicon.svg"] {
            let path = href(name);
            assert_eq!(find(path).map(|a| a.name), Some(name));
            assert!(find(&format!("{PREFIX}{name}")).is_none());
        }
        assert_eq!(href("other.css"), "");
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for asset in ASSETS.iter() {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            let own = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!own.contains("</style"), "it is written into pages");
            assert!(!own.contains("http://") && !own.contains("https://") && !own.contains("@import"), "{}", asset.name);
        }
    }
}
