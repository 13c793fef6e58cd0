//! The network somebody comes from, as far as limits are concerned: who owns one address usually owns those beside it.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// An IPv4 network of 24 bits or an IPv6 network of 64; what comes from no address (the command line, jobs) is one network of
/// usher's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(Option<IpNet>);

impl Network {
    pub fn of(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| {
            // ::ffff:192.0.2.1 is 192.0.2.1 by another way in.
            let address = address.to_canonical();
            let bits = if address.is_ipv4() { 24 } else { 64 };
            IpNet::new_assert(address, bits).trunc()
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
    fn neighbours_are_one_network_and_an_address_has_one_network_however_it_is_written() {
        let network = |address: &str| Network::of(Some(address.parse().unwrap())).to_string();
        assert_eq!(network("192.0.2.1"), "192.0.2.0/24");
        assert_eq!(network("192.0.2.255"), "192.0.2.0/24");
        assert_eq!(network("192.0.3.0"), "192.0.3.0/24");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.0/24");
        assert_eq!(network("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:3::"), "2001:db8:1:3::/64");
        assert_eq!(network("::1"), "::/64");
        assert_eq!(Network::of(None).to_string(), "local");
        assert_ne!(Network::of(None), Network::of(Some("0.0.0.0".parse().unwrap())));
    }
}
