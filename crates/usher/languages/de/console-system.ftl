health-administrator = vorhanden
health-advice = Was zu tun ist
health-again = Noch einmal prüfen
health-audit-late = { $sealed } Ereignisse sind versiegelt, { $waiting } warten, das erste seit { $seconds } s: Läuft ein Server oder Worker? Ist eine Transaktion lange offen?
health-audit-sealed = { $sealed } Ereignisse sind versiegelt, keines wartet
health-audit-waiting = { $sealed } Ereignisse sind versiegelt, { $waiting } warten, das erste seit { $seconds } s
health-caption = Prüfungen; was anzusehen ist, steht zuerst
health-check = Prüfung
health-check-administrator = Administration
health-check-audit = Protokoll
health-check-bloat = Ungenutzter Platz
health-check-clock = Uhr
health-check-configuration = Konfiguration
health-check-database = Datenbank
health-check-indexes = Indizes
health-check-jobs = Aufträge
health-check-keys = Signaturschlüssel
health-check-mail = Mail
health-check-migrations = Migrationen
health-check-partitions = Partitionen
health-check-replica = Replikat
health-check-replication-slots = Replikations-Slots
health-check-sealing = Versiegelung
health-check-search = Suche
health-check-sizes = Größen
health-check-transactions = Transaktionen
health-dead-rows = { $percent } % der Zeilen von { $table } sind tot, zuletzt aufgeräumt: { $vacuumed ->
    [never] nie
   *[other] { $vacuumed }
}
health-do-administrator = Legen Sie die erste Person mit dem Token an, das `usher setup-token` ausgibt.
health-do-audit = Sehen Sie nach, ob ein Server oder Worker läuft und ob keine Transaktion lange offen bleibt.
health-do-bloat = Lassen Sie Autovacuum öfter zu diesen Tabellen kommen, oder führen Sie `vacuum` für sie aus.
health-do-clock = Lassen Sie beide Uhren per NTP stellen: Nach ihnen richtet sich, wie lange Tokens und Links gelten.
health-do-configuration = Ändern Sie die Einstellung dort, woher sie kommt, und starten Sie dann jeden Prozess neu.
health-do-database = Sehen Sie nach, ob PostgreSQL antwortet und ob seine Version unterstützt wird.
health-do-indexes = Bauen Sie neu, was fehlt oder ungültig ist: docs/operations.md sagt, wie.
health-do-jobs = `usher job list` zeigt, warum sie fehlgeschlagen sind; `usher job retry` lässt sie noch einmal versuchen.
health-do-keys = Geben Sie den geheimen Schlüssel, mit dem sie erstellt wurden, als USHER_SECRET_KEY oder USHER_SECRET_KEY_PREVIOUS an.
health-do-mail = Sehen Sie nach, warum sie nicht gesendet wurden, setzen Sie USHER_SMTP_URL, wenn es keinen Mailserver gibt, und senden Sie sie erneut.
health-do-migrations = Führen Sie `usher migrate` der neuesten Version aus, und ersetzen Sie Prozesse älterer Versionen.
health-do-partitions = Sehen Sie nach, ob ein Server oder Worker läuft: Sein täglicher Auftrag legt sie an.
health-do-replica = Sehen Sie nach, ob das Replikat läuft und nachkommt. Bis dahin antwortet die Datenbank selbst.
health-do-replication-slots = Entfernen Sie einen Slot, den niemand braucht, bevor er die Platte füllt.
health-do-sealing = Führen Sie `usher keys reseal` aus, und konfigurieren Sie dafür jeden geheimen Schlüssel, mit dem etwas versiegelt ist.
health-do-search = Lassen Sie den Eigentümer der Datenbank `create extension pg_trgm` ausführen.
health-do-transactions = Sehen Sie nach, was diese Verbindungen tun, und beenden Sie, was vergessen wurde.
health-found = Was gefunden wurde
health-given-up = nach { $seconds } s abgebrochen; Prüfungen, die hier fehlen, fanden nicht statt
health-index-failed = der Index { $index } eines Attributs ließ sich nicht bauen: { $why }
health-index-invalid = der Index { $index } ist ungültig oder wird gerade gebaut
health-index-missing = der Index { $index } fehlt: siehe docs/operations.md
health-indexes = { $count } sind vorhanden und gültig
health-jobs = { $waiting } warten, { $given_up } aufgegeben
health-keys-closed = { $error }: Ist USHER_SECRET_KEY der Schlüssel, mit dem sie erstellt wurden?
health-keys-open = der Signaturschlüssel lässt sich öffnen
health-lead = Was <code>usher doctor</code> ansieht, wie der antwortende Prozess es sieht: usher { $version }, { $when } { $zone }.
health-mails = { $server ->
    [none] kein SMTP-Server ist gesetzt
   *[set] ein SMTP-Server ist gesetzt
}; { $held } zurückgehalten, { $given_up } aufgegeben
health-migrated = alle sind angewendet
health-newer = eine neuere Version hat auf { $version } migriert; diese arbeitet damit, bis sie ersetzt wird
health-no-administrator = noch niemand: siehe `usher setup-token`
health-no-dead-rows = in keiner Tabelle sind { $percent } % der Zeilen tot
health-no-replica = die Datenbank antwortet an seiner Stelle: { $error }
health-no-transaction = keine ist seit { $minutes } Minuten offen
health-no-trigrams = ohne die Erweiterung pg_trgm liest eine Suche alle Benutzer
health-nothing = Nichts
health-partitions = { $count } Tabellen haben ihre im Voraus
health-partitions-kept = { $table } wird nicht nach Alter verworfen: Führen Sie `usher migrate` mit diesem USHER_AUDIT_RETENTION_DAYS aus
health-partitions-short = { $until ->
    [never] { $table } hat keine Partitionen
   *[other] { $table } hat nur Partitionen bis { $until }
}: Läuft ein Server oder Worker?
health-partitions-strays = { $table } hat Zeilen ohne eigene Partition: Der nächste Lauf des täglichen Auftrags legt sie an
health-release = PostgreSQL { $release } (15 bis 18 werden unterstützt)
health-replica = { $bytes } Bytes des Logs hinter der Datenbank
health-resealed = alles ist mit dem geheimen Schlüssel versiegelt; der vorherige kann entfernt werden
health-sealed = alles ist mit dem geheimen Schlüssel versiegelt
health-sealed-before = { $count ->
    [one] ein Wert ist
   *[other] { $count } Werte sind
} mit dem vorherigen geheimen Schlüssel versiegelt: Führen Sie `usher keys reseal` aus
health-sealed-unknown = { $count ->
    [one] ein Wert ist mit einem geheimen Schlüssel versiegelt, der nicht konfiguriert ist, und lässt
   *[other] { $count } Werte sind mit einem geheimen Schlüssel versiegelt, der nicht konfiguriert ist, und lassen
} sich nicht öffnen
health-settings-good = jede Einstellung ist in Ordnung
health-sizes = die Datenbank hat { $size }; die größten Tabellen mit ihren Indizes: { $tables }
health-skew = { $milliseconds } ms Abstand zur Uhr der Datenbank
health-slot-holds = der Replikations-Slot { $slot }, { $used ->
    [nobody] von niemandem benutzt
   *[somebody] in Benutzung
}, hält { $held } des Logs zurück
health-slot-lost = der Replikations-Slot { $slot } hat seinen Platz verloren: Entfernen Sie ihn
health-slots = { $count }; keiner hält viel vom Log zurück
health-transaction = { $kind ->
    [prepared] die vorbereitete Transaktion
   *[process] der Prozess
} { $name } ist seit { $since } in einer Transaktion: Nichts Späteres wird aufgeräumt oder versiegelt
health-trigrams = pg_trgm ist vorhanden
health-unmigrated = { $count ->
    [one] eine fehlt
   *[other] { $count } fehlen
}: Führen Sie `usher migrate` aus
health-verdict = Urteil
health-verdict-failed = Fehlgeschlagen
health-verdict-ok = In Ordnung
health-verdict-warning = Warnung
health-warnings = { $count ->
    [one] Warnung
   *[other] Warnungen
}
mail-about-address-in-use = An die Person, der eine Adresse gehört, die jemand einem anderen Konto hinzufügen wollte.
mail-about-already-registered = An die Person, der eine Adresse gehört, mit der sich jemand registrieren wollte.
mail-about-api-key-created = Wenn ein API-Schlüssel für ein Konto erstellt wurde.
mail-about-confirm-email = An eine weitere Adresse, um zu bestätigen, dass sie der Person gehört.
mail-about-email-removed = An eine Adresse, die von einem Konto entfernt wurde.
mail-about-email-requested = An die Hauptadresse, wenn eine andere hinzukommen soll.
mail-about-inactivity-warning = An alle, die ihr Konto lange nicht benutzt haben, bevor damit etwas geschieht.
mail-about-invitation = An alle, die eingeladen sind, ein Konto anzulegen.
mail-about-new-device = Nach einer Anmeldung auf einem Gerät, das zuvor nicht benutzt wurde.
mail-about-password-changed = Wenn ein neues Passwort gesetzt wurde.
mail-about-primary-changed = An die alte und die neue Hauptadresse.
mail-about-professional-declined = Wenn ein Antrag auf den Profi-Status abgelehnt wurde.
mail-about-professional-granted = Wenn der Profi-Status vergeben wurde.
mail-about-professional-withdrawn = Wenn der Profi-Status entzogen wurde.
mail-about-reset-password = An alle, die ihr Passwort vergessen haben oder ein anderes wählen sollen.
mail-about-second-factor-changed = Wenn ein zweiter Faktor hinzugefügt, entfernt, erneuert oder benutzt wurde.
mail-about-undo-deletion = An alle, die ihr Konto gelöscht haben, um das rückgängig zu machen.
mail-about-username-changed = Wenn der Benutzername geändert wurde.
mail-about-verify-email = An alle, die sich registriert haben, um zu bestätigen, dass die Adresse ihre ist.
mail-about-welcome = An die Person, für die die Administration ein Konto angelegt hat, um ein Passwort zu wählen.
mail-attempts = Versuche
mail-kind = Art
mail-last-error = Letzter Fehler
mail-made = Erstellt ({ $zone })
mail-page = Mail: { $title }
mail-retry = Erneut senden …
mail-retry-button = Erneut senden
mail-retry-means = Sie kommt wieder in die Warteschlange, wie sie ist. Gilt ihr Link inzwischen nicht mehr, öffnet er nichts: Lassen Sie dann einen neuen senden.
mail-retry-to = An { $address }
mail-sent = Gesendet ({ $zone })
mail-status-failed = Aufgegeben
mail-status-held = Zurückgehalten
mail-status-queued = Wartet
mail-status-sent = Gesendet
mail-text-as-html = Als HTML
mail-text-as-plain = Als reinen Text
mail-text-changed = Jemand hat diesen Text geändert, seit Sie ihn geöffnet haben. Speichern Sie noch einmal, um Ihren an dessen Stelle zu setzen.
mail-text-counts = Das gilt jetzt.
mail-text-edited = Bearbeitet
mail-text-edited-at = { $when } { $zone }
mail-text-hint = Der Kopf, eine leere Zeile, dann die Absätze: jeder auf einer Zeile, mit einer leeren danach.
mail-text-languages = Sprachen
mail-text-marked = Markiert ist, was nicht mehr gesagt wird.
mail-text-missing = Der Text darf nicht fehlen.
mail-text-no-mail = Es gibt keine Mail zu zeigen.
mail-text-preview-here = Vom Text, wie er hier steht, gespeichert oder nicht.
mail-text-preview-values = Mit Beispielwerten; der Link führt nirgendwohin.
mail-text-restore-means = Diese Mail sagt ab der nächsten wieder, was { $product } mitbringt. Der Text, der jetzt gilt, bleibt nur im Protokoll.
mail-text-restore-title = Wiederherstellen: { $title }
mail-text-shipped = Wie { $product } ihn mitbringt
mail-text-shipped-title = Was { $product } mitbringt
mail-text-subject = Der Text
mail-text-test = Test an mich senden
mail-text-test-sent = Der Text unten ist nicht gespeichert. Eine Mail, die aus ihm entstand, ist unterwegs an { $address }.
mail-text-text = Text
mail-text-the-mail = Die Mail
mail-text-values = Werte
mail-text-values-hint = Was in diesem Text stehen kann. Was nicht bekannt ist, ist leer: <code>{ "{% if … %}" }</code> fragt danach.
mail-text-wrong = Daraus wird keine Mail. Auf Englisch: { $why }
mail-texts-all = Alle { $all } sagen, was { $product } mitbringt.
mail-texts-caption = Mails und ihre Sprachen
mail-texts-edited-label = , bearbeitet
mail-texts-lead = Was in den Mails steht, ein Text je Sprache.
mail-texts-mail = Mail
mail-texts-some = { $count ->
    [one] { $count } von { $all } sagt etwas anderes, als { $product } mitbringt.
   *[other] { $count } von { $all } sagen etwas anderes, als { $product } mitbringt.
}
mail-texts-when = Wann
mail-texts-when-sent = Wann sie gesendet wird
mail-the-user = Zum Benutzer
mail-title-address-in-use = Adresse vergeben
mail-title-already-registered = Schon registriert
mail-title-api-key-created = API-Schlüssel erstellt
mail-title-confirm-email = Weitere Adresse bestätigen
mail-title-email-removed = Adresse entfernt
mail-title-email-requested = Adresse angefragt
mail-title-inactivity-warning = Warnung vor Inaktivität
mail-title-invitation = Einladung
mail-title-new-device = Neues Gerät
mail-title-password-changed = Passwort geändert
mail-title-primary-changed = Hauptadresse geändert
mail-title-professional-declined = Profi-Status abgelehnt
mail-title-professional-granted = Profi-Status vergeben
mail-title-professional-withdrawn = Profi-Status entzogen
mail-title-reset-password = Passwort zurücksetzen
mail-title-second-factor-changed = Zweiter Faktor geändert
mail-title-undo-deletion = Löschung rückgängig machen
mail-title-username-changed = Benutzername geändert
mail-title-verify-email = Adresse bestätigen
mail-title-welcome = Willkommen
mail-to = An
mail-value-ending = Was mit dem Konto geschieht: suspended, deleted, oder nichts.
mail-value-ends-on = Der Tag, an dem das geschieht, oder nichts.
mail-value-event = Wann, von wo und mit welchem Programm es geschah, je eine Zeile.
mail-value-factor = Was geschehen ist: added, removed, reset, codes_renewed, code_used, passkey_added oder passkey_removed.
mail-value-inviter = Wer einlädt, oder nichts.
mail-value-lifetime = Wie lange der Link gilt, zum Beispiel „60 Minuten“.
mail-value-link = Der Link, der zu einer Schaltfläche wird. Allein in seinem Absatz.
mail-value-message = Was die einladende Person sagt, als Zitat, oder nichts.
mail-value-name = Wie man die Person anspricht, oder nichts.
mail-value-product = Der Name der Website.
mail-value-public-url = Die Adresse der Website. Allein in ihrem Absatz.
mail-value-reason = Was die Person sagt, die entschieden hat, als Zitat, oder nichts.
mail-value-since = Der letzte Tag, an dem das Konto benutzt wurde.
mails-caption = Mails, die neueste zuerst
mails-count = { $count ->
    [one] { $count } Mail
   *[other] { $count } Mails
}
mails-held-notice = Es gibt keinen Mailserver, also werden Mails zurückgehalten. Setzen Sie <code>USHER_SMTP_URL</code>, starten Sie neu, und senden Sie sie dann erneut.
mails-how-far = Wie weit sie sind
mails-lead = Die der letzten 30 Tage. Was in einer Mail steht, wird nirgends angezeigt.
mails-no-older = Ältere gibt es nicht.
mails-none = In den letzten 30 Tagen gab es keine.
mails-none-such = Es gibt keine.
mails-retry-all = Alle erneut senden …
mails-retry-all-button = Alle erneut senden
mails-retry-all-detail = { $given_up } aufgegeben, { $held } ohne Mailserver zurückgehalten
mails-retry-all-means = Sie kommen wieder in die Warteschlange, wie sie sind. Links, die inzwischen nicht mehr gelten, öffnen nichts.
mails-tile-held = Ohne Mailserver zurückgehalten
mails-tile-sent = In einem Tag gesendet
rotate-ahead = In 6 Minuten
rotate-ahead-hint = Wenn ihn alle kennen können, die die veröffentlichten Schlüssel aufbewahren. Der übliche Weg.
rotate-begins = Der neue Schlüssel signiert
rotate-button = Wechseln
rotate-means = Ein neuer Schlüssel wird erstellt und tritt an die Stelle des jetzigen. Niemand wird abgemeldet: Tokens, die der jetzige signiert hat, gelten, bis sie ablaufen. Ein Wechsel lässt sich nicht rückgängig machen.
rotate-missing = Wählen Sie, wann der neue Schlüssel beginnt.
rotate-now = In Sekunden
rotate-now-hint = Für einen jetzigen Schlüssel, den Fremde haben. Dienste, die die Schlüssel aufbewahren, lehnen vielleicht 5 Minuten lang gültige Tokens ab.
rotate-title = Signaturschlüssel wechseln
settings-all = Alle { $count }
settings-changed = Geändert { $count }
settings-chapter-audit = Protokoll
settings-chapter-database = Datenbank
settings-chapter-files-and-keys = Dateien und Schlüssel
settings-chapter-log-and-traces = Log und Traces
settings-chapter-mail = Mail
settings-chapter-passwords = Passwörter
settings-chapter-server = Server
settings-chapter-tokens-and-sessions = Tokens und Sitzungen
settings-default = Vorgabe
settings-environment = Umgebung
settings-file = Datei <code>{ $file }</code>
settings-from = Woher
settings-in-force = Gilt
settings-lead = Womit dieser Server läuft. Einstellungen kommen aus seiner Umgebung und werden dort geändert, für den nächsten Start. Geheimnisse werden nicht angezeigt.
settings-none-changed = Nichts wurde geändert.
settings-not-set = Nicht gesetzt
settings-set = Gesetzt
settings-setting = Einstellung
settings-which = Welche Einstellungen
signing-keys-after = { $count ->
    [one] Ein Schlüssel wird nach einem Tag von selbst ersetzt.
   *[other] Ein Schlüssel wird nach { $count } Tagen von selbst ersetzt.
}
signing-keys-algorithm = Verfahren
signing-keys-by-hand = Schlüssel werden nur von Hand ersetzt.
signing-keys-caption = Signaturschlüssel, der neueste zuerst
signing-keys-duty-expired = Abgelaufen
signing-keys-duty-next = Signiert als Nächster
signing-keys-duty-signing = Signiert
signing-keys-duty-verifying = Prüft
signing-keys-from = Signiert ab ({ $zone })
signing-keys-key = Schlüssel
signing-keys-lead = Sie signieren Zugriffstokens, und andere prüfen diese mit den veröffentlichten Schlüsseln unter <a href="/.well-known/jwks.json"><code>/.well-known/jwks.json</code></a>.
signing-keys-made = Erstellt ({ $zone })
signing-keys-means-expired = Nichts wird mit ihm geprüft, und seine private Hälfte ist weg.
signing-keys-means-next = Er ist schon veröffentlicht, damit ihn alle kennen, wenn er beginnt.
signing-keys-means-signing = Neue Tokens werden mit ihm signiert.
signing-keys-means-verifying = Er signiert nicht mehr und bleibt veröffentlicht, bis sein letztes Token abgelaufen ist.
signing-keys-published = Veröffentlicht bis ({ $zone })
signing-keys-rotate = Wechseln …
signing-keys-states = Was der Stand bedeutet
signing-keys-until = Bis ({ $zone })
