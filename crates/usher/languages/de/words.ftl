language-name = Deutsch
writing-direction = ltr
number-mark = .

minutes = { $count ->
    [one] { $count } Minute
   *[other] { $count } Minuten
}
hours = { $count ->
    [one] { $count } Stunde
   *[other] { $count } Stunden
}
days = { $count ->
    [one] { $count } Tag
   *[other] { $count } Tage
}

date = { $day }. { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
} { $year }
month-of-year = { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
} { $year }
moment = { $date }, { $time } Uhr ({ $zone })
moment-short = { $day }. { $month ->
    [1] Jan.
    [2] Feb.
    [3] März
    [4] Apr.
    [5] Mai
    [6] Juni
    [7] Juli
    [8] Aug.
    [9] Sept.
    [10] Okt.
    [11] Nov.
   *[12] Dez.
} { $year }, { $time }

mail-link-fallback = Wenn die Schaltfläche nicht geht, kopieren Sie diesen Link in Ihren Browser:
mail-code-lead = Oder scannen Sie diesen Code mit einem Telefon:
mail-code-name = QR-Code des Links
mail-sent-by = Gesendet von { $product },

mail-event-time = Zeit: { $at }
mail-event-address = Netzadresse: { $address }
mail-event-program = Programm: { $program }
