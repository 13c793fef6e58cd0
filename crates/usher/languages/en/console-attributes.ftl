# The schema of attributes in the console.

schema-add = Add the attribute
schema-badge-claim = Claim { $claim }
schema-badge-pii = Personal
schema-badge-public = Public
schema-badge-required = Required
schema-badge-searchable = Searchable
schema-badge-self = Seen by the person
schema-badge-self-editable = Changed by the person
schema-badge-unique = Unique
schema-building = A new version waits for its indexes
schema-cancel = Cancel
schema-caption = Attributes of users
schema-changed-meanwhile = Somebody has changed the schema since this form was shown. Look at what is there now; if you send this once more, it holds.
schema-checking = A new version waits until all users are checked
schema-choose = Choose …
schema-column-after = After
schema-column-attribute = Attribute
schema-column-before = Before
schema-column-holds = Holds
schema-column-index = Index
schema-column-rules = Rules
schema-column-user = User
schema-done = { $done } of { $total } users
schema-dropped = is not in this schema: rename it or remove it first
schema-edit-title = Edit { $name }
schema-facts = About
schema-hint-claim = The claim that carries it in access tokens, if the person sees it too. All claims together: 2 KiB.
schema-hint-description = What it is for, for whoever fills it in.
schema-hint-length = In characters.
schema-hint-max-length = In characters; 500 at most with an index.
schema-hint-name = As programs and filters call it: letters, digits and underscores, such as department.
schema-hint-options = One in each line. Empty: anything that fits.
schema-hint-pattern = A regular expression, such as ^[0-9]{ "{" }6{ "}" }$.
schema-hint-pii = It is data about the person. Who reads the audit trail and may not read users sees that it changed, and no value.
schema-hint-required = Every user has one. Sign-up and invitations give none: they are closed then.
schema-hint-schema = JSON Schema, draft 2020-12, with the keywords that are described for <code>/v1/attribute-schema</code>.
schema-hint-searchable = Lists of users can be filtered by it. It gets an index.
schema-hint-self-editable = At their own profile. They must be able to see it.
schema-hint-title = What people call it, at forms and lists.
schema-hint-unique = No two users have the same, whatever its case. It gets an index.
schema-hint-visibility = Administrators always do.
schema-history = History
schema-history-by = by { $who }
schema-history-refused = Refused
schema-holders = Who has one
schema-holders-of = Who has { $name }
schema-in-force = In force
schema-index-again = Try again
schema-index-again-lead = Indexes that could not be built are tried again every ten minutes.
schema-index-building = Being built
schema-index-failed = Not built
schema-index-ready = Ready
schema-kind-array = List
schema-kind-boolean = Yes or no
schema-kind-date = Date
schema-kind-date-time = Date and time
schema-kind-email = E-mail address
schema-kind-integer = Whole number
schema-kind-list = List of texts
schema-kind-missing = Choose what it holds.
schema-kind-number = Number
schema-kind-object = Object
schema-kind-text = Text
schema-kind-uri = Web address
schema-label-claim = Claim
schema-label-description = Description
schema-label-kind = What it holds
schema-label-max-items = Most entries
schema-label-max-length = Greatest length
schema-label-maximum = Greatest value
schema-label-min-items = Fewest entries
schema-label-min-length = Least length
schema-label-minimum = Least value
schema-label-name = Name
schema-label-options = Choices
schema-label-pattern = Pattern
schema-label-pii = Personal data
schema-label-required = Required
schema-label-schema = Schema
schema-label-searchable = Searchable
schema-label-self-editable = The person may change it
schema-label-title = Title
schema-label-to = New name
schema-label-unique = Unique
schema-label-unique-items = No entry twice
schema-label-visibility = Who sees it
schema-lead = What is known of every user beside the profile, and what it may hold. Whoever writes attributes is held to it: by the API, imports and forms.
schema-limit-above = More than { $value }
schema-limit-below = Less than { $value }
schema-limit-choices = { $more ->
    [0] One of: { $choices }
   *[other] One of: { $choices } and { $more } more
}
schema-limit-differ = No entry twice
schema-limit-each = Each: { $limit }
schema-limit-entries = Entries
schema-limit-length = Length
schema-limit-members = Members
schema-limit-multiple = A multiple of { $value }
schema-limit-pattern = Matches { $value }
schema-limit-range = { $shape ->
    [least] { $what } at least { $least }
    [most] { $what } at most { $most }
    [same] { $what } { $least }
   *[both] { $what } { $least } to { $most }
}
schema-limit-value = Value
schema-limit-with = With { $names }
schema-look-again = Look again
schema-moving = Attributes are being renamed or removed
schema-moving-lead = The new names count already. The schema can be changed when all users have been moved.
schema-moving-remove = <code>{ $name }</code> is removed
schema-moving-rename = <code>{ $from }</code> becomes <code>{ $to }</code>
schema-name-missing = Give the attribute a name.
schema-name-taken = There is an attribute of this name already.
schema-name-wrong = A name begins with a letter. Letters, digits and underscores may follow: 63 in all.
schema-new = New attribute …
schema-new-title = New attribute
schema-no-fields = There are no fields for what this one may hold: it is changed in the <a href="/admin/attributes/schema">whole schema</a>. The rest can be changed here.
schema-no-number = Write a number. Lengths and counts are whole ones.
schema-none = There are no attributes yet
schema-none-check = Wrong values are refused, wherever they come from.
schema-none-filter = Users can be searched by them: everybody in a department, everybody with a licence.
schema-none-self = People see and change what is theirs to see and change, at their own profile.
schema-none-what = A department, a number on a badge, the size of a shirt: what you want to know of users and no profile has a field for. As yet everything fits, and nothing can be searched.
schema-nothing = nothing
schema-others = Other attributes
schema-others-allowed = Users may have others too, with anything in them
schema-others-refused = Refused: users have these and no others
schema-part-rules = Rules
schema-part-values = Values
schema-part-values-hint = What is empty does not count.
schema-part-what = What it is
schema-part-who = Who sees and changes it
schema-preview = Preview
schema-preview-title = What would come of it
schema-refused = The last version did not come into force
schema-refused-lead = { $count ->
    [one] One user does not fit it. What was in force before holds. Mend their attributes, then make the change again.
   *[other] { $count } users do not fit it. What was in force before holds. Mend their attributes, then make the change again. These are the first:
}
schema-remove = Remove …
schema-remove-claim = Tokens carry the claim <code>{ $claim }</code> no more.
schema-remove-filters = Filters that name <code>{ $name }</code> are refused from then on: look at rules on inactivity and at what others have kept.
schema-remove-it = Remove { $name } …
schema-remove-means = What users have there goes, also of those in the recycle bin. It stays in their histories, from which undoing the change brings it back.
schema-remove-property = The attribute leaves the schema too.
schema-remove-required = It is required now; then nobody needs it.
schema-remove-this = Remove the attribute
schema-remove-title = Remove { $name }
schema-remove-users = { $count ->
    [0] Nobody has it.
    [one] One user has it.
   *[other] { $count } users have it.
}
schema-rename = Rename …
schema-rename-claim = The claim <code>{ $claim }</code> stays as it is.
schema-rename-filters = Programs, filters and files of users that say <code>{ $from }</code> have to say <code>{ $to }</code>.
schema-rename-index = Its index is built anew.
schema-rename-it = Rename the attribute
schema-rename-lead = The schema has the new name at once, and all users are moved to it. Their values stay.
schema-rename-title = Rename { $name }
schema-rename-users = { $count ->
    [0] Nobody has it.
    [one] One user has it.
   *[other] { $count } users have it.
}
schema-sample = Some of them:
schema-save = Save
schema-title = Attributes
schema-under-way = Another change of the schema is under way. Wait until it is done, then send this again.
schema-unshown = It says more than there are fields for, and that stays as it is: { $keywords }.
schema-version = Version { $version }
schema-violated = { $count ->
    [one] One user does not fit. Nothing is changed.
   *[other] { $count } users do not fit. Nothing is changed.
}
schema-violated-first = These are the first { $count } faults.
schema-violated-lead = Mend their attributes, or say it otherwise, and send it again. What you have typed is below.
schema-violated-title = Who does not fit
schema-visibility-admin = Administrators
schema-visibility-public = Whoever may see the person
schema-visibility-self = The person too
schema-waits = Waits
schema-waits-lead = Whatever is written fits the new version already. Until it is in force, a change made here takes its place and keeps what it says.
schema-where = Where you are
schema-whole = Whole schema …
schema-whole-lead = All attributes as one document, with what the forms have no fields for. To rename or remove one that users have, use its own page: what merely has another name here is another attribute.
schema-whole-malformed = This is not well-formed JSON: look at line { $line }, column { $column }.
schema-whole-title = Whole schema
schema-whole-too-long = This schema is longer than a form can send. The command <code>usher attributes set</code> and the API take it.
schema-whole-wrong = The schema can't be taken. What is wrong stands below, each with its place.
