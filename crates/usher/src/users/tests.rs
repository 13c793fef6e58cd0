//! Rules of users, through the front door.
