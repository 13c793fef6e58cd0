# A person's second factors: an authenticator app, passkeys, recovery codes, and the devices that are spared the code.

factors-app = Authenticator app
factors-app-code = Code of the app
factors-app-code-hint = The six digits that it shows now.
factors-app-code-missing = Enter the code that your app shows.
factors-app-code-subject = The code
factors-app-give = 1. Give the secret to your app
factors-app-move = You have another phone? Remove the app here, and set it up there. If you do not set it up again, your password alone signs you in.
factors-app-move-passkeys = You have another phone? Remove the app here, and set it up there. Your passkeys stay.
factors-app-need = You need an app on your phone or computer that shows codes of six digits, such as Aegis, FreeOTP, or a password manager. Then you are signed out everywhere else. Your API keys go on.
factors-app-picture = QR code of the secret below
factors-app-remove = Remove the app
factors-app-required = You need a second factor, so the app can't be removed. You have another phone? Ask somebody who administers { $product } to take your second factors away, and set it up there.
factors-app-scan = Scan the picture with the app.
factors-app-show = 2. Show that it works
# After a badge that says "On". { $since } is a day.
factors-app-since = since { $since }. Each sign-in asks for a code of your app.
# The same, where there are devices that are spared the code.
factors-app-since-trusted = since { $since }. Each sign-in asks for a code of your app, but on the devices below.
factors-app-title = Set up an authenticator app
factors-app-turn-on = Turn it on
# Apps call it "time-based".
factors-app-type = Or type the secret. It is one by time, with six digits every 30 seconds.
factors-cancel = Cancel
factors-codes = Recovery codes
factors-codes-app-added = Your authenticator app is set up. You were signed out everywhere else.
factors-codes-kept = I have kept them
factors-codes-lead = When you do not have your second factor, each of these signs you in once, beside your password. <strong>They are shown this once.</strong> Print the page, or keep them in a password manager: not where your second factor is, and not in your mail.
# At least two.
factors-codes-left = { $count } are left. Beside your password, each signs you in once when you do not have your second factor.
factors-codes-none = None left
factors-codes-none-hint = Without your second factor you could not sign in. Make new ones.
factors-codes-one = One left
factors-codes-one-hint = Make new ones before you need it.
factors-codes-passkey-added = Your passkey is added. You were signed out everywhere else.
factors-codes-renew = Make new recovery codes
factors-codes-renew-hint = The codes that you have now stop working then.
factors-codes-title = Your recovery codes
# { $site } is the address of the site.
factors-codes-whose = For { $name } at { $site }. Earlier ones do not work any more.
factors-lead = With a second factor your password alone opens nothing: who signs in shows something as well that only you have.
factors-off = Off
factors-on = On
factors-passkey = Passkey
factors-passkey-add = Add the passkey
factors-passkey-added = Added
factors-passkey-call = What you call it
factors-passkey-change = Change
factors-passkey-change-named = Rename or remove the passkey { $name }
factors-passkey-do = What you can do
factors-passkey-missing = Your browser has made no passkey. Try again.
factors-passkey-name = Name
factors-passkey-name-hint = Where it is kept, such as “Phone” or “Blue key”.
factors-passkey-name-missing = Say what to call the passkey.
factors-passkey-name-subject = The name
factors-passkey-never = Never
factors-passkey-new-lead = Your device, a security key or your password manager keeps the passkey. You unlock it there, with your finger, your face or a PIN, which never leave it.
factors-passkey-new-title = Add a passkey
factors-passkey-new-unable = Your browser makes no passkeys here: it does not know how, or scripts are turned off. <a href="/account/second-factors">Go back</a>
factors-passkey-one-title = Your passkey
factors-passkey-remove = Remove the passkey
factors-passkey-remove-hint = It does not sign you in any more then. If it is your last second factor, your recovery codes go too, and your password alone signs you in.
factors-passkey-remove-title = Remove it
factors-passkey-save = Save the name
factors-passkey-subject = The passkey
# On several devices of one person.
factors-passkey-synchronised = Synchronised
factors-passkey-used = Last used
factors-passkeys = Passkeys
factors-passkeys-caption = Your passkeys, the oldest first
# A badge, before what passkeys are.
factors-passkeys-none = None
# After a badge that says "On".
factors-passkeys-on = Each signs you in by itself, without your password.
factors-passkeys-what = A passkey signs you in by your finger, your face or a PIN on your device, without your password. Nobody can guess it, and it works on no other site.
factors-password-alone = Your password alone signs you in.
factors-title = Second factors
factors-trusted = Trusted devices
# { $address } is a network address.
factors-trusted-at = { $device } at { $address }
factors-trusted-forget = Forget
factors-trusted-forget-all = Forget all devices
factors-trusted-forget-named = Forget { $device }, trusted from { $since }
factors-trusted-from = From { $since } until { $until } ({ $zone })
factors-trusted-hint = There your password alone signs you in. A new password ends that, and so does every change of your second factors.
