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

# What is shown once is copied.
copy = Copy
copy-done = Copied
copy-failed = That did not work. Mark it and copy it yourself.

# What is wrong with a password that is easy to guess, and what makes it harder.
advice-all-capitals = All capitals are almost as easy to guess as none.
advice-another-word = Add another word or two. Uncommon words are better.
advice-capitals = Capital letters do not help very much.
advice-common = This is a very common password.
advice-common-names = Common names and surnames are easy to guess.
advice-dates-are-easy = Dates are often easy to guess.
advice-few-words = Use a few words, avoid common phrases.
advice-keyboard-patterns = Short keyboard patterns are easy to guess.
advice-like-common = This is similar to a commonly used password.
advice-longer-pattern = Use a longer keyboard pattern with more turns.
advice-no-dates-of-yours = Avoid dates and years that have to do with you.
advice-no-repeats = Avoid repeated words and characters.
advice-no-sequences = Avoid sequences.
advice-no-symbols = No need for symbols, digits, or uppercase letters.
advice-no-years = Avoid recent years.
advice-no-years-of-yours = Avoid years that have to do with you.
advice-repeated-groups = Repeats like “abcabcabc” are only slightly harder to guess than “abc”.
advice-repeated-letters = Repeats like “aaa” are easy to guess.
advice-reversed = Reversed words are not much harder to guess.
advice-rows-of-keys = Straight rows of keys are easy to guess.
advice-sequences-are-easy = Sequences like abc or 6543 are easy to guess.
advice-single-name = Names and surnames by themselves are easy to guess.
advice-single-word = A word by itself is easy to guess.
advice-substitutions = Predictable substitutions like @ instead of a do not help very much.
advice-top-hundred = This is one of the hundred most common passwords.
advice-top-ten = This is one of the ten most common passwords.
advice-years-are-easy = Recent years are easy to guess.
