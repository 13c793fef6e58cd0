# The frame of the console, and what several of its pages say. What the pages of an account say as well stands there: "Cancel" is
# account-cancel, "Save" profile-save.

# The bar, the navigation, and what the keys do.
# Stands behind the name of the site.
console-here = console
console-menu = Menu
console-search = Search for users
console-keys = Keys
console-keys-choose = Choose the row, or not
console-keys-enter = Enter
console-keys-move = Next and previous row
console-keys-open = Open the row
console-keys-show = Show this
console-close = Close
console-group-access = Access
console-group-happened = What happened
console-group-many = Many at once
console-group-people = People
console-group-system = System
console-place-analytics = Analytics
console-place-attributes = Attributes
console-place-audit = Audit trail
console-place-branding = Branding
console-place-bulk = Runs in bulk
console-place-changes = Changes
console-place-dashboard = Dashboard
console-place-export = Export
console-place-groups = Groups
console-place-health = Health
console-place-imports = Imports
console-place-inactivity = Rules on inactivity
console-place-invitations = Invitations
console-place-mail-texts = Mail texts
console-place-mails = Mails
console-place-permissions = Permissions
console-place-recycle-bin = Recycle bin
console-place-requests = Requests
console-place-roles = Roles
console-place-service-accounts = Service accounts
console-place-settings = Settings
console-place-signing-keys = Signing keys
console-place-users = Users
# The names of the way to a page.
console-where = Where you are

# What stands on many pages.
console-about = About it
console-actions = What you can do
# A filter that fits everything.
console-any = Any
console-day-hint = A day, as { $zone } has it.
console-delete = Delete
console-description = Description
console-error-day = Write the day as in 2026-12-31.
console-filter = Filter
console-first-page = First page
console-from = From
console-next = Next
console-nobody = Nobody.
# Of addresses, roles, attributes and other things of which there may be many.
console-none = None
# Nothing of a list is what was looked for.
console-nothing-fits = Nothing fits.
console-outcome = Outcome
console-preview = Preview
console-quoted = “{ $text }”
console-reactivate = Reactivate
console-reason = Reason
console-reason-hint = For those who look at it later; kept in the audit trail.
console-refused = Refused
console-restore = Restore
console-role = Role
console-show = Show
console-show-all = Show all
console-state = State
console-status = Status
console-status-active = Active
console-status-deleted = Deleted
console-status-pending = Pending
console-status-suspended = Suspended
console-suspend = Suspend
console-times = (times in { $zone })
console-to-end = To the end of
console-until = Until the end of
console-until-hint = A day, as { $zone } has it. Empty: for good.
console-user = User
console-what = What
# The head of a column of times.
console-when = When ({ $zone })
console-why = Why
console-users-about = About { $count } users
console-users-count = { $count ->
    [one] { $count } user
   *[other] { $count } users
}

# How far an import is.
console-import-classifying = Being judged
console-import-failed = Failed
console-import-finished = Finished
console-import-paused = Paused
console-import-ready = Previewed
console-import-running = Going on
console-import-staging = Being read

# What somebody did. The old value of a field stands behind console-diff-from, the new one behind console-diff-to.
console-diff-from = from
console-diff-to = to
# Stands where a field had no value, or has none.
console-nothing = nothing
console-erased = Its details were erased with a person who was purged.
console-event-by = { $when } { $zone }, by { $who }
# { $address } is that of a network.
console-event-from = { $when } { $zone }, by { $who }, from { $address }
console-undo = Undo …
console-undo-label = Undo: { $what }, { $when }

console-created = Created
console-changed = Changed
console-id = Id
console-by = By
console-history = History
console-edit-named = Edit: { $name }
