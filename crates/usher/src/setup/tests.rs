//! Setting the server up, through the front door.
