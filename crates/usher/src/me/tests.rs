//! One's own profile, through the front door.
