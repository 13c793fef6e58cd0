"""A server with something of everything, most of it with long names, and the addresses at which each of its pages is looked at."""
