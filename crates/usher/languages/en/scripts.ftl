# What scripts say. % is why a password is refused, in a few words (English) or as a sentence (other languages).

password-show = Show
password-hide = Hide
password-show-label = Show the password
password-hide-label = Hide the password
password-refused = It %.
password-strengths = Guessed at once|Easy to guess|Could be harder to guess|Hard to guess|Very hard to guess
passkey-known = This device has a passkey for your account already.
passkey-called-off = It was called off, took too long, or there is no passkey here. Try again.
passkey-failed = That did not work. Try again.
