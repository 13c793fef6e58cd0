# What is said of the language itself, and of times.

language-name = English
writing-direction = ltr
# What stands between thousands: a comma, a full stop, ’ or a narrow no-break space.
number-mark = ,

minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}

# { $month } is 1 to 12, { $year } and { $day } are written as digits.
date = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }
month-of-year = { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }
# { $time } is like 14:05.
moment = { $date }, { $time } { $zone }
# In a table; the head of its column says the zone.
moment-short = { $day } { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
} { $year }, { $time }

# The frame of mails.
mail-link-fallback = If the button does not work, copy this link into your browser:
mail-code-lead = Or scan this code with a phone:
mail-code-name = QR code of the link
mail-sent-by = Sent by { $product },

# What a mail tells of an event, a line each.
mail-event-time = Time: { $at }
mail-event-address = Network address: { $address }
mail-event-program = Program: { $program }
