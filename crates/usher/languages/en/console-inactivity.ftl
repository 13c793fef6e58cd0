# The console: rules on users who are not active.

inactivity-action = What becomes of them
inactivity-action-delete = They are deleted, into the recycle bin
inactivity-action-suspend = They are suspended
inactivity-action-warn = They are warned by mail, once while they stay away
inactivity-after-days = After so many days
inactivity-after-days-hint = More than so many whole days lie between the last day on which they were active and today. Up to 3650.
inactivity-after-warning = { $count ->
    [one] Only who was warned at least a day ago and has stayed away since.
   *[other] Only who was warned at least { $count } days ago and has stayed away since.
}
inactivity-caption = Rules, by their names
inactivity-changed = Somebody has changed it since the form was shown.
inactivity-disable = Disable
inactivity-disabled = Disabled
inactivity-does-delete = { $count ->
    [one] Deletes, into the recycle bin, whoever was not active for more than a day.
   *[other] Deletes, into the recycle bin, whoever was not active for more than { $count } days.
}
inactivity-does-suspend = { $count ->
    [one] Suspends whoever was not active for more than a day.
   *[other] Suspends whoever was not active for more than { $count } days.
}
inactivity-does-warn = { $count ->
    [one] Warns by mail whoever was not active for more than a day.
   *[other] Warns by mail whoever was not active for more than { $count } days.
}
inactivity-done-to = What was done to it
inactivity-edit = Edit the rule
inactivity-edit-lead = From then on it can do what you may do, and no more.
inactivity-enable = Enable
inactivity-enabled = Enabled
inactivity-error = In its last turn it began nothing, although it should have. Tomorrow it tries again. Why:
inactivity-exempt = Exempt
inactivity-exempt-hint = Whom it is not about, such as { $example }.
inactivity-exempt-nobody = Nobody
inactivity-failed = Failed
inactivity-filter = Whom it is about
inactivity-filter-everybody = Everybody
inactivity-filter-hint = A filter as in the list of users, such as { $example }; everybody when left empty.
inactivity-last-turn = Last turn
inactivity-lead = What becomes of users who stay away. An enabled rule has its turn each midnight of UTC and begins a run in bulk, which is paused and undone like any other.
inactivity-made = Made
inactivity-make = Make a rule
inactivity-may = What it may do
inactivity-may-hint = That of whoever wrote it last. Who holds more than that is left alone.
inactivity-means-delete = It does nothing more. Whom it has warned stays warned; a run that it has begun goes on.
inactivity-means-disable = It does nothing more until it is enabled again. A run that it has begun goes on.
inactivity-means-enable = From the next midnight of UTC on it does each day what it says, without being asked. It can do what you may do, and no more. Look at its preview first.
inactivity-missing-action = Choose what becomes of them.
inactivity-missing-after-days = Say after how many days.
inactivity-missing-name = Give it a name.
inactivity-missing-warned-days = Say how many days before they were warned: nobody is deleted who was not.
inactivity-new = Make a rule on inactivity
inactivity-new-lead = It does nothing until it is enabled: its page shows first whom it would hit. It can do what you may do, and no more.
inactivity-no-number = Write a whole number.
inactivity-nobody = Today it has nothing to do.
inactivity-none = There are none: who stays away stays as they are.
inactivity-not-yours = To change it takes the permission of what it does, which you lack.
inactivity-preview = Preview
inactivity-preview-hint = Shows whom it would hit now, and what would come of it, whether it is enabled or not. From there it can be done at once.
inactivity-preview-lacks = To see whom it would hit takes users:read and the permission of what it does.
inactivity-rule = Rule
inactivity-run = Its newest run
inactivity-subject-action = What becomes of them
inactivity-subject-after-days = The number of days
inactivity-subject-exempt = In the exemption,
inactivity-subject-filter = In the filter,
inactivity-subject-name = The name
inactivity-subject-warned-days = The number of days since the warning
inactivity-warned-days = Days since the warning
inactivity-warned-days-hint = Only who was warned at least so many days ago and was not active since. Needed to delete. Up to 365.
inactivity-warned-unexpected = A warning waits for none: leave it empty.
inactivity-whom = Whom it is about
