//! Pages of long lists: a page is read one row longer than it is, which tells whether there is a next one.

/// Cuts a list that was read one longer than the page; the cursor is that of the last item left, if there was one more.
pub fn cut<T>(items: &mut Vec<T>, limit: i64, cursor: impl Fn(&T) -> i64) -> Option<i64> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    items.last().filter(|_| more).map(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_list_with_one_more_goes_on() {
        let mut items = vec![3, 5, 8];
        assert_eq!(cut(&mut items, 3, |item| *item), None);
        assert_eq!(items, [3, 5, 8]);
        assert_eq!(cut(&mut items, 2, |item| *item), Some(5));
        assert_eq!(items, [3, 5]);
        assert_eq!(cut(&mut Vec::new(), 2, |item| *item), None);
    }
}
