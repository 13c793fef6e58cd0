# Signing in, the second factor, and the proof of who is signed in already.

sign-in-title = Sign in
sign-in-button = Sign in
sign-in-continue = Continue
sign-in-identifier = E-mail address or user name
sign-in-register = No account yet? <a href="/register">Create one</a>
sign-in-with-passkey = Sign in with a passkey

# The title of the page, beside the name of the site.
sign-in-password-title = Your password
sign-in-password-heading = Enter your password
sign-in-password = Password
sign-in-not-you = Not you?
sign-in-forgot = Forgot your password?
sign-in-refused = Address or user name and password do not fit together, or the account can't be used.
sign-in-passkey-refused = This passkey does not open an account here, or it took too long. Try again, or go on without it.

sign-in-missing-identifier = Enter your e-mail address or your user name.
sign-in-missing-password = Enter your password.
sign-in-missing-code = Enter your code.
# What a sentence about a field begins with, such as “The password has to be shorter.”
sign-in-subject-identifier = It
sign-in-subject-password = The password
sign-in-subject-code = The code

# The second factor.
sign-in-over-title = Sign in again
sign-in-over-why = That took too long, or something about your account was changed meanwhile.
sign-in-begin-again = Begin again
sign-in-code = Code
sign-in-code-title = Your code
sign-in-code-heading = Enter your code
sign-in-code-about = Your password was right. Now the six digits that your authenticator app shows.
sign-in-code-otherwise = You do not have your app? <a href="{ $address }">Use a recovery code</a>
sign-in-recovery-code = Recovery code
sign-in-recovery-title = Your recovery code
sign-in-recovery-heading = Enter a recovery code
sign-in-recovery-about = One of those that you were shown when you set up your second factor. Each works once.
sign-in-recovery-or-app = You have your app after all? <a href="{ $address }">Enter its code</a>
sign-in-recovery-or-passkey = You have your passkey after all? <a href="{ $address }">Use it</a>
sign-in-passkey-title = Your passkey
sign-in-passkey-heading = Use your passkey
sign-in-passkey-about = Your password was right. Now one of your passkeys.
sign-in-passkey-cannot = Your browser can't use passkeys here: it does not know how, or scripts are turned off. A recovery code does as well.
sign-in-passkey-otherwise = You do not have it? <a href="{ $address }">Use a recovery code</a>
sign-in-use-passkey = Use a passkey
sign-in-trust = { $days ->
    [one] Do not ask again on this device for { $days } day
   *[other] Do not ask again on this device for { $days } days
}
sign-in-trust-hint = Only if it is yours alone. Your password is always asked for.

# Who is signed in proves once more who they are.
sign-in-again-title = Confirm that it is you
sign-in-again-why = You signed in a while ago. What you want to do needs your password once more, and then you come back to where you were.
sign-in-again-why-both = You signed in a while ago. What you want to do needs your password and your second factor once more, and then you come back to where you were.
sign-in-again-hint = The six digits of your authenticator app, or a recovery code.
sign-in-again-hint-recovery = One of your recovery codes.
sign-in-again-button = Confirm
sign-in-again-or-passkey = Use a passkey instead
sign-in-again-or-back = Go back without it
sign-in-again-passkey-title = Confirm with a passkey
sign-in-again-passkey-why = You are signed in as { $name }. What you want to do needs one of your passkeys, and then you come back to where you were.
sign-in-again-passkey-cannot = Your browser can't use passkeys here: it does not know how, or scripts are turned off.
sign-in-again-or-password = Use your password instead
