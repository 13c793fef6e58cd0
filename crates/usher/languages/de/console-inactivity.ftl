# Die Konsole: Regeln für Benutzer, die nicht aktiv sind.

inactivity-action = Was mit ihnen geschieht
inactivity-action-delete = Sie werden gelöscht, in den Papierkorb
inactivity-action-suspend = Sie werden gesperrt
inactivity-action-warn = Sie werden per Mail gewarnt, einmal, solange sie wegbleiben
inactivity-after-days = Nach so vielen Tagen
inactivity-after-days-hint = Zwischen dem letzten Tag, an dem sie aktiv waren, und heute liegen mehr als so viele ganze Tage. Höchstens 3650.
inactivity-after-warning = { $count ->
    [one] Nur wer vor mindestens einem Tag gewarnt wurde und seither weggeblieben ist.
   *[other] Nur wer vor mindestens { $count } Tagen gewarnt wurde und seither weggeblieben ist.
}
inactivity-caption = Regeln, nach ihren Namen
inactivity-changed = Jemand hat sie geändert, seit das Formular angezeigt wurde.
inactivity-disable = Abschalten
inactivity-disabled = Abgeschaltet
inactivity-does-delete = { $count ->
    [one] Löscht in den Papierkorb, wer mehr als einen Tag nicht aktiv war.
   *[other] Löscht in den Papierkorb, wer mehr als { $count } Tage nicht aktiv war.
}
inactivity-does-suspend = { $count ->
    [one] Sperrt, wer mehr als einen Tag nicht aktiv war.
   *[other] Sperrt, wer mehr als { $count } Tage nicht aktiv war.
}
inactivity-does-warn = { $count ->
    [one] Warnt per Mail, wer mehr als einen Tag nicht aktiv war.
   *[other] Warnt per Mail, wer mehr als { $count } Tage nicht aktiv war.
}
inactivity-done-to = Was mit ihr geschehen ist
inactivity-edit = Regel bearbeiten
inactivity-edit-lead = Von da an darf sie, was Sie dürfen, und nicht mehr.
inactivity-enable = Einschalten
inactivity-enabled = Eingeschaltet
inactivity-error = Zuletzt hat sie nichts begonnen, obwohl sie es hätte tun sollen. Morgen versucht sie es wieder. Der Grund:
inactivity-exempt = Ausgenommen
inactivity-exempt-hint = Für wen sie nicht gilt, etwa { $example }.
inactivity-exempt-nobody = Niemand
inactivity-failed = Fehlgeschlagen
inactivity-filter = Für wen sie gilt
inactivity-filter-everybody = Alle
inactivity-filter-hint = Ein Filter wie in der Liste der Benutzer, etwa { $example }; bleibt er leer, gilt sie für alle.
inactivity-last-turn = Zuletzt an der Reihe
inactivity-lead = Was mit Benutzern geschieht, die wegbleiben. Eine eingeschaltete Regel ist jede Mitternacht (UTC) an der Reihe und beginnt eine Sammeländerung, die sich wie jede andere anhalten und rückgängig machen lässt.
inactivity-made = Angelegt
inactivity-make = Regel anlegen
inactivity-may = Was sie darf
inactivity-may-hint = So viel, wie darf, wer sie zuletzt geschrieben hat. Wer mehr Rechte hat, bleibt unberührt.
inactivity-means-delete = Sie tut nichts mehr. Wen sie gewarnt hat, der bleibt gewarnt; ein Lauf, den sie begonnen hat, geht weiter.
inactivity-means-disable = Sie tut nichts mehr, bis sie wieder eingeschaltet wird. Ein Lauf, den sie begonnen hat, geht weiter.
inactivity-means-enable = Ab der nächsten Mitternacht (UTC) tut sie jeden Tag, was sie sagt, ohne dass jemand gefragt wird. Sie darf, was Sie dürfen, und nicht mehr. Sehen Sie sich zuerst ihre Vorschau an.
inactivity-missing-action = Wählen Sie, was mit ihnen geschieht.
inactivity-missing-after-days = Sagen Sie, nach wie vielen Tagen.
inactivity-missing-name = Geben Sie ihr einen Namen.
inactivity-missing-warned-days = Sagen Sie, wie viele Tage vorher sie gewarnt wurden: Niemand wird gelöscht, der nicht gewarnt wurde.
inactivity-new = Regel zur Inaktivität anlegen
inactivity-new-lead = Sie tut nichts, bis sie eingeschaltet wird: Ihre Seite zeigt zuerst, wen sie träfe. Sie darf, was Sie dürfen, und nicht mehr.
inactivity-no-number = Schreiben Sie eine ganze Zahl.
inactivity-nobody = Heute hat sie nichts zu tun.
inactivity-none = Es gibt keine: Wer wegbleibt, bleibt, wie er ist.
inactivity-not-yours = Um sie zu ändern, braucht es das Recht zu dem, was sie tut; das haben Sie nicht.
inactivity-preview = Vorschau
inactivity-preview-hint = Zeigt, wen sie jetzt träfe und was daraus würde, ob sie eingeschaltet ist oder nicht. Von dort lässt es sich sofort ausführen.
inactivity-preview-lacks = Um zu sehen, wen sie träfe, braucht es users:read und das Recht zu dem, was sie tut.
inactivity-rule = Regel
inactivity-run = Ihr neuester Lauf
inactivity-subject-action = Was mit ihnen geschieht
inactivity-subject-after-days = Die Zahl der Tage
inactivity-subject-exempt = In der Ausnahme:
inactivity-subject-filter = Im Filter:
inactivity-subject-name = Der Name
inactivity-subject-warned-days = Die Zahl der Tage seit der Warnung
inactivity-warned-days = Tage seit der Warnung
inactivity-warned-days-hint = Nur wer vor mindestens so vielen Tagen gewarnt wurde und seither nicht aktiv war. Zum Löschen nötig. Höchstens 365.
inactivity-warned-unexpected = Eine Warnung wartet auf keine: Lassen Sie es leer.
inactivity-whom = Für wen sie gilt
