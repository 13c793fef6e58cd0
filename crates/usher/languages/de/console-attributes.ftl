# Das Schema der Attribute in der Konsole.

schema-add = Attribut anlegen
schema-badge-claim = Claim { $claim }
schema-badge-pii = Personenbezogen
schema-badge-public = Öffentlich
schema-badge-required = Pflicht
schema-badge-searchable = Suchbar
schema-badge-self = Für die Person sichtbar
schema-badge-self-editable = Von der Person änderbar
schema-badge-unique = Eindeutig
schema-building = Eine neue Version wartet auf ihre Indizes
schema-cancel = Abbrechen
schema-caption = Attribute von Benutzern
schema-changed-meanwhile = Jemand hat das Schema geändert, seit dieses Formular angezeigt wurde. Sehen Sie nach, was jetzt dort steht; wenn Sie es noch einmal senden, gilt dieses.
schema-checking = Eine neue Version wartet, bis alle Benutzer geprüft sind
schema-choose = Bitte wählen …
schema-column-after = Nachher
schema-column-attribute = Attribut
schema-column-before = Vorher
schema-column-holds = Enthält
schema-column-index = Index
schema-column-rules = Regeln
schema-column-user = Benutzer
schema-done = { $done } von { $total } Benutzern
schema-dropped = kommt in diesem Schema nicht vor: Benennen Sie es zuerst um, oder entfernen Sie es
schema-edit-title = { $name } bearbeiten
schema-facts = Angaben
schema-hint-claim = Der Claim, der es in Access-Tokens trägt, wenn auch die Person es sieht. Alle Claims zusammen: 2 KiB.
schema-hint-description = Wozu es da ist, für alle, die es ausfüllen.
schema-hint-length = In Zeichen.
schema-hint-max-length = In Zeichen; mit Index höchstens 500.
schema-hint-name = So nennen es Programme und Filter: Buchstaben, Ziffern und Unterstriche, etwa department.
schema-hint-options = In jeder Zeile eine. Leer: alles, was passt.
schema-hint-pattern = Ein regulärer Ausdruck, etwa ^[0-9]{ "{" }6{ "}" }$.
schema-hint-pii = Es sagt etwas über die Person aus. Wer das Protokoll lesen darf und Benutzer nicht, sieht, dass es sich geändert hat, aber keinen Wert.
schema-hint-required = Jeder Benutzer hat eines. Registrierung und Einladungen vergeben keines: Sie sind dann geschlossen.
schema-hint-schema = JSON Schema, Entwurf 2020-12, mit den Schlüsselwörtern, die für <code>/v1/attribute-schema</code> beschrieben sind.
schema-hint-searchable = Listen von Benutzern lassen sich danach filtern. Es bekommt einen Index.
schema-hint-self-editable = In ihrem eigenen Profil. Sie muss es sehen dürfen.
schema-hint-title = So heißt es in Formularen und Listen.
schema-hint-unique = Keine zwei Benutzer haben dasselbe, ob groß oder klein geschrieben. Es bekommt einen Index.
schema-hint-visibility = Die Administration immer.
schema-history = Verlauf
schema-history-by = von { $who }
schema-history-refused = Abgelehnt
schema-holders = Wer eines hat
schema-holders-of = Wer { $name } hat
schema-in-force = In Kraft
schema-index-again = Noch einmal versuchen
schema-index-again-lead = Indizes, die nicht gebaut werden konnten, werden alle zehn Minuten noch einmal versucht.
schema-index-building = Wird gebaut
schema-index-failed = Nicht gebaut
schema-index-ready = Bereit
schema-kind-array = Liste
schema-kind-boolean = Ja oder nein
schema-kind-date = Datum
schema-kind-date-time = Datum und Uhrzeit
schema-kind-email = E-Mail-Adresse
schema-kind-integer = Ganze Zahl
schema-kind-list = Liste von Texten
schema-kind-missing = Wählen Sie, was es enthält.
schema-kind-number = Zahl
schema-kind-object = Objekt
schema-kind-text = Text
schema-kind-uri = Webadresse
schema-label-claim = Claim
schema-label-description = Beschreibung
schema-label-kind = Was es enthält
schema-label-max-items = Höchstzahl der Einträge
schema-label-max-length = Größte Länge
schema-label-maximum = Größter Wert
schema-label-min-items = Mindestzahl der Einträge
schema-label-min-length = Kleinste Länge
schema-label-minimum = Kleinster Wert
schema-label-name = Name
schema-label-options = Auswahl
schema-label-pattern = Muster
schema-label-pii = Personenbezogene Daten
schema-label-required = Pflicht
schema-label-schema = Schema
schema-label-searchable = Suchbar
schema-label-self-editable = Die Person darf es ändern
schema-label-title = Titel
schema-label-to = Neuer Name
schema-label-unique = Eindeutig
schema-label-unique-items = Kein Eintrag doppelt
schema-label-visibility = Wer es sieht
schema-lead = Was Sie von allen Benutzern neben dem Profil wissen, und was darin stehen darf. Wer Attribute schreibt, ist daran gebunden: über die API, durch Importe und in Formularen.
schema-limit-above = Mehr als { $value }
schema-limit-below = Weniger als { $value }
schema-limit-choices = { $more ->
    [0] Eines von: { $choices }
   *[other] Eines von: { $choices } und { $more } weiteren
}
schema-limit-differ = Kein Eintrag doppelt
schema-limit-each = Jeder: { $limit }
schema-limit-entries = Einträge
schema-limit-length = Länge
schema-limit-members = Felder
schema-limit-multiple = Ein Vielfaches von { $value }
schema-limit-pattern = Entspricht { $value }
schema-limit-range = { $shape ->
    [least] { $what } mindestens { $least }
    [most] { $what } höchstens { $most }
    [same] { $what } { $least }
   *[both] { $what } { $least } bis { $most }
}
schema-limit-value = Wert
schema-limit-with = Mit { $names }
schema-look-again = Noch einmal nachsehen
schema-moving = Attribute werden umbenannt oder entfernt
schema-moving-lead = Die neuen Namen gelten bereits. Das Schema lässt sich ändern, sobald alle Benutzer umgestellt sind.
schema-moving-remove = <code>{ $name }</code> wird entfernt
schema-moving-rename = <code>{ $from }</code> heißt dann <code>{ $to }</code>
schema-name-missing = Geben Sie dem Attribut einen Namen.
schema-name-taken = Ein Attribut mit diesem Namen gibt es schon.
schema-name-wrong = Ein Name beginnt mit einem Buchstaben. Buchstaben, Ziffern und Unterstriche dürfen folgen: 63 im Ganzen.
schema-new = Neues Attribut …
schema-new-title = Neues Attribut
schema-no-fields = Für das, was dieses enthalten darf, gibt es keine Felder: Ändern Sie es im <a href="/admin/attributes/schema">ganzen Schema</a>. Alles andere lässt sich hier ändern.
schema-no-number = Geben Sie eine Zahl an. Längen und Anzahlen sind ganze Zahlen.
schema-none = Noch gibt es keine Attribute
schema-none-check = Was nicht passt, wird abgelehnt, woher es auch kommt.
schema-none-filter = Sie können Benutzer danach suchen: alle einer Abteilung, alle mit einem Führerschein.
schema-none-self = Was für sie bestimmt ist, sehen und ändern die Personen selbst, in ihrem eigenen Profil.
schema-none-what = Eine Abteilung, die Nummer eines Ausweises, eine Hemdgröße: was Sie von Benutzern wissen wollen und wofür das Profil kein Feld hat. Noch passt alles, und nichts davon lässt sich suchen.
schema-nothing = nichts
schema-others = Andere Attribute
schema-others-allowed = Benutzer dürfen auch andere haben, mit beliebigem Inhalt
schema-others-refused = Werden abgelehnt: Benutzer haben diese und keine anderen
schema-part-rules = Regeln
schema-part-values = Werte
schema-part-values-hint = Was leer bleibt, zählt nicht.
schema-part-what = Was es ist
schema-part-who = Wer es sieht und ändert
schema-preview = Vorschau
schema-preview-title = Was geschehen würde
schema-refused = Die letzte Version ist nicht in Kraft getreten
schema-refused-lead = { $count ->
    [one] Ein Benutzer passt nicht dazu. Es gilt, was vorher galt. Berichtigen Sie seine Attribute, und machen Sie die Änderung dann noch einmal.
   *[other] { $count } Benutzer passen nicht dazu. Es gilt, was vorher galt. Berichtigen Sie ihre Attribute, und machen Sie die Änderung dann noch einmal. Dies sind die ersten:
}
schema-remove = Entfernen …
schema-remove-claim = Tokens enthalten den Claim <code>{ $claim }</code> nicht mehr.
schema-remove-filters = Filter, die <code>{ $name }</code> nennen, werden von da an abgelehnt: Sehen Sie die Regeln für inaktive Benutzer durch und alles, was andere aufbewahrt haben.
schema-remove-it = { $name } entfernen …
schema-remove-means = Was Benutzer dort stehen haben, wird entfernt, auch bei denen im Papierkorb. Es bleibt in ihrem Verlauf stehen: Wer die Änderung rückgängig macht, holt es von dort zurück.
schema-remove-property = Auch aus dem Schema verschwindet das Attribut.
schema-remove-required = Jetzt ist es Pflicht; danach braucht es niemand mehr.
schema-remove-this = Attribut entfernen
schema-remove-title = { $name } entfernen
schema-remove-users = { $count ->
    [0] Niemand hat es.
    [one] Ein Benutzer hat es.
   *[other] { $count } Benutzer haben es.
}
schema-rename = Umbenennen …
schema-rename-claim = Der Claim <code>{ $claim }</code> bleibt, wie er ist.
schema-rename-filters = Programme, Filter und Dateien mit Benutzern, die <code>{ $from }</code> sagen, müssen dann <code>{ $to }</code> sagen.
schema-rename-index = Der Index wird neu gebaut.
schema-rename-it = Attribut umbenennen
schema-rename-lead = Das Schema hat den neuen Namen sofort, und alle Benutzer werden darauf umgestellt. Ihre Werte bleiben.
schema-rename-title = { $name } umbenennen
schema-rename-users = { $count ->
    [0] Niemand hat es.
    [one] Ein Benutzer hat es.
   *[other] { $count } Benutzer haben es.
}
schema-sample = Einige davon:
schema-save = Speichern
schema-title = Attribute
schema-under-way = Eine andere Änderung des Schemas läuft noch. Warten Sie, bis sie fertig ist, und senden Sie dies dann noch einmal.
schema-unshown = Dazu kommt, wofür es hier keine Felder gibt; das bleibt, wie es ist: { $keywords }.
schema-version = Version { $version }
schema-violated = { $count ->
    [one] Ein Benutzer passt nicht dazu. Nichts ist geändert.
   *[other] { $count } Benutzer passen nicht dazu. Nichts ist geändert.
}
schema-violated-first = Dies sind die ersten { $count } Fehler.
schema-violated-lead = Berichtigen Sie ihre Attribute, oder ändern Sie Ihre Angaben, und senden Sie es noch einmal. Was Sie eingegeben haben, steht unten.
schema-violated-title = Wer nicht dazu passt
schema-visibility-admin = Die Administration
schema-visibility-public = Alle, die die Person sehen dürfen
schema-visibility-self = Auch die Person
schema-waits = Wartet
schema-waits-lead = Was geschrieben wird, passt bereits zur neuen Version. Bis sie in Kraft ist, tritt an ihre Stelle, was Sie hier ändern, und behält, was sie sagt.
schema-where = Wo Sie sind
schema-whole = Ganzes Schema …
schema-whole-lead = Alle Attribute als ein Dokument, auch mit dem, wofür die Formulare keine Felder haben. Um ein Attribut, das Benutzer haben, umzubenennen oder zu entfernen, nehmen Sie seine eigene Seite: Was hier nur anders heißt, ist ein anderes Attribut.
schema-whole-malformed = Das ist kein gültiges JSON: Sehen Sie sich Zeile { $line }, Spalte { $column } an.
schema-whole-title = Ganzes Schema
schema-whole-too-long = Dieses Schema ist länger, als ein Formular senden kann. Der Befehl <code>usher attributes set</code> und die API nehmen es.
schema-whole-wrong = So lässt sich das Schema nicht übernehmen. Was nicht stimmt, steht unten, jeweils mit seiner Stelle.
