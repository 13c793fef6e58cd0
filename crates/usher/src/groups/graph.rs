//! Groups and their parents as a graph. Pure; it has no circles once [`Graph::fault_at`] has found none.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::id::GroupId;

/// How many groups may stand above one another, the lowest and the highest among them.
pub const LEVELS_MAX: usize = 8;

/// What is wrong with the parents of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The group is above itself.
    Circle,
    /// More than [`LEVELS_MAX`] groups stand above one another.
    TooDeep,
}

/// Which groups are above and below which.
#[derive(Debug, Default)]
pub struct Graph {
    parents: HashMap<GroupId, Vec<GroupId>>,
    children: HashMap<GroupId, Vec<GroupId>>,
}

impl Graph {
    /// Of pairs of a group and a parent of it.
    pub fn new(edges: impl IntoIterator<Item = (GroupId, GroupId)>) -> Self {
        let mut graph = Self::default();
        for (group, parent) in edges {
            graph.parents.entry(group).or_default().push(parent);
            graph.children.entry(parent).or_default().push(group);
        }
        graph
    }

    /// The group and all that is above it.
    pub fn ancestors(&self, group: GroupId) -> HashSet<GroupId> {
        reachable(&self.parents, group)
    }

    /// The group and all that is below it.
    pub fn descendants(&self, group: GroupId) -> HashSet<GroupId> {
        reachable(&self.children, group)
    }

    /// What is wrong after the parents of this group have changed, when nothing was wrong before.
    pub fn fault_at(&self, group: GroupId) -> Option<Fault> {
        let parents = self.parents.get(&group).map_or(&[][..], Vec::as_slice);
        if parents.iter().any(|parent| self.ancestors(*parent).contains(&group)) {
            return Some(Fault::Circle);
        }
        let above = levels(&self.parents, group, &mut HashMap::new());
        let below = levels(&self.children, group, &mut HashMap::new());
        (above + below - 1 > LEVELS_MAX).then_some(Fault::TooDeep)
    }

    /// The shortest way up from a group to one above it, both of them in it. Of several the one whose ids come first.
    pub fn way_up(&self, from: GroupId, to: GroupId) -> Option<Vec<GroupId>> {
        let mut came_from: HashMap<GroupId, Option<GroupId>> = HashMap::from([(from, None)]);
        let mut next = VecDeque::from([from]);
        while let Some(group) = next.pop_front() {
            if group == to {
                let back = std::iter::successors(Some(to), |group| came_from.get(group).copied().flatten());
                let mut way: Vec<GroupId> = back.collect();
                way.reverse();
                return Some(way);
            }
            let mut parents = self.parents.get(&group).cloned().unwrap_or_default();
            parents.sort_by_key(|parent| parent.uuid());
            for parent in parents {
                came_from.entry(parent).or_insert_with(|| {
                    next.push_back(parent);
                    Some(group)
                });
            }
        }
        None
    }
}

fn reachable(edges: &HashMap<GroupId, Vec<GroupId>>, from: GroupId) -> HashSet<GroupId> {
    let mut found = HashSet::from([from]);
    let mut next = vec![from];
    while let Some(group) = next.pop() {
        let others = edges.get(&group).into_iter().flatten();
        next.extend(others.filter(|other| found.insert(**other)));
    }
    found
}

/// How many groups the longest way has. Each group is measured once: there may be very many ways.
fn levels(edges: &HashMap<GroupId, Vec<GroupId>>, group: GroupId, known: &mut HashMap<GroupId, usize>) -> usize {
    if let Some(levels) = known.get(&group) {
        return *levels;
    }
    let others = edges.get(&group).into_iter().flatten();
    let longest = others.map(|other| levels(edges, *other, known)).max().unwrap_or(0);
    known.insert(group, longest + 1);
    longest + 1
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn ids(count: usize) -> Vec<GroupId> {
        (0..count).map(|_| GroupId::new(Timestamp::UNIX_EPOCH)).collect()
    }

    #[test]
    fn circles_of_any_length_are_found() {
        let ids = ids(5);
        for length in 1..=5 {
            let circle = (0..length).map(|at| (ids[at], ids[(at + 1) % length]));
            assert_eq!(Graph::new(circle).fault_at(ids[0]), Some(Fault::Circle), "{length}");
        }
        let diamond = [(ids[0], ids[1]), (ids[0], ids[2]), (ids[1], ids[3]), (ids[2], ids[3])];
        assert_eq!(Graph::new(diamond).fault_at(ids[0]), None);
    }

    #[test]
    fn the_longest_way_through_the_group_is_measured() {
        let ids = ids(9);
        let chain = |count: usize| Graph::new((1..count).map(|at| (ids[at - 1], ids[at])));
        for id in &ids[..8] {
            assert_eq!(chain(8).fault_at(*id), None);
            assert_eq!(chain(9).fault_at(*id), Some(Fault::TooDeep));
        }
    }

    #[test]
    fn many_ways_are_measured_in_no_time() {
        // Eight levels of ten groups, each below all of the next level: ten million ways.
        let ids = ids(80);
        let edges = (0..70).flat_map(|at| (0..10).map(move |to| (at, at / 10 * 10 + 10 + to)));
        let graph = Graph::new(edges.map(|(from, to)| (ids[from], ids[to])));
        assert_eq!(graph.fault_at(ids[0]), None);
        assert_eq!(graph.ancestors(ids[0]).len(), 71);
        assert_eq!(graph.descendants(ids[79]).len(), 71);
        assert_eq!(graph.way_up(ids[0], ids[79]).unwrap().len(), 8);
        assert_eq!(graph.way_up(ids[79], ids[0]), None);
    }
}
