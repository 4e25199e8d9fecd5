//! Groups by what they select on: a request costs one look-up for each set of keys that some group uses, not
//! one test for each group.

use std::collections::HashMap;

use crate::domain::labels::Labels;

use super::Group;
use super::group::normalise;

/// A group whose lists multiply to more combinations than this is tested by itself.
const MAX_COMBINATIONS: usize = 1024;

/// Built once for each catalog; groups are meant by their place in the order in which they are asked.
#[derive(Debug, Default)]
pub(super) struct Index {
    shapes: HashMap<Vec<String>, HashMap<Vec<String>, Places>>,
    others: Vec<usize>,
}

/// Groups of one selector: more than one only where priorities differ.
#[derive(Debug)]
struct Places {
    first: usize,
    rest: Vec<usize>,
}

impl Index {
    /// Of groups in the order in which they are asked.
    pub(super) fn new(groups: &[Group]) -> Self {
        let mut index = Self::default();
        for (place, group) in groups.iter().enumerate() {
            let mut selectors: Vec<_> = group.selector.iter().collect();
            selectors.sort_by(|a, b| a.key.cmp(&b.key));
            let Some(combinations) = combinations(selectors.iter().map(|s| s.normalised())) else {
                index.others.push(place);
                continue;
            };
            let keys = selectors.iter().map(|selector| selector.key.clone()).collect();
            let table = index.shapes.entry(keys).or_default();
            for values in combinations {
                table
                    .entry(values)
                    .and_modify(|places| places.rest.push(place))
                    .or_insert_with(|| Places { first: place, rest: Vec::new() });
            }
        }
        index
    }

    /// Place of the first group that these labels pass.
    pub(super) fn first(&self, groups: &[Group], labels: &Labels) -> Option<usize> {
        let by_shape = self.by_shape(labels).map(|places| places.first);
        by_shape.chain(self.others(groups, labels).next()).min()
    }

    /// Places of all groups that these labels pass, in the order in which they are asked.
    pub(super) fn all(&self, groups: &[Group], labels: &Labels) -> Vec<usize> {
        let by_shape = self.by_shape(labels);
        let by_shape = by_shape
            .flat_map(|places| std::iter::once(places.first).chain(places.rest.iter().copied()));
        let mut all: Vec<usize> = by_shape.chain(self.others(groups, labels)).collect();
        all.sort_unstable();
        all
    }

    fn by_shape(&self, labels: &Labels) -> impl Iterator<Item = &Places> {
        self.shapes.iter().filter_map(|(keys, table)| {
            let values: Vec<String> = keys
                .iter()
                .map(|key| normalise(key, labels.get(key).unwrap_or("")).into_owned())
                .collect();
            table.get(&values)
        })
    }

    fn others(&self, groups: &[Group], labels: &Labels) -> impl Iterator<Item = usize> {
        self.others
            .iter()
            .copied()
            .filter(|place| groups.get(*place).is_some_and(|group| group.matches(labels)))
    }
}

/// Every way to take one value from each list; `None` when they are too many.
fn combinations<'v>(lists: impl Iterator<Item = &'v [String]>) -> Option<Vec<Vec<String>>> {
    let mut out: Vec<Vec<String>> = vec![Vec::new()];
    for list in lists {
        if out.len().saturating_mul(list.len()) > MAX_COMBINATIONS {
            return None;
        }
        let longer = out.iter().flat_map(|prefix| {
            list.iter().map(move |value| [prefix.as_slice(), std::slice::from_ref(value)].concat())
        });
        out = longer.collect();
    }
    Some(out)
}
