//! The schema of attributes, through the front door.
