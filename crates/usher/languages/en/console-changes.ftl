# The pages of the console about what happens: dashboard, analytics, changes, the audit trail and its seal.

dashboard-about = about
dashboard-activity = Activity
dashboard-alarming = – look at it
dashboard-all-changes = All changes
dashboard-by-day = 30 days
dashboard-by-month = A year
dashboard-by-week = 26 weeks
dashboard-counted = Counted { $at }. Older than a minute, it is counted anew while you look.
dashboard-days = (days of UTC)
# These stand below their number.
dashboard-deleted = In the recycle bin
dashboard-work-jobs-given-up = Jobs given up
dashboard-work-jobs-waiting = Jobs that wait
dashboard-work-mails-given-up = Mails given up
dashboard-work-mails-held = Mails held without a mail server
dashboard-work-mails-waiting = Mails that wait
dashboard-more = More
dashboard-newest = Newest changes
dashboard-periods = Length of the periods
dashboard-queues = What waits and what was given up
dashboard-queues-count = How many
dashboard-queues-lead = Jobs and mails, as of now.
dashboard-too-much = Counting takes the database too long just now. Look again in a minute.
dashboard-waiting = Background work

analytics-by = In periods of
analytics-by-day = Days
analytics-by-month = Months
analytics-by-week = Weeks
analytics-cohorts = Who came back
analytics-cohorts-lead = Of those who signed up in a month, the share that was active in that month and in those after it. Below it how many they are.
analytics-counts = Counts
analytics-lead = Who comes, who stays, and what keeps accounts safe. Days are those of UTC; all is counted anew from what is there.
analytics-same-month = Same month
analytics-signed-up = Signed up in
analytics-too-much = Counting takes the database too long just now. Take a shorter range, or look again in a minute.
# What is wrong with the range.
analytics-fault-after-to = The last day comes before the first.
analytics-fault-too-long = At most 1,096 days.
analytics-fault-too-many-periods = That are too many periods: take a shorter range, or weeks.
analytics-fault-years = A day of the years 2000 to 2999.

chart-active-users = Active users
# One of what a picture shows, for who does not see it.
chart-amount = { $name }: { $count }
chart-as-table = As a table
chart-as-table-of = { $title } as a table
chart-days = Days
# In a table of second factors: who has this one or that one.
chart-factor = Second factor
chart-factor-any = Either
chart-factor-app = An authenticator app
chart-factor-none = Neither
chart-factor-passkey = A passkey
chart-factors-lead = Who of { $count } users has bound one.
chart-highest = Highest: { $count }
chart-inactive = Not active
chart-inactive-lead = Of { $count } users, for more than so many days.
chart-invitations = Invitations
chart-invitations-accepted = Accepted
chart-invitations-not-accepted = Not accepted
# What the picture shows, for who does not see it. { $day } is like 31 January 2026.
chart-most = The most were { $count }, from { $day } on. The table below has every number.
chart-nothing = Nothing was counted.
chart-share = Share
chart-sign-ins = Sign-ins
chart-sign-ins-failed = Failed
chart-sign-ins-succeeded = Succeeded
chart-sign-ups = Sign-ups
chart-total = { $count } in all

changes-by = By
changes-by-hint = The name or address of a user, or the id of a user or a program.
changes-by-hint-id = The id of a user or a program.
changes-by-fault = An id is a UUID, such as 0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d.
changes-caption = Changes, the newest first
changes-lead = What somebody has changed that is not their own. A run in bulk is one change.
changes-none = Nobody has changed anything yet.
# Whom or what it happened to.
changes-of = Of
# The number of a request.
changes-request = Request
changes-unknown = There is nobody of this name or address, or you may not see them. An id is a UUID, such as 0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d.
changes-what-hint = Such as user.suspended.

change-members = What belongs to it
# The links in change-was-undone: one, or several with a number.
change-undone = undone
change-undone-numbered = undone { $number }
change-was-undone = It was undone, all of it or a part: { $undoing }.

undo-after = The change made it
undo-all = All of it
undo-back = Back
undo-caption = Conflicts
# Stands below the number.
undo-conflict-count = { $count ->
    [one] Conflict
   *[other] Conflicts
}
undo-conflicts = Changed since, or not to be changed back
undo-do = Undo it
undo-fault = Something has been changed since. Say that the rest is to be undone, or leave it.
undo-field = Field
undo-large = It is large: a run in the background undoes it, { $count } in all, and leaves out what has been changed since.
undo-lead = Nothing is undone yet. What nobody has changed since is changed back; nothing else is overwritten.
undo-leave = Leave it
undo-nothing = There is nothing to undo: everything is as it was before.
undo-now = Now it is
undo-skip = Leave out what is in conflict, and undo the rest
undo-title = Undo a change
undo-unchanged = As before already
undo-undone = Would be changed back
# Behind a field: a link to the user.
undo-whose = (whose)

audit-api-key = API key
audit-by-the-same = All by the same
audit-caption = Events, the newest first
audit-change = The change it belongs to
audit-changed = What it changed
audit-erased-seal = The seal still holds.
audit-event = Event
audit-lead = All that has happened: changes, sign-ins and refusals, whoever did it.
audit-like-it = All like it
audit-of-hint = The id of what it happened to, or the name or address of a user.
audit-of-hint-id = The id of what it happened to.
audit-of-the-same = All of the same
audit-place = Place in the log
audit-place-number = { $number }, counted from 0
audit-place-waits = Waits to be sealed
audit-seal = Its seal
# The program that somebody used.
audit-with = With

seal-changed = Something is not as it was sealed.
seal-changed-event = The event as it is there now
seal-changed-rest = This is the first that does not fit; what comes after it was not looked at. In the words of the command:
seal-checkpoint = The newest checkpoint
seal-checkpoint-keep = Keep it elsewhere, as it is: with it one can tell later whether the log was cut off or written anew.
seal-events = Sealed events
seal-good = This part is good.
seal-good-beside = Among the newest { $count } events of the trail none stands beside the log, and none that waits to be sealed is missing.
seal-good-dropped = { $count ->
    [one] But { $count } of them was dropped by retention: its hash is good, what it was is not there.
   *[other] But { $count } of them were dropped by retention: their hashes are good, what they were is not there.
}
seal-good-erased = { $count ->
    [one] But the details of { $count } of them are erased: whether that was right is not told by the seal.
   *[other] But the details of { $count } of them are erased: whether that was right is not told by the seal.
}
seal-good-events = { $checkpoints ->
    [one] Events { $first } to { $last } of { $size }, counted from 0, are as they were sealed, under one checkpoint, which the key of this server has signed.
   *[other] Events { $first } to { $last } of { $size }, counted from 0, are as they were sealed, under { $checkpoints } checkpoints, the last of which the key of this server has signed.
}
seal-good-other-keys = { $count ->
    [one] { $count } checkpoint is signed by another key, which was not looked at; what it signed is under a later one.
   *[other] { $count } checkpoints are signed by other keys, which were not looked at; what they signed is under a later one.
}
seal-heading = The seal
seal-last = Sealed last ({ $zone })
seal-lead = Events are sealed into a signed tree: one that is changed, moved or removed later no longer fits it.
seal-not = What was not verified
seal-not-after = { $count ->
    [one] The { $count } event after these.
   *[other] The { $count } events after these.
}
seal-not-before = { $count ->
    [one] The { $count } event before these.
   *[other] The { $count } events before these.
}
seal-not-beside = Whether another event stands beside the log.
seal-not-cut-off = Whether the end was cut off, or all of it written anew by somebody who has the key: only a checkpoint that was kept elsewhere can tell.
seal-root = Root
seal-signed-by = Signed by
seal-state = How far it is
seal-title = The seal of the audit trail
seal-unverified = Nothing can be said here.
seal-unverified-far-apart = There is no checkpoint near enough to begin with. Let the command verify the whole log.
seal-unverified-nothing = Nothing has been sealed yet.
seal-unverified-other-key = The checkpoint at the end of this part is signed by another key than that of this server. Let the command verify the whole log.
seal-verify = Verify it
seal-verify-before = Verify those before
seal-verify-checkpoint = With <code>--checkpoint</code> it is held against one that was kept.
seal-verify-command = <code>usher audit verify</code>
seal-verify-here = Here some thousand events are verified at a time: against their hashes, and these against the checkpoints and the key of this server.
seal-verify-lead = The whole log at once is verified on the server, by
seal-verify-newest = Verify the newest events
seal-waiting = Waiting
seal-waiting-since = { $count }, since { $when } { $zone }
