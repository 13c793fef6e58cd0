//! The part of the network that a client comes from: what is counted and limited together.

use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// An IPv4 /24 or an IPv6 /64: what one household, office or hosting customer usually has. `None` is usher's own work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(Option<IpNet>);

impl Network {
    pub fn of(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| match address.to_canonical() {
            IpAddr::V4(address) => IpNet::V4(Ipv4Net::new_assert(address, 24).trunc()),
            IpAddr::V6(address) => IpNet::V6(Ipv6Net::new_assert(address, 64).trunc()),
        }))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(network) => network.fmt(f),
            None => f.write_str("local"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_network() {
        let network = |text: &str| Network::of(Some(text.parse().unwrap()));
        assert_eq!(network("203.0.113.7"), network("203.0.113.250"));
        assert_eq!(network("203.0.113.7"), network("::ffff:203.0.113.9"));
        assert_ne!(network("203.0.113.7"), network("203.0.114.7"));
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("203.0.113.7").to_string(), "203.0.113.0/24");
        assert_eq!(Network::of(None).to_string(), "local");
    }
}
