# The pages of the console about users: the list, one of them, what is done to them, one by one and many at once, and the recycle bin.

users-act-all = Act on all …
users-act-all-count = Act on all { $count } …
users-act-chosen = Act on the chosen …
users-act-search = To act on all who fit, use the filter instead of the search.
users-builder = Build a filter
users-builder-add = Add to the filter
users-builder-all = All of them fit
# What the button does that builds the filter.
users-builder-begin = Filter
users-builder-condition = Condition { $number }
users-builder-hint = Times are written as 2026-01-31 or 2026-01-31T12:00:00Z, in UTC; a status is active, pending, suspended or deleted.
users-builder-how = How
users-builder-join = How conditions are joined
users-builder-one = One of them fits
users-builder-value = Value
users-choose = Choose
users-choose-all = Choose everybody on this page
users-choose-one = Choose { $name }
users-column-created-at = Created ({ $zone })
users-column-email = E-mail address
users-column-id = Id
users-column-last-sign-in-at = Last sign-in ({ $zone })
users-column-locale = Language
users-column-roles = Roles
users-column-status = Status
users-column-time-zone = Time zone
users-column-updated-at = Changed ({ $zone })
users-column-username = User name
users-columns = Columns
# What can be asked of a user in a filter.
users-filter-created-at = Created
users-filter-deleted-at = Deleted
users-filter-display-name = Name
users-filter-email-verified = Address is verified
users-filter-emails = E-mail address
users-filter-family-name = Family name
users-filter-given-name = Given name
users-filter-groups = Group
users-filter-last-active-on = Last active on
users-filter-last-sign-in-at = Last sign-in
users-filter-locale = Language
users-filter-locked-until = Locked until
users-filter-roles = Role
users-filter-second-factors = Has a second factor
users-filter-status = Status
users-filter-time-zone = Time zone
users-filter-user-name = User name
users-filter-end = (the end)
# { $place } is the filter, with a mark where it stops to make sense.
users-filter-fault = It goes wrong here: { $place }
users-filter-hint = In the language of SCIM, such as: { $example }
users-none = There is nobody yet.
users-none-fit = Nobody fits. Ask for less, or <a href="/admin/users">look at everybody</a>.
# How an attribute is compared with a value: “User name begins with ann”.
users-operator-co = contains
users-operator-eq = is
users-operator-ew = ends with
users-operator-ge = is at least, or not before
users-operator-gt = is more or later than
users-operator-le = is at most, or not after
users-operator-lt = is less or earlier than
users-operator-ne = is not
users-operator-pr = is there
users-operator-sw = begins with
users-search = Search
users-show-everybody = Show everybody
users-sort = Order
users-sort-a-to-z = User name, A to Z
users-sort-newest = Newest first
users-sort-oldest = Oldest first
users-sort-z-to-a = User name, Z to A
users-status-all = All but deleted
# What a sentence about a field begins with.
users-subject-filter = In the filter,
users-subject-q = The search
users-subject-role = The role
users-subject-sort = The order
users-subject-status = The status

user-attempt-unfinished = Not finished
user-attempts = Recent sign-ins
user-attempts-caption = Attempts to sign in of the last 30 days, the newest first
user-attempts-none = Nobody has tried in the last 30 days.
user-attribute-unknown = (not in the schema)
user-attributes = Attributes
user-bio = About
user-changed = Changed
user-codes-left = { $count } left
user-created = Created
# What was decided at an attempt to sign in, one behind the other: “device known, lock passed, password wrong”.
user-credentials = With what they sign in
user-decision-device-known = device known
user-decision-device-unknown = device unknown
user-decision-lock-passed = lock passed
user-decision-lock-refused = lock refused
user-decision-network-passed = network passed
user-decision-network-refused = network refused
user-decision-passkey-right = passkey right
user-decision-passkey-wrong = passkey wrong
user-decision-password-none = password none
user-decision-password-right = password right
user-decision-password-wrong = password wrong
user-decision-second-factor-locked = second factor locked
user-decision-second-factor-missing = second factor not shown
user-decision-second-factor-right = second factor right
user-decision-second-factor-wrong = second factor wrong
user-decision-standing-passed = standing passed
user-decision-standing-refused = standing refused
user-edit = Edit …
user-email-add = Add …
user-email-pending = A link was sent to it; until { $until } UTC they can confirm it.
user-grant = Grant a role …
user-history = History
user-history-none = There is nothing older.
user-id = Id
user-invitation = The invitation
user-invitations = Invitations they sent
user-kept-until = Kept until
user-key-may-nothing = Says who they are
user-key-revoke = Revoke …
user-key-unused = Never used; ends { $ends }
user-key-used = Last used { $used }; ends { $ends }
user-last-sign-in = Last sign-in
user-locked-hint = Too many wrong passwords; known devices go on.
user-locked-until = Locked until
user-mails = Mails to them
user-mails-caption = Mails of the last 30 days to this user, the newest first
user-mails-none = Nothing was mailed to them in the last 30 days.
user-member-of = Member of { $groups }.
user-myself = This is you.
user-passkey-unused = Added { $added }, never used
user-passkey-used = Added { $added }, last used { $used }
user-permission-by = by { $role }
user-permission-through = by { $role }, through { $groups }
user-permissions = What they may do, and why
user-permissions-none = Nothing but look after themselves.
user-picture = Set a picture
user-picture-back = Back to the user
user-picture-lead = Others see it beside their name. It takes the place of the one that they have, and they can change it.
user-professional = Professional since
user-profile = Profile
# To remove somebody for good who is in the recycle bin.
user-purge = Purge …
user-requests = What they have asked for
user-require-password = Require a new password …
# { $origin } is one of the user-role-… below.
user-role-ends = { $origin }; ends { $when } { $zone }
user-role-granted = Granted to them
user-role-granted-on = Granted to them on { $day }
user-role-through = Through { $groups }
user-role-through-group = Through a group
user-session-end = End …
user-session-last-seen = Last seen ({ $zone })
user-session-since = Signed in ({ $zone })
user-session-yours = Yours, here
user-sessions-caption = Where they are signed in, the newest first
user-sessions-none = They are signed in nowhere.
user-since = Since { $when }
user-standing = Standing
user-take = Take …
user-take-label = Take the role { $role }
user-trusted-until = Until { $until }

# What is done to one user: the button, and what comes of it.
acts-delete = Delete
acts-means-delete = They go to the recycle bin for 30 days, and every session of theirs ends at once. Until they are purged they can be restored.
acts-end-session = End the session
acts-means-end-session = They are signed out there at once. Other sessions of theirs go on.
acts-give-professional = Give professional status
acts-means-give-professional = They are recognised as a professional from now on. They are told by mail.
acts-mail-reset = Mail a link for a new password
acts-means-mail-reset = A link to choose a new password goes to their primary address. Nothing changes until they use it.
acts-reactivate = Reactivate
acts-means-reactivate = They can sign in again.
acts-remove-picture = Remove the picture
acts-means-remove-picture = Their picture and its files are gone at once, and the pattern stands for them again. They can set another one.
acts-reset-factors = Remove second factors
acts-means-reset-factors = Their authenticator app and recovery codes are removed; the password alone signs them in then. They are told by mail.
acts-restore = Restore
acts-means-restore = They come out of the recycle bin with their roles, into the status they had. They sign in anew.
acts-sign-out = Sign out everywhere
acts-means-sign-out = Every session of theirs ends at once, and their API keys stop working.
acts-suspend = Suspend
acts-means-suspend = They can't sign in until they are reactivated, and every session of theirs ends at once.
acts-take-professional = Take professional status
acts-means-take-professional = They are recognised as a professional no longer. They are told by mail.
acts-unlock = Unlock
acts-means-unlock = The lock after wrong passwords ends, and they are forgotten.

emails-add-lead = A link goes to it, and a notice to the present primary address. When <strong>{ $name }</strong> opens the link, the address is theirs; nobody else can confirm it.
emails-means-primary = Mail to them goes there from now on. Links that were mailed to them before stop working. The former and the new address are told.
emails-means-remove = It does not sign them in any more. A mail to the address says so.
emails-means-withdraw = The link that was sent to it stops working.

edit-attributes = Look at the attributes: some do not fit.
edit-bio = About them
edit-display-name-hint = How they want to be called.
edit-heading = Edit the profile
edit-locale-hint = Such as en-GB.
edit-names = Names
edit-picture-hint = An address on the web.
# What a sentence about a field begins with.
edit-subject-bio = The text
edit-subject-display-name = The name
edit-subject-email = The address
edit-subject-family-name = The family name
edit-subject-github-url = The GitHub page
edit-subject-given-name = The given name
edit-subject-linkedin-url = The LinkedIn page
edit-subject-locale = The language
edit-subject-picture-url = The picture's address
edit-subject-time-zone = The time zone
edit-subject-username = The user name
edit-subject-website-url = The website
edit-time-zone-hint = Such as Europe/Vienna.
edit-title = Edit: { $name }
edit-missing-email = Enter the e-mail address.
edit-missing-username = The user name can't be left out.

new-button = Create the user
new-email-hint = A link to choose their password goes there. Whoever opens it has shown that the address is theirs.
new-lead = They get a mail with a link, and can sign in when they have chosen a password by it. Nobody else learns the password.
new-roles-hint = Those that hold no more than you do.
new-title = Create a user
new-username-hint = Made up when it is left empty.

roles-grant = Grant the role
roles-grant-lead = To <strong>{ $name }</strong>, from their next request on.
roles-grant-offered = You see the roles that hold no more than you do.
roles-grant-title = Grant a role
roles-proof-first = You signed in a while ago. Roles that allow more than manager are offered once you have confirmed that it is you.
roles-proof-link = Confirm that it is you
roles-take = Take the role
roles-take-lead = <strong>{ $name }</strong> loses the role { $role } from their next request on. What their groups give them stays.
roles-take-title = Take a role
roles-unknown = There is no role of this name.
# A day that does not fit; { $why } is what is wrong with it, such as “must lie in the future”.
roles-until-fault = The day { $why }.

bulk-action = Action
# What can be done to many; those of the last three begin elsewhere.
bulk-action-assign-role = Grant a role
bulk-action-delete = Delete, into the recycle bin
bulk-action-purge = Purge from the recycle bin, for good
bulk-action-reactivate = Reactivate
bulk-action-remove-role = Take a role
bulk-action-require-password-reset = Require a new password: stop the present one and mail a link
bulk-action-restore = Restore from the recycle bin
bulk-action-set-attributes = Set attributes
bulk-action-sign-out = Sign out everywhere
bulk-action-suspend = Suspend
bulk-action-undo = Undo a change
bulk-action-warn-inactive = Warn who is inactive
bulk-begun = Begun
bulk-changes = What it has changed
bulk-done-of = { $done } of { $total }
bulk-ended = Ended
bulk-items-caption = What came of each user
# The head of the list of users, if it shows only those.
bulk-items-done = Users: done
bulk-items-failed = Users: failed
bulk-items-outcome = What came of it
bulk-items-refused = Users: refused
bulk-items-show-all = (show all)
bulk-items-to-do = Users: to be done
bulk-items-unchanged = Users: so already
bulk-list-caption = Runs, the newest first
bulk-list-lead = One action on many users. To begin one, choose <a href="/admin/users">users</a>.
bulk-list-none = There was none yet.
bulk-list-previewed = Previewed ({ $zone })
bulk-look-again = Look again
bulk-missing-action = Choose what is to be done.
bulk-missing-attribute = Choose an attribute for this.
bulk-missing-filter = Say whom it is about.
bulk-missing-role = Choose a role for this.
bulk-new-action = What is to be done
bulk-new-attribute = Attribute
bulk-new-attribute-aside = (to set one)
bulk-new-chosen = { $count ->
    [one] <strong>{ $count } user is chosen.</strong> The next page says what would come of it; nothing is done before that.
   *[other] <strong>{ $count } users are chosen.</strong> The next page says what would come of it; nothing is done before that.
}
bulk-new-filter-hint = Deleted users only if it asks for the status, or to restore or purge them.
bulk-new-filtered = <strong>All whom this filter fits.</strong> The next page says how many they are and what would come of it; nothing is done before that.
bulk-new-role-aside = (to grant or take one)
bulk-new-role-hint = To grant or take one.
bulk-new-title = Act on many users
bulk-new-until = The role until the end of
bulk-new-until-hint = A day, as { $zone } has it; who has the role gets this end. Empty: the role does not end, and who has it keeps it as it is.
bulk-new-value = Its value
bulk-new-value-hint = A list has an item in each line; what is yes or no is <code>true</code> or <code>false</code>. Left empty, the attribute is taken away.
bulk-not-begun = Nothing is done yet. A preview is begun from the page that shows it; if that is closed, <a href="/admin/users">choose the users again</a>.
# What came of a user, or would come.
bulk-outcome-done = Done
bulk-outcome-failed = Failed
bulk-outcome-refused = Refused
bulk-outcome-to-do = To be done
bulk-outcome-unchanged = So already
bulk-pause = Pause
bulk-preview-caption = What would come of users
bulk-preview-change = All that the run changes is one change, which can be undone as a whole. The preview is good for an hour.
bulk-preview-do = { $count ->
    [one] Do it to { $count } user
   *[other] Do it to { $count } users
}
bulk-preview-first = The first { $count }
bulk-preview-inactive = Who was active on { $day } or later is left out.
bulk-preview-lead = Nothing is done yet. This is what would come of it now; each user is judged again when their turn comes.
# Stands below their number.
bulk-preview-mails = { $count ->
    [one] Mail would go out
   *[other] Mails would go out
}
bulk-preview-nothing = There is nothing to be done. <a href="/admin/users">Choose others</a>
bulk-preview-outcome = What would come of it
bulk-preview-purge = Who is purged is gone for good, and so are the details of what they did. This can't be undone.
bulk-preview-refusals = Why some would be refused
bulk-preview-refused = Would be refused
bulk-preview-total = { $count ->
    [one] User in all
   *[other] Users in all
}
bulk-preview-warn = Each gets a mail, which can't be taken back. The preview is good for an hour.
bulk-preview-who = Who they are
bulk-previewed = Previewed
bulk-progress = Progress
bulk-refusals = Why some were refused
bulk-resume = Resume
# How far a run is, at its page, and in the list.
bulk-run-failed = Failed
bulk-run-finished = Finished
bulk-run-paused = Paused
bulk-run-previewed = Previewed, and not begun
bulk-run-running = Going on
bulk-state-failed = Failed
bulk-state-finished = Finished
bulk-state-paused = Paused
bulk-state-previewed = Previewed
bulk-state-running = Running
# What a sentence about a field begins with.
bulk-subject-action = The action
bulk-subject-attribute = The attribute
bulk-subject-filter = In the filter,
bulk-subject-role = The role
bulk-subject-until = The day
bulk-subject-value = The value
bulk-undoes = Undoes
bulk-undoes-change = another change
bulk-until = Until { $when } ({ $zone }).
bulk-value-taken = taken away

bin-caption = Deleted users
bin-deleted = Deleted ({ $zone })
bin-empty = It is empty.
bin-kept = Kept until ({ $zone })
bin-lead = Deleted users stay here for 30 days with all that is theirs. Then they are gone for good.
bin-purge-all = Purge all …
bin-purge-label = Purge { $name }
bin-restore = Restore …
bin-restore-label = Restore { $name }
