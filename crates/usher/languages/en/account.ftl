# The pages of one's own account: profile, user name, password, addresses, sessions, API keys, one's data.

account-about-you = About you
account-addresses = E-mail addresses
account-bio = About
account-cancel = Cancel
# Buttons are short, and what is read out instead of them says what is meant: account-change-… for account-change. The word of
# the button has to occur in it.
account-change = Change
account-change-password = Change your password
account-change-picture = Change your picture
account-change-username = Change your user name
account-edit = Edit
account-edit-profile = Edit your profile
account-full-name = Full name
account-github = GitHub
account-here-since = Here since
account-language = Language
account-linkedin = LinkedIn
account-manage = Manage
account-manage-addresses = Manage your addresses
account-name = Name
account-no = No
account-not-given = Not given
account-password = Password
account-password-change = Change password
account-password-forgotten = You do not know your present password? <a href="/recover">Get a link by mail</a>
account-password-hint = At least { $count } characters. A few unrelated words do well; there are no rules about digits or signs.
account-password-lead = Then you stay signed in here, are signed out everywhere else, and your API keys stop working.
account-password-new = New password
account-password-new-missing = Choose a new password.
# -subject: what a sentence about the field begins with, such as "The new password must have …".
account-password-new-subject = The new password
account-password-none = None
account-password-present = Present password
account-password-present-missing = Enter your present password.
account-password-present-subject = The present password
account-password-set = Set on { $day }
account-password-title = Change your password
account-picture = Picture
account-picture-on-web = Picture on the web
account-professional = Professional status
account-professional-ask = Ask for it
account-professional-see = See
account-professional-see-label = See your professional status
account-professional-since = Since { $day }
account-roles = Roles
account-see-all = See all
account-see-sessions = See all sessions
account-signed-in = Signed in
account-signed-in-here = Only here
# There are more than were counted.
account-signed-in-more = Here, and in { $count } or more other places
account-signed-in-others = { $count ->
    [one] Here, and in one other place
   *[other] Here, and in { $count } other places
}
account-signing-in = Signing in
account-time-zone = Time zone
account-title = Your account
account-username = User name
# The time zone of who has chosen none.
account-utc = UTC
account-website = Website
account-yes = Yes

addresses-add = Add an address
addresses-full = You have { $count } addresses, and that is as many as one may have. Remove one to add another.
addresses-lead = You can sign in with each that is verified. Mail goes to the primary one.
addresses-make-primary = Make primary
addresses-make-primary-label = Make { $address } primary
addresses-new-address = E-mail address
addresses-new-hint = One address can wait at a time: this one takes the place of another that waits.
addresses-new-lead = We send a link to it. When you open it there, the address is yours. Your primary address is told, too.
addresses-new-missing = Enter the e-mail address.
addresses-new-send = Send the link
addresses-new-subject = The address
addresses-new-taken = This address is yours already.
addresses-not-verified = Not verified
addresses-pending = Waits
addresses-pending-hint = A link was sent to it. When you open it and press the button there, the address is yours. The link works until { $until } ({ $zone }).
addresses-pending-title = Waits to be confirmed
addresses-primary = Primary
addresses-remove = Remove
addresses-remove-label = Remove { $address }
addresses-resend = Send a new link
addresses-title = Your addresses
addresses-verified = Verified
addresses-withdraw = Withdraw
addresses-withdraw-label = Withdraw { $address }
addresses-yours = Yours

api-keys-actions = What you can do
api-keys-caption = Your API keys, the newest first
api-keys-days-invalid = The end is not a number of days.
api-keys-days-missing = Choose when the key ends.
api-keys-days-subject = The end
api-keys-days-too-late = A key does not last so long here. Choose an earlier end.
api-keys-ends = Ends
api-keys-hint = Times are in { $zone }. A new password and signing out everywhere end all keys.
# When a key ends.
api-keys-in-days = { $count ->
    [one] In { $count } day
   *[other] In { $count } days
}
api-keys-key = Key
api-keys-last-used = Last used
api-keys-lead = With a key a program acts for you, without your password. A key may do what you gave it, as far as you may do it yourself.
api-keys-made-hint = It is good until { $day }. Programs send it as <code>Authorization: Bearer</code>. Whoever has it may do what you gave it: if it is lost, revoke it.
api-keys-made-kept = I have kept it
api-keys-made-once = This is the key for { $name }. <strong>It is shown this once.</strong> Give it to the program now, or keep it in a password manager.
api-keys-made-title = Your new API key
api-keys-make = Make the key
api-keys-make-one = Make a key
# The head of a column that lists permissions, and what stands there when a key has none.
api-keys-may = May
api-keys-may-nothing = Say who you are
api-keys-name = Name
api-keys-name-hint = What it is for, such as the program that gets it.
api-keys-name-missing = Say what the key is for.
api-keys-name-subject = The name
api-keys-never = Never
api-keys-new-title = Make an API key
api-keys-no-permissions = The key shows that a program acts for you. You hold no permissions that you could give it.
api-keys-none = You have no keys. Programs that act for you need one.
api-keys-none-older = There are no older keys.
api-keys-older = Older keys
api-keys-permissions = What it may do
api-keys-permissions-hint = As little as the program needs. With none it can only show that it is yours.
api-keys-revoke = Revoke
api-keys-revoke-label = Revoke the key { $name } ({ $prefix })
api-keys-title = Your API keys
api-keys-used-from = { $when }<br>from { $address }

data-delete-download-first = You may want to <a href="/account/data">download your data</a> first.
data-delete-keep = Keep it
data-delete-kept = Until then your addresses and your user name stay yours.
data-delete-lead = This is what happens to the account { $username }:
data-delete-mail = A mail brings you a link. With it you can have the account back as it was, until <strong>{ $until }</strong> ({ $zone }).
data-delete-mail-to = A mail to { $address } brings you a link. With it you can have the account back as it was, until <strong>{ $until }</strong> ({ $zone }).
data-delete-now = Delete my account
data-delete-removed = After that all of it is removed for good. Nobody can bring it back.
data-delete-signed-out = You are signed out everywhere, at once. Your API keys and all links in mails stop working.
data-delete-title = Delete your account
data-download = Download
data-download-hint = Everything that is known of you, as one file in JSON: profile, addresses, sessions, devices, API keys, groups, mails, invitations, and what has happened to your account.
data-download-title = Download your data
data-leave = Delete my account…
data-leaving-hint = It is kept for { $count } days, in which you can have it back, and then removed for good.
data-title = Your data

# What each permission allows.
permission-analytics-read = See how many people sign up, are active and sign in.
permission-attributes-write = Set the schema of the users' attributes, rename and remove attributes.
permission-audit-read = Read the audit events.
permission-inactivity-read = See the rules on users who are not active, and whom they would hit.
permission-inactivity-write = Create, edit and delete rules on users who are not active.
permission-invitations-read = See who was invited, by whom, and what came of it.
permission-invitations-write = Invite people, send invitations again and revoke them.
permission-roles-assign = Give roles to users and take them away.
permission-roles-read = List roles and permissions.
permission-roles-write = Create, edit and delete roles.
permission-second-factors-reset = Take the second factors of other users away who have lost them.
permission-service-accounts-read = List service accounts and their API keys.
permission-service-accounts-write = Create, edit, suspend and delete service accounts, make and revoke their API keys.
permission-signins-read = See the attempts of users to sign in, and why each went as it did.
permission-system-read = See the settings in force, the health of the server, its signing keys and its mails; never a secret.
permission-system-write = Rotate signing keys, send mails again that were given up, change the words of mails.
permission-users-delete = Delete users and restore them.
permission-users-purge = Remove users for good who are in the recycle bin, before their time has passed.
permission-users-read = List users, read one, see their sessions and API keys.
permission-users-write = Create and edit users and their addresses, suspend, reactivate and unlock them, end their sessions and API keys, start a reset of their password, set their professional status.

profile-bio = About you
profile-changed-meanwhile = Your profile has changed since you opened this page. Look at it: what you save now holds.
profile-display-name = Name
profile-display-name-hint = How you want to be called.
# Something that the fields of the page do not show does not fit.
profile-elsewhere = What is known of you beside these fields does not fit any more, or is too much. Ask your administrator.
profile-family-name = Family name
profile-given-name = Given name
# A field for a point in time.
profile-in-zone = { $label } ({ $zone })
profile-language-and-time = Language and time
profile-locale = Language
profile-locale-hint = A tag such as en or de-AT. Sites that you sign in to may use it.
profile-locale-invalid = The language must be a tag such as en or de-AT.
profile-missing = This is needed.
profile-more = More about you
profile-on-the-web = On the web
profile-one-in-each-line = One in each line.
profile-region-africa = Africa
profile-region-america = America
profile-region-antarctica = Antarctica
profile-region-arctic = Arctic
profile-region-asia = Asia
profile-region-atlantic = Atlantic
profile-region-australia = Australia
profile-region-europe = Europe
profile-region-indian = Indian
profile-region-pacific = Pacific
profile-save = Save
# What a sentence about a field begins with.
profile-subject-bio = The text
profile-subject-display-name = The name
profile-subject-family-name = The family name
profile-subject-given-name = The given name
profile-subject-github-url = The address at GitHub
profile-subject-linkedin-url = The address at LinkedIn
profile-subject-locale = The language
profile-subject-picture-url = The address of the picture
profile-subject-time-zone = The time zone
profile-subject-website-url = The address of the website
profile-time-zone = Time zone
profile-time-zone-hint = Times on these pages are shown in it.
profile-time-zone-none = None: UTC
profile-title = Edit your profile
profile-website-hint = Begins with https://
profile-you = You

sessions-actions = What you can do
sessions-address = Network address
sessions-address-unknown = Unknown
sessions-caption = Your sessions, the newest first
sessions-current = This browser
sessions-device = Device
# Such as Firefox on Linux, or Safari on iPhone.
sessions-device-on = { $program } on { $system }
sessions-device-unknown = Unknown device
sessions-elsewhere = Everywhere else
sessions-elsewhere-hint = Ends every session but this one. Programs with API keys go on.
sessions-end = End
sessions-end-label = End the session on { $device } of { $when }
sessions-end-others = Sign out everywhere else
sessions-last-seen = Last seen
sessions-lead = Where you are signed in. If you do not know one of these, end it and <a href="/account/password">change your password</a>.
sessions-none-older = There are no older sessions.
sessions-nowhere-else = You are signed in nowhere else.
sessions-older = Older sessions
sessions-since = Signed in
sessions-title = Your sessions

username-change = Change user name
username-hint = 3 to 64 letters, digits, dots, dashes and underscores.
username-invalid = The user name must have 3 to 64 letters, digits, dots, dashes or underscores, and begin with a letter or digit.
username-lead = You can sign in with it, and others may see it. The old one does not sign you in any more, and is free for others.
username-missing = Choose a user name.
username-subject = The user name
username-title = Change your user name
