//! What mails are for, in the words of those who edit texts.

use crate::mails::Template;

/// When a mail is sent.
pub fn about(template: Template) -> &'static str {
    match template {
        Template::VerifyEmail => "To who has signed up, to confirm that the address is theirs.",
        Template::AlreadyRegistered => "To the owner of an address that somebody tried to sign up with.",
        Template::ResetPassword => "To who has forgotten the password, or is to choose another.",
        Template::Welcome => "To whom an administrator has made an account, to choose a password.",
        Template::PasswordChanged => "When a new password was set.",
        Template::NewDevice => "After a sign-in on a device that was not used before.",
        Template::ApiKeyCreated => "When an API key was made for an account.",
        Template::ConfirmEmail => "To a further address, to confirm that it is theirs.",
        Template::EmailRequested => "To the primary address, when another one is to be added.",
        Template::AddressInUse => "To the owner of an address that somebody tried to add to another account.",
        Template::PrimaryChanged => "To the old and the new primary address.",
        Template::EmailRemoved => "To an address that was removed from an account.",
        Template::UsernameChanged => "When the user name was changed.",
        Template::UndoDeletion => "To who has deleted their account, to undo it.",
        Template::ProfessionalGranted => "When professional status was given.",
        Template::ProfessionalDeclined => "When a request for professional status was declined.",
        Template::ProfessionalWithdrawn => "When professional status was taken away.",
        Template::InactivityWarning => "To who has not used their account for long, before something becomes of it.",
        Template::SecondFactorChanged => "When a second factor was added, removed, renewed or used.",
        Template::Invitation => "To who is invited to make an account.",
    }
}
