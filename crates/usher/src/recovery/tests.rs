//! Recovery, through the front door.
