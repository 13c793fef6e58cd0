dashboard-about = etwa
dashboard-activity = Aktivität
dashboard-alarming = – sehen Sie nach
dashboard-all-changes = Alle Änderungen
dashboard-by-day = 30 Tage
dashboard-by-month = Ein Jahr
dashboard-by-week = 26 Wochen
dashboard-counted = Gezählt { $at }. Was älter als eine Minute ist, wird beim Ansehen neu gezählt.
dashboard-days = (Tage in UTC)
dashboard-deleted = Im Papierkorb
dashboard-work-jobs-given-up = Aufgegebene Aufträge
dashboard-work-jobs-waiting = Wartende Aufträge
dashboard-work-mails-given-up = Aufgegebene Mails
dashboard-work-mails-held = Mails ohne Mailserver
dashboard-work-mails-waiting = Wartende Mails
dashboard-more = Mehr
dashboard-newest = Neueste Änderungen
dashboard-periods = Länge der Abschnitte
dashboard-too-much = Das Zählen dauert der Datenbank gerade zu lange. Sehen Sie in einer Minute wieder nach.
dashboard-waiting = Arbeit im Hintergrund

analytics-by = In Abschnitten von
analytics-by-day = Tagen
analytics-by-month = Monaten
analytics-by-week = Wochen
analytics-cohorts = Wer wiedergekommen ist
analytics-cohorts-lead = Von denen, die sich in einem Monat registriert haben, der Anteil, der in diesem Monat und in den Monaten danach aktiv war. Darunter, wie viele das sind.
analytics-counts = Zahlen
analytics-lead = Wer kommt, wer bleibt, und was die Konten schützt. Tage sind die von UTC; alles wird neu aus dem gezählt, was da ist.
analytics-same-month = Im selben Monat
analytics-signed-up = Registriert im
analytics-too-much = Das Zählen dauert der Datenbank gerade zu lange. Nehmen Sie einen kürzeren Zeitraum, oder sehen Sie in einer Minute wieder nach.
analytics-fault-after-to = Der letzte Tag liegt vor dem ersten.
analytics-fault-too-long = Höchstens 1096 Tage.
analytics-fault-too-many-periods = Das sind zu viele Abschnitte: Nehmen Sie einen kürzeren Zeitraum, oder Wochen.
analytics-fault-years = Ein Tag der Jahre 2000 bis 2999.

chart-active-users = Aktive Benutzer
chart-as-table = Als Tabelle
chart-as-table-of = { $title } als Tabelle
chart-days = Tage
chart-factor = Zweiter Faktor
chart-factor-any = Eines von beiden
chart-factor-app = Eine Authenticator-App
chart-factor-passkey = Ein Passkey
chart-factors-lead = { $count ->
    [one] Ob { $count } Benutzer einen eingerichtet hat.
   *[other] Wer von { $count } Benutzern einen eingerichtet hat.
}
chart-highest = Höchstwert: { $count }
chart-inactive = Nicht aktiv
chart-inactive-lead = { $count ->
    [one] Von { $count } Benutzer, seit mehr als so vielen Tagen.
   *[other] Von { $count } Benutzern, seit mehr als so vielen Tagen.
}
chart-invitations = Einladungen
chart-invitations-accepted = Angenommen
chart-invitations-not-accepted = Nicht angenommen
chart-most = Am meisten waren es { $count }, ab { $day }. Die Tabelle darunter hat jede Zahl.
chart-nothing = Es wurde nichts gezählt.
chart-share = Anteil
chart-sign-ins = Anmeldungen
chart-sign-ins-failed = Fehlgeschlagen
chart-sign-ins-succeeded = Gelungen
chart-sign-ups = Registrierungen
chart-total = { $count } insgesamt

changes-by = Durch
changes-by-hint = Die Id eines Benutzers oder eines Programms.
changes-by-fault = Eine Id ist eine UUID, etwa 0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d.
changes-caption = Änderungen, die neueste zuerst
changes-lead = Was jemand an anderem als dem eigenen Konto geändert hat. Eine Sammeländerung zählt als eine Änderung.
changes-none = Noch hat niemand etwas geändert.
changes-of = An
changes-request = Anfrage
changes-what-hint = Etwa user.suspended.

change-members = Was dazu gehört
change-undone = rückgängig gemacht
change-undone-numbered = rückgängig gemacht { $number }
change-was-undone = Sie wurde rückgängig gemacht, ganz oder zum Teil: { $undoing }.

undo-after = Die Änderung ergab
undo-all = Alles
undo-back = Zurück
undo-caption = Konflikte
undo-conflict-count = { $count ->
    [one] Konflikt
   *[other] Konflikte
}
undo-conflicts = Seither geändert, oder nicht zurückzuändern
undo-do = Rückgängig machen
undo-fault = Etwas wurde seither geändert. Sagen Sie, dass der Rest rückgängig gemacht werden soll, oder lassen Sie es.
undo-field = Feld
undo-large = Sie ist groß: Ein Lauf im Hintergrund macht sie rückgängig, { $count } insgesamt, und lässt aus, was seither geändert wurde.
undo-lead = Noch ist nichts rückgängig gemacht. Was seither niemand geändert hat, wird zurückgeändert; sonst wird nichts überschrieben.
undo-leave = So lassen
undo-nothing = Es gibt nichts rückgängig zu machen: Alles ist, wie es vorher war.
undo-now = Jetzt ist es
undo-skip = Auslassen, was im Konflikt steht, und den Rest rückgängig machen
undo-title = Änderung rückgängig machen
undo-unchanged = Schon wie vorher
undo-undone = Würden zurückgeändert
undo-whose = (wessen)

audit-api-key = API-Schlüssel
audit-by-the-same = Alles durch denselben
audit-caption = Ereignisse, das neueste zuerst
audit-change = Die Änderung, zu der es gehört
audit-changed = Was sich geändert hat
audit-erased-seal = Das Siegel hält trotzdem.
audit-event = Ereignis
audit-lead = Alles, was geschehen ist: Änderungen, Anmeldungen und Ablehnungen, von wem auch immer.
audit-like-it = Alle dieser Art
audit-of-hint = Die Id dessen, woran es geschehen ist.
audit-of-the-same = Alles an demselben
audit-place = Platz im Protokoll
audit-place-number = { $number }, gezählt ab 0
audit-place-waits = Wartet auf die Versiegelung
audit-seal = Das Siegel
audit-with = Mit

seal-checkpoint = Der neueste Prüfpunkt
seal-checkpoint-keep = Bewahren Sie ihn woanders auf, wie er ist: Mit ihm lässt sich später sagen, ob das Protokoll abgeschnitten oder neu geschrieben wurde.
seal-events = Versiegelte Ereignisse
seal-heading = Das Siegel
seal-last = Zuletzt versiegelt ({ $zone })
seal-lead = Ereignisse werden in einen signierten Baum versiegelt: Eines, das später geändert, verschoben oder entfernt wird, passt nicht mehr dazu.
seal-root = Wurzel
seal-signed-by = Signiert von
seal-state = Wie weit es ist
seal-title = Das Siegel des Protokolls
seal-verify = Prüfen
seal-verify-checkpoint = Mit <code>--checkpoint</code> wird es mit einem verglichen, der aufbewahrt wurde.
seal-verify-command = <code>usher audit verify</code>
seal-verify-lead = Dazu wird das ganze Protokoll gelesen; das geschieht daher auf dem Server, nicht hier:
seal-waiting = Wartend
seal-waiting-since = { $count }, seit { $when } { $zone }
