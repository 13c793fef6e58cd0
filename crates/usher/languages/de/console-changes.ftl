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
dashboard-queues = Was wartet und was aufgegeben wurde
dashboard-queues-count = Anzahl
dashboard-queues-lead = Aufträge und Mails, derzeit.
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
analytics-fault-too-long = Höchstens 1.096 Tage.
analytics-fault-too-many-periods = Das sind zu viele Abschnitte: Nehmen Sie einen kürzeren Zeitraum, oder Wochen.
analytics-fault-years = Ein Tag der Jahre 2000 bis 2999.

chart-active-users = Aktive Benutzer
chart-amount = { $name }: { $count }
chart-as-table = Als Tabelle
chart-as-table-of = { $title } als Tabelle
chart-days = Tage
chart-factor = Zweiter Faktor
chart-factor-any = Eines von beiden
chart-factor-app = Eine Authenticator-App
chart-factor-none = Keines von beiden
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
changes-by-hint = Der Name oder die Adresse eines Benutzers, oder die Id eines Benutzers oder eines Programms.
changes-by-hint-id = Die Id eines Benutzers oder eines Programms.
changes-by-fault = Eine Id ist eine UUID, etwa 0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d.
changes-caption = Änderungen, die neueste zuerst
changes-lead = Was jemand an anderem als dem eigenen Konto geändert hat. Eine Sammeländerung zählt als eine Änderung.
changes-none = Noch hat niemand etwas geändert.
changes-of = An
changes-request = Anfrage
changes-unknown = Niemand hat diesen Namen oder diese Adresse, oder Sie dürfen ihn nicht sehen. Eine Id ist eine UUID, etwa 0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d.
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
audit-of-hint = Die Id dessen, woran es geschehen ist, oder der Name oder die Adresse eines Benutzers.
audit-of-hint-id = Die Id dessen, woran es geschehen ist.
audit-of-the-same = Alles an demselben
audit-place = Platz im Protokoll
audit-place-number = { $number }, gezählt ab 0
audit-place-waits = Wartet auf die Versiegelung
audit-seal = Das Siegel
audit-with = Mit

seal-changed = Etwas ist nicht, wie es versiegelt wurde.
seal-changed-event = Das Ereignis, wie es jetzt da ist
seal-changed-rest = Das ist das erste, was nicht passt; was danach kommt, wurde nicht angesehen. In den Worten des Befehls:
seal-checkpoint = Der neueste Prüfpunkt
seal-checkpoint-keep = Bewahren Sie ihn woanders auf, wie er ist: Mit ihm lässt sich später sagen, ob das Protokoll abgeschnitten oder neu geschrieben wurde.
seal-events = Versiegelte Ereignisse
seal-good = Dieser Teil ist in Ordnung.
seal-good-beside = Unter den neuesten { $count } Ereignissen steht keines neben dem Protokoll, und keines, das auf die Versiegelung wartet, fehlt.
seal-good-dropped = { $count ->
    [one] Aber { $count } davon wurde nach Ablauf der Frist entfernt: Sein Hash passt, was es war, ist nicht mehr da.
   *[other] Aber { $count } davon wurden nach Ablauf der Frist entfernt: Ihre Hashes passen, was sie waren, ist nicht mehr da.
}
seal-good-erased = { $count ->
    [one] Aber die Einzelheiten von { $count } davon sind gelöscht: Ob das richtig war, sagt das Siegel nicht.
   *[other] Aber die Einzelheiten von { $count } davon sind gelöscht: Ob das richtig war, sagt das Siegel nicht.
}
seal-good-events = { $checkpoints ->
    [one] Die Ereignisse { $first } bis { $last } von { $size }, gezählt ab 0, sind, wie sie versiegelt wurden, unter einem Prüfpunkt, den der Schlüssel dieses Servers signiert hat.
   *[other] Die Ereignisse { $first } bis { $last } von { $size }, gezählt ab 0, sind, wie sie versiegelt wurden, unter { $checkpoints } Prüfpunkten, deren letzten der Schlüssel dieses Servers signiert hat.
}
seal-good-other-keys = { $count ->
    [one] { $count } Prüfpunkt ist von einem anderen Schlüssel signiert, der nicht angesehen wurde; was er signiert hat, steht unter einem späteren.
   *[other] { $count } Prüfpunkte sind von anderen Schlüsseln signiert, die nicht angesehen wurden; was sie signiert haben, steht unter einem späteren.
}
seal-heading = Das Siegel
seal-last = Zuletzt versiegelt ({ $zone })
seal-lead = Ereignisse werden in einen signierten Baum versiegelt: Eines, das später geändert, verschoben oder entfernt wird, passt nicht mehr dazu.
seal-not = Was nicht geprüft wurde
seal-not-after = { $count ->
    [one] Das { $count } Ereignis danach.
   *[other] Die { $count } Ereignisse danach.
}
seal-not-before = { $count ->
    [one] Das { $count } Ereignis davor.
   *[other] Die { $count } Ereignisse davor.
}
seal-not-beside = Ob ein anderes Ereignis neben dem Protokoll steht.
seal-not-cut-off = Ob das Ende abgeschnitten wurde, oder alles neu geschrieben von jemandem, der den Schlüssel hat: Das sagt nur ein Prüfpunkt, der woanders aufbewahrt wurde.
seal-root = Wurzel
seal-signed-by = Signiert von
seal-state = Wie weit es ist
seal-title = Das Siegel des Protokolls
seal-unverified = Hier lässt sich nichts sagen.
seal-unverified-far-apart = Kein Prüfpunkt ist nahe genug, um dort zu beginnen. Lassen Sie den Befehl das ganze Protokoll prüfen.
seal-unverified-nothing = Noch ist nichts versiegelt.
seal-unverified-other-key = Der Prüfpunkt am Ende dieses Teils ist von einem anderen Schlüssel signiert als dem dieses Servers. Lassen Sie den Befehl das ganze Protokoll prüfen.
seal-verify = Prüfen
seal-verify-before = Die davor prüfen
seal-verify-checkpoint = Mit <code>--checkpoint</code> wird es mit einem verglichen, der aufbewahrt wurde.
seal-verify-command = <code>usher audit verify</code>
seal-verify-here = Hier werden einige tausend Ereignisse auf einmal geprüft: gegen ihre Hashes, und diese gegen die Prüfpunkte und den Schlüssel dieses Servers.
seal-verify-lead = Das ganze Protokoll auf einmal prüft auf dem Server
seal-verify-newest = Die neuesten Ereignisse prüfen
seal-waiting = Wartend
seal-waiting-since = { $count }, seit { $when } { $zone }
