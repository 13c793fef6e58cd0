//! What to do instead of undoing a change of which nothing can be changed back.

/// For an event that has renamed attributes of one user.
pub const RENAMED: &str = "An attribute that was renamed is renamed back for all: undo the change that this belongs to.";

/// One sentence for an action, such as `api_key.revoked`.
pub fn instead_of(action: &str) -> &'static str {
    match action {
        "branding.logo_set" | "branding.logo_removed" => {
            "A logo that was replaced is not kept: upload the one that shall be there, or remove it."
        }
        "user.avatar_set" | "user.avatar_removed" => {
            "A picture that was replaced is not kept: upload the one that shall be there, or remove it."
        }
        "user.unlocked" => "A lock that was lifted does not come back: suspend the user to keep them out.",
        "api_key.created" => "An API key that was made is in somebody's hands: revoke it.",
        "api_key.revoked" => "An API key that was revoked opens nothing any more: make another one.",
        "session.ended" | "user.other_sessions_ended" | "user.sessions_ended" => {
            "Sessions and API keys that were ended do not come back: the person signs in again and makes new keys."
        }
        "second_factor.reset" => "A second factor that was removed does not come back: the person binds another one.",
        "password_reset.started" => {
            "A link that was mailed can't be taken back: it ends with its time, or when another one is mailed."
        }
        "email.requested" => "An address that waits to be confirmed is taken back by hand.",
        "email.withdrawn" => "An address is asked for again by hand: who reads its mail confirms it.",
        "job.retried" => "What was done since then stays done.",
        "job.discarded" => "A job that was discarded does not come back: do by hand what it was for.",
        "mail.retried" => "A mail that was sent can't be taken back.",
        "invitation.created" | "invitation.resent" => "An invitation is taken back by hand: revoke it.",
        "invitation.revoked" => "The link of an invitation that was revoked is dead: invite them again.",
        "approval.approved" | "approval.declined" => "What was decided stays so: give or take by hand what was asked for.",
        "bulk.paused" | "import.paused" => "What was paused goes on when somebody resumes it.",
        "bulk.resumed" | "import.resumed" => "What goes on is halted when somebody pauses it.",
        _ => "There is nothing in it that can be changed back.",
    }
}
