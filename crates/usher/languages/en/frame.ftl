# What frames all pages, the fields of forms, and what is said of what has just been done.

duty-due = A role of yours asks for a second factor. <a href="/account/second-factors">Set one up</a> before { $when } ({ $zone }): from then on nothing else opens.
duty-overdue = You need a second factor. Set one up here: until then nothing else opens.
error = Error:
faults = { $count ->
    [one] One thing has to be mended:
   *[other] { $count } things have to be mended:
}
frame-links-are-yours = Links in mails from { $product } are for you alone. Please do not pass them on.
notice-address-removed = The address is removed. It does not sign you in any more.
notice-address-requested = We have sent a link to the new address. Open it there: then the address is yours.
notice-address-withdrawn = The new address is withdrawn. Its link does not work any more.
notice-approval-asked = You have asked for it. A mail tells you what was decided.
notice-approval-withdrawn = What you asked for is withdrawn.
notice-avatar-removed = Your picture is removed. The pattern stands for you again.
notice-avatar-saved = This is your picture now.
notice-change-made = The change is made. It is in the history, from where it can be undone.
notice-change-undone = The change is undone. That is a change too, and can be undone itself.
notice-device-distrusted = The device is forgotten. The next sign-in there asks for a second factor.
notice-devices-distrusted = All devices are forgotten. The next sign-in asks for a second factor, wherever it is.
notice-key-revoked = The key is revoked. Nothing opens with it any more.
notice-link-mailed = A link to choose a new password is on its way to their primary address.
notice-made = It is made.
notice-nothing-to-undo = There was nothing to undo: everything is as it was before.
notice-others-ended = You are signed out everywhere but here.
notice-passkey-added = Your passkey is added. You can sign in with it.
notice-passkey-removed = Your passkey is removed. It does not sign you in any more. Delete it on your device too.
notice-passkey-renamed = Your passkey has its new name.
notice-password-changed = Your password is changed. You were signed out everywhere else, and your API keys stopped working.
notice-primary-chosen = Your primary address is changed. Mail goes there from now on.
notice-profile-saved = Your profile is saved.
notice-removed = It is removed.
notice-revoked = It is revoked. Nothing opens with it any more.
notice-run-paused = The run is paused after the batch that was being done.
notice-run-resumed = The run goes on.
notice-saved = It is saved.
notice-second-factor-removed = Your authenticator app is removed. Nothing asks for its codes any more.
notice-sent = It is on its way.
notice-session-ended = The session is ended. Nobody can go on with it.
notice-user-created = The user is created. A mail with a link to choose a password is on its way to them.
notice-username-changed = Your user name is changed. A mail tells you of it.
optional = (optional)
place-account = Account
place-activity = Activity
place-addresses = Addresses
place-api-keys = API keys
place-console = Console
place-data = Your data
place-password = Password
place-second-factors = Second factors
place-sessions = Sessions
places-title = Your account
# The page of a failure. Its address is what stands in the browser's field for addresses.
problem-detail-address = Look at it again, or leave out what stands behind the question mark.
problem-detail-attempts = There were too many attempts at this account, or from the network that you are in.
problem-detail-no-page = Look at the address again: a part of it may be missing.
problem-number = If you ask somebody for help, tell them this number:
problem-title-address = This address does not fit
problem-title-attempts = Too many attempts
problem-title-busy = We are busy
problem-title-cookies = Something is wrong with your cookies
problem-title-form = This form does not work any more
problem-title-internal = Something went wrong here
problem-title-no-page = There is no such page
problem-wait = You can try again { $when }. Until then, leave this page as it is: asking more often does not make it shorter.
sign-out = Sign out
signed-in-as = Signed in as
skip = Skip to the content
times-in = Times are in { $zone }.
times-in-utc = Times are in UTC. <a href="/account/profile">Choose your time zone</a>.
wait-hours = in { $count } hours
wait-minute = in a minute
wait-minutes = in { $count } minutes
wait-seconds = in a few seconds
