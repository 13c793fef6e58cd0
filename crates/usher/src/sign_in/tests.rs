//! Signing in, through the front door.
