//! Sign-up, through the front door.
