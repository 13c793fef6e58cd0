# A request for professional status, and one's own picture.

# "Approved on 3 February 2026, asked on 1 February 2026": days.
approval-approved = Approved on { $decided }, asked on { $asked }
approval-ask = Ask for professional status
approval-ask-lead = You do not have it. Ask for it here: somebody looks at your profile and decides, and you get a mail.
approval-asked = You asked for it on { $when }. As soon as somebody has decided, you get a mail.
approval-declined = Declined on { $decided }, asked on { $asked }
approval-earlier = What became of it before
# What a profile may need: items of a list.
approval-field-bio = some lines about you
approval-field-display-name = the name that you are called by
approval-field-family-name = your family name
approval-field-github-url = your page at GitHub
approval-field-given-name = your given name
approval-field-linkedin-url = your page at LinkedIn
approval-field-locale = your language
approval-field-picture-url = your picture
approval-field-time-zone = your time zone
approval-field-website-url = your website
approval-fill-in = Fill in your profile
approval-held = You have professional status.
approval-held-since = You have professional status since { $since }.
approval-message = A message
approval-message-hint = What whoever decides should know.
approval-message-missing = Write a few words.
approval-message-subject = The message
approval-not-offered = You do not have it. Nobody can ask for it here: an administrator gives it.
approval-profile-needs = You do not have it. Before you can ask for it, your profile needs:
approval-reason = The reason
approval-title = Professional status
approval-withdraw = Withdraw the request
approval-withdrawn = Withdrawn by you on { $decided }, asked on { $asked }
approval-wrote = What you wrote

avatar-back = Back to your account
avatar-cancel = Cancel
avatar-choose = Choose a picture
avatar-choose-another = Choose another one
avatar-hint = PNG, JPEG or WebP, at most 5 MB and 25 megapixels. The square in its middle is kept; where and with what it was taken is not.
avatar-missing = Choose a file.
avatar-none = You have no picture. This pattern stands for you: it is made by chance, and yours alone.
avatar-not-kept = This server keeps no pictures. Its operator can change that.
avatar-now = As it is now
avatar-pattern = The pattern that stands for you
avatar-picture = Picture
avatar-remove = Remove
# What the button that says "Remove" does, for who hears it.
avatar-remove-named = Remove your picture
avatar-seen = Others see it beside your name.
avatar-title = Your picture
avatar-too-large = The file is larger than 5 MB. Make the picture smaller, or save it as JPEG.
avatar-upload = Upload
