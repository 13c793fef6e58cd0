//! The queue's promises: a job exists exactly if its change does, its effect happens once, and failures end visibly.
