# Pages by which people come in: sign-up, invitations, the first administrator, and what is behind the links in mails.

arrival-sign-in = Sign in
arrival-has-account = You have an account? <a href="/sign-in">Sign in</a>
arrival-address = E-mail address
arrival-name = Your name
arrival-name-hint = How you want to be called.
arrival-password = Password
arrival-new-password = New password
arrival-password-hint = At least { $count } characters. A few unrelated words do well; there are no rules about digits or signs.
arrival-password-hint-phrase = At least { $count } characters. A phrase of several words works well.
arrival-choose-password = Choose a new password
arrival-mail-title = Look into your mail
arrival-mail-late = It does not come?
arrival-mail-unwanted = It may take some minutes, and it may lie with the unwanted mail.
arrival-advice = What you can do
# The title of the page, beside the name of the site.
arrival-link-title = Link not valid
arrival-link-heading = This link does not work
arrival-link-why = It may have been used already, it may be too old, or a part of it may be missing.
arrival-link-why-unchanged = It may have been used already, it may be too old, or a part of it may be missing. Nothing was changed this time.

arrival-missing-address = Enter your e-mail address.
arrival-missing-name = Enter your name.
arrival-missing-password = Choose a password.
# What a sentence about a field begins with, such as “The address has to be shorter.”
arrival-subject-address = The address
arrival-subject-name = The name
arrival-subject-password = The password
arrival-subject-your-password = Your password

# Sign-up.
register-title = Create an account
register-address-hint = A link goes there, which confirms that it is yours.
register-button = Create account
register-sent = A mail is on its way to <strong>{ $email }</strong>. Open the link in it, and you can sign in.
register-sent-known = If you have an account already, the mail says so, and brings no link.
register-sent-wrong = If the address is not right, <a href="/register">begin again</a>.
register-closed-title = No sign-up
register-closed-heading = There is no sign-up here
register-closed = Sign-up is closed. If you should have an account, ask an administrator for one.
register-closed-invite = Sign-up is by invitation only. If you should have an account, ask an administrator for one.

# The address of a sign-up is confirmed.
verify-title = Confirm your address
verify-why = One step left: show that it was you who signed up with the mail address that received this link.
verify-password = The password you signed up with
verify-button = Confirm my address
verify-otherwise = You do not remember it, or somebody else signed up with your address? Choose a new password, or close this page if you want no account.
verify-choose = Choose a new password
verify-choose-why = It takes the place of the one from the sign-up. A name and a profile that were given there are forgotten too: they may be somebody else’s.
verify-choose-button = Set password and confirm
verify-wrong = This is not the password you signed up with. Try again, or choose a new one below.
verify-too-many = These were too many wrong passwords for this link. Choose a new one.
verify-done-title = Address confirmed
verify-done-heading = Your address is confirmed
verify-done = Thank you. You can sign in now.
verify-failed-before = If you have confirmed your address before, <a href="/sign-in">sign in</a> as usual.
verify-failed-again = If not, ask for a new mail where you signed up, and use the link in the newest one.

# Who has forgotten their password asks for a link.
recover-title = Forgot your password?
recover-why = Tell us your address, and you get a mail with a link to choose a new one. Until you use it, nothing changes.
recover-button = Send me a link
recover-otherwise = You remember it? <a href="/sign-in">Sign in</a>
recover-sent = If <strong>{ $email }</strong> belongs to an account, a mail with a link is on its way. The link works for an hour.
recover-sent-other = You may have signed up with another address: <a href="/recover">try that one</a>.
recover-sent-back = Back to sign-in

# Behind that link, and behind that of somebody for whom an account was made.
reset-welcome-title = Choose a password
reset-welcome-heading = Welcome to { $product }
reset-welcome-why = An account was made for you. Choose a password, and you can sign in.
reset-why = When it is set, you are signed out everywhere and sign in again with the new one.
reset-button = Set password
reset-done-title = Password set
reset-done-heading = Your password is set
reset-done-welcome = You can sign in with it now.
reset-done = You were signed out everywhere. Sign in again with the new password on each of your devices.
reset-failed-again = <a href="/recover">Ask for a new link</a>, and open the one in the newest mail.
reset-failed-invited = If an administrator invited you, ask them for a new link.

# Behind the link in the mail about a sign-in on a new device.
not-me-title = Was this not you?
not-me-why = If somebody else signed in to your account, this does three things at once:
not-me-out = You are signed out everywhere, and so are they.
not-me-password = Your present password stops working.
not-me-mail = You get a mail with a link to choose a new one.
not-me-button = It was not me
not-me-otherwise = It was you after all? Then close this page, and nothing changes.
not-me-done-title = Your account is closed to others
not-me-done-heading = Nobody is signed in any more
not-me-done = The old password does not work any longer. A mail is on its way to you: choose a new password with the link in it.
not-me-failed = <a href="/recover">Ask for a link</a> to choose a new password: that signs you out everywhere, too.

# The first administrator.
setup-title = Set up { $product }
setup-why = Create the first administrator. The setup token shows that you run this server: it stands in the file <code>setup-token</code> of the data directory, and <code>usher setup-token</code> makes a new one.
setup-token = Setup token
setup-token-hint = Begins with ush_setup_ and works once.
setup-token-missing = Enter the setup token.
setup-token-subject = The setup token
setup-token-refused = This setup token does not work: it is not the newest one, or a part of it is missing.
setup-address = Your e-mail address
setup-password-hint = At least { $count } characters. A few unrelated words do well.
setup-button = Create administrator
setup-done-title = { $product } is set up
setup-done = You are its first administrator, and the setup token is used up.
setup-over-title = Set up already
setup-over-heading = It is set up already
setup-over = There is an administrator. Whoever shall become one too gets the role from them.

# Behind the link of an invitation.
invited-title = You are invited to { $product }
invited-by = <strong>{ $inviter }</strong> invites you to make an account.
invited-by-nobody = Make an account to accept.
# What stands above the words of whoever invites.
invited-message-theirs = Their message to you
invited-message = The message to you
invited-address-hint = The invitation is for this address.
invited-address-hint-link = The invitation is for this address. A link goes there, which confirms that it is yours.
invited-username = User name
invited-username-hint = Others see it. Left empty, one is made up; you can change it later. 3 to 64 letters, digits, dots, dashes or underscores.
invited-username-missing = Choose a user name.
invited-username-subject = The user name
invited-username-shape = The user name must have 3 to 64 letters, digits, dots, dashes or underscores.
invited-button = Accept the invitation
invited-otherwise = You did not expect this? Close the page: no account is made.
invited-done-title = Welcome to { $product }
invited-done = Your account is made. Sign in with <strong>{ $email }</strong> or your user name, <strong>{ $username }</strong>.
invited-done-onwards = Then go on to <a href="{ $address }" rel="noreferrer">{ $site }</a>
invited-sent = Your account is made. One thing is left: a mail is on its way to <strong>{ $email }</strong>. Open the link in it, and you can sign in.
invited-sent-wrong = If the address is not right, tell whoever has invited you.
invited-sent-onwards = <a href="/sign-in">Sign in</a>, and then go on to <a href="{ $address }" rel="noreferrer">{ $site }</a>
invited-failed-heading = This invitation does not work
invited-failed-why = It may have been accepted already, it may be too old or taken back, or a part of the link may be missing.
invited-failed-known = If you have an account already, <a href="/sign-in">sign in</a>.
invited-failed-newest = Open the link in the newest mail: each one ends those before.
invited-failed-again = Ask whoever has invited you to send the invitation again.

# Behind the link that confirms a further address.
confirm-email-title = Add this address
confirm-email-why = Somebody who has an account at { $product } wants to add the address that received this link. If that is you, confirm it here.
confirm-email-otherwise = It was not you? Then close this page. Whoever it was could sign in with this address if you added it to their account.
confirm-email-done-title = Address added
confirm-email-done-heading = The address is added
confirm-email-done = It belongs to your account now. You can sign in with it.
confirm-email-done-account = Your account
confirm-email-unchanged-title = Address not added
confirm-email-taken-heading = This address has an account
confirm-email-taken-why = It was added to an account since the link was sent, so nothing was changed.
confirm-email-taken-advice = Sign in with this address, and remove it there if you want it elsewhere.
confirm-email-full-heading = There is no room for it
confirm-email-full-why = Your account has as many addresses as one may have, so nothing was changed.
confirm-email-full-advice = Remove an address from your account, then open this link again.
confirm-email-failed-why = It may have been used already, it may be too old, or another address was asked for since.
confirm-email-failed-known = Look at the addresses of your account: this one may be among them.
confirm-email-failed-again = If it is not, add it again, and use the link in the newest mail.

# Who has deleted their account, and the link that brings it back.
deleted-title = Your account is deleted
deleted-signed-out = You were signed out everywhere.
# $when is a day and a time, $zone is like Europe/Vienna.
deleted-until = It is kept until { $when } ({ $zone }), and then removed for good.
deleted-until-utc = It is kept until { $when } (UTC), and then removed for good.
deleted-undo = If you change your mind, open the link in the mail that we have sent: it brings your account back.
deleted-undo-to = If you change your mind, open the link in the mail that we have sent to { $email }: it brings your account back.
deleted-other = Sign in with another account
undo-deletion-title = Keep your account
undo-deletion-why = You deleted your account at { $product }. If you have changed your mind, press the button, and it is as it was.
undo-deletion-button = Keep my account
undo-deletion-otherwise = You want it deleted? Then close this page. It will be removed for good when its time has passed.
undo-deletion-done-title = Your account is back
undo-deletion-done = Everything is as it was. You were signed out everywhere: sign in again.
undo-deletion-done-others = It was not you who deleted it? Then somebody could get in. <a href="/recover">Choose a new password</a>.
undo-deletion-failed-known = Try to <a href="/sign-in">sign in</a>: your account may be back already.
undo-deletion-failed-ask = If you can’t, ask your administrator.
