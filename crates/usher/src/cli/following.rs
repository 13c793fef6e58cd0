//! Lists that are longer than a page: page after page, until there are as many as were asked for.

use crate::db::page::{Limit, Page, Total};

/// So many a list shows at most: whoever wants more exports it.
pub const LISTED_MAX: i64 = 100_000;

/// What the pages so far held.
pub struct Followed<T> {
    wanted: usize,
    pub items: Vec<T>,
    pub total: Option<Total>,
    next: Option<String>,
    pages: usize,
}

impl<T> Followed<T> {
    pub fn new(wanted: u32) -> Self {
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        Self { wanted, items: Vec::new(), total: None, next: None, pages: 0 }
    }

    /// How many the next page shall hold, and where it begins; `None` when there is none, or no need of it.
    pub fn ask(&self) -> Option<(Limit, Option<String>)> {
        if self.pages > 0 && self.next.is_none() {
            return None;
        }
        let left = self.wanted.saturating_sub(self.items.len()).min(usize::from(Limit::MAX));
        let limit = u16::try_from(left).ok().and_then(Limit::new)?;
        Some((limit, self.next.clone()))
    }

    pub fn take(&mut self, page: Page<T>) {
        self.items.extend(page.items);
        self.next = page.next;
        self.total = self.total.or(page.total);
        self.pages += 1;
    }

    /// Whether there are more than were asked for.
    pub fn is_cut(&self) -> bool {
        self.next.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(there: usize, wanted: u32) -> (usize, Vec<usize>, bool) {
        let mut followed = Followed::new(wanted);
        let mut asked = Vec::new();
        while let Some((limit, from)) = followed.ask() {
            let from: usize = from.map_or(0, |from| from.parse().unwrap());
            let to = (from + limit.get()).min(there);
            asked.push(limit.get());
            let next = (to < there).then(|| to.to_string());
            followed.take(Page { items: (from..to).collect(), next, total: None });
        }
        assert!(followed.items.iter().copied().eq(0..followed.items.len()));
        (followed.items.len(), asked, followed.is_cut())
    }

    #[test]
    fn pages_are_followed_until_there_is_enough_or_no_more() {
        assert_eq!(follow(0, 50), (0, vec![50], false));
        assert_eq!(follow(50, 50), (50, vec![50], false));
        assert_eq!(follow(51, 50), (50, vec![50], true));
        assert_eq!(follow(450, 1000), (450, vec![200, 200, 200], false));
        assert_eq!(follow(450, 401), (401, vec![200, 200, 1], true));
    }
}
