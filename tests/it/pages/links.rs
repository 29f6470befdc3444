//! Reads pages as text: links, rows.

use crate::support::server::TestServer;
use std::collections::{BTreeSet, VecDeque};

/// What following links found.
pub struct Crawl {
    /// Addresses that were opened.
    pub seen: BTreeSet<String>,
    /// What did not answer 200, and on which page it was linked.
    pub broken: Vec<String>,
}

impl Crawl {
    /// Follows every link of the product itself from these pages on, at most `most` addresses.
    pub fn from(server: &TestServer, start: &[&str], most: usize) -> Self {
        let mut crawl = Self { seen: BTreeSet::new(), broken: Vec::new() };
        let mut queue: VecDeque<(String, String)> = start.iter().map(|path| ((*path).to_owned(), "start".to_owned())).collect();
        while let Some((path, from)) = queue.pop_front() {
            let bare = path.split('#').next().unwrap_or_default().to_owned();
            if crawl.seen.len() >= most || !crawl.seen.insert(bare.clone()) {
                continue;
            }
            let answer = server.get(&bare).send();
            if answer.status != 200 {
                crawl.broken.push(format!("{bare} on {from}: {}", answer.status));
                continue;
            }
            if answer.header("content-type").is_some_and(|media| media.starts_with("text/html")) {
                queue.extend(hrefs(&answer.text()).into_iter().map(|href| (href, bare.clone())));
            }
        }
        crawl
    }
}

/// Addresses of the product that a page links to.
fn hrefs(html: &str) -> BTreeSet<String> {
    let found = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    found.map(decoded).filter(|href| href.starts_with('/')).collect()
}

/// Text without the escapes of HTML.
pub fn decoded(html: &str) -> String {
    let escapes = [("&#38;", "&"), ("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">")];
    escapes.iter().fold(html.to_owned(), |text, (from, to)| text.replace(from, to)).replace("&amp;", "&")
}

/// Rows of the first table that is not the data of a chart.
pub fn table_rows(html: &str) -> usize {
    let mut rest = html.to_owned();
    while let Some((at, end)) = rest.find("<details").zip(rest.find("</details>")) {
        rest.replace_range(at..end + "</details>".len(), "");
    }
    let Some(table) = rest.split("<table>").nth(1).and_then(|table| table.split("</table>").next()) else { return 0 };
    table.matches("<tr class=").count()
}
