"""What the tests stand on: a real server, a real mail sink, and people who use them."""
