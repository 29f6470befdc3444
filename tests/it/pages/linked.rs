//! Looks for amounts and marks of charts that lead nowhere.

/// An amount that leads nowhere, for a reason that a reader finds on the page.
pub struct Exception {
    /// Id of its table, or `facts`.
    pub table: &'static str,
    /// Heading of its column, without the unit; empty for all.
    pub column: &'static str,
    /// Kind of its row; empty for all.
    pub row: &'static str,
    /// Why it leads nowhere, and where the page says so.
    pub why: &'static str,
}

/// What leads nowhere.
#[derive(Debug, PartialEq, Eq)]
pub struct Unlinked {
    pub table: String,
    pub column: String,
    pub row: String,
    pub text: String,
}

impl Exception {
    pub fn covers(&self, found: &Unlinked) -> bool {
        let heading = found.column.split(" (").next().unwrap_or_default();
        found.table == self.table
            && (self.column.is_empty() || self.column == heading)
            && (self.row.is_empty() || self.row == found.row)
    }
}

/// All amounts and marks of a page that lead nowhere.
pub fn unlinked(html: &str) -> Vec<Unlinked> {
    let mut found: Vec<Unlinked> = pieces(html, "<section class=\"block\"", "</section>").flat_map(of_table).collect();
    let one = |table: &str, column: &str, text: &str| Unlinked {
        table: table.to_owned(),
        column: column.to_owned(),
        row: String::new(),
        text: words(text),
    };
    let leads = |piece: &str| piece.contains("<a ") || !piece.contains(|c: char| c.is_ascii_digit());
    for figure in pieces(html, "<div class=\"figure\"", "</div>") {
        let amounts = pieces(figure, "<p class=\"amount number", "</p>").chain(pieces(figure, "<p class=\"parts\"", "</p>"));
        found.extend(amounts.filter(|amount| !leads(amount)).map(|amount| one("figure", &attribute(figure, "id"), amount)));
    }
    for fact in pieces(html, "<dt>", "</dd>").filter(|fact| fact.contains("<dd class=\"number")) {
        let (label, value) = fact.split_once("</dt>").unwrap_or(("", fact));
        if !value.contains("number count") && !leads(value) {
            found.push(one("facts", &words(label), value));
        }
    }
    found.extend(pieces(html, "<g class=\"mark\">", "</g>").map(|mark| one("mark", "", mark)));
    found
}

fn of_table(section: &str) -> Vec<Unlinked> {
    let id = attribute(section, "id");
    let heads: Vec<String> =
        pieces(section, "<th scope=\"col\"", "</th>").map(|head| words(&head[head.find('>').unwrap() + 1..])).collect();
    let mut found = Vec::new();
    for row in pieces(section, "<tr class=\"", "</tr>") {
        let kind = row.split('"').next().unwrap_or_default();
        // Cells in order; a cell begins with `<td` or `<th`.
        let cells = row.split("<td").flat_map(|part| part.split("<th")).skip(1);
        for (at, cell) in cells.enumerate() {
            let amount = cell.starts_with(" class=\"n\"") && !cell.contains("class=\"blank\"") && !cell.contains("<time");
            if amount && !cell.contains("<a ") && words(&format!("<td{cell}")).contains(|c: char| c.is_ascii_digit()) {
                let column = heads.get(at).cloned().unwrap_or_default();
                found.push(Unlinked { table: id.clone(), column, row: kind.to_owned(), text: words(&format!("<td{cell}")) });
            }
        }
    }
    found
}

/// What stands between each start and the end that follows it.
fn pieces<'a>(html: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    html.split(start).skip(1).map(move |rest| rest.split(end).next().unwrap_or_default())
}

/// The first attribute of this name.
fn attribute(html: &str, name: &str) -> String {
    let rest = html.split(&format!(" {name}=\"")).nth(1).unwrap_or_default();
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// The text without its tags.
fn words(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.trim().to_owned()
}

#[test]
fn an_amount_without_a_link_is_found() {
    let page = r#"<section class="block" id="t"><table><thead><tr><th scope="col">A</th><th scope="col" class="n">Value (USD)</th></tr></thead>
        <tr class="body"><th scope="row">x</th><td class="n"><span>1.5</span></td></tr>
        <tr class="body"><th scope="row">y</th><td class="n"><a href="/entries/1">2.5</a></td></tr>
        <tr class="body"><th scope="row">z</th><td class="n count">3</td></tr>
        <tr class="total"><th scope="row">all</th><td class="n">4</td></tr></table></section>
        <div class="figure" id="f"><p class="amount number money">7</p></div><dl><dt>Share</dt><dd class="number">10 %</dd></dl>
        <svg><g class="mark"><title>m</title></g></svg>"#;
    let found = unlinked(page);
    let seen: Vec<[&str; 3]> = found.iter().map(|one| [one.table.as_str(), one.column.as_str(), one.row.as_str()]).collect();
    let value = "Value (USD)";
    assert_eq!(
        seen,
        [["t", value, "body"], ["t", value, "total"], ["figure", "f", ""], ["facts", "Share", ""], ["mark", "", ""]]
    );
    let total = Exception { table: "t", column: "Value", row: "total", why: "" };
    assert_eq!(found.iter().filter(|one| total.covers(one)).count(), 1);
}
