//! A bounded queue that is fair to networks: they take turns, whatever number of passwords each has waiting, and none may
//! hold more places than are still free. So one network alone gets half of the queue at most, and there is always a place for a
//! network that has none yet, until so many networks are there that the queue itself is full.

use std::collections::{HashMap, VecDeque};

use crate::network::Network;

/// What waits, by network.
pub struct FairQueue<T> {
    lines: HashMap<Network, VecDeque<T>>,
    /// The networks that have something waiting, in the order of their turns.
    turns: VecDeque<Network>,
    length: usize,
    length_max: usize,
}

impl<T> FairQueue<T> {
    pub fn new(length_max: usize) -> Self {
        Self { lines: HashMap::new(), turns: VecDeque::new(), length: 0, length_max }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    /// What this network has waiting.
    pub fn held_by(&self, network: Network) -> usize {
        self.lines.get(&network).map_or(0, VecDeque::len)
    }

    /// The networks that have something waiting.
    pub fn networks(&self) -> impl Iterator<Item = Network> {
        self.lines.keys().copied()
    }

    /// Puts something at the end of its network's line. `false` when there is no place for it.
    pub fn push(&mut self, from: Network, item: T) -> bool {
        let free = self.length_max.saturating_sub(self.length);
        let held = self.held_by(from);
        if held >= free {
            return false;
        }
        if held == 0 {
            self.turns.push_back(from);
        }
        self.lines.entry(from).or_default().push_back(item);
        self.length += 1;
        true
    }

    /// Takes the oldest of the network whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let from = self.turns.pop_front()?;
        let line = self.lines.get_mut(&from)?;
        let item = line.pop_front()?;
        if line.is_empty() {
            self.lines.remove(&from);
        } else {
            self.turns.push_back(from);
        }
        self.length -= 1;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u8) -> Network {
        Network::of(Some([192, 0, number, 1].into()))
    }

    fn drain(queue: &mut FairQueue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn r011_networks_take_turns() {
        let mut queue = FairQueue::new(100);
        for item in [10, 11, 12, 13] {
            assert!(queue.push(network(1), item));
        }
        assert!(queue.push(network(2), 20) && queue.push(network(3), 30) && queue.push(network(2), 21));
        assert_eq!((queue.len(), queue.networks().count()), (7, 3));
        assert_eq!(drain(&mut queue), [10, 20, 30, 11, 21, 12, 13]);
        assert_eq!((queue.len(), queue.lines.len(), queue.turns.len()), (0, 0, 0));
    }

    #[test]
    fn r011_no_network_fills_the_queue_alone() {
        let mut queue = FairQueue::new(16);
        let mut held = Vec::new();
        for number in 1..=6 {
            let accepted = (0..100).filter(|item| queue.push(network(number), *item)).count();
            held.push(accepted);
        }
        // Each takes half of what is left; the last places are for whoever has none.
        assert_eq!(held, [8, 4, 2, 1, 1, 0]);
        assert_eq!(queue.len(), 16);
        assert_eq!(drain(&mut queue).len(), 16);
        assert!(queue.push(network(1), 1), "what was taken out makes place again");
    }

    #[test]
    fn a_queue_of_one_takes_one() {
        let mut queue = FairQueue::new(1);
        assert!(queue.push(network(1), 1));
        assert!(!queue.push(network(1), 2) && !queue.push(network(2), 2));
        assert_eq!(drain(&mut queue), [1]);
    }
}
